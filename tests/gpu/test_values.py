"""PTX run as C writes the bytes that the CPU writes, and no byte beside them."""

import json

import numpy as np
import pytest

import fastinit as fi
from fastinit import dispatch
from fastinit.arguments.devices import DeviceArray
from fastinit.arithmetic import sqrt
from fastinit.gpu import launch, ptx, trace
from fastinit.kernels import rows
from tests.conftest import DTYPES, LAW_ROWS, ROWS, SOME_LAW_ROWS, draw
from tests.definition import hashes
from tests.gpu.conftest import OnDevice
from tests.repeats import mostly_at_night

OTHERS = [row for row in LAW_ROWS if row not in SOME_LAW_ROWS]
ALL_ROWS = [*ROWS, *OTHERS, ("normal within", "float8_e4m3fn")]
#: A factor for each row of reals, which is an argument of `draw`.
SUMS = [(name, dtype) for name, dtype in ALL_ROWS if dtype in DTYPES]
#: Each dtype of reals, without elements in doubt and with them: addresses depend on nothing else of a row.
BY_TILES = [(name, dtype) for name in ("normal", "tail") for dtype in DTYPES]
SIX = [("bits", "uint32"), ("normal", "float32"), ("tail", "float64"), ("central", "bfloat16"), ("uniform", "float8_e5m2")]


def dtype_of(name):
    return fi.arguments.dtypes.resolve(name, (name,)).dtype


def compare(name, dtype, view, nbytes, **keywords):
    """Fill `view` of two buffers, on the host and by PTX, and compare all of both."""
    host, device = (np.full(nbytes, 0xA5, np.uint8) for _ in range(2))
    for out in (view(host), OnDevice(view(device))):
        rng = fi.default_rng(7)
        if name == "normal within":  # so wide that float8_e4m3fn cannot hold all
            rng.normal(0, 200, dtype=dtype, out=out, **keywords)
        else:
            draw(rng, name, dtype, out=out, **keywords)
        assert rng.state["calls"] == 1
    assert host.tobytes() == device.tobytes()
    return host


def run_of(count, dtype, offset=64):
    """A contiguous array in the middle of a buffer."""
    itemsize = dtype_of(dtype).itemsize
    return lambda memory: memory[offset : offset + count * itemsize].view(dtype_of(dtype))


@pytest.fixture
def small_grid(cuda, monkeypatch):
    """Threads that have several steps to do, runs that are worth tiles, and the kernels' names as they are launched."""
    cuda.multiprocessors = 1
    monkeypatch.setattr(launch, "BLOCKS", 1)
    monkeypatch.setattr(launch, "FEW", 1)
    monkeypatch.setattr(launch, "LONG", 200)
    names, pieces = [], launch.pieces

    def noted(*arguments):
        for piece in pieces(*arguments):
            names.append(piece.name)
            yield piece

    monkeypatch.setattr(launch, "pieces", noted)
    return names


@pytest.mark.parametrize("dtype", ["float16", "float8_e5m2"])
def test_nan_of_an_own_law(cuda, dtype):
    law, (host, device) = root_of_a_normal()(), (np.zeros(500, dtype_of(dtype)) for _ in range(2))
    for out in (host, OnDevice(device)):
        fi.default_rng(3).draw(law, out=out)
    assert 200 < np.isnan(host).sum() < 300
    assert host.tobytes() == device.tobytes()


def root_of_a_normal():
    @fi.laws.law("normal")
    def root(z):
        return sqrt(z)

    return root


@pytest.mark.parametrize(("name", "dtype"), ALL_ROWS[::7])
def test_elements(cuda, name, dtype):
    compare(name, dtype, run_of(777, dtype), 777 * 8 + 128)
    assert len(cuda.launches) == 1


@pytest.mark.nightly
@pytest.mark.parametrize(("name", "dtype"), [("bits", "uint32"), *SOME_LAW_ROWS, *BY_TILES])
def test_tiles_with_a_head_and_a_tail(small_grid, name, dtype):
    """The counts are such that each thread takes several pairs of counters."""
    count = 30_011
    tile = 2 * launch.TILE * 64 // rows.STORAGE[dtype].word.bits
    index = np.s_[tile - 16 : tile - 16 + count]  # the head ends at a multiple of 16 elements, where tiles are aligned
    compare(name, dtype, run_of(count, dtype), count * 8 + 128, size=2**40, index=index)
    assert small_grid == ["elements0", "tiles", "elements0"]


