"""Values of `fastinit.laws` are those of the definition, bit for bit."""

import numpy as np
import pytest

import fastinit as fi
from tests.definition import reference_laws
from tests.repeats import mostly_at_night
from tests.values.defined import FAR, HUGE, as_stored, define, generator, require_same_bits

#: Arguments of each law, as NumPy's Generator would take them.
ARGUMENTS = {
    "exponential": [(1,), (0.02,), (1e-39,), (0,), (-0.0,)],
    "laplace": [(0, 1), (-1.7, 0.02), (0, 3e37), (1 + 2**-8 + 2**-40, 0)],
    "logistic": [(0, 1), (300, 7), (0, 2e-39), (0.1, 0)],
    "gumbel": [(0, 1), (-1.7, 0.02), (0.1, 0)],
    "cauchy": [(0, 1), (-1.7, 0.02), (0.1, 0)],
    "lognormal": [(0, 1), (-3, 0.02), (0, 60), (-102, 3), (0.3, 0), (-800, 0), (89, 0)],
    "rademacher": [()],
    "bernoulli": [(0.5,), (0.3,), (0.99,), (2**-20,), (0,), (1,)],
}
INTEGERS = [(7, None, False), (3, 101, False), (-5, 100, True), (0, 0, True)]
CASES = [
    (name, arguments, dtype)
    for name, rows in ARGUMENTS.items()
    for dtype in getattr(fi.laws, name)(*rows[0]).dtype_names
    for arguments in rows
]


def drawn(name, arguments, dtype, indices, path=(), call=0):
    law = getattr(fi.laws, name)(*arguments) if name != "integers" else integers(*arguments)
    index = slice(indices.start, indices.stop, indices.step)
    return generator(11, path, call).draw(law, HUGE, dtype=dtype, index=index)


def integers(low, high, endpoint):
    return fi.laws.integers(low, high, endpoint=endpoint)


def require_law(name, arguments, dtype, indices, path=(), call=0):
    """What is drawn is what the text says."""
    got = drawn(name, arguments, dtype, indices, path, call)
    values = [reference_laws.law(name, 11, path, call, i, *arguments, dtype=dtype) for i in indices]
    expected = np.array(values, dtype) if dtype in reference_laws.BITS else as_stored(values, dtype)
    require_same_bits(got, expected, indices)


@pytest.mark.parametrize(("name", "arguments", "dtype"), mostly_at_night(CASES, 4))
def test_laws(name, arguments, dtype):
    require_law(name, arguments, dtype, range(0, 130))
    require_law(name, arguments, dtype, range(2**33 + 11, 2**33 + 51), path=("w",), call=2)


@pytest.mark.parametrize("dtype", mostly_at_night(fi.laws.integers(2).dtype_names, 2))
def test_integers(dtype):
    info = np.iinfo(dtype)
    whole, quarter = info.max - info.min + 1, (info.max - info.min + 1) // 4
    ends = [(info.min, info.max, True), (info.min, info.min + 3 * quarter, False), (info.max - whole // 2, info.max, False)]
    for low, high, endpoint in (*INTEGERS, *ends):
        if low >= info.min:
            require_law("integers", (low, high, endpoint), dtype, range(0, 100))
            require_law("integers", (low, high, endpoint), dtype, range(2**34 + 5, 2**34 + 35), path=(3,), call=1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("indices", mostly_at_night(FAR, 2))
def test_far_out(indices, dtype):
    for name, rows in ARGUMENTS.items():
        require_law(name, rows[0], dtype, indices)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16", "float8_e4m3fn", "float8_e5m2"])
def test_laws_of_the_methods_are_the_methods(dtype):
    """`draw` of uniform, normal and truncated_normal gives the values that their methods give."""
    calls = {"uniform": (-1.5, 2.5), "normal": (0.5, 2.0), "truncated_normal": (-0.5, 3.0, 0.25, 2.0)}
    for name, arguments in calls.items():
        got = drawn(name, arguments, dtype, range(7, 90))
        last = (*arguments, "std") if name == "truncated_normal" else arguments
        require_same_bits(got, define(name, last, dtype, range(7, 90), 11, (), 0))
    law = fi.laws.truncated_normal(-0.5, 3.0, 0.25, 2.0, units="absolute")
    expected = define("truncated_normal", (-0.5, 3.0, 0.25, 2.0, "absolute"), dtype, range(50), 11, (), 0)
    require_same_bits(generator(11, (), 0).draw(law, 50, dtype=dtype), expected)


def test_the_twin_of_integers_rejects():
    """Else the tests above would not see a wrong rejection: one word in four is taken anew."""
    word = [reference_laws.own_word(reference_laws.element((11, (), 0), i, np.float32), 0) for i in range(100)]
    count = 3 * 2**30
    assert 10 < sum(w * count % 2**32 < 2**32 % count for w in word) < 45
