"""A value is a pure function of seed, stream, index, distribution, parameters and dtype."""

import hashlib
import math
import mmap

import numpy as np
import pytest

import fastinit as fi
from fastinit import dispatch
from fastinit.kernels import cpus, rows, threads
from tests.conftest import DTYPES, LAW_ROWS, ROWS, draw
from tests.processes.scripts import environment, python
from tests.promise.helpers import SEED, alone, numpy_dtype, same_bytes


@pytest.fixture
def kernels_used(monkeypatch):
    """The rows that are asked for, as (law, dtype)."""
    used, right = set(), dispatch.compiled

    def compiled(law, dtype):
        used.add((law.name, dtype))
        return right(law, dtype)

    monkeypatch.setattr(dispatch, "compiled", compiled)
    return used


def test_the_table_has_every_kernel(kernels_used):
    for name, dtype in (*ROWS, *LAW_ROWS):
        draw(fi.default_rng(SEED), name, dtype, size=1)
    for dtype, high in (("float32", 1e-36), ("float64", 1e-300)):
        fi.default_rng(SEED).uniform(0, high, size=1, dtype=dtype)
    fi.default_rng(SEED).truncated_normal(-math.inf, math.inf, size=1, dtype="float8_e4m3fn")
    assert kernels_used == set(rows.ROWS)


@pytest.mark.parametrize(("name", "dtype"), ROWS)
def test_thread_count(name, dtype, monkeypatch):
    n, helpers, right = 100_003, [], threads.fill_together

    def fill_together(loop, head, begin, end, wanted, out):
        helpers.append(wanted)
        right(loop, head, begin, end, wanted, out)

    monkeypatch.setattr(threads, "fill_together", fill_together)
    monkeypatch.setattr(threads, "PARALLEL_FROM", 1 << 14)
    for count in (1, 2, 3, 6):
        monkeypatch.setattr(cpus, "allowed", lambda count=count: count)
        same_bytes(draw(fi.default_rng(SEED), name, dtype, size=n), alone(name, dtype, n), f"{count} threads")
    assert helpers == [1, 2, 5]


DIGESTS = """
import hashlib
import fastinit as fi
from fastinit.kernels import cpus, threads
from tests.conftest import ROWS, draw

threads.PARALLEL_FROM = 1 << 12
print(cpus.allowed())
for name, dtype in ROWS:
    print(hashlib.sha256(draw(fi.default_rng(2024), name, dtype, size=40_009).tobytes()).hexdigest())
"""


def test_seven_threads_in_another_process():
    printed = python(DIGESTS, env=environment(NUMBA_NUM_THREADS="7")).split()
    assert printed == ["7", *(hashlib.sha256(alone(*row, 40_009).tobytes()).hexdigest() for row in ROWS)]


@pytest.mark.parametrize(("name", "dtype"), ROWS)
@pytest.mark.parametrize(
    ("chunk", "grain", "start", "segment"),
    [(7, 1, 1, 1 << 27), (64, 1, 1, 1000), (1000, 10, 1, 333), (1 << 19, 1 << 13, 1 << 62, 97), (8192, 8192, 1, 8193)],
)
def test_chunks_and_segments(name, dtype, chunk, grain, start, segment, monkeypatch):
    monkeypatch.setattr(cpus, "allowed", lambda: 3)
    monkeypatch.setattr(threads, "CHUNK", chunk)
    monkeypatch.setattr(threads, "GRAIN", grain)
    monkeypatch.setattr(threads, "PARALLEL_FROM", start)
    monkeypatch.setattr(dispatch, "SEGMENT", segment)
    n = 20_011 if chunk > 1000 else 3001
    same_bytes(draw(fi.default_rng(SEED), name, dtype, size=n), alone(name, dtype, n))


