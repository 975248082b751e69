"""Products with a matrix that is not stored: NumPy's shapes and dtypes, sums within bounds in any threads, flat memory.

The bound of a sum of n products in any order, each rounded with the unit u (2^-24, 2^-53): n u / (1 - n u) times the sum of
their absolute values (N. J. Higham, "Accuracy and Stability of Numerical Algorithms", 2002, equation 3.5).
"""

import tracemalloc
import warnings

import numpy as np
import pytest

import fastinit as fi
from fastinit import laws
from fastinit.kernels import cpus
from fastinit.lazy_arrays import products
from fastinit.lazy_arrays.tiles import HEIGHT, WIDTH, height_of
from tests.conftest import label
from tests.lazy_arrays.arrays import LAWS, PAIRS, both
from tests.repeats import mostly_at_night

UNITS = {"float16": 2.0**-24, "float32": 2.0**-24, "float64": 2.0**-53, "complex64": 2.0**-23, "complex128": 2.0**-52}


def operand(shape, dtype="float32"):
    return np.random.default_rng(5).normal(size=shape).astype(dtype)


def wide(x):
    """Values in a dtype whose own rounding is far below what is tested: NumPy's longdouble."""
    return x.astype(np.clongdouble if x.dtype.kind == "c" else np.longdouble)


def check(product, left, right):
    """Whether a product has the dtype and shape of NumPy's, and sums within the bound."""
    expected = np.matmul(left, right)
    assert type(product) is type(expected)
    assert (product.dtype, product.shape) == (expected.dtype, expected.shape)
    if expected.dtype.kind in "biu":
        np.testing.assert_array_equal(product, expected)
        return
    n, unit = left.shape[-1], UNITS[expected.dtype.name]
    a, b = wide(left), wide(right)
    exact, bound = np.matmul(a, b), n * unit / (1 - n * unit) * np.matmul(abs(a), abs(b))
    if expected.dtype == np.float16:  # rounded once more: half a unit in the last place, or of the subnormal numbers
        bound = bound * 1.001 + np.maximum(abs(exact) * 2.0**-11, 2.0**-25)
    assert (abs(wide(product) - exact) <= bound).all()


#: More than a tile in both directions, and no multiples of one.
ROWS, COLUMNS = 2 * HEIGHT + 17, 2 * WIDTH + 33


@pytest.mark.nightly
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16", "float8_e4m3fn", "float8_e5m2"])
@pytest.mark.parametrize("x", ["float32", "float64"])
def test_dtypes(dtype, x):
    lazy, full = both(laws.normal(0.5, 0.25), (ROWS, COLUMNS), dtype)
    check(lazy @ operand(COLUMNS, x), full, operand(COLUMNS, x))
    check(operand((3, ROWS), x) @ lazy, operand((3, ROWS), x), full)


OTHERS = [("float16", "float16"), ("float32", "complex64"), ("float32", "int8"), ("float16", "int64")]
OTHERS += [("int8", "float32"), ("int8", "int16"), ("int64", "uint8")]


@pytest.mark.parametrize(("dtype", "x"), OTHERS)
def test_dtypes_of_both(dtype, x):
    law = laws.rademacher() if dtype.startswith("int") else laws.normal()
    lazy, full = both(law, (200, 300), dtype)
    right = operand((300, 4), "float32") * 100
    right = right.astype(x) + (1j if x == "complex64" else 0)
    check(lazy @ right.astype(x), full, right.astype(x))


#: Each law once, in a dtype that the law before had not; then each dtype that is left, of the law that has most.
EACH = [(law, law.dtype_names[i % len(law.dtype_names)]) for i, law in enumerate(LAWS)]
EACH += [pair for pair in PAIRS if pair[0] == laws.bernoulli(0.3) and pair[1] not in {dtype for _, dtype in EACH}]


@pytest.mark.parametrize(("law", "dtype"), mostly_at_night(EACH, 2), ids=label)
def test_every_law_and_dtype(law, dtype):
    """The values in a product are those of the array: a product with the unit matrix gives them back, exactly."""
    lazy, full = both(law, (70, 90), dtype)
    with np.errstate(invalid="ignore"):  # heavy tails may be infinite in short dtypes
        product = lazy @ np.eye(90, dtype=np.int8 if full.dtype.kind in "biu" else np.float32)
    finite = np.isfinite(full.astype(np.float64)).all(axis=1)
    np.testing.assert_array_equal(product[finite], full[finite].astype(product.dtype))


@pytest.mark.parametrize("shape", [(5, 0), (0, 7), (0, 0), (1, 1), (1, 3000), (3000, 1), (HEIGHT, WIDTH), (65, 1025)])
def test_sizes(shape):
    lazy, full = both(laws.normal(), shape)
    for columns in ((), (0,), (1,), (3,)):
        x = operand((shape[1], *columns))
        check(lazy @ x, full, x)
        check(x.T @ lazy.T, x.T, full.T)


