"""Tensors of torch on a CUDA device: a stub, since this torch may have no CUDA, with torch's own dtypes and layouts."""

from types import SimpleNamespace

import numpy as np
import pytest

import fastinit as fi
from fastinit.arguments import dtypes

torch = pytest.importorskip("torch")


class Tensor:
    """What is read of a tensor, over host memory."""

    layout, requires_grad = torch.strided, False

    def __init__(self, array, dtype, **changes):
        self.array, self.dtype, self.shape = array, dtype, torch.Size(array.shape)
        self.device = SimpleNamespace(type="cuda", index=0)
        self.__dict__.update(changes)

    def is_neg(self):
        return False

    def is_conj(self):
        return False

    def stride(self):
        return tuple(stride // self.array.itemsize for stride in self.array.strides)

    def data_ptr(self):
        return self.array.__array_interface__["data"][0]


@pytest.fixture
def streams(monkeypatch):
    asked = []

    def current_stream(device):
        asked.append(device)
        return SimpleNamespace(cuda_stream=0x77)

    monkeypatch.setattr(torch.cuda, "current_stream", current_stream)
    return asked


@pytest.mark.parametrize("real", dtypes.REALS.values(), ids=lambda real: real.name)
def test_tensors_get_the_bytes_of_the_cpu_on_their_stream(cuda, streams, real):
    wanted = fi.default_rng(1).normal(size=(30, 20), dtype=real.name)
    out = Tensor(np.zeros((20, 30), real.dtype).T, getattr(torch, real.name))
    assert fi.default_rng(1).normal(out=out) is out
    assert out.array.tobytes() == wanted.tobytes()
    assert streams
    assert set(map(id, streams)) == {id(out.device)}
    assert [launched[3] for launched in cuda.launches] == [0x77]


def test_bits(cuda, streams):
    out = Tensor(np.zeros(77, np.uint32), torch.uint32)
    fi.default_rng(1).bits(out=out)
    assert np.array_equal(out.array, fi.default_rng(1).bits(77))


INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")


@pytest.mark.parametrize(
    ("law", "dtype"), [(fi.laws.integers(3, 100), name) for name in INTEGERS] + [(fi.laws.bernoulli(0.3), "bool")], ids=str
)
def test_integers(cuda, streams, law, dtype):
    out = Tensor(np.zeros(77, dtype), getattr(torch, dtype))
    fi.default_rng(1).draw(law, out=out)
    assert np.array_equal(out.array, fi.default_rng(1).draw(law, 77, dtype=dtype))
    with pytest.raises(TypeError, match=f"out must have dtype float32; got {dtype}"):
        fi.default_rng(1).normal(out=out, dtype="float32")


REFUSED = {
    "gradient": ({"requires_grad": True}, TypeError, "out must not require a gradient; use tensor.detach"),
    "sparse": ({"layout": torch.sparse_coo}, TypeError, "out must be a dense tensor; got layout torch.sparse_coo"),
    "negated": ({"is_neg": lambda: True}, TypeError, "out must be a dense tensor"),
    "integers": ({"dtype": torch.int32}, TypeError, "out must have one of the dtypes float32.*e5m2; got int32"),
    "complex": (
        {"dtype": torch.complex64},
        TypeError,
        "out must have one of the dtypes float32.*int8.*bool; got torch.complex64",
    ),
    "expanded": ({"stride": lambda: (0,)}, ValueError, "out must not overlap itself"),
    "another device": ({"device": SimpleNamespace(type="mps", index=0)}, TypeError, "out must be"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_tensors_that_are_refused(cuda, streams, case):
    changes, error, match = REFUSED[case]
    array = np.zeros(60, np.float32)
    rng = fi.default_rng(1)
    with pytest.raises(error, match=match):
        rng.normal(out=Tensor(array, **{"dtype": torch.float32, **changes}))
    assert rng.state["calls"] == 0
    assert cuda.modules == []
    assert not array.any()


@pytest.mark.parametrize("value", ["0", "", "no", None])
def test_a_tensor_without_the_switch(cuda, streams, monkeypatch, value):
    monkeypatch.delenv("FASTINIT_GPU") if value is None else monkeypatch.setenv("FASTINIT_GPU", value)
    rng = fi.default_rng(1)
    with pytest.raises(TypeError, match="out must be"):
        rng.normal(out=Tensor(np.zeros(60, np.float32), torch.float32))
    assert rng.state["calls"] == 0
    assert streams == []


def test_tensors_on_the_cpu_go_the_other_way(cuda):
    out = torch.zeros(60)
    assert fi.default_rng(1).normal(out=out) is out
    assert np.array_equal(out.numpy(), fi.default_rng(1).normal(size=60))
    assert cuda.launches == []
