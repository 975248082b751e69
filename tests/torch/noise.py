"""What the tests of `perturb` share."""

import pytest

pytest.importorskip("torch", reason="needs PyTorch")

import torch
from torch import nn

import fastinit.torch as ft

SCALE = 0.0123


def model_of(dtype=torch.float32):
    """Two layers with equal shapes, a norm with buffers."""
    with ft.fast_init(rng=0):
        return nn.Sequential(nn.Linear(9, 9), nn.BatchNorm1d(9), nn.Linear(9, 9)).to(dtype)


def state(model):
    """Copies of all parameters and buffers."""
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}
