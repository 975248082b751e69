"""Conversions, halves and constants of `Lanes` equal NumPy's, bit by bit."""

import numpy as np
import pytest

from fastinit.arithmetic.lanes import (
    Lanes,
    bitcast,
    convert,
    f32,
    f64,
    fma,
    half_bits,
    i32,
    in_step,
    minimum,
    raised,
    select,
    u16,
    u32,
    u64,
    upper_halves,
)
from fastinit.kernels.mapped import WIDTH, mapped
from tests.definition.reference_floats import fl
from tests.kernels.samples import ALL, DTYPES, INTEGERS, REALS, SIGNED, bits_of, computed, label, require_same, samples


# Conversions
def ties(kind, real):
    """Integers half way between two numbers of a real kind, and their neighbours."""
    found = []
    for top in range(real.digits, kind.bits - (kind in SIGNED)):
        half = 1 << top - real.digits
        found += [(1 << top) + odd * half + off for odd in (1, 3) for off in (-1, 0, 1)]
    found += [(1 << kind.bits - (kind in SIGNED)) - 1 - n for n in (0, 1, 1 << 9, 1 << 10, 1 << 20) if n < 1 << kind.bits - 1]
    return np.array([s * n for n in found for s in ((1, -1) if kind in SIGNED else (1,))], DTYPES[kind])


@pytest.mark.parametrize("real", REALS, ids=label)
@pytest.mark.parametrize("kind", INTEGERS, ids=label)
def test_integers_become_the_nearest_reals(kind, real):
    x = np.concatenate([samples(kind), ties(kind, real)])
    wanted = np.array([fl(int(n), np.dtype(DTYPES[real]).type) for n in x], DTYPES[real])
    require_same(mapped(lambda x: convert(x, real), x), wanted)


@pytest.mark.parametrize("real", REALS, ids=label)
@pytest.mark.parametrize("kind", INTEGERS, ids=label)
def test_reals_lose_their_fraction(kind, real):
    """Where the rest fits: what does not is nobody's."""
    least, most = float(np.iinfo(DTYPES[kind]).min), 2.0 ** (kind.bits - (kind in SIGNED))
    x = np.concatenate([samples(real), np.random.default_rng(7).uniform(least, most, 500).astype(DTYPES[real])])
    x = np.concatenate([x, np.array([0.5, 0.999, 1.5, 2.5, least, np.nextafter(np.array(most, x.dtype), 0)], x.dtype)])
    x = x[(x >= least) & (x < most)]
    require_same(mapped(lambda x: convert(x, kind), x), x.astype(DTYPES[kind]))


@pytest.mark.parametrize("there", INTEGERS, ids=label)
@pytest.mark.parametrize("here", INTEGERS, ids=label)
def test_integers_keep_their_low_bits(here, there):
    require_same(mapped(lambda x: convert(x, there), samples(here)), samples(here).astype(DTYPES[there]))


def test_doubles_become_the_nearest_floats():
    """Ties to even, subnormals, what becomes infinite."""
    above = [1 + 2.0**-24, 1 + 3 * 2.0**-24, 1 + 2.0**-24 + 2.0**-52, 1 + 3 * 2.0**-24 - 2.0**-51, 2.0**128 - 2.0**103]
    small = [2.0**-150, 3 * 2.0**-150, 2.0**-150 * (1 + 2.0**-40), 2.0**-127 + 2.0**-150, np.nextafter(2.0**128 - 2.0**103, 0)]
    generator = np.random.default_rng(8)
    x = np.concatenate([above, small, samples(f64), generator.normal(size=1000) * 2.0 ** generator.integers(-155, 130, 1000)])
    x = np.concatenate([x, -x])
    with np.errstate(all="ignore"):
        wanted = np.array([fl(float(value), np.float32) for value in x], "f4")
    require_same(mapped(lambda x: convert(x, f32), x), wanted)
    require_same(mapped(lambda x: convert(x, f64), samples(f32)), samples(f32).astype("f8"))


@pytest.mark.parametrize("kind", ALL, ids=label)
def test_a_conversion_to_its_own_kind_changes_nothing(kind):
    require_same(mapped(lambda x: convert(x, kind), samples(kind)), samples(kind))
    require_same(mapped(lambda x: bitcast(x, kind), samples(kind)), samples(kind))


@pytest.mark.parametrize(
    ("here", "there"), [(a, b) for a in ALL for b in ALL if a.bits == b.bits and a is not b], ids=lambda kind: str(kind)
)
def test_bits_read_as_another_kind(here, there):
    found = mapped(lambda x: bitcast(x, there), samples(here))
    assert (bits_of(found) == bits_of(samples(here))).all()


