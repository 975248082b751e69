"""How often tests repeat: more at night, see `conftest.py`."""

import pytest
from hypothesis import settings

NIGHTLY = settings.default is settings.get_profile("nightly")


def times(usual, each_night):
    """How often to repeat something."""
    return each_night if NIGHTLY else usual


def cases(count, factor=10):
    """Hypothesis settings for `count` random arguments, `factor` times as many at night."""
    return settings(max_examples=times(count, count * factor))


def mostly_at_night(arguments, every):
    """Arguments of `pytest.mark.parametrize`: each `every`-th runs by day too, the others are marked nightly."""
    sets = [case if type(case) is tuple else (case,) for case in arguments]
    return [pytest.param(*case, marks=pytest.mark.nightly if i % every else ()) for i, case in enumerate(sets)]
