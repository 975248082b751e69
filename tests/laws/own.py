"""Laws of the user's own, for tests of everything that takes `module:name`."""

import fastinit as fi
from fastinit.arithmetic import select, sqrt

ROOT = 3.0


@fi.laws.law("u01_closed_open")
def triangular(u, width=1.0, skew=0.5):
    """From 0 to `width`, with the mode at the share `skew` of it."""
    left = u < skew
    return width * select(left, sqrt(u * skew), 1.0 - sqrt((1.0 - u) * (1.0 - skew)))


@fi.laws.law("normal")
def scaled(z, scale):
    return z * scale


#: With its arguments, and under two names.
NARROW = triangular(0.25)


class Family:
    """A namespace."""

    wide = scaled(9.0)


class Failing:
    """What no text may call."""

    called = 0

    def __init__(self):
        Failing.called += 1


def make():
    """A law that has no name in its module."""

    @fi.laws.law("exponential")
    def inner(e, scale=1.0):
        return e * scale

    return inner