@pytest.mark.parametrize("half", [u32, i32, f32], ids=label)
def test_halves_come_the_low_one_first(half):
    """A number is added to each of the halves: the first of a vector is the lower half of its first word."""

    def numbered(w):
        halves = bitcast(bitcast(w, half), u32)
        assert halves.width == 2 * w.width
        return bitcast(halves + w.target.count_up(u32, halves.width), u64)

    words = samples(u64)
    wanted = words.view("u4").reshape(-1, 2).copy()
    wanted += np.resize(np.arange(2 * WIDTH, dtype="u4"), wanted.size).reshape(wanted.shape)
    require_same(mapped(numbered, words), wanted.view("u8").ravel())


def test_halves_of_words():
    require_same(mapped(raised, samples(u64)), samples(u64) << np.uint64(32))
    require_same(mapped(upper_halves, samples(u32)), (samples(u32) >> np.uint32(16)).astype("u2"))


def test_half_bits():
    """The CPU's conversion to float16, where it has one: to nearest even, subnormals kept."""
    found = []

    def or_nothing(x):
        half = half_bits(x)
        found.append(half)
        return convert(bitcast(x, u32), u16) if half is None else half

    generator = np.random.default_rng(9)
    x = (generator.normal(size=3000) * 2.0 ** generator.integers(-28, 17, 3000)).astype("f4")
    x = np.concatenate([x, samples(f32), np.float32([65519.99, 65520, 1 + 2.0**-11, 1 + 3 * 2.0**-11, 2.0**-25, 3 * 2.0**-26])])
    made = mapped(or_nothing, x)
    if found[0] is None:
        pytest.skip("this CPU has no conversion to float16")
    require_same(made.view("f2"), computed(lambda x: x.astype("f2"), x))


def test_values_in_step_are_unchanged():
    a, b = samples(u64), samples(u64)[::-1].copy()
    found = mapped(lambda a, b: in_step(a + 1, b * 3), a, b)
    require_same(found[0], a + np.uint64(1))
    require_same(found[1], b * np.uint64(3))


# Constants and scalars
@pytest.mark.parametrize("kind", ALL, ids=label)
def test_constants_are_the_nearest_numbers_of_their_kind(kind):
    if kind in REALS:
        info = np.finfo(DTYPES[kind])
        numbers = [0.0, -0.0, 0.1, -1 / 3, 1 + 2.0**-24, 1 + 2.0**-24 + 2.0**-50, 1e-46, 1e-45, 5e-324, float(info.max)]
        numbers += [float(info.smallest_normal), float("inf"), -float("inf"), float("nan"), 2**24, -(2**100)]
        wanted = [fl(x, np.dtype(DTYPES[kind]).type) for x in numbers]
    else:
        info = np.iinfo(DTYPES[kind])
        numbers = wanted = [0, 1, 77, int(info.min), int(info.max)]
    found = mapped(lambda x: tuple(x.constant(number) for number in numbers), np.zeros(1, DTYPES[kind]))
    require_same(np.concatenate(found), np.array(wanted, DTYPES[kind]))


def one(x, number):
    """A scalar of the kind of `x`."""
    return Lanes(x.target, x.target.constant(number, x.kind, None), x.kind, None)


@pytest.mark.parametrize("kind", ALL, ids=label)
@pytest.mark.parametrize(
    "function",
    [
        lambda x, s: x + s(3),
        lambda x, s: s(3) - x,
        lambda x, s: (s(3) * s(2)) * x,
        lambda x, s: s(3) < x,
        lambda x, s: x >= s(3) + 4,
        lambda x, s: 10 - s(3) + x,
    ],
)
def test_scalars_spread_themselves(function, kind):
    x, real = samples(kind), np.dtype(DTYPES[kind]).type
    found = mapped(lambda x: function(x, lambda number: one(x, number)), x)
    require_same(found, computed(lambda x: function(x, real), x))


def test_scalars_in_fma_and_select():
    x = samples(f32)
    found = mapped(lambda x: fma(one(x, 2.0), x, one(x, 4.0)), x)
    require_same(found, computed(lambda x: x * np.float32(2) + np.float32(4), x))
    found = mapped(lambda x: select(x < one(x, 2.0), one(x, 5.0), x), x)
    require_same(found, np.where(x < 2, np.float32(5), x))
    found = mapped(lambda x: select(x < 2, one(x, 5.0), one(x, 6.0)), x)
    require_same(found, np.where(x < 2, np.float32(5), np.float32(6)))
    found = mapped(lambda x: minimum(x, one(x, 2.0)), x)
    require_same(found, np.where(x < 2, x, np.float32(2)))
    found = mapped(lambda x: bitcast(one(x, 1.5), u32) + bitcast(x, u32), x)
    require_same(found, x.view("u4") + np.uint32(0x3FC00000))
    assert mapped(lambda x: convert(one(x, 7.0), u64).spread(WIDTH), x).tolist() == [7] * x.size
