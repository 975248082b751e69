"""What the tests of `save` share."""

import warnings

import pytest

pytest.importorskip("torch", reason="needs PyTorch")

import torch
from torch.distributed import checkpoint as dcp

import fastinit.torch as ft


def deferred(make, seed=0):
    with ft.deferred(rng=seed):
        return make()


def read(state, path):
    """Load a folder into a state by torch alone."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "torch.distributed is disabled")
        dcp.load(state, checkpoint_id=path)
    return state


def blank(state):
    """The same names, shapes and dtypes with other values."""
    return {name: torch.full_like(tensor, 77) for name, tensor in state.items()}


def same(x, y):
    """Whether two tensors have the same bytes."""
    return x.dtype == y.dtype and x.shape == y.shape and torch.equal(*(t.reshape(-1).view(torch.uint8) for t in (x, y)))


def require_same(found, expected):
    """Raise for tensors that differ."""
    assert sorted(found) == sorted(expected)
    assert [name for name, tensor in expected.items() if not same(found[name].detach(), tensor.detach())] == []
