"""NVIDIA's driver by ctypes: devices, contexts, modules, launches. No toolkit is needed, and no memory is allocated."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from ctypes import POINTER, byref, c_char_p, c_int, c_size_t, c_ubyte, c_uint, c_uint64, c_void_p
from typing import Any, NamedTuple

from fastinit.gpu import ptx

LIBRARY = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
_SIGNATURES: dict[str, tuple[Any, ...]] = {
    "cuInit": (c_uint,),
    "cuGetErrorName": (c_int, POINTER(c_char_p)),
    "cuDeviceGetCount": (POINTER(c_int),),
    "cuDeviceGet": (POINTER(c_int), c_int),
    "cuDeviceGetName": (c_char_p, c_int, c_int),
    "cuDeviceGetAttribute": (POINTER(c_int), c_int, c_int),
    "cuPointerGetAttribute": (c_void_p, c_int, c_uint64),
    "cuDevicePrimaryCtxRetain": (POINTER(c_void_p), c_int),
    "cuCtxGetCurrent": (POINTER(c_void_p),),
    "cuCtxPushCurrent_v2": (c_void_p,),
    "cuCtxPopCurrent_v2": (POINTER(c_void_p),),
    "cuModuleLoadData": (POINTER(c_void_p), c_char_p),
    "cuModuleGetFunction": (POINTER(c_void_p), c_void_p, c_char_p),
    "cuStreamIsCapturing": (c_void_p, POINTER(c_int)),
    "cuCtxSynchronize": (),
    "cuMemAlloc_v2": (POINTER(c_uint64), c_size_t),
    "cuMemFree_v2": (c_uint64,),
    "cuMemcpyDtoH_v2": (c_void_p, c_uint64, c_size_t),
    "cuMemsetD8Async": (c_uint64, c_ubyte, c_size_t, c_void_p),
    "cuLaunchKernel": (c_void_p, *[c_uint] * 7, c_void_p, POINTER(c_void_p), c_void_p),
}
_OUT_OF_MEMORY, _TOO_NEW = 2, 222
_MULTIPROCESSORS, _MAJOR, _MINOR = 16, 75, 76  # attributes of a device
_ORDINAL = 9  # attribute of a pointer
_NAME_BYTES = 256  # as many as CUDA's own cudaDeviceProp has


class DriverError(RuntimeError):
    """The driver refused something, or there is none."""


@functools.cache
def library() -> Any:
    """The driver's library, initialised."""
    try:
        cuda = ctypes.CDLL(LIBRARY)
    except OSError as error:
        raise DriverError(f"NVIDIA's driver must be installed to fill on a GPU; {LIBRARY}: {error}") from None
    for name, arguments in _SIGNATURES.items():
        try:
            function = getattr(cuda, name)
        except AttributeError:
            raise DriverError(f"NVIDIA's driver is too old: {LIBRARY} has no {name}") from None
        function.argtypes, function.restype = arguments, c_int
    check(cuda.cuInit(0), "start the driver", cuda)
    return cuda


def check(status: int, action: str, cuda: Any = None) -> None:
    """Raise for a status that is not 0."""
    if not status:
        return
    cuda = cuda or library()
    name = c_char_p()
    cuda.cuGetErrorName(status, byref(name))
    text = f"NVIDIA's driver could not {action}: {(name.value or b'status ' + str(status).encode()).decode()}"
    if status == _TOO_NEW:
        text += "; it is too old for this code, so update it or unset FASTINIT_GPU"
    raise MemoryError(text) if status == _OUT_OF_MEMORY else DriverError(text)


class Device(NamedTuple):
    """A GPU: its ordinal, its primary context (which torch, CuPy, JAX and Numba use), chip, multiprocessors and name."""

    ordinal: int
    context: int
    sm: int
    multiprocessors: int
    name: str


def _attribute(handle: c_int, number: int) -> int:
    value = c_int()
    check(library().cuDeviceGetAttribute(byref(value), number, handle), "describe the device")
    return value.value


def count() -> int:
    """How many devices there are."""
    devices = c_int()
    check(library().cuDeviceGetCount(byref(devices)), "count the devices")
    return devices.value


@functools.cache
def device(ordinal: int) -> Device:
    """The device of this ordinal."""
    cuda, handle, context = library(), c_int(), c_void_p()
    check(cuda.cuDeviceGet(byref(handle), ordinal), f"find device {ordinal}")
    capability = 10 * _attribute(handle, _MAJOR) + _attribute(handle, _MINOR)
    sm = ptx.chip(capability)
    if sm is None:
        raise DriverError(
            f"a GPU must have compute capability {ptx.CHIPS[0] / 10} or more; device {ordinal} has {capability / 10}"
        )
    check(cuda.cuDevicePrimaryCtxRetain(byref(context), handle), f"use device {ordinal}")
    name = ctypes.create_string_buffer(_NAME_BYTES)
    check(cuda.cuDeviceGetName(name, len(name), handle), f"name device {ordinal}")
    return Device(ordinal, int(context.value or 0), sm, _attribute(handle, _MULTIPROCESSORS), name.value.decode())


def reason_against(ordinal: int) -> str | None:
    """Why kernels cannot fill the memory of a device now; None if they can."""
    try:
        device(ordinal)
    except (DriverError, MemoryError) as error:
        return str(error)
    return None


def device_of(address: int) -> Device:
    """The device that owns the memory at an address."""
    ordinal = c_int(-1)
    status = library().cuPointerGetAttribute(byref(ordinal), _ORDINAL, address)
    if status or ordinal.value < 0:
        raise DriverError(f"out must be memory of a CUDA device; address {address:#x} belongs to none")
    return device(ordinal.value)


@contextlib.contextmanager
def current(device: Device) -> Iterator[None]:
    """Make a device's context the current one of this thread."""
    cuda, context = library(), c_void_p()
    check(cuda.cuCtxGetCurrent(byref(context)), "say which context is current")
    if context.value == device.context:
        yield
        return
    check(cuda.cuCtxPushCurrent_v2(device.context), f"use device {device.ordinal}")
    try:
        yield
    finally:
        cuda.cuCtxPopCurrent_v2(byref(context))


def is_capturing(stream: int) -> bool:
    """Whether a stream records a CUDA graph."""
    status = c_int()
    check(library().cuStreamIsCapturing(stream, byref(status)), "look at the stream of out")
    return status.value != 0


_functions: dict[tuple[int, str], int] = {}
_loading = threading.RLock()  # re-entrant: a signal handler may fill while its thread loads a kernel


def function(device: Device, name: str, kernel: str, text: Callable[[], str]) -> int:
    """The handle of a kernel, loaded into a device once. Its context must be current."""
    with _loading:
        if (device.ordinal, name) not in _functions:
            module, handle = c_void_p(), c_void_p()
            check(library().cuModuleLoadData(byref(module), text().encode()), f"load the kernel {name}")
            check(library().cuModuleGetFunction(byref(handle), module, kernel.encode()), f"find the kernel {name}")
            _functions[device.ordinal, name] = int(handle.value or 0)
        return _functions[device.ordinal, name]


def launch(handle: int, blocks: int, threads: int, stream: int, arguments: Sequence[Any]) -> None:
    """Launch a kernel with arguments that are ctypes values; the driver copies them."""
    pointers = (c_void_p * len(arguments))(*[ctypes.addressof(x) for x in arguments])
    status = library().cuLaunchKernel(handle, blocks, 1, 1, threads, 1, 1, 0, stream, pointers, None)
    check(status, "launch a kernel")