def compare_sums(name, dtype, view, nbytes, factor, **keywords):
    """Add to values of both signs, and compare all of both buffers."""
    host, device = (np.full(nbytes, 0xA5, np.uint8) for _ in range(2))
    for memory, wrap in ((host, np.asarray), (device, OnDevice)):
        out = view(memory)
        out[...] = fi.default_rng(9).uniform(-3, 3, out.shape, dtype=dtype)
        if name == "normal within":
            fi.default_rng(7).normal(0, 200, dtype=dtype, out=wrap(out), add=factor, **keywords)
        else:
            draw(fi.default_rng(7), name, dtype, out=wrap(out), add=factor, **keywords)
    assert host.tobytes() == device.tobytes()


@pytest.mark.parametrize(("name", "dtype"), SUMS[::13])
def test_sums(cuda, name, dtype):
    compare_sums(name, dtype, run_of(777, dtype), 777 * 8 + 128, -0.7)


@pytest.mark.nightly
@pytest.mark.parametrize(("name", "dtype"), BY_TILES)
def test_sums_by_tiles(small_grid, name, dtype):
    """A head, tiles and a tail; then rows that are strided, and an odd address."""
    tile = 2 * launch.TILE * 64 // rows.STORAGE[dtype].word.bits
    index = np.s_[tile - 16 : tile - 16 + 20_011]
    compare_sums(name, dtype, run_of(20_011, dtype), 20_011 * 8 + 128, True, size=2**40, index=index)
    assert small_grid == ["elements0", "tiles", "elements0"]
    compare_sums(name, dtype, lambda m: m.view(dtype_of(dtype)).reshape(30, 30)[::2, ::-3], 900 * dtype_of(dtype).itemsize, 2)
    compare_sums(name, dtype, run_of(700, dtype, 1), 700 * 8 + 16, -1.0)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_constant_is_added(small_grid, dtype):
    for view in (run_of(5000, dtype), lambda m: run_of(5000, dtype, 3)(m)[::2]):
        host, device = (np.zeros(5000 * 8 + 128, np.uint8) for _ in range(2))
        for memory, wrap in ((host, np.asarray), (device, OnDevice)):
            fi.default_rng(1).normal(0.1, 0, dtype=dtype, out=wrap(view(memory)), add=3)
        assert host.tobytes() == device.tobytes()
        assert host.any()
    assert "tiles" in small_grid


@pytest.mark.parametrize(("name", "dtype"), [("tail", "float32"), ("bernoulli", "float16")])
def test_doubtful_elements_add_once(small_grid, monkeypatch, name, dtype):
    """Elements that wait for their test are not added to before."""
    monkeypatch.setattr(trace, "ROOM", 8)
    monkeypatch.setattr(ptx, "stored", lambda name, sm, text: ptx.compiled(text(), sm))  # not into the cache
    compare_sums(name, dtype, run_of(100_000, dtype), 100_000 * 8 + 128, 0.1)
    assert "tiles" in small_grid


def test_own_laws_of_one_name(cuda):
    """Each has its own kernels, and neither is taken for the package's."""
    for law in (exponential_plus(1.0)(), exponential_plus(2.0)(), fi.laws.exponential()):
        host, device = np.zeros(500, np.float32), OnDevice(np.zeros(500, np.float32))
        for out in (host, device):
            fi.default_rng(3).draw(law, out=out)
        assert np.array_equal(host, device.array), law
    assert len(cuda.modules) == 3


def exponential_plus(constant):
    """A law with the name of another, and a constant of its own."""

    @fi.laws.law("exponential")
    def exponential(e):
        return e + constant

    return exponential


@pytest.mark.parametrize(
    ("name", "dtype"), mostly_at_night([("tail", "float32"), ("tail", "float64"), ("central", "float16")], 3)
)
@pytest.mark.parametrize("room", [8, 9])
def test_the_list_of_doubtful_elements_overflows(small_grid, monkeypatch, name, dtype, room):
    monkeypatch.setattr(trace, "ROOM", room)
    monkeypatch.setattr(ptx, "stored", lambda name, sm, text: ptx.compiled(text(), sm))  # not into the cache
    compare(name, dtype, run_of(400_000, dtype), 400_000 * 8 + 128)
    assert "tiles" in small_grid


@pytest.mark.parametrize(("name", "dtype"), SIX)
def test_long_runs_of_rows_go_by_tiles(small_grid, name, dtype):
    """Rows of a wider array: a launch or three for each row, at whatever alignment it has."""
    itemsize = dtype_of(dtype).itemsize
    compare(name, dtype, lambda m: m.view(dtype_of(dtype)).reshape(3, 500)[:, 4:404], 1500 * itemsize)
    assert "tiles" in small_grid


