"""Numbers that `decimal` computes do not depend on the caller's context."""

import decimal

import pytest

from fastinit.arguments import dtypes
from fastinit.distributions import lognormal, tails

CONTEXTS = {
    "few digits": decimal.Context(prec=3, rounding=decimal.ROUND_UP),
    "a short range": decimal.Context(Emin=-2, Emax=2),
    "clamped": decimal.Context(Emin=-99, Emax=99, clamp=1),
    "all traps": decimal.Context(traps=list(decimal.Context().flags)),
}


def numbers():
    constants = [
        lognormal.lognormal(mean, 0, dtypes.resolve("float64")).numbers.tolist() for mean in (0.1, 300.0, -740.0, 800.0)
    ]
    return constants + [tails.numbers(a, b, 1.0, 64) for a, b in ((2.0, 3.0), (-0.5, 5.0), (30.0, 30.001), (-30.0, 100.0))]


@pytest.mark.parametrize("name", CONTEXTS)
def test_any_context_gives_the_same_numbers(name):
    wanted = numbers()
    with decimal.localcontext(CONTEXTS[name]) as context:
        assert numbers() == wanted
        assert not any(context.flags.values())
