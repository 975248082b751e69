"""What the driver is asked to do, and what is refused before anything is written."""

import re
import sys
import threading

import numpy as np
import pytest

import fastinit as fi
from fastinit.arguments import dtypes
from fastinit.arguments.blocks import Block
from fastinit.arguments.devices import DeviceArray
from fastinit.gpu import driver, launch
from fastinit.kernels import rows
from tests.gpu.conftest import OnDevice
from tests.processes.helpers import within


def normals(count=500, dtype="float32"):
    return fi.default_rng(1).normal(size=count, dtype=dtype)


def memory(count=500, dtype="float32"):
    return np.zeros(count, dtypes.resolve(dtype).dtype)


def address(array):
    return array.__array_interface__["data"][0]


def refused(out, error, match, **keywords):
    """Nothing is written and no call is counted."""
    rng = fi.default_rng(1)
    before = out.array.tobytes()
    with pytest.raises(error, match=match):
        rng.normal(out=out, **keywords)
    assert out.array.tobytes() == before
    assert rng.state["calls"] == 0


@pytest.mark.parametrize("dtype", [real.name for real in dtypes.REALS.values()])
def test_the_object_comes_back_with_the_bytes_of_the_cpu(cuda, dtype):
    cuda.fail["cuMemAlloc_v2"] = 2  # a fill needs no memory of the device's
    out = OnDevice(memory(dtype=dtype))
    assert fi.default_rng(1).normal(out=out) is out
    assert out.array.tobytes() == normals(dtype=dtype).tobytes()
    assert len(cuda.launches) == 1


def test_an_object_that_has_nothing_but_the_interface(cuda):
    out = OnDevice(memory())
    del out.shape, out.dtype
    out.__cuda_array_interface__["strides"] = None
    assert fi.default_rng(1).normal(out=out) is out
    assert out.array.tobytes() == normals().tobytes()


def test_bits(cuda):
    out = OnDevice(np.zeros((7, 9), np.uint32))
    assert fi.default_rng(1).bits(out=out) is out
    assert np.array_equal(out.array, fi.default_rng(1).bits((7, 9)))


def test_calls_go_on_as_on_the_cpu(cuda):
    device, host = fi.default_rng(3), fi.default_rng(3)
    out = OnDevice(memory())
    for turn in range(3):
        device.uniform(out=out if turn % 2 else out.array)
        assert np.array_equal(out.array, host.uniform(size=500))
    device.uniform(out=OnDevice(memory(0)))
    assert device.state["calls"] == 4


@pytest.mark.parametrize(
    ("stream", "wanted"), [({}, 0), ({"stream": None}, 0), ({"stream": 1}, 1), ({"stream": 0x7F12}, 0x7F12)]
)
def test_the_stream_of_the_owner(cuda, stream, wanted):
    fi.default_rng(1).normal(out=OnDevice(memory(), **stream))
    assert [launched[3] for launched in cuda.launches] == [wanted]


def test_a_kernel_is_loaded_once(cuda):
    for count in (500, 1, 70):
        fi.default_rng(1).normal(out=OnDevice(memory(count)))
    assert (len(cuda.modules), len(cuda.launches)) == (1, 3)


@pytest.mark.parametrize("others", [[], [999], [999, 1000], [1000], [1001]])
def test_two_devices_have_kernels_of_their_own(cuda, others):
    """And the contexts that are current stay so."""
    cuda.capabilities = ((7, 5), (10, 3))
    cuda.stack.extend(others)
    a, b = memory(), memory()
    cuda.owners[address(b), address(b) + b.nbytes] = 1
    for out in (a, b, b, a):
        fi.default_rng(1).normal(out=OnDevice(out))
        assert cuda.stack == others
    assert np.array_equal(a, normals())
    assert np.array_equal(b, normals())
    assert [(re.search(r"\.target (\w+)", text)[1], context) for text, _, _, context in cuda.modules] == [
        ("sm_75", 1000),
        ("sm_100", 1001),
    ]
    assert [launched[0] for launched in cuda.launches] == [1, 2, 2, 1]
    cuda.stack.clear()


