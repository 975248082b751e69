"""Arrays of other libraries as memory to write into; and what is on a device, read-only or no memory, refused by name."""

import importlib.util
import mmap
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fastinit as fi
from tests.conftest import label

SHAPE = (3, 4)
VALUES = 12


def expected(dtype="float32", shape=SHAPE):
    return fi.default_rng(0).normal(size=shape, dtype=dtype)


class Interface:
    """What another library's array looks like from outside: an `__array_interface__` and nothing else."""

    def __init__(self, owner, **changes):
        self.owner = owner
        self.__array_interface__ = owner.__array_interface__ | changes


# --- __array_interface__ and DLPack -----------------------------------------------------------------------------------


def test_array_interface():
    owner = np.zeros((4, 3), np.float32)
    found = fi.default_rng(0).normal(size=SHAPE, out=Interface(owner.T))
    assert np.array_equal(owner.T, expected())
    assert np.shares_memory(found, owner)
    assert fi.default_rng(0).normal(out=Interface(owner)).shape == (4, 3)


def test_an_array_interface_is_held_to_what_an_array_is():
    owner = np.zeros(SHAPE, np.float32)
    address = owner.ctypes.data
    refusals = [
        (ValueError, "out must have shape", Interface(owner.T)),
        (ValueError, "out must have shape", Interface(owner.reshape(-1))),
        (TypeError, "out must have one of the dtypes float32", Interface(owner.view(np.int32))),
        (ValueError, r"out must be writable; got a read-only .*Interface", Interface(owner, data=(address, True))),
        (ValueError, "out must not overlap itself", Interface(owner, strides=(4, 4))),
        (TypeError, "out must be .*NULL", Interface(owner, data=(0, False))),
        (TypeError, "out must be", Interface(owner, data="somewhere")),
        (TypeError, "out must be", Interface(owner, shape=(-3, 4))),
        (TypeError, "out must be", Interface(owner, typestr="?!")),
    ]
    for kind, words, out in refusals:
        with pytest.raises(kind, match=words):
            fi.default_rng(0).normal(size=SHAPE, out=out)
    assert not owner.any()


class Borrowed:
    """CPU memory that is offered by DLPack alone."""

    def __init__(self, owner, device=None):
        self.owner, self.device = owner, device

    def __dlpack__(self, **options):
        return self.owner.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.device or self.owner.__dlpack_device__()


def test_dlpack():
    owner = np.zeros(SHAPE, np.float32)
    found = fi.default_rng(0).normal(size=SHAPE, out=Borrowed(owner))
    assert np.array_equal(owner, expected())
    assert np.shares_memory(np.asarray(found), owner)
    owner.flags.writeable = False
    with pytest.raises((TypeError, ValueError), match=r"^out must"):
        fi.default_rng(0).normal(size=SHAPE, out=Borrowed(owner))


def test_torch_tensors():
    torch = pytest.importorskip("torch", reason="needs PyTorch")
    tensor = torch.zeros(4, 3)
    fi.default_rng(0).normal(size=SHAPE, out=tensor.T)
    assert np.array_equal(tensor.T.numpy(), expected())
    for bad in (
        torch.zeros(SHAPE, requires_grad=True),
        torch.zeros(SHAPE, dtype=torch.bfloat16, requires_grad=True),
        torch.empty(SHAPE, device="meta"),
    ):
        with pytest.raises(TypeError, match=r"^out must be"):
            fi.default_rng(0).normal(size=SHAPE, out=bad)


def test_jax_arrays_are_read_only():
    jnp = pytest.importorskip("jax.numpy", reason="needs JAX")
    with pytest.raises(ValueError, match="out must be writable; got a read-only jaxlib"):
        fi.default_rng(0).normal(size=SHAPE, out=jnp.zeros(SHAPE))


def test_tensorflow_tensors_are_read_only():
    if not importlib.util.find_spec("tensorflow"):
        pytest.skip("needs TensorFlow")
    code = f"""
import sys; sys.path.insert(0, {str(Path(fi.__file__).parents[1])!r})
import tensorflow, fastinit
try:
    fastinit.default_rng(0).normal(size=3, out=tensorflow.zeros(3))
except ValueError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert "out must be writable; got a read-only tensorflow" in done.stdout


# --- devices ----------------------------------------------------------------------------------------------------------


class OnDevice:
    """What CuPy, Numba and torch show of an array in a GPU's memory, which reading would crash on."""

    shape, dtype = SHAPE, np.dtype(np.float32)

    @property
    def __cuda_array_interface__(self):
        return {"version": 3, "shape": SHAPE, "typestr": "<f4", "data": (64, False), "strides": None}

    def __array__(self, *_, **__):
        raise AssertionError("nobody may ask for a copy")