def layouts(shape, dtype, folder):
    """Writable arrays of one shape in every sort of memory."""
    count, width, axes = math.prod(shape), dtype.itemsize, len(shape)
    views = {
        "C": np.empty(shape, dtype),
        "Fortran": np.empty(shape, dtype, order="F"),
        "transposed": np.empty(shape[::-1], dtype).T,
        "first axis last": np.moveaxis(np.empty(shape[1:] + shape[:1], dtype), -1, 0),
        "strided": np.empty([3 * n for n in shape], dtype)[(slice(1, None, 3),) * axes],
        "padded rows": np.empty((*shape[:-1], shape[-1] + 5), dtype)[..., 2:-3],
        "reversed": np.empty(shape, dtype)[(slice(None, None, -1),) * axes],
        "last axis reversed": np.empty(shape, dtype)[..., ::-1],
        "strided backwards": np.empty([2 * n for n in shape], dtype)[(slice(None, None, -2),) * axes],
        "a column of a wider array": np.empty((*shape, 3), dtype)[..., 1],
        "field of packed records": np.empty(shape, [("pad", "u1"), ("value", dtype)])["value"],
        "mapped memory": np.frombuffer(mmap.mmap(-1, count * width), dtype).reshape(shape),
        "mapped file": np.memmap(folder / f"{dtype}-{axes}", dtype, "w+", offset=13, shape=shape),
    }
    for odd in (1, 3):
        memory = bytearray(count * width + 8)
        views[f"odd address {odd}"] = np.frombuffer(memory, dtype, count, odd).reshape(shape)
        assert views[f"odd address {odd}"].ctypes.data % width or width == 1
    return views


@pytest.mark.parametrize(("name", "dtype"), ROWS)
@pytest.mark.parametrize("many_threads", [False, True])
def test_memory_layout(name, dtype, many_threads, tmp_path, request):
    if many_threads:
        request.getfixturevalue("parallel")
    for shape in ((20, 211), (3, 7, 50), (3001,)):
        for what, view in layouts(shape, numpy_dtype(dtype), tmp_path).items():
            returned = draw(fi.default_rng(SEED), name, dtype, out=view)
            assert returned is view
            same_bytes(view, alone(name, dtype, shape), f"{what}, {shape}")


@pytest.mark.parametrize(("name", "dtype"), ROWS)
def test_a_smaller_size_is_a_prefix(name, dtype):
    whole = alone(name, dtype, 20_000)
    for n in (1, 2, 11, 12, 13, 31, 32, 33, 63, 64, 65, 127, 128, 129, 1000, 8191, 8192, 8193, 16_385):
        same_bytes(draw(fi.default_rng(SEED), name, dtype, size=n), whole[:n], f"size {n}")
        same_bytes(draw(fi.default_rng(SEED), name, dtype, size=(1, n, 1)).ravel(), whole[:n], f"size (1, {n}, 1)")
    same_bytes(draw(fi.default_rng(SEED), name, dtype, size=(13, 77)).ravel(), whole[: 13 * 77], "rows")


@pytest.mark.parametrize(("name", "dtype"), ROWS)
def test_call_number_is_all_that_earlier_calls_leave(name, dtype):
    """The n-th call is the same after calls of any size, kind and dtype."""
    rng, other = fi.default_rng(SEED), fi.default_rng(SEED)
    first = [draw(rng, name, dtype, size=40) for _ in range(4)]
    other.uniform(size=3)
    other.truncated_normal(3, 4, size=0, dtype="float64")
    same_bytes(draw(other, name, dtype, size=40), first[2])
    other.bits()
    assert len({x.tobytes() for x in first}) == 4
    fourth = fi.default_rng(SEED)
    fourth.state = other.state | {"calls": 3}
    same_bytes(draw(fourth, name, dtype, size=40), first[3])


@pytest.mark.parametrize("dtype", DTYPES)
def test_parameters_move_values_and_not_words(dtype):
    """Location and scale act on the same standard values; so the words depend on the index alone."""
    z = fi.default_rng(SEED).normal(size=500, dtype="float64")
    x = fi.default_rng(SEED).normal(8, 4, size=500, dtype="float64")
    np.testing.assert_allclose(x, 8 + 4 * z, rtol=1e-15, atol=1e-14)
    if dtype == "float8_e4m3fn":  # whose subnormal numbers, up to 2^-6, other values round to
        return
    same_bytes(
        fi.default_rng(SEED).normal(0, 4, size=500, dtype=dtype),
        np.multiply(fi.default_rng(SEED).normal(size=500, dtype=dtype), 4),
    )
