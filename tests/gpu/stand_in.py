"""A stand-in for libcuda: it has the driver's C interface, keeps "device" memory on the host, and runs PTX that became C."""

import contextlib
import ctypes
import shutil
import threading
from ctypes import POINTER, c_char_p, c_int, c_size_t, c_ubyte, c_uint, c_uint64, c_void_p

import numpy as np
import pytest

from fastinit.gpu import driver
from tests.gpu import ptx_to_c

INVALID_VALUE, NO_DEVICE, INVALID_CONTEXT, NOT_FOUND, UNKNOWN = 1, 100, 201, 500, 999
NAMES = {1: b"CUDA_ERROR_INVALID_VALUE", 2: b"CUDA_ERROR_OUT_OF_MEMORY", 222: b"CUDA_ERROR_UNSUPPORTED_PTX_VERSION"}


class Cuda:
    """Functions of the driver that `fastinit.gpu.driver` uses, with the prototypes of cuda.h.

    Attributes describe the machine: the compute capability of each device, the streams in capture, statuses that functions
    return without doing their work, and the device of each range of memory (None: of no device; device 0 by default). `faults`
    are what went wrong inside of the stand-in. `spoiled` makes each copy to the host have a wrong bit.
    """

    def __init__(self, folder, capabilities=((9, 0),)):
        self.folder, self.capabilities = folder, capabilities
        self.modules, self.launches, self.faults, self.multiprocessors = [], [], [], 3
        self._threads = threading.local()
        self.capturing, self.fail, self.owners = set(), {}, {}
        self.memory, self.spoiled = {}, False
        for name, prototype in PROTOTYPES.items():
            setattr(self, name, ctypes.CFUNCTYPE(c_int, *prototype)(self._guarded(name)))

    def _guarded(self, name):
        def call(*arguments):
            try:
                return self.fail[name] if name in self.fail else getattr(self, f"_{name}")(*arguments) or 0
            except Exception as fault:  # ctypes would print it and go on
                self.faults.append(fault)
                return UNKNOWN

        return call

    @property
    def stack(self):
        """The contexts of this thread, the current one last."""
        return self._threads.__dict__.setdefault("stack", [])

    def _cuInit(self, flags):
        return INVALID_VALUE if flags else 0

    def _cuGetErrorName(self, status, name):
        name[0] = NAMES.get(status, b"CUDA_ERROR_UNKNOWN")

    def _cuDeviceGetCount(self, count):
        count[0] = len(self.capabilities)

    def _cuDeviceGet(self, device, ordinal):
        if ordinal >= len(self.capabilities):
            return NO_DEVICE
        device[0] = ordinal
        return 0

    def _cuDeviceGetName(self, name, size, device):
        ctypes.memmove(name, b"Stand-in %d\0" % device, min(size, 12))

    def _cuDeviceGetAttribute(self, value, attribute, device):
        major, minor = self.capabilities[device]
        value[0] = {16: self.multiprocessors, 75: major, 76: minor}[attribute]

    def _cuPointerGetAttribute(self, data, attribute, address):
        assert attribute == 9
        owner = next((device for (low, high), device in self.owners.items() if low <= address < high), 0)
        if owner is None:
            return INVALID_VALUE
        ctypes.cast(data, POINTER(c_int))[0] = owner
        return 0

    def _cuDevicePrimaryCtxRetain(self, context, device):
        context[0] = 1000 + device

    def _cuCtxGetCurrent(self, context):
        context[0] = self.stack[-1] if self.stack else None

    def _cuCtxPushCurrent_v2(self, context):
        self.stack.append(context)

    def _cuCtxPopCurrent_v2(self, context):
        context[0] = self.stack.pop()

    def _cuModuleLoadData(self, module, text):
        if not self.stack or self.capturing:
            return INVALID_CONTEXT
        self.modules.append((text.decode(), *ptx_to_c.build(text.decode(), self.folder), self.stack[-1]))
        module[0] = len(self.modules)
        return 0

    def _cuModuleGetFunction(self, function, module, name):
        if f".entry {name.decode()}(" not in self.modules[module - 1][0]:
            return NOT_FOUND
        function[0] = module
        return 0

    def _cuStreamIsCapturing(self, stream, status):
        status[0] = int((stream or 0) in self.capturing)

    def _cuLaunchKernel(self, function, gx, gy, gz, bx, by, bz, shared, stream, arguments, extra):
        _, run, sizes, context = self.modules[function - 1]
        if (gy, gz, by, bz, shared) != (1, 1, 1, 1, 0) or extra or not gx or not 0 < bx <= 1024:
            return INVALID_VALUE
        if not self.stack or self.stack[-1] != context:
            return INVALID_CONTEXT
        assert sizes
        misplaced = run(gx, bx, ctypes.cast(arguments, c_void_p))
        assert not misplaced, f"{misplaced} accesses are not aligned, or outside of local memory"
        self.launches.append((function, gx, bx, stream or 0))
        return 0

    def _cuCtxSynchronize(self):
        return 0 if self.stack else INVALID_CONTEXT

    def _cuMemAlloc_v2(self, address, count):
        if not self.stack:
            return INVALID_CONTEXT
        block = np.zeros(count + 256, np.uint8)
        address[0] = -(-block.ctypes.data // 256) * 256
        self.memory[address[0]] = block
        return 0

    def _cuMemFree_v2(self, address):
        del self.memory[address]

    def _cuMemcpyDtoH_v2(self, host, device, count):
        ctypes.memmove(host, device, count)
        if self.spoiled:
            ctypes.cast(host, POINTER(c_ubyte))[count // 2] ^= 1

    def _cuMemsetD8Async(self, address, value, count, stream):
        ctypes.memset(address, value, count)


@contextlib.contextmanager
def installed(machine, monkeypatch):
    """Make a stand-in the driver, with kernels switched on; at the end nothing may have gone wrong in it."""
    if shutil.which("cc") is None:
        pytest.skip("there is no C compiler `cc`")
    monkeypatch.setattr(driver, "library", lambda: machine)
    monkeypatch.setattr(driver, "_functions", {})
    monkeypatch.setenv("FASTINIT_GPU", "1")
    driver.device.cache_clear()
    try:
        yield machine
    finally:
        driver.device.cache_clear()
    assert machine.faults == []
    assert machine.stack == []


#: As cuda.h has them.
PROTOTYPES = {
    "cuInit": [c_uint],
    "cuGetErrorName": [c_int, POINTER(c_char_p)],
    "cuDeviceGetCount": [POINTER(c_int)],
    "cuDeviceGet": [POINTER(c_int), c_int],
    "cuDeviceGetName": [POINTER(ctypes.c_char), c_int, c_int],
    "cuDeviceGetAttribute": [POINTER(c_int), c_int, c_int],
    "cuPointerGetAttribute": [c_void_p, c_int, c_uint64],
    "cuDevicePrimaryCtxRetain": [POINTER(c_void_p), c_int],
    "cuCtxGetCurrent": [POINTER(c_void_p)],
    "cuCtxPushCurrent_v2": [c_void_p],
    "cuCtxPopCurrent_v2": [POINTER(c_void_p)],
    "cuModuleLoadData": [POINTER(c_void_p), c_char_p],
    "cuModuleGetFunction": [POINTER(c_void_p), c_void_p, c_char_p],
    "cuStreamIsCapturing": [c_void_p, POINTER(c_int)],
    "cuCtxSynchronize": [],
    "cuMemAlloc_v2": [POINTER(c_uint64), c_size_t],
    "cuMemFree_v2": [c_uint64],
    "cuMemcpyDtoH_v2": [c_void_p, c_uint64, c_size_t],
    "cuMemsetD8Async": [c_uint64, c_ubyte, c_size_t, c_void_p],
    "cuLaunchKernel": [c_void_p, *[c_uint] * 7, c_void_p, POINTER(c_void_p), POINTER(c_void_p)],
}