class Refusing(OnDevice):
    """torch's tensor on a GPU that requires a gradient."""

    @property
    def __cuda_array_interface__(self):
        raise RuntimeError("not while a gradient is required")


class Unknown(Borrowed):
    def __dlpack_device__(self):
        raise ValueError("a meta tensor has no device")


DEVICES = {
    "cuda array interface": (OnDevice, "on a device.*__cuda_array_interface__"),
    "refusing": (Refusing, "on a device.*__cuda_array_interface__"),
    "cuda": (lambda: Borrowed(np.zeros(SHAPE, np.float32), (2, 0)), "on a device.*DLPack device 2"),
    "rocm": (lambda: Borrowed(np.zeros(SHAPE, np.float32), (10, 1)), "on a device.*DLPack device 10"),
    "unknown": (lambda: Unknown(np.zeros(SHAPE, np.float32)), "a meta tensor has no device"),
}


@pytest.mark.parametrize("kind", DEVICES)
def test_devices_are_refused(kind):
    make, words = DEVICES[kind]
    rng = fi.default_rng(0)
    for keywords in ({"size": SHAPE}, {}):
        with pytest.raises(TypeError, match=f"^out must be in the memory of the host; got .*{words}"):
            rng.normal(out=make(), **keywords)
    with pytest.raises(TypeError, match=r"^out must be in the memory of the host"):
        fi.initializers.zeros(SHAPE, out=make())
    assert rng.state["calls"] == 0


# --- PyArrow ----------------------------------------------------------------------------------------------------------


def test_pyarrow():
    pa = pytest.importorskip("pyarrow", reason="needs PyArrow")
    buffer = pa.allocate_buffer(4 * VALUES)
    fi.default_rng(0).normal(size=SHAPE, out=buffer)
    assert buffer.to_pybytes() == expected().tobytes()
    column = pa.Array.from_buffers(pa.float32(), VALUES, [None, buffer])
    assert np.array_equal(column.to_numpy(), expected(shape=VALUES))
    tensor = pa.Tensor.from_numpy(np.zeros(SHAPE, np.float32))
    fi.default_rng(0).normal(size=SHAPE, out=tensor)
    assert np.array_equal(tensor.to_numpy(), expected())
    before = column.to_numpy().copy()
    refusals = [
        (ValueError, "out must be writable; got a read-only pyarrow.*FloatArray", column),
        (ValueError, "out must be writable; got a read-only pyarrow.*Buffer", pa.py_buffer(bytes(4 * VALUES))),
        (TypeError, "out must be .*; got pyarrow.*ChunkedArray", pa.chunked_array([column])),
        (TypeError, "out must be .*; got pyarrow.*Table", pa.table({"a": column})),
    ]
    for kind, words, out in refusals:
        with pytest.raises(kind, match=words):
            fi.default_rng(1).normal(size=VALUES, out=out)
    assert np.array_equal(column.to_numpy(), before)


# --- what is no memory ------------------------------------------------------------------------------------------------


def test_read_only_buffers():
    for owner in (b"x" * 12, b"", b"x" * 10, memoryview(b"x" * 12), memoryview(np.zeros(3, np.float32)).toreadonly()):
        with pytest.raises(ValueError, match=f"out must be writable; got a read-only {type(owner).__name__}"):
            fi.default_rng(0).normal(size=3, out=owner)


def test_memory_that_is_gone():
    released, closed = memoryview(bytearray(12)), mmap.mmap(-1, 12)
    released.release()
    closed.close()
    for owner in (released, closed):
        with pytest.raises(ValueError, match=r"out must give access to its memory; got .*m"):
            fi.default_rng(0).normal(size=3, out=owner)


class Copied:
    """An object that only gives copies."""

    def __array__(self, dtype=None, copy=None):
        raise AssertionError("nobody may ask for a copy")


@pytest.mark.parametrize(
    "out",
    [
        [0.0] * 3,
        "abc",
        3,
        (1, 2, 3),
        np.float32(1),
        np.bytes_(b"abcd"),
        np.ndarray,
        bytearray,
        object(),
        Copied(),
        range(3),
        {},
    ],
    ids=label,
)
def test_no_memory(out):
    with pytest.raises((TypeError, ValueError), match=r"^out must be a numpy.ndarray, a torch tensor") as caught:
        fi.default_rng(0).normal(size=3, out=out)
    assert type(caught.value) is TypeError
    assert type(out).__name__ in str(caught.value)
