"""Buffers that are not NumPy's: bytes, typed buffers, memory that processes share, files."""

import array
import ctypes
import mmap
import multiprocessing
import os
import subprocess
import sys
from multiprocessing import shared_memory
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

import fastinit as fi
from tests.conftest import DTYPES, draw

SHAPE = (3, 4)
VALUES = 12


def expected(dtype="float32", shape=SHAPE):
    return fi.default_rng(0).normal(size=shape, dtype=dtype)


def bytes_of(owner):
    """What the owner of the memory sees in it."""
    return memoryview(owner).cast("B").tobytes() if memoryview(owner).c_contiguous else memoryview(owner).tobytes()


# --- bytes ------------------------------------------------------------------------------------------------------------

#: Owners of so many raw bytes.
RAW = {
    "bytearray": bytearray,
    "memoryview": lambda n: memoryview(bytearray(n)),
    "signed": lambda n: memoryview(bytearray(n)).cast("b"),
    "char": lambda n: memoryview(bytearray(n)).cast("c"),
    "array": lambda n: array.array("B", bytes(n)),
    "ctypes": lambda n: (ctypes.c_ubyte * n)(),
    "ctypes string": ctypes.create_string_buffer,
    "mmap": lambda n: mmap.mmap(-1, n),
    "numpy": lambda n: memoryview(np.zeros(n, np.uint8)),
    "misaligned": lambda n: memoryview(bytearray(n + 1))[1:],
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", RAW)
def test_bytes_take_any_dtype_and_shape(kind, dtype):
    want = expected(dtype)
    owner = RAW[kind](want.nbytes)
    found = fi.default_rng(0).normal(size=SHAPE, dtype=dtype, out=owner)
    assert isinstance(found, np.ndarray)
    assert (found.shape, found.dtype) == (SHAPE, want.dtype)
    assert found.tobytes() == want.tobytes() == bytes_of(owner)
    found[...] = 0  # the same memory
    assert bytes_of(owner) == bytes(want.nbytes)


@pytest.mark.parametrize(("name", "dtype"), [("normal", "float32"), ("tail", "float64"), ("uniform", "float8_e5m2")])
def test_misaligned_bytes(name, dtype):
    """Past the vector loop too, and with what follows left alone."""
    want = draw(fi.default_rng(0), name, dtype, size=1001)
    owner = bytearray(want.nbytes + 2)
    draw(fi.default_rng(0), name, dtype, out=memoryview(owner)[1:-1])
    assert owner[1:-1] == want.tobytes()
    assert owner[0] == owner[-1] == 0


def test_bytes_alone_say_how_many_values():
    found = fi.default_rng(0).normal(out=bytearray(4 * VALUES))
    assert found.shape == (VALUES,)
    assert found.tobytes() == expected(shape=VALUES).tobytes()
    assert fi.default_rng(0).bits(out=bytearray(12)).dtype == np.uint32
    assert fi.default_rng(0).normal(out=bytearray()).shape == (0,)
    assert fi.default_rng(0).normal(size=(0, 3), out=bytearray()).shape == (0, 3)
    assert fi.default_rng(0).normal(size=(), out=bytearray(4)).shape == ()


def test_a_block_into_bytes():
    owner = bytearray(4 * 6)
    found = fi.default_rng(0).normal(size=SHAPE, index=np.s_[1:, ::-2], out=memoryview(owner)[:16])
    assert found.shape == (2, 2)
    assert owner[:16] == expected()[1:, ::-2].tobytes()
    assert owner[16:] == bytes(8)


@pytest.mark.parametrize("name", ["zeros", "he_normal", "sparse", "small_random", "orthogonal", "dirac"])
def test_initialisers_write_bytes(name):
    shape = (4, 2, 3) if name == "dirac" else (4, 6)
    own = {"sparsity": 0.5} if name == "sparse" else {}
    want = getattr(fi.initializers, name)(shape, rng=0, dtype="float16", **own)
    owner = bytearray(b"x" * want.nbytes)
    found = getattr(fi.initializers, name)(shape, rng=0, dtype="float16", out=owner, **own)
    assert found.shape == shape
    assert owner == want.tobytes()


@pytest.mark.parametrize(
    ("count", "size", "words"),
    [
        (10, None, ["whole values of float32", "4 bytes each", "10 bytes"]),
        (10, (2, 1), ["whole values of float32", "10 bytes"]),
        (12, 4, ["shape (4,)", "flat buffer of 4 values, 16 bytes", "(3,)"]),
        (16, 3, ["shape (3,)", "12 bytes", "(4,)"]),
        (0, 1, ["shape (1,)", "4 bytes", "(0,)"]),
        (4, (2, 0), ["shape (2, 0)", "0 bytes", "(1,)"]),
    ],
)
def test_bytes_must_fit(count, size, words):
    owner, rng = bytearray(b"x" * count), fi.default_rng(0)
    with pytest.raises(ValueError, match=r"^out must") as caught:
        rng.normal(size=size, out=owner)
    assert all(word in str(caught.value) for word in words)
    assert owner == b"x" * count
    assert rng.state["calls"] == 0


def test_every_other_byte_is_refused():
    with pytest.raises(ValueError, match=r"out must be contiguous.*strides .2,"):
        fi.default_rng(0).normal(out=memoryview(bytearray(24))[::2])


# --- buffers with a type ----------------------------------------------------------------------------------------------

FORMATS = {"float32": "f", "float64": "d"}
TYPES = {"float32": ctypes.c_float, "float64": ctypes.c_double}
TYPED = {
    "array": lambda dtype: array.array(FORMATS[dtype], [0] * VALUES),
    "ctypes": lambda dtype: (TYPES[dtype] * VALUES)(),
    "ctypes matrix": lambda dtype: (TYPES[dtype] * SHAPE[1] * SHAPE[0])(),
    "memoryview": lambda dtype: memoryview(bytearray(VALUES * np.dtype(dtype).itemsize)).cast(FORMATS[dtype]),
    "shaped": lambda dtype: memoryview(np.zeros(SHAPE, dtype)),
    "RawArray": lambda dtype: multiprocessing.RawArray(FORMATS[dtype], VALUES),
}


@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("kind", TYPED)
def test_typed_buffers(kind, dtype):
    owner = TYPED[kind](dtype)
    found = fi.default_rng(0).normal(size=SHAPE, dtype=dtype, out=owner)
    assert found.shape == SHAPE
    assert bytes_of(owner) == expected(dtype).tobytes()
    other = next(each for each in FORMATS if each != dtype)
    with pytest.raises(TypeError, match=f"out must have dtype {other}; got {dtype}"):
        fi.default_rng(0).normal(size=SHAPE, dtype=other, out=owner)
    assert bytes_of(owner) == expected(dtype).tobytes()


def test_strided_views_are_filled_in_place():
    parent = np.zeros((8, 6), np.float32)
    fi.default_rng(0).normal(size=SHAPE, out=memoryview(parent[::2, 1:4].T[:, ::-1])[:])
    assert np.array_equal(parent[::2, 1:4].T[:, ::-1], expected())
    assert not parent[1::2].any()


def test_a_buffer_with_axes_keeps_them():
    for owner in (
        memoryview(np.zeros(SHAPE, np.float32)),
        (ctypes.c_float * 4 * 3)(),
        memoryview(np.zeros(VALUES, np.float32))[::2],
    ):
        with pytest.raises(ValueError, match=r"^out must have shape \(6, 2\)"):
            fi.default_rng(0).normal(size=(6, 2), out=owner)
    assert fi.default_rng(0).normal(out=(ctypes.c_float * 4 * 3)()).shape == SHAPE
    assert fi.default_rng(0).normal(out=ctypes.c_float()).shape == ()


@pytest.mark.parametrize(
    "owner",
    [
        (ctypes.c_float.__ctype_be__ if sys.byteorder == "little" else ctypes.c_float.__ctype_le__) * 3,
        ctypes.c_int * 3,
        ctypes.c_bool * 3,
        ctypes.py_object * 3,
    ],
    ids=["byte order", "int", "bool", "objects"],
)
def test_other_types_are_refused(owner):
    with pytest.raises(TypeError, match=r"^out must have one of the dtypes float32"):
        fi.default_rng(0).normal(size=3, out=owner())
    with pytest.raises(TypeError, match=r"^out must have dtype float32; got"):
        fi.default_rng(0).normal(size=3, dtype="float32", out=owner())


def test_memory_cannot_go_while_the_result_is_there():
    owner = bytearray(12)
    found = fi.default_rng(0).normal(out=owner)
    with pytest.raises(BufferError):
        owner.extend(b"more")
    mapped = mmap.mmap(-1, 12)
    other = fi.default_rng(0).normal(size=3, out=mapped)
    with pytest.raises(BufferError):
        mapped.close()
    del found, other
    owner.extend(b"more")
    mapped.close()


# --- shared memory and files ------------------------------------------------------------------------------------------

CHILD = """
import sys
sys.path.insert(0, sys.argv[1])
from multiprocessing import resource_tracker, shared_memory
import numpy as np, fastinit as fi
shared = shared_memory.SharedMemory(sys.argv[2])
resource_tracker.unregister(shared._name, "shared_memory")  # the parent's to remove: before Python 3.13 both would
size = 4 * 1000 * 200
fi.default_rng(0).child("w").normal(size=(2000, 200), index=np.s_[1000:], out=shared.buf[size : 2 * size])
shared.close()
"""


def test_two_processes_fill_one_shared_memory():
    want = fi.default_rng(0).child("w").normal(size=(2000, 200))
    half = want.nbytes // 2
    shared = shared_memory.SharedMemory(create=True, size=want.nbytes)
    try:
        root = str(Path(fi.__file__).parents[1])
        child = subprocess.Popen([sys.executable, "-c", CHILD, root, shared.name], stderr=subprocess.PIPE, text=True)
        fi.default_rng(0).child("w").normal(size=(2000, 200), index=np.s_[:1000], out=shared.buf[:half])
        errors = child.communicate(timeout=300)[1]
        assert child.returncode == 0, errors
        assert shared.buf[: want.nbytes] == want.tobytes()
    finally:
        shared.close()  # would raise if somebody still held the memory
        shared.unlink()


def test_example():
    root = Path(fi.__file__).parents[1]
    env = {**os.environ, "PYTHONPATH": str(root)}
    command = [sys.executable, str(root / "examples/shared_memory.py")]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "equal to the matrix drawn in one call: True" in done.stdout


@pytest.mark.parametrize("dtype", DTYPES)
def test_memmaps_at_any_byte(tmp_path, dtype):
    want = expected(dtype, (300, 401))
    path = tmp_path / "file"
    path.write_bytes(bytes(want.nbytes + 2))
    mapped = np.memmap(path, want.dtype, "r+", offset=1, shape=want.shape)
    assert mapped.ctypes.data % 2 == 1
    assert fi.default_rng(0).normal(size=want.shape, dtype=dtype, out=mapped) is mapped
    mapped.flush()
    assert path.read_bytes() == b"\0" + want.tobytes() + b"\0"
    del mapped
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as whole, memoryview(whole) as view, view[1:-1] as part:
        part[:] = bytes(want.nbytes)
        fi.default_rng(0).normal(size=want.shape, dtype=dtype, out=part)
    assert path.read_bytes() == b"\0" + want.tobytes() + b"\0"


def test_bfloat16_in_shared_words():
    """The way for dtypes that the buffer protocol has no letter for: bytes."""
    owner = array.array("H", [0] * 8)
    found = fi.default_rng(0).normal(size=8, dtype="bfloat16", out=memoryview(owner).cast("B"))
    assert found.dtype == ml_dtypes.bfloat16
    assert owner.tobytes() == expected("bfloat16", 8).tobytes()
