"""`manual_seed`, `set_rng_state`, `fork_rng` and activation checkpoints in a block."""

import gc

import pytest

pytest.importorskip("torch", reason="needs PyTorch")

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

import fastinit.torch as ft


@pytest.fixture(autouse=True)
def _own_state():
    with torch.random.fork_rng():
        yield


def draws():
    """One value that fastinit makes, and one that torch computes."""
    return torch.cat([torch.rand(3), torch.randperm(50).float()])


def test_a_seed_in_the_block_decides_what_follows():
    with ft.fast_init(rng=0) as rng:
        draws()
        for seed in (torch.manual_seed, torch.random.manual_seed):
            seed(5)
            first = draws()
            torch.manual_seed(5)
            assert torch.equal(draws(), first)
        assert rng.state["calls"] == 1
        assert torch.initial_seed() == 5
        torch.seed()
        assert not torch.equal(draws(), first)
        torch.manual_seed(5)
        state = torch.get_rng_state()
    torch.manual_seed(5)
    assert torch.equal(torch.get_rng_state(), state), "torch's own state is what it would be without a block"
    with ft.fast_init(rng=None):
        assert torch.equal(draws()[:3], first[:3]), "as a block that begins after the same seed"


def test_states_return_to_their_place():
    with ft.fast_init(rng=0) as rng:
        draws()
        state = torch.get_rng_state()
        first, second = draws(), draws()
        torch.set_rng_state(state)
        assert torch.equal(draws(), first)
        with torch.random.fork_rng():
            assert torch.equal(draws(), second)
            torch.manual_seed(1)
            draws()
        assert torch.equal(draws(), second)
        assert rng.state["calls"] == 3
        torch.set_rng_state(torch.Generator().manual_seed(8).get_state())  # no place of this block
        other = draws()
        torch.manual_seed(8)
        assert torch.equal(draws(), other)


class Checkpointed(nn.Module):
    def __init__(self, reentrant):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(50))
        self.reentrant = reentrant

    def forward(self, x):
        def run(x):
            return nn.functional.dropout(x * self.weight, 0.5) * torch.rand(50)

        return checkpoint(run, x, use_reentrant=self.reentrant)


@pytest.mark.parametrize("reentrant", [True, False])
def test_checkpoints_compute_the_same_again(reentrant):
    x = torch.ones(50, requires_grad=True)
    with ft.fast_init(rng=3):
        model = Checkpointed(reentrant)
        y = model(x)
        y.sum().backward()
        assert torch.equal(model.weight.grad, y.detach())
        y = model(x)
    with pytest.raises(RuntimeError, match="backward pass must run in a fast_init block"):
        y.sum().backward()


def test_the_default_generator_is_torchs_again():
    """After a block whose states nobody has any more."""
    gc.collect()
    with ft.fast_init(rng=0):
        state = torch.get_rng_state()
        with torch.random.fork_rng():
            torch.rand(3)
    assert torch.random.default_generator is not torch.default_generator, "the state is recognised"
    del state
    assert torch.random.default_generator is torch.default_generator
    torch.randperm(4, generator=torch.random.default_generator)


def test_states_of_a_block_can_be_restored_outside():
    with ft.fast_init(rng=3):
        state = torch.get_rng_state()
    torch.rand(3)
    torch.set_rng_state(state)
    assert torch.equal(torch.get_rng_state(), state)