REFUSALS = {
    "too new PTX": ("cuModuleLoadData", 222, driver.DriverError, "UNSUPPORTED_PTX_VERSION.*too old.*update it"),
    "no memory for code": ("cuModuleLoadData", 2, MemoryError, "OUT_OF_MEMORY"),
    "no memory for a context": ("cuDevicePrimaryCtxRetain", 2, MemoryError, "OUT_OF_MEMORY"),
    "no such kernel": ("cuModuleGetFunction", 500, driver.DriverError, "find the kernel"),
    "no context": ("cuCtxPushCurrent_v2", 1, driver.DriverError, "use device 0.*INVALID_VALUE"),
    "broken device": ("cuStreamIsCapturing", 700, driver.DriverError, "stream of out"),
    "no memory of it": ("cuPointerGetAttribute", 1, driver.DriverError, "out must be memory of a CUDA device"),
    "no such device": ("cuDeviceGet", 101, driver.DriverError, "find device 0"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_the_driver_refuses(cuda, case):
    name, status, error, match = REFUSALS[case]
    cuda.fail[name] = status
    cuda.stack.append(999)
    out = OnDevice(memory())
    refused(out, error, match)
    assert cuda.stack == [999]
    assert cuda.launches == []
    del cuda.fail[name]
    fi.default_rng(1).normal(out=out)
    assert np.array_equal(out.array, normals())
    assert cuda.stack.pop() == 999


def test_a_launch_that_fails_is_an_error(cuda):
    cuda.fail["cuLaunchKernel"] = 700
    cuda.stack.append(999)
    with pytest.raises(driver.DriverError, match="launch a kernel"):
        fi.default_rng(1).normal(out=OnDevice(memory()))
    assert cuda.stack.pop() == 999


def test_memory_of_no_device(cuda):
    out = memory()
    cuda.owners[address(out), address(out) + out.nbytes] = None
    refused(OnDevice(out), driver.DriverError, "out must be memory of a CUDA device; address 0x")


def test_an_old_chip(cuda):
    cuda.capabilities = ((7, 0),)
    refused(OnDevice(memory()), driver.DriverError, "capability 7.5 or more; device 0 has 7.0")


def test_a_stream_in_capture(cuda):
    cuda.capturing.add(5)
    refused(OnDevice(memory(), stream=5), ValueError, "out must not be on a stream in graph capture")
    assert cuda.modules == []


@pytest.mark.skipif(sys.platform != "linux", reason="names of Linux's libraries")
@pytest.mark.parametrize(
    ("library", "match"), [("libnone.so.9", "must be installed.*libnone"), ("libm.so.6", "too old.*no cuInit")]
)
def test_no_driver_and_an_old_one(monkeypatch, library, match):
    monkeypatch.setenv("FASTINIT_GPU", "1")
    monkeypatch.setattr(driver, "LIBRARY", library)
    driver.library.cache_clear()
    refused(OnDevice(memory()), driver.DriverError, match)


ARGUMENTS = {
    "read-only": (lambda: OnDevice(np.frombuffer(bytes(400), np.float32)), ValueError, "out must be writable; got a read-only"),
    "masked": (lambda: OnDevice(memory(), mask=object()), TypeError, "out must not be masked"),
    "overlap": (lambda: OnDevice(memory(), strides=(2,)), ValueError, "out must not overlap itself"),
    "all one element": (lambda: OnDevice(memory(), strides=(0,)), ValueError, "out must not overlap itself"),
    "integers": (
        lambda: OnDevice(np.zeros(9, np.int32)),
        TypeError,
        "out must have one of the dtypes float32.*e5m2; got int32",
    ),
    "big-endian": (lambda: OnDevice(np.zeros(9, ">f4")), TypeError, "out must have one of the dtypes float32.*got >f4"),
    "JAX": (
        lambda: type("ArrayImpl", (OnDevice,), {"__module__": "jaxlib._jax"})(memory()),
        TypeError,
        "must not be a JAX array",
    ),
}


@pytest.mark.parametrize("case", ARGUMENTS)
def test_arrays_that_are_refused(cuda, case):
    make, error, match = ARGUMENTS[case]
    refused(make(), error, match)
    assert cuda.modules == []


def test_a_type_that_is_none(cuda):
    out = OnDevice(memory(), typestr="?!")
    del out.dtype
    refused(out, TypeError, "out must have one of the dtypes")


def test_another_dtype_or_shape_than_asked_for(cuda):
    refused(OnDevice(memory()), TypeError, "out must have dtype float64; got float32", dtype="float64")
    refused(OnDevice(memory()), ValueError, r"out must have shape \(5, 100\); got \(500,\)", size=(5, 100))


def test_without_the_switch_device_memory_is_refused(cuda, monkeypatch):
    monkeypatch.setenv("FASTINIT_GPU", "0")
    refused(OnDevice(memory()), TypeError, r"out must be in the memory of the host.*on a device.*FASTINIT_GPU=1")


def test_a_signal_s_handler_fills_while_a_kernel_is_loaded(cuda, monkeypatch):
    """In the thread that loads."""
    inner, outer, stored = OnDevice(memory()), OnDevice(memory(600)), launch.ptx.stored

    def interrupted(*arguments):
        monkeypatch.setattr(launch.ptx, "stored", stored)
        fi.default_rng(1).normal(out=inner)
        return stored(*arguments)

    monkeypatch.setattr(launch.ptx, "stored", interrupted)
    within(60, lambda: fi.default_rng(1).normal(out=outer))
    for out in (inner, outer):
        assert np.array_equal(out.array, normals(out.array.size))


def test_eight_threads_at_once(cuda):
    outs = [OnDevice(memory(3000 + n, dtype)) for n in range(4) for dtype in ("float32", "float64")]
    start, errors = threading.Barrier(len(outs)), []

    def fill(out):
        try:
            start.wait()
            for _ in range(5):
                fi.default_rng(1).normal(out=out)
            assert cuda.stack == []
        except BaseException as error:
            errors.append(error)

    workers = [threading.Thread(target=fill, args=(out,)) for out in outs]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert errors == []
    assert (len(cuda.modules), len(cuda.launches)) == (2, 40)
    assert all(out.array.tobytes() == normals(out.array.size, out.array.dtype).tobytes() for out in outs)


@pytest.mark.parametrize("count", [2**40, 2**40 + 12345, 2**62])
@pytest.mark.parametrize("dtype", ["float32", "float64", "float8_e5m2"])
def test_huge_arrays_fit_a_grid(cuda, monkeypatch, count, dtype):
    launched = []
    monkeypatch.setattr(driver, "function", lambda device, name, kernel, text: 1)
    monkeypatch.setattr(driver, "launch", lambda *arguments: launched.append(arguments))
    itemsize = rows.STORAGE[dtype].format.itemsize
    count //= itemsize
    out = DeviceArray(4096, (count,), (itemsize,), dtypes.resolve(dtype).dtype, True, 9)
    plan = fi.distributions.normal.normal(0, 1, dtypes.resolve(dtype))
    launch.fill(plan, dtype, Block((count,), 3), out, lambda: (2, 11, 13))
    row, covered = rows.row("normal", dtype), 0
    for _, blocks, threads, stream, arguments in launched:
        values = [x.value for x in arguments]
        assert (0 < blocks <= 3 * launch.BLOCKS, threads, stream) == (True, 256, 9)
        assert all(-(2**63) <= x < 2**63 for x in values if isinstance(x, int))
        is_tiles = values[3:5] == [2, 11 | 13 << 32]  # the call and the key follow three numbers
        covered += values[2] * 2 * row.words if is_tiles else values[2]
    assert covered == count
