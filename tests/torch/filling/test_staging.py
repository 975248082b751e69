"""Fills through a small buffer, as for an accelerator, but of CPU tensors: the same bytes as direct fills.

No accelerator is used. The transfer itself, `Tensor.copy_`, is not tested here.
"""

import pytest

pytest.importorskip("torch", reason="needs PyTorch")

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

import fastinit as fi
from fastinit.generator import one_call
from fastinit.torch.filling import fills, shards, writing
from fastinit.torch.filling.tensors import array_of
from tests.torch.common import DTYPES

FILLS = {
    "uniform": fills.uniform(-1.0, 2.0),
    "normal": fills.normal(0.5, 2.0),
    "truncated": fills.truncated_normal(0.0, 1.0, 0.3, 4.0),
    "constant": fills.normal(0.5, 0.0),
}


def staged(tensor, nbytes, fill, rng):
    whole = tuple(slice(0, n) for n in tensor.shape)
    writing.stage(tensor, torch.empty(nbytes, dtype=torch.uint8), fill, one_call(rng), tuple(tensor.shape), whole)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", FILLS)
@pytest.mark.parametrize("nbytes", [8, 24, 200, 1 << 20])
def test_chunks_make_the_bytes_of_one_fill(name, dtype, nbytes):
    fill = FILLS[name]
    for shape in ((), (1,), (50,), (13, 7), (3, 5, 4), (0, 4)):
        whole = torch.empty(shape, dtype=dtype)
        rng = fi.default_rng(5)
        writing.fill_tensor(whole, fill, rng)
        other = fi.default_rng(5)
        parts = torch.full(shape, 9.0, dtype=dtype)
        staged(parts, nbytes, fill, other)
        assert torch.equal(parts, whole)
        if whole.numel():
            assert other.state == rng.state, "all chunks are one call"


def test_strided_targets():
    base = torch.full((10, 30), 9.0)
    staged(base[::2, 3:20].T, 64, FILLS["normal"], fi.default_rng(0))
    expected = fi.default_rng(0).normal(0.5, 2.0, size=(17, 5))
    assert np.array_equal(base[::2, 3:20].T.numpy(), expected)
    assert (base[1::2] == 9).all()
    assert (base[:, 20:] == 9).all()


def test_a_block_of_a_larger_tensor():
    """As a rank with an accelerator fills its shard: rows 1, 4, 7 and columns 2 to 5 of a whole."""
    rng = fi.default_rng(3)
    whole = rng.normal(0.5, 2.0, size=(9, 6))
    part = torch.empty(3, 4)
    block = (slice(1, 8, 3), slice(2, 6))
    for nbytes in (8, 24, 100):  # parts of rows, rows, the whole block
        buffer, call = torch.empty(nbytes, dtype=torch.uint8), one_call(fi.default_rng(3))
        writing.stage(part.fill_(9), buffer, FILLS["normal"], call, (9, 6), block)
        assert np.array_equal(part.numpy(), whole[block])


@given(st.integers(1, 60), st.integers(1, 9), st.data())
def test_indices_of_an_axis_as_slices(length, split, data):
    """The slices of `shards` name exactly the indices of a shard, in its order."""
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
    assert not writing.is_reachable(torch.device("cuda"))
    assert writing.is_reachable(torch.device("cpu"))
