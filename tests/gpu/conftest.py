"""A machine with GPUs that are not there: the driver is a stand-in, and its kernels are the PTX as C."""

import os

import llvmlite.binding as llvm
import pytest

from fastinit.gpu import ptx
from tests.gpu.stand_in import Cuda, installed


class OnDevice:
    """A host array that says it is in the memory of a CUDA device."""

    def __init__(self, array, **changes):
        self.array, self.shape, self.dtype = array, array.shape, array.dtype
        self.__cuda_array_interface__ = {
            "version": 3,
            "shape": array.shape,
            "typestr": array.dtype.str,
            "strides": array.strides,
            "data": (array.__array_interface__["data"][0], not array.flags.writeable),
            **changes,
        }


@pytest.fixture(scope="session")
def nvptx():
    llvm.initialize_all_targets()
    try:
        llvm.Target.from_triple(ptx.TRIPLE)
    except RuntimeError:
        pytest.skip("this LLVM has no back end for NVPTX")


@pytest.fixture(scope="session")
def folder(nvptx, tmp_path_factory):
    """One for all workers of pytest-xdist, whose own folders are side by side in the run's."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return tmp_path_factory.mktemp("kernels")
    shared = tmp_path_factory.getbasetemp().parent / "kernels"
    shared.mkdir(exist_ok=True)
    return shared


@pytest.fixture
def cuda(folder, monkeypatch):
    """The driver of a machine with one GPU of compute capability 9.0; a test may change it before the first fill."""
    with installed(Cuda(folder), monkeypatch) as machine:
        yield machine
