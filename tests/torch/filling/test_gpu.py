"""Tensors on a CUDA device: which way is taken, and the bytes of the kernels where a stand-in for the driver runs them."""

import pytest

pytest.importorskip("torch", reason="needs PyTorch")

import torch

import fastinit as fi
import fastinit.torch as ft
from fastinit.arguments import devices
from fastinit.gpu import driver
from fastinit.torch.filling import fills, shards, writing
from fastinit.torch.scopes import call_order, scope
from tests.gpu.stand_in import Cuda, installed

CUDA = torch.device("cuda", 1)


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Tensors of the CPU count as those of a GPU whose driver is the stand-in."""

    def as_device_array(tensor):
        real = writing.real_of(tensor)
        strides = tuple(step * real.dtype.itemsize for step in tensor.stride())
        return devices.DeviceArray(tensor.data_ptr(), tuple(tensor.shape), strides, real.dtype, True, 7)

    monkeypatch.setattr(devices, "device_array", as_device_array)
    monkeypatch.setattr(writing, "_memory", lambda part: part.detach())
    monkeypatch.setattr(scope, "plain_address", lambda tensor: 0)
    with installed(Cuda(tmp_path), monkeypatch) as cuda:
        yield cuda


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize(
    "fill",
    [fills.uniform(-1.0, 2.0), fills.normal(0.5, 2.0), fills.truncated_normal(0.0, 1.0, -2.0, 2.0), fills.normal(0.5, 0.0)],
    ids=["uniform", "normal", "truncated", "constant"],
)
def test_kernels_make_the_bytes_of_the_cpu(machine, monkeypatch, dtype, fill):
    tensor = torch.empty(7, 40, dtype=dtype).t()
    writing.fill_tensor(tensor, fill, fi.default_rng(3))
    assert {stream for *_, stream in machine.launches} == {7}
    monkeypatch.undo()
    expected = torch.empty(40, 7, dtype=dtype)
    writing.fill_tensor(expected, fill, fi.default_rng(3))
    assert torch.equal(tensor, expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_noise_is_added_where_the_weight_is(machine, monkeypatch, dtype):
    tensor = torch.linspace(-1, 1, 280).reshape(7, 40).to(dtype).t()
    expected = tensor.clone()
    ft.perturb({"w": tensor}, 3, -0.25)
    assert len(machine.launches) == 1
    monkeypatch.undo()
    ft.perturb({"w": expected}, 3, -0.25)
    assert torch.equal(tensor, expected)


def test_init_and_fast_init_launch_kernels(machine):
    weight = torch.nn.Parameter(torch.empty(16, 8))
    ft.init.xavier_normal_(weight, generator=5)
    assert len(machine.launches) == 1
    with ft.fast_init(rng=0):
        torch.nn.Linear(8, 4)
    assert len(machine.launches) == 3
    assert weight.grad_fn is None


def test_pieces_of_a_sharded_tensor(machine, monkeypatch):
    whole = torch.empty(12, 5)
    writing.fill_tensor(whole, fills.normal(0.0, 1.0), fi.default_rng(1))
    part = torch.empty(4, 5)
    pieces = [shards.Piece(whole=(slice(4, 8), slice(0, 5)), local=(slice(0, 4), slice(0, 5)))]
    monkeypatch.setattr(shards, "is_sharded", lambda tensor: True)
    monkeypatch.setattr(shards, "pieces", lambda tensor: iter(pieces))
    monkeypatch.setattr(writing, "local_part", lambda tensor: part)
    writing.fill_tensor(whole, fills.normal(0.0, 1.0), fi.default_rng(1))
    assert torch.equal(part, whole[4:8])


def test_off_unless_asked_for(monkeypatch):
    monkeypatch.setattr(driver, "reason_against", lambda ordinal: None)
    monkeypatch.delenv("FASTINIT_GPU", raising=False)
    assert not writing.is_served(CUDA)
    monkeypatch.setenv("FASTINIT_GPU", "1")
    assert writing.is_served(CUDA)
    assert not writing.is_served(torch.device("xpu", 0))
    assert writing.is_served(torch.device("cpu"))


def test_staged_where_the_driver_or_the_chip_is_not_served(monkeypatch):
    monkeypatch.setenv("FASTINIT_GPU", "1")
    asked = []
    monkeypatch.setattr(driver, "reason_against", lambda ordinal: asked.append(ordinal) or "no driver")
    assert not writing.is_served(CUDA)
    assert asked == [1]


def test_reasons_are_sentences(monkeypatch, tmp_path):
    with installed(Cuda(tmp_path, capabilities=((6, 1), (9, 0))), monkeypatch):
        assert "compute capability 7.5" in driver.reason_against(0)
        assert driver.reason_against(1) is None
        assert "could not find device 2" in driver.reason_against(2)


def test_fast_init_takes_tensors_of_served_devices_only(monkeypatch):
    """Meta tensors count as those of a GPU here: what is refused goes to torch, what is served comes to us."""
    served, filled = [False], []
    monkeypatch.setattr(writing, "is_reachable", lambda device: True)
    monkeypatch.setattr(writing, "is_served", lambda device: served[0])
    monkeypatch.setattr(call_order.CallOrder, "fill", lambda self, tensor, fill: filled.append(tensor.device.type))
    with ft.fast_init(rng=0):
        for served[0] in (False, True):
            torch.empty(2, device="meta").normal_()
    assert filled == ["meta"]


def test_what_can_be_filled_in_place(monkeypatch):
    assert writing.can_fill_in_place(torch.empty(3))
    monkeypatch.setattr(writing, "is_served", lambda device: False)
    assert not writing.can_fill_in_place(torch.empty(3))
