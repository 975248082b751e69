"""Random operations in a block beside plain fills: complex ones, those of tensors, those that torch computes."""

import math
import subprocess
import sys

import pytest

pytest.importorskip("torch", reason="needs PyTorch")

import numpy as np
import torch
from torch import nn

import fastinit as fi
import fastinit.torch as ft


def test_complex_values_have_normal_parts():
    rng = fi.default_rng(6)
    with ft.fast_init(rng=6):
        z = torch.randn(500, dtype=torch.complex64)
        u = torch.rand(5, dtype=torch.complex128)
        shifted = torch.empty(500, dtype=torch.complex64).normal_(3.0, 2.0)
    assert np.array_equal(torch.view_as_real(z).numpy(), rng.normal(0, 0.5**0.5, size=(500, 2)))
    assert np.array_equal(torch.view_as_real(u).numpy(), rng.uniform(size=(5, 2), dtype="float64"))
    drawn = torch.from_numpy(rng.normal(0, 2 * 0.5**0.5, size=(500, 2)))
    assert torch.allclose(torch.view_as_real(shifted) - torch.tensor([3.0, 0.0]), drawn, atol=1e-5)


@pytest.mark.parametrize(
    ("mean", "std", "shape"),
    [(torch.arange(3.0), 2.0, (3,)), (1.0, torch.arange(4.0).view(4, 1), (4, 1)), (torch.zeros(3), torch.ones(2, 1), (2, 3))],
    ids=["mean", "std", "both"],
)
def test_normal_of_tensors(mean, std, shape):
    with ft.fast_init(rng=6) as rng:
        values = torch.normal(mean, std)
        with pytest.raises(RuntimeError, match="std"):
            torch.normal(torch.zeros(2), torch.tensor([1.0, -1.0]))
    assert rng.state["calls"] == 1
    assert torch.allclose(values, torch.from_numpy(fi.default_rng(6).normal(size=shape)) * std + mean)
    with ft.fast_init(rng=6):
        out = torch.empty(0)
        assert torch.normal(mean, std, out=out) is out
    assert torch.equal(out, values)


#: Calls that torch computes; they take no number.
TORCHS = {
    "integers": lambda: torch.randint(0, 1000, (50,)),
    "permutation": lambda: torch.randperm(50),
    "exponential": lambda: torch.empty(50).exponential_(),
    "cauchy": lambda: torch.empty(50).cauchy_(),
    "log_normal": lambda: torch.empty(50).log_normal_(),
    "geometric": lambda: torch.empty(50).geometric_(0.01),
    "bernoulli": lambda: torch.empty(50).bernoulli_(0.5),
    "probabilities": lambda: torch.bernoulli(torch.full((50,), 0.5)),
    "random": lambda: torch.empty(50).random_(),
    "multinomial": lambda: torch.multinomial(torch.ones(50), 40),
    "poisson": lambda: torch.poisson(torch.full((50,), 30.0)),
    "infinite": lambda: torch.empty(50).normal_(0, math.inf).sign(),
    "dropout": lambda: nn.functional.dropout(torch.ones(50), 0.5),
    "rrelu": lambda: nn.functional.rrelu(-torch.ones(50), training=True),
    "gamma": lambda: torch._standard_gamma(torch.ones(50)),
}


@pytest.mark.parametrize("name", TORCHS)
def test_the_generator_decides_what_torch_computes(name):
    """Neither values nor state of torch's own generator take part."""
    before = torch.get_rng_state()
    found = {}
    for seed in (0, 0, 1):
        with ft.fast_init(rng=seed) as rng:
            values, more = TORCHS[name](), TORCHS[name]()
        assert rng.state["calls"] == 0
        assert not torch.equal(values, more)
        assert torch.equal(found.setdefault(seed, values), values)
    assert not torch.equal(found[0], found[1])
    assert torch.equal(torch.get_rng_state(), before)
    generator = torch.Generator().manual_seed(3)
    expected = torch.empty(50).exponential_(generator=generator)
    generator.manual_seed(3)
    with ft.fast_init(rng=0):
        assert torch.equal(torch.empty(50).exponential_(generator=generator), expected), "the caller's own generator decides"


def test_shared_generators_decide_each_block_anew():
    shared = fi.default_rng(1)
    with ft.fast_init(rng=shared):
        first = torch.randperm(50)
    with ft.fast_init(rng=shared):
        assert not torch.equal(torch.randperm(50), first)


def test_torchs_sparse_is_decided_by_the_block():
    first, second = (torch.empty(40, 5), torch.empty(40, 5))
    for tensor in (first, second):
        with ft.fast_init(rng=0):
            nn.init.sparse_(tensor, 0.3)
    assert torch.equal(first, second)
    assert (first.eq(0).sum(0) == 12).all()


def test_what_has_no_values_takes_no_number():
    with ft.fast_init(rng=0) as rng:
        assert torch.randn(50, device="meta").shape == (50,)
        torch.empty(3, device="meta").uniform_()
    assert rng.state["calls"] == 0


IMPORTED = """
import torch, fastinit as fi, fastinit.torch as ft

with ft.fast_init(rng=0):
    torch.rand(3)
    import torch.distributed.tensor as dt
    torch.distributed.init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
    mesh = torch.distributed.device_mesh.init_device_mesh("cpu", (1,))
    tensor = dt.distribute_tensor(torch.zeros(4), mesh, [dt.Shard(0)])
    try:
        tensor.normal_()
    except RuntimeError as error:
        print(error)
with ft.fast_init(rng=0):
    tensor.normal_()
    like = torch.rand_like(tensor)
own = fi.default_rng(0)
assert torch.equal(tensor.full_tensor(), torch.from_numpy(own.normal(size=4)))
assert torch.equal(like.full_tensor(), torch.from_numpy(own.uniform(size=4)))
weight = torch.nn.Parameter(tensor)
with ft.fast_init(rng=0):
    loss = (weight * 2).normal_().sum()
    loss.backward()
    try:
        weight.normal_()
    except RuntimeError as error:
        print(error)
print(weight.grad.full_tensor().tolist())
torch.distributed.destroy_process_group()
"""


def test_dtensors_and_autograd():
    done = subprocess.run([sys.executable, "-c", IMPORTED], capture_output=True, text=True, timeout=200)
    imported, leaf, gradient = done.stdout.splitlines()[-3:]
    assert imported == "torch.distributed.tensor must be imported before the fast_init block that fills DTensors", done.stderr
    assert "leaf Variable that requires grad" in leaf
    assert gradient == "[0.0, 0.0, 0.0, 0.0]"
