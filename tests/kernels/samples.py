"""Kinds of lanes, numbers to try them with, and what NumPy makes of those."""

import numpy as np
import pytest

from fastinit.arithmetic.lanes import f32, f64, i32, i64, u8, u16, u32, u64
from fastinit.kernels.mapped import mapped

DTYPES = {u8: "u1", u16: "u2", u32: "u4", u64: "u8", i32: "i4", i64: "i8", f32: "f4", f64: "f8"}
UNSIGNED, SIGNED, REALS = (u8, u16, u32, u64), (i32, i64), (f32, f64)
INTEGERS, ALL = (*UNSIGNED, *SIGNED), tuple(DTYPES)
NAMES = {f32: "float32", f64: "float64"}


def cases(table):
    """Parameters from a table whose keys are the tests' names."""
    return pytest.mark.parametrize("case", [pytest.param(row, id=name) for name, row in table.items()])


# What the operations make
def integer_samples(kind):
    low, high = (-(1 << kind.bits - 1), (1 << kind.bits - 1) - 1) if kind in SIGNED else (0, (1 << kind.bits) - 1)
    middle = (low + high) // 2
    edges = [low, low + 1, 0, 1, 2, 3, 7, middle - 1, middle, middle + 1, middle + 2, high - 1, high]
    edges += [(1 << n) - 1 for n in range(4, kind.bits - 1, 7)] + [-1, -2, -8] * (kind in SIGNED)
    random = np.random.default_rng(1).integers(low, high, 21, DTYPES[kind], endpoint=True)
    return np.concatenate([np.array(edges, DTYPES[kind]), random])


def real_samples(kind):
    info, dtype = np.finfo(DTYPES[kind]), DTYPES[kind]
    plain = [0.0, 1.0, 1.5, 2.0, 3.0, 0.1, 1 / 3, 1 + info.eps, 1 - info.epsneg, 16777217.0, 1e10]
    plain += [info.max, info.smallest_normal, info.smallest_subnormal, info.smallest_normal - info.smallest_subnormal, np.inf]
    plain = np.array([*plain, np.nan], dtype)
    generator = np.random.default_rng(2)
    bits = generator.integers(0, 2**kind.bits, 21, f"u{kind.bits // 8}")
    return np.concatenate([plain, -plain, bits.view(dtype), generator.normal(size=10).astype(dtype)])


def samples(kind):
    return real_samples(kind) if kind in REALS else integer_samples(kind)


def bits_of(x):
    return x.view(f"u{x.itemsize}")


def require_same(found, wanted):
    """Equal dtypes, shapes and bits; NaN is as good as another NaN."""
    assert (found.dtype, found.shape) == (wanted.dtype, wanted.shape)
    alike = bits_of(found) == bits_of(wanted)
    if found.dtype.kind == "f":
        alike |= np.isnan(found) & np.isnan(wanted)
    where = np.flatnonzero(~alike)
    assert not where.size, f"{where.size} differ, the first is {found.ravel()[where[0]]}, not {wanted.ravel()[where[0]]}"


def computed(function, *arrays):
    """What NumPy makes of arrays, without its warnings; conditions as uint8."""
    with np.errstate(all="ignore"):
        made = function(*arrays)
    return made.astype(np.uint8) if made.dtype == bool else made


def require_numpy_s(function, *arrays):
    require_same(mapped(function, *arrays), computed(function, *arrays))


def label(x):
    return getattr(x, "__name__", None) or str(x)
