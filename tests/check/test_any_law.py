"""`fastinit check` for every law of `fastinit.laws`: right samplers pass, and a fault is found by the test meant for it.

Seeds are fixed. A verdict is wrong about a right sampler once in 1,000 seeds; each fault fails by far more than chance.
"""

import numpy as np
import pytest

pytest.importorskip("scipy", reason="fastinit check needs SciPy")

import fastinit as fi
from fastinit.arguments import dtypes
from fastinit.check import laws, subjects, verdict
from tests.repeats import mostly_at_night

N = 1 << 18
OLD = ("bits", "uniform", "normal", "truncated_normal")
NEW = [law for name, group in laws.LAWS.items() if name not in OLD for law in group]


def spread(some):
    """Each law in the dtype that was taken least often before; then each dtype that is left, with a law that it holds."""
    taken = dict.fromkeys((real.name for law in some for real in law.reals), 0)
    for law in some:
        name = min((real.name for real in law.reals), key=taken.get)
        taken[name] += 1
        yield law, name
    for name in [name for name, times in taken.items() if not times]:
        yield next(law for law in some if name in [real.name for real in law.reals]), name


SUBJECTS = {f"{law.title} {name}": (law, name) for law, name in spread(NEW)}


def judged(law, dtype, sampler="fastinit", size=N, seed=3):
    return verdict.judge([subjects.check(law, dtype, sampler, size=size, seed=seed)])


def failed(found):
    return {row.group for _, row in found.failed}


@pytest.mark.parametrize("subject", mostly_at_night(SUBJECTS, 4))
def test_a_right_sampler_passes(subject):
    found = judged(*SUBJECTS[subject])
    assert found.good, found.failed
    assert found.tests >= 16


def sampler(law, dtype, change=lambda x: x, seed=11):
    """A sampler of the law whose values pass through `change` as doubles."""
    real = dtypes.resolve(dtype, dtypes.ALL_NAMES)
    rng = fi.default_rng(seed)
    return lambda count: np.asarray(change(law.draw(rng, real, size=count).astype(np.float64))).astype(real.dtype)


def of(name, *numbers):
    return laws.of(getattr(fi.laws, name)(*numbers))


def cut(limit):
    """Values beyond the limit are replaced by the first ones, which are not."""
    return lambda x: np.where(np.abs(x) > limit, np.resize(x[np.abs(x) <= limit], x.shape), x)


def biased_signs(x):
    x = x.copy()
    x[::500] = 1
    return x


def doubled(x):
    """The number 7 comes twice as often as the others: from 0."""
    return np.where(x == 0, 7, x)


def clumsy_logarithm(x):
    """Exponentials of words of 22 bits."""
    return -np.log(np.ceil(np.exp(-x) * 2.0**22) * 2.0**-22)


