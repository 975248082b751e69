"""What the tests of `deferred` share."""

import pytest

pytest.importorskip("torch", reason="needs PyTorch")

import torch
from torch import nn

import fastinit as fi
import fastinit.torch as ft


def built(make, seed=0, **options):
    """A model of a `deferred` block, materialised."""
    with ft.deferred(rng=seed):
        model = make()
    return ft.materialize(model, **options)


def drawn(name, method, *arguments, size, seed=0, call=0, **more):
    """What call `call` of a name's child draws, as a tensor."""
    rng = fi.default_rng(seed).child(name)
    for _ in range(call):
        rng.uniform()
    return torch.from_numpy(getattr(rng, method)(*arguments, size=size, **more))


class Constructed(nn.Module):
    """Everything that a constructor does itself: constants, copies, arithmetic, parts, chains, ties, buffers."""

    def __init__(self, rows=12, columns=10):
        super().__init__()
        size = (rows, columns)
        self.scaled = nn.Parameter(torch.randn(size) * 0.02)
        self.ones = nn.Parameter(torch.ones(columns) * 1e-6)
        self.legacy = nn.Parameter(torch.FloatTensor(*size).uniform_())
        self.parts = nn.Parameter(torch.empty(size))
        self.chain = nn.Parameter(torch.zeros(size))
        self.cut = nn.Parameter(torch.zeros(size))
        self.columns = nn.Parameter(torch.empty(size))
        self.turned = nn.Parameter(torch.empty(size))
        self.halves = nn.Parameter(torch.cat([torch.randn(rows // 2, columns), torch.zeros(rows - rows // 2, columns)]))
        self.square = nn.Linear(columns, rows)
        self.embed = nn.Embedding(rows, columns, padding_idx=3)
        self.head = nn.Linear(columns, rows, bias=False)
        self.head.weight = self.embed.weight
        self.norm = nn.BatchNorm1d(columns)
        self.copied = nn.Linear(columns, rows)
        self.register_buffer("table", torch.linspace(0, 1, columns).cumsum(0)[None] * torch.arange(rows)[:, None])
        self.register_buffer("mask", torch.tril(torch.ones(rows, rows)), persistent=False)
        self.offset = torch.tensor([1.0, 2.0])
        self.initialise()

    @torch.no_grad()
    def initialise(self):
        for half, scale in zip(self.parts.chunk(2), (1, 2), strict=True):
            nn.init.normal_(half, std=scale)
        self.parts[::3] = 5
        self.chain.uniform_(-0.9, 0.8).erfinv_().mul_(0.5).add_(1).clamp_(0, 2)
        self.cut.uniform_(-0.9, 0.8).erfinv_().mul_(0.5).clamp_(-0.1, 0.1)
        self.columns.data.fill_(2).data[:, 1:4].uniform_(3, 4)
        self.columns[:, 0] = self.columns[:, 5] * 2
        nn.init.normal_(self.turned.T)
        nn.init.orthogonal_(self.square.weight)
        self.square.bias.data.normal_().abs_()
        self.copied.load_state_dict(self.square.state_dict())
        nn.init.zeros_(self.norm.weight)


def tensors(model):
    """Parameters, buffers and plain attributes, by name."""
    found = {**dict(model.named_parameters(remove_duplicate=False)), **dict(model.named_buffers())}
    return found | {name: value for name, value in vars(model).items() if isinstance(value, torch.Tensor)}
