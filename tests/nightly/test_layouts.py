"""`out` of absurd layouts and indices of absurd sizes; `tests/promise` and `tests/generator` have the usual ones."""

import itertools
import math
import mmap

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

import fastinit as fi
from fastinit.arguments import outputs
from tests.conftest import ROWS, draw
from tests.generator.fuzz import numpy_dtype
from tests.repeats import cases
from tests.values.defined import define

pytestmark = pytest.mark.nightly

SEED = 3


def real_of(row):
    return numpy_dtype(row[1])


OFFSETS = (1, 2, 3, 5, 4095, 4097)
#: Rows of each item size at every offset, and all rows at one.
SIX = [("bits", "uint32"), ("normal", "float32"), ("tail", "float64"), ("central", "bfloat16"), ("uniform", "float8_e5m2")]
SIX += [("integers", "int16")]
PLACES = [(row, offset) for row in SIX for offset in OFFSETS]
PLACES += [(row, OFFSETS[i % 6]) for i, row in enumerate(ROWS) if row not in SIX]


@pytest.mark.parametrize(("row", "offset"), PLACES, ids=lambda each: " ".join(each) if type(each) is tuple else each)
def test_mapped_files_at_any_byte(tmp_path, row, offset):
    """The bytes before and behind keep what they were, in the file too."""
    name, dtype = row
    count, item = 1234, real_of(row).itemsize
    before = bytes(range(256)) * 64
    path = tmp_path / "x.bin"
    path.write_bytes(before)
    mapped = np.memmap(path, real_of(row), "r+", offset=offset, shape=(2, count // 2))
    assert draw(fi.default_rng(SEED), name, dtype, out=mapped) is mapped
    mapped.flush()
    written = path.read_bytes()
    assert written[:offset] == before[:offset]
    assert written[offset + count * item :] == before[offset + count * item :]
    assert written[offset : offset + count * item] == draw(fi.default_rng(SEED), name, dtype, size=count).tobytes()


@pytest.mark.parametrize("row", ROWS, ids=" ".join)
def test_arrays_without_axes(row):
    """At every byte, as a view of something larger, and as a block of something huge."""
    name, dtype = row
    item = real_of(row).itemsize
    expected = draw(fi.default_rng(SEED), name, dtype, size=()).tobytes()
    far = draw(fi.default_rng(SEED), name, dtype, size=2**62, index=2**62 - 5).tobytes()
    for offset in range(9):
        memory = bytearray(b"\x5a" * 32)
        out = np.ndarray((), real_of(row), memory, offset)
        for options, value in (({}, expected), ({"size": 2**62, "index": 2**62 - 5}, far)):
            assert draw(fi.default_rng(SEED), name, dtype, out=out, **options) is out
            assert memory == b"\x5a" * offset + value + b"\x5a" * (32 - offset - item)


def strided(memory, shape, strides):
    """A view of any strides: by integers of the same size, for NumPy cannot make one of float8_e5m2."""
    view = np.lib.stride_tricks.as_strided(memory.view(f"u{memory.itemsize}"), shape, strides)
    return view.view(memory.dtype)


@pytest.mark.parametrize("row", ROWS, ids=" ".join)
def test_zero_strides(row):
    """Refused where two elements would be one; an axis of one element may have any stride, one of none too."""
    name, dtype = row
    real = real_of(row)
    memory = np.zeros(100, real)
    rng = fi.default_rng(SEED)
    for shape, strides in [((5,), (0,)), ((2, 5), (0, real.itemsize)), ((2, 2, 2), (8, 0, 16)), ((5, 2), (real.itemsize, 0))]:
        out = strided(memory, shape, strides)
        with pytest.raises(ValueError, match="out must not overlap itself"):
            draw(rng, name, dtype, out=out)
    assert not memory.view(np.uint8).any()
    assert rng.state["calls"] == 0
    with pytest.raises(ValueError, match=r"out must be writable|out must not overlap"):
        draw(rng, name, dtype, out=np.broadcast_to(memory[:5], (3, 5)))
    for shape, strides in [((1, 5), (0, real.itemsize)), ((5, 1), (real.itemsize, 0)), ((1,), (0,)), ((1, 1), (-8, 10**15))]:
        out = strided(memory, shape, strides)
        draw(fi.default_rng(SEED), name, dtype, out=out)
        assert out.tobytes() == draw(fi.default_rng(SEED), name, dtype, size=math.prod(shape)).tobytes()
    empty = strided(memory, (0, 5), (0, 0))
    assert draw(fi.default_rng(SEED), name, dtype, out=empty) is empty


# --- overlap ----------------------------------------------------------------------------------------------------------


def meets(shape, strides, itemsize):
    """By all offsets."""
    offsets = np.zeros(1, np.int64)
    for n, stride in zip(shape, strides, strict=True):
        offsets = np.add.outer(offsets, stride * np.arange(n)).ravel()
    return len(offsets) > 1 and bool(np.diff(np.sort(offsets)).min() < itemsize)


@cases(1500)
@given(
    axes=st.lists(st.tuples(st.integers(1, 9), st.integers(-40, 40) | st.integers(-600, 600)), max_size=5),
    itemsize=st.sampled_from([1, 2, 4, 8]),
)
@example(axes=[(3, 8), (3, 12)], itemsize=4)
@example(axes=[(2, 12), (3, 8), (2, 4)], itemsize=4)
def test_every_overlap_is_found(axes, itemsize):
    """Axes that interleave without meeting count as an overlap too: no slice or transpose has them."""
    shape, strides = tuple(n for n, _ in axes), tuple(stride for _, stride in axes)
    assume(math.prod(shape) <= 6000)
    assert outputs._may_overlap(shape, strides, itemsize) or not meets(shape, strides, itemsize)


@pytest.mark.parametrize(
    ("shape", "strides", "overlap"),
    [
        ((1 << 20, 1 << 20), (4, 1 << 22), False),
        ((1 << 20, 1 << 20), (1 << 22, 4), False),
        ((1000, 1000, 1000), (12, 12_000, 12_000_000), False),
        ((6, 1 << 31), (28, 20), True),
        ((2000, 1000), (12, 8004), True),
        ((1 << 40, 3), (8, 20), True),
        ((1 << 20, 1 << 20), (8, 12), True),
        ((1 << 20, 1 << 20), (8, (1 << 23) - 16), True),
    ],
)
def test_overlap_of_large_arrays(shape, strides, overlap):
    assert outputs._may_overlap(shape, strides, 4) is overlap


def test_interleaved_rows_are_refused():
    """Rows whose elements lie between those of others, without meeting."""
    memory = np.full(1499 * 2003 + 999 * 3 + 1, 7, np.float32)
    out = np.lib.stride_tricks.as_strided(memory, (1500, 1000), (4 * 2003, 12))
    assert not meets(out.shape, out.strides, 4)
    with pytest.raises(ValueError, match="out must not overlap itself"):
        fi.default_rng(SEED).normal(out=out)
    assert (memory == 7).all()


# --- arrays that say other things of themselves than they are ---------------------------------------------------------


def liar(**says):
    """A subclass of ndarray with these attributes."""
    return type("Liar", (np.ndarray,), {name: property(lambda self, value=value: value) for name, value in says.items()})


@pytest.mark.parametrize("index", [None, np.s_[:]])
@pytest.mark.parametrize(
    ("says", "size"),
    [
        ({"shape": (4000,)}, 4000),
        ({"shape": (4000,)}, None),
        ({"strides": (4096,)}, 10),
        ({"size": 1 << 40}, 10),
        ({"itemsize": 800}, 10),
        ({"dtype": np.dtype(np.float32)}, 10),
        ({"__array_interface__": {"data": (4096, False), "shape": (10,), "typestr": "<f4", "version": 3}}, 10),
        ({"flags": np.zeros(1).flags}, 10),
        ({"ctypes": None, "nbytes": 1, "ndim": 7, "T": None, "base": None}, 10),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else str(value),
)
def test_subclasses_that_lie(says, size, index):
    if size is None and index is not None:
        pytest.skip("an index needs a size")
    memory = np.zeros(mmap.PAGESIZE, np.uint8)
    kind = np.int16 if "dtype" in says else np.float32
    out = memory[1024:].view(kind)[:10].view(liar(**says))
    if "flags" in says:
        memory.flags.writeable = False
        out = memory[1024:].view(kind)[:10].view(liar(**says))
    try:
        fi.default_rng(SEED).normal(out=out, size=size, index=index)
    except (TypeError, ValueError):
        assert not memory.any()
    else:
        assert memory[1024:1064].tobytes() == fi.default_rng(SEED).normal(size=10).tobytes()
        memory[1024:1064] = 0
        assert not memory.any()


# --- indices that carry -----------------------------------------------------------------------------------------------

ARGUMENTS = {
    "bits": (),
    "uniform": (-1.5, 2.5),
    "normal": (0.5, 2.0),
    "truncated_normal": (-2.0, 2.0, 0.5, 2.0, "std"),
}
LARGEST = 2**62
CARRIES = [31, 32, 33, 34, 35, 47, 48, 49, 50, 51, 52, 61]


@pytest.mark.parametrize("power", CARRIES)
@pytest.mark.parametrize(
    ("name", "dtype"), [("bits", "uint32"), *itertools.product(list(ARGUMENTS)[1:], ("float32", "float64"))]
)
def test_indices_about_a_carry_are_as_defined(name, dtype, power):
    """Where the counter, of two, three or four elements, carries out of 32 and 48 bits: one by one by the definition."""
    arguments = ARGUMENTS[name]
    options = {} if name == "bits" else {"dtype": dtype}
    units = {"units": arguments[-1]} if name == "truncated_normal" else {}
    numbers = arguments[:-1] if units else arguments
    middle = 1 << power
    places = [middle - 129, middle - 64, middle - 1, middle, middle + 1, middle + 64, middle + 200]

    def get(index):
        rng = fi.default_rng(SEED)
        return getattr(rng, name)(*numbers, size=LARGEST, index=index, **units, **options)

    run = get(slice(middle - 300, middle + 300))
    found = np.array([run[place - middle + 300] for place in places])
    expected = define(name, arguments, dtype, places, SEED, (), 0)
    assert found.tobytes() == expected.tobytes()
    assert np.array([get(place) for place in places]).tobytes() == expected.tobytes()


@pytest.mark.parametrize("row", ROWS, ids=" ".join)
@pytest.mark.parametrize("power", [32, 34, 48, 50])
def test_a_parallel_run_over_a_carry(row, power):
    """What several threads fill together and one alone, forward, backward and by steps that carry each time."""

    def get(index):
        return draw(fi.default_rng(SEED), *row, size=LARGEST, index=index)

    middle, half = 1 << power, 20_000
    run = get(slice(middle - half, middle + half))
    for part in (slice(0, 9000), slice(half - 700, half + 700), slice(2 * half - 5000, 2 * half)):
        assert run[part].tobytes() == get(slice(middle - half + part.start, middle - half + part.stop)).tobytes()
    assert run[::-1].tobytes() == get(slice(middle + half - 1, middle - half - 1, -1)).tobytes()
    steps = get(slice(5, None, 1 << 47))
    assert steps.size == 1 << 15
    for i in (0, 1, 7, 8, 1000, (1 << 15) - 1):
        assert steps[i] == get(5 + (i << 47))
    shape = (1 << 31, 1 << 31)
    column = draw(fi.default_rng(SEED), *row, size=shape, index=np.s_[(1 << 17) - 9 : (1 << 17) + 9, 3])
    assert column[12] == get((((1 << 17) + 3) << 31) + 3)
