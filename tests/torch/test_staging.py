"""The way to an accelerator, through a small buffer, tried on tensors of the CPU: same bytes as a direct fill.

No accelerator is needed, or used: what is not tested here is the transfer itself, which is `Tensor.copy_`.
"""

import math

import pytest

pytest.importorskip("torch", reason="needs PyTorch")

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

import fastinit as fi
from fastinit import calls
from fastinit.torch import filling, shards
from fastinit.torch import fills as laws
from fastinit.torch.tensors import array_of

LAWS = {
    "uniform": laws.uniform(-1.0, 2.0),
    "normal": laws.normal(0.5, 2.0),
    "truncated": laws.truncated_normal(0.0, 1.0, 0.3, 4.0),
    "constant": laws.normal(0.5, 0.0),
}


def staged(tensor, nbytes, law, rng, where=None):
    call = calls.one_call(rng)
    index = shards.everything(tensor).whole if where is None else where
    filling.stage(tensor, torch.empty(nbytes, dtype=torch.uint8), law, call, tuple(tensor.shape), index)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("nbytes", [8, 24, 200, 1 << 20])
def test_chunks_make_the_bytes_of_one_fill(name, dtype, nbytes):
    law = LAWS[name]
    for shape in ((), (1,), (50,), (13, 7), (3, 5, 4), (0, 4)):
        whole = torch.empty(shape, dtype=dtype)
        rng = fi.default_rng(5)
        filling.fill(whole, law, rng)
        other = fi.default_rng(5)
        parts = torch.full(shape, 9.0, dtype=dtype)
        staged(parts, nbytes, law, other)
        assert torch.equal(parts, whole)
        if whole.numel():
            assert other.state == rng.state, "all chunks are one call"


def test_strided_targets():
    base = torch.full((10, 30), 9.0)
    staged(base[::2, 3:20].T, 64, LAWS["normal"], fi.default_rng(0))
    expected = fi.default_rng(0).normal(0.5, 2.0, size=(17, 5))
    assert np.array_equal(base[::2, 3:20].T.numpy(), expected)
    assert (base[1::2] == 9).all()
    assert (base[:, 20:] == 9).all()


def test_a_block_of_a_larger_tensor():
    """As a rank with an accelerator fills its shard: rows 1, 4, 7 and columns 2 to 5 of a whole."""
    rng = fi.default_rng(3)
    whole = rng.normal(0.5, 2.0, size=(9, 6))
    part = torch.empty(3, 4)
    call = calls.one_call(fi.default_rng(3))
    where = (slice(1, 8, 3), slice(2, 6))
    filling.stage(part, torch.empty(24, dtype=torch.uint8), LAWS["normal"], call, (9, 6), where)
    assert np.array_equal(part.numpy(), whole[1:8:3, 2:6])


@given(st.lists(st.integers(0, 9), max_size=4).map(tuple), st.integers(1, 40))
def test_cuts_cover_a_shape_once_and_in_order(shape, most):
    places = np.arange(math.prod(shape)).reshape(shape)
    blocks = [places[index] for index in filling.cuts(shape, most)]
    assert all(0 < block.size <= most for block in blocks)
    assert np.array_equal(np.concatenate([block.ravel() for block in blocks] or [[]]), places.ravel())


@given(st.integers(1, 60), st.integers(1, 9), st.data())
def test_places_of_an_axis_as_slices(length, split, data):
    """The slices of `shards` name exactly the places that a shard holds, in its order."""
    count = data.draw(st.integers(1, 5))
    parts = [np.arange(length)[i : i + split] for i in range(0, length, split)]
    for number in range(count):
        held = np.concatenate([shards._chunk(part, count, number) for part in parts])
        got = np.full(len(held), -1)
        for outer, inner in shards._runs(held):
            got[inner] = np.arange(length)[outer]
        assert np.array_equal(got, held)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7])
def test_chunks_are_torchs(count):
    for length in range(12):
        mine = [shards._chunk(np.arange(length), count, number).tolist() for number in range(count)]
        theirs = [part.tolist() for part in torch.arange(length).chunk(count)] if length else []
        assert [part for part in mine if part] == theirs or length == 0


def test_arrays_share_the_tensors_memory():
    for dtype in (torch.float32, torch.bfloat16):
        tensor = torch.zeros(4, 6, dtype=dtype)[:, 1::2]
        array_of(tensor)[2, 1] = 3
        assert tensor.nonzero().tolist() == [[2, 1]]
        assert tensor[2, 1] == 3


def test_a_device_that_cannot_be_reached_is_refused(monkeypatch):
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)
    assert not filling.is_reachable(torch.device("cuda"))
    assert filling.is_reachable(torch.device("cpu"))