CAUCHY, LAPLACE, INTEGERS = of("cauchy"), of("laplace"), of("integers", 0, 100)
#: The law, the dtype, what is wrong, the count of values, and groups of tests of which all must find it.
FAULTS = {
    "exponential 1 % wider": (of("exponential"), "float32", lambda x: x * 1.01, 1 << 20, {"KS", "AD", "moments"}),
    "exponential of 22 bits": (of("exponential"), "float32", clumsy_logarithm, 1 << 20, {"distinct"}),
    "laplace shifted by 1 %": (LAPLACE, "float32", lambda x: x + 0.01, 1 << 20, {"KS", "AD"}),
    "laplace in bfloat16 shifted by 1 %": (LAPLACE, "bfloat16", lambda x: x + 0.01, 1 << 20, {"chi2"}),
    "laplace cut at 11": (LAPLACE, "float64", cut(11.0), 1 << 22, {"tails"}),
    "laplace without its sign": (LAPLACE, "float32", np.abs, N, {"chi2", "KS", "AD", "moments"}),
    "logistic 1 % wider": (of("logistic"), "float32", lambda x: x * 1.01, 1 << 20, {"AD", "moments"}),
    "gumbel of minima": (of("gumbel"), "float64", lambda x: 2 * np.euler_gamma - x, N, {"chi2", "KS", "AD", "moments"}),
    "cauchy shifted by 1 %": (CAUCHY, "float32", lambda x: x + 0.01, 1 << 20, {"KS", "AD", "moments"}),
    "cauchy cut at 30,000": (CAUCHY, "float32", cut(3e4), 1 << 21, {"tails"}),
    "cauchy without infinity": (CAUCHY, "float16", lambda x: np.clip(x, -60000, 60000), 1 << 22, {"tails"}),
    "lognormal of a deviation 1 % wider": (of("lognormal"), "float32", lambda x: x**1.01, 1 << 20, {"AD", "moments"}),
    "signs of which one in 1,000 is wrong": (of("rademacher"), "int8", biased_signs, 1 << 23, {"chi2"}),
    "trials with p off by 0.001": (of("bernoulli", 0.299), "bool", lambda x: x, 1 << 23, {"chi2"}),
    "one integer twice as often": (INTEGERS, "int64", doubled, N, {"chi2", "bounds"}),
    "an integer outside": (INTEGERS, "uint8", lambda x: np.where(np.arange(x.size) == 5, 100, x), N, {"bounds"}),
    "a half among the signs": (of("rademacher"), "float32", lambda x: np.where(np.arange(x.size) == 5, 0.5, x), N, {"bounds"}),
    "modulo bias": (of("integers", 0, 3 << 30), "uint32", lambda x: np.where(x < 2**30, x * 3 % 2**30, x / 1.5), N, {"chi2"}),
}
#: The law that the trials are compared with.
COMPARED = {"trials with p off by 0.001": of("bernoulli", 0.3)}


@pytest.mark.nightly
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found(fault):
    law, dtype, change, size, groups = FAULTS[fault]
    found = failed(judged(COMPARED.get(fault, law), dtype, sampler(law, dtype, change), size))
    assert groups <= found, found


@pytest.mark.parametrize("fault", [name for name in FAULTS if name not in COMPARED][::8])
def test_the_same_sampler_without_the_fault_passes(fault):
    law, dtype, _, size, _ = FAULTS[fault]
    found = judged(law, dtype, sampler(law, dtype), size)
    assert found.good, found.failed


def test_each_law_and_each_dtype_is_among_the_subjects():
    assert {law.title for law, _ in SUBJECTS.values()} == {law.title for law in NEW}
    assert {name for _, name in SUBJECTS.values()} == {real.name for law in NEW for real in law.reals}


@pytest.mark.parametrize("name", laws.EXACT)
def test_every_law_of_the_package_is_checked(name):
    assert name in fi.laws.__all__
    assert name in laws.LAWS


OTHERS = [
    fi.laws.truncated_normal(-0.05, 0.02, 0.01, 0.03, units="absolute"),
    fi.laws.truncated_normal(-1, 2, 0.5, 0.1),
    fi.laws.uniform(3, 4),
    fi.laws.normal(1, 0.02),
    fi.laws.exponential(0.3),
    fi.laws.gumbel(-2, 0.5),
    fi.laws.lognormal(1, 0.5),
    fi.laws.integers(6),
    fi.laws.integers(-(10**12), 10**12, endpoint=True),
]


@pytest.mark.parametrize("law", mostly_at_night(OTHERS, 3), ids=repr)
def test_other_arguments(law):
    known = laws.of(law)
    found = judged(known, law.dtype_names[0])
    assert found.good, found.failed
    assert found.tests >= 16


def test_a_constant_is_no_law():
    with pytest.raises(ValueError, match=r"law must not be a constant; got laplace\(loc=1.0, scale=0.0\)"):
        laws.of(fi.laws.laplace(1.0, 0.0))


def test_ranks_have_moments_where_values_have_none():
    names = [row.name for row in subjects.check(CAUCHY, "float32", size=N).rows if row.group == "moments"]
    assert names == [f"moment {k}" for k in range(1, 9)]
