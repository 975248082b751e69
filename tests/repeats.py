"""How often a test repeats what depends on chance: more often under `--hypothesis-profile=nightly`, see `conftest.py`."""

from hypothesis import settings

NIGHTLY = settings.default is settings.get_profile("nightly")


def times(usual, each_night):
    """How often to repeat something."""
    return each_night if NIGHTLY else usual


def cases(count, factor=10):
    """Hypothesis settings for `count` random arguments, `factor` times as many at night."""
    return settings(max_examples=times(count, count * factor))
