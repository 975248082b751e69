"""What the tests of torch's values share: the same calls with torch alone, and in a block."""

import pytest

pytest.importorskip("torch", reason="needs PyTorch")

import torch

import fastinit.torch as ft
from fastinit.torch.scopes import vector_math

vector_math.settle()  # torch's own first call may be wrong

DTYPES = (torch.float32, torch.float64, torch.bfloat16, torch.float16)


def bits(x):
    """A tensor's bytes, so that -0 is not 0, and NaN is NaN."""
    return x.detach().contiguous().flatten().view(torch.uint8)


def assert_same(got, expected):
    """Nested results are the same, bit for bit."""
    if isinstance(expected, torch.Tensor):
        assert got.dtype == expected.dtype
        assert got.shape == expected.shape
        assert got.stride() == expected.stride()
        assert torch.equal(bits(got), bits(expected)), f"{(got != expected).sum()} of {expected.numel()} differ"
    elif isinstance(expected, list | tuple):
        assert len(got) == len(expected)
        for pair in zip(got, expected, strict=True):
            assert_same(*pair)
    else:
        assert got == expected


def assert_as_torch(call, prepare=lambda: torch.manual_seed(5)):
    """A call in a block gives what it gives without, and leaves torch's generator in the same state."""
    with torch.random.fork_rng(devices=[]):
        prepare()
        expected, state = call(), torch.get_rng_state()
        prepare()
        with ft.fast_init(values="torch"):
            got = call()
        assert_same(got, expected)
        assert torch.equal(torch.get_rng_state(), state), "the generator's state differs"