STACKS = [
    ((4, 6), (6,)), ((4, 6), (3, 6, 2)), ((6,), (6,)), ((6,), (6, 2)), ((6,), (5, 6, 2)), ((3, 4, 6), (6,)),
    ((3, 4, 6), (6, 2)), ((3, 4, 6), (3, 6, 2)), ((3, 4, 6), (5, 3, 6, 2)), ((2, 1, 4, 6), (3, 6, 2)), ((0, 4, 6), (6, 2)),
]  # fmt: skip


@pytest.mark.parametrize(("left", "right"), STACKS)
def test_stacks_and_vectors_from_both_sides(left, right):
    lazy, full = both(laws.normal(), left)
    check(lazy @ operand(right), full, operand(right))
    turned, x = lazy, operand(right)
    if len(left) > 1:
        turned = lazy.T if len(left) == 2 else fi.LazyArray(lazy._source.swapped())
    x = x if x.ndim == 1 else np.swapaxes(x, -1, -2)
    check(x @ turned, x, np.asarray(turned))


def test_blocks_transposes_and_operands_of_any_strides():
    lazy, full = both(laws.normal(), (700, 900))
    part, cut = lazy.block(np.s_[::-2, 5:]).T, full[::-2, 5:].T
    x = operand((2 * cut.shape[1], 6))[::-2, ::3]
    check(part @ x, cut, x)
    check(x.T @ part.T, x.T, cut.T)
    check(part @ list(x[:, 0].tolist()), cut, x[:, 0].astype(float))


def test_out():
    lazy, full = both(laws.normal(), (40, 40))
    x = operand((40, 40))
    out = np.empty((40, 40), np.float32)
    assert np.matmul(lazy, x, out=out) is out
    check(out, full, x)
    again = x.copy()
    np.matmul(lazy, again, out=again)
    np.testing.assert_array_equal(again, out)
    with pytest.raises(TypeError, match="out must have dtype float32"):
        np.matmul(lazy, x, out=out.astype(np.float64))


#: Shapes of both sides, and what they share with the result.
OUTS = [((40, 30), (30, 20)), ((40, 30), (30,)), ((30,), (30, 20)), ((30,), (30,)), ((3, 40, 30), (30, 20)), ((5, 0), (0, 4))]


@pytest.mark.parametrize(("left", "right"), OUTS)
def test_out_has_the_same_sums(left, right):
    """In one piece, with gaps, transposed, of a subclass; from both sides."""
    lazy, _ = both(laws.normal(), left)
    x = operand(right)
    pairs = [(lazy, x)] if len(left) != 2 else [(lazy, x), (x.T, lazy.T)]
    for a, b in pairs:
        expected = a @ b
        gaps = np.full((*expected.shape, 2), 7, expected.dtype)[..., 0]
        turned = np.full(expected.shape[::-1], 7, expected.dtype).T
        for out in (np.full(expected.shape, 7, expected.dtype), gaps, turned, turned.view(np.recarray)):
            assert np.matmul(a, b, out=out) is out
            assert out.tobytes() == expected.tobytes()


def test_out_that_is_wrong_is_found_before_the_product(monkeypatch):
    monkeypatch.setattr(products, "_stacked", lambda *_: pytest.fail("it was computed"))
    with pytest.raises(ValueError, match=r"out must have shape \(40,\)"):
        np.matmul(both(laws.normal(), (40, 30))[0], operand(30), out=np.empty(30, np.float32))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_product_into_out_needs_no_second_result(dtype):
    lazy = fi.lazy(laws.normal(), (1 << 16, 8), 0, dtype=dtype)
    x, out = operand((8, 32), dtype), np.empty((1 << 16, 32), dtype)
    tracemalloc.start()
    try:
        with cpus.at_most(1):
            np.matmul(lazy, x, out=out)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert out.nbytes >= 8 << 20
    assert peak < 1 << 20


def test_sums_do_not_depend_on_threads():
    lazy, _ = both(laws.normal(), (ROWS, COLUMNS))
    few, _ = both(laws.normal(), (130, COLUMNS))
    x = operand((COLUMNS, 5))
    for each in (lazy, few):
        expected = each @ x
        for threads in (1, 2, 3):
            with cpus.at_most(threads):
                assert (each @ x).tobytes() == expected.tobytes()


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_memory_is_flat(dtype):
    """A product of a matrix of 256 MiB of float32 allocates tiles, and what is as large as operand and result."""
    lazy = fi.lazy(laws.normal(), (4096, 16384), 0, dtype=dtype)
    x = operand((16384, 3), dtype if dtype != "bfloat16" else "float32")
    tracemalloc.start()
    try:
        with cpus.at_most(2):
            lazy @ x
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 * HEIGHT * WIDTH * 4 + (4 << 20)


def test_few_rows_are_work_for_several_threads():
    assert [height_of(rows) for rows in (1, 64, 256, 2048, 10**6)] == [64, 64, 64, 128, HEIGHT]


def test_numpy_s_error_state_holds_in_all_threads():
    lazy = fi.lazy(laws.cauchy(scale=1e30), (ROWS, 100), 0)
    x = np.full(100, 1e30, np.float32)
    with np.errstate(all="raise"), pytest.raises(FloatingPointError):
        lazy @ x
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not np.isfinite(lazy @ x).all()