AXES = {
    "backwards": lambda a: a[::-1],
    "every third": lambda a: a[::3],
    "two axes, strided": lambda a: a.reshape(30, 30)[::2, ::-3],
    "transpose": lambda a: a.reshape(20, 45).T,
    "three axes, mixed": lambda a: a.reshape(9, 10, 10).transpose(2, 0, 1)[::-1, :, 1::2],
    "ten axes": lambda a: a[:512].reshape((2,) * 9)[..., None].T,
    "one element": lambda a: a[5:6],
    "no axis": lambda a: a[5:6].reshape(()),
}


@pytest.mark.parametrize(("name", "dtype"), SIX)
@pytest.mark.parametrize("axes", AXES)
def test_strides(cuda, name, dtype, axes):
    compare(name, dtype, lambda m: AXES[axes](m.view(dtype_of(dtype))), 900 * dtype_of(dtype).itemsize)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_more_outer_axes_than_a_launch_has(cuda, dtype):
    """Eleven axes of 3 and 2 that do not merge: the transposed block of an array of 3's."""
    shape = (3, 2) * 5 + (3,)
    order = [*range(1, 11, 2), *range(0, 11, 2)]
    total = int(np.prod(shape))
    compare(
        "normal", dtype, lambda m: m.view(dtype_of(dtype)).reshape(shape).transpose(order), total * dtype_of(dtype).itemsize
    )
    assert len(cuda.launches) > 1


@pytest.mark.parametrize(("name", "dtype"), [*SIX, *[("uniform", dtype) for dtype in DTYPES]])
@pytest.mark.parametrize("offset", [1, 3])
def test_odd_addresses(small_grid, name, dtype, offset):
    compare(name, dtype, run_of(2000, dtype, offset), 2000 * 8 + 16)
    assert dtype_of(dtype).itemsize == 1 or set(small_grid) == {"elements0-bytes"}


def test_odd_strides(cuda):
    """Fields of packed records."""
    record = np.dtype([("a", "u1"), ("x", "f4"), ("b", "u1", 2)])
    compare("normal", "float32", lambda m: m.view(record)["x"], 100 * record.itemsize)


BLOCKS = {
    "every third, backwards": ((77, 333), np.s_[::-3, ::-2]),
    "a column": ((5000, 30), np.s_[:, 17]),
    "about counter 2^32": (2**40, np.s_[2**34 - 333 : 2**34 + 333]),
    "about counter 2^32, wide": (2**40, np.s_[2**33 - 333 : 2**33 + 333]),
    "end of 2^63 - 1": (2**63 - 1, np.s_[-333:]),
    "strewn over 2^62": (2**62, np.s_[:: 2**53 + 12345]),
    "nothing": ((5, 5), np.s_[:0]),
}


@pytest.mark.parametrize(("name", "dtype"), SIX)
@pytest.mark.parametrize("block", BLOCKS)
def test_blocks(small_grid, name, dtype, block):
    size, index = BLOCKS[block]
    shape = fi.default_rng(0).bits(size, index=index).shape
    itemsize = dtype_of(dtype).itemsize
    count = int(np.prod(shape))
    view = lambda m: m[: count * itemsize].view(dtype_of(dtype)).reshape(shape)  # noqa: E731
    compare(name, dtype, view, count * itemsize + 32, size=size, index=index)
    assert bool(small_grid) == (count > 0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("value", [0.1, -0.0, 3e4])
def test_constants(small_grid, dtype, value):
    """A scale of 0: no law, one number, by tiles and by elements."""
    value = min(value, 400) if "e4m3" in dtype else value
    for view in (run_of(5000, dtype), lambda m: run_of(5000, dtype, 3)(m)[::2]):
        host, device = (np.zeros(5000 * 8 + 128, np.uint8) for _ in range(2))
        fi.default_rng(0).normal(value, 0, dtype=dtype, out=view(host))
        fi.default_rng(0).normal(value, 0, dtype=dtype, out=OnDevice(view(device)))
        assert host.tobytes() == device.tobytes()
        assert host.any() or value == 0
    assert "tiles" in small_grid


@pytest.mark.nightly
@pytest.mark.parametrize(("few", "capability"), [(launch.FEW, (9, 0)), (1, (7, 5))])
def test_the_whole_table(cuda, monkeypatch, few, capability):
    """Every hash of the table, by PTX."""
    cuda.capabilities = (capability,)
    monkeypatch.setattr(launch, "FEW", few)

    def run(plan, name, block, out, next_stream):
        out = np.asarray(out)
        array = DeviceArray(out.__array_interface__["data"][0], out.shape, out.strides, out.dtype, True, 0)
        launch.fill(plan, name, block, array, next_stream)

    monkeypatch.setattr(dispatch, "run", run)
    made = hashes.make()
    assert hashes.differences(made, json.loads(hashes.TABLE.read_text())["rows"], whole=True) == []
    assert len(cuda.launches) > 1000
