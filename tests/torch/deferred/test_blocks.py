"""Blocks of tensors: the arithmetic of boxes, and blocks made alone against the whole."""

import pytest

pytest.importorskip("torch", reason="needs PyTorch")

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

import fastinit.torch as ft
from fastinit.torch.recording.blockwise import Blocks, NotBlockwise
from fastinit.torch.recording.boxes import Axis, NotABox, common, locate
from fastinit.torch.recording.draws import assign
from fastinit.torch.recording.evaluation import Evaluator
from fastinit.torch.recording.steps import memory_of, ref_of

axes = st.builds(Axis, st.integers(0, 20), st.integers(1, 9), st.integers(1, 4))


def places(axis):
    return [axis.start + number * axis.step for number in range(axis.size)]


@given(axes, axes)
def test_common_places(first, second):
    shared = sorted(set(places(first)) & set(places(second)))
    try:
        found = common(first, second)
    except NotABox:
        assert first.step > 1
        assert second.step > 1
        return
    if found is None:
        assert not shared
    else:
        assert [places(first)[number] for number in places(found[0])] == shared
        assert [places(second)[number] for number in places(found[1])] == shared


@given(axes, axes)
def test_an_axis_of_an_axis(outer, inner):
    inner = inner._replace(start=inner.start % outer.size, size=1)
    assert places(outer.of(inner)) == [places(outer)[inner.start]]


def views():
    """Views of a tensor, and whether they are boxes of it."""
    yield lambda t: t, True
    yield lambda t: t[1], True
    yield lambda t: t[:, 2], True
    yield lambda t: t[..., 1:4:2], True
    yield lambda t: t[::2, 1:, 3], True
    yield lambda t: t.transpose(0, 2), True
    yield lambda t: t.transpose(0, 1)[2], True
    yield lambda t: t[:, :1, :, None], True
    yield lambda t: t[2, 1, 3], True
    yield lambda t: t.reshape(-1), False
    yield lambda t: t.diagonal(0, 0, 1), False
    yield lambda t: t.unfold(2, 2, 1), False
    yield lambda t: t[:, :, :1].expand(3, 4, 5), False


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)], ids=str)
def test_located_views(order):
    whole = torch.arange(60).reshape([(3, 4, 5)[axis] for axis in order]).permute(*np.argsort(order).tolist())
    for view, is_box in views():
        part = view(whole) if order == (0, 1, 2) or is_box else None
        if part is None:
            continue
        geometries = [(tuple(each.shape), each.stride(), each.storage_offset()) for each in (whole, part)]
        if not is_box:
            with pytest.raises(NotABox):
                locate(*geometries)
            continue
        box = locate(*geometries)
        found = whole[tuple(axis.slice for axis in box.block)]
        assert sorted(found.flatten().tolist()) == sorted(part.flatten().tolist())
        assert [1 if axis is None else box.block[axis].size for axis in box.axes] == list(part.shape)


def steps():
    """A tensor made by steps of every kind that can be done for a block."""
    base = torch.randn(6, 8) * torch.linspace(1, 2, 8)
    base[2:5].uniform_(3, 4)
    base[:, ::3].add_(10)
    base[:, 1:7:2] = torch.arange(6.0)[:, None]
    base.T[3].normal_()
    base[4, 2:6].copy_(base[3, 2:6])
    return torch.where(base > 3.5, base, -base).to(torch.float64).clamp_(-20, 20)


def test_blocks_are_blocks_of_the_whole():
    with ft.deferred(rng=0):
        tensor = steps()
    memory = memory_of(tensor)
    ref = ref_of(tensor, memory)
    draws = assign([("name", ref)]).__getitem__
    whole = Evaluator(draws).tensor(ref)
    blocks = Blocks(Evaluator(draws))
    for rows in (Axis(0, 6, 1), Axis(3, 2, 1), Axis(0, 3, 2), Axis(5, 1, 1)):
        for columns in (Axis(0, 8, 1), Axis(2, 3, 1), Axis(1, 3, 3)):
            expected = whole[rows.slice, columns.slice]
            assert torch.equal(blocks.block(ref, (rows, columns)), expected)
            assert torch.equal(blocks.block(ref, (rows, columns), torch.empty_like(expected)), expected)
    assert whole.unique().numel() > 30


@pytest.mark.parametrize(
    "make",
    [lambda: torch.randn(4, 4).cumsum(0), lambda: torch.randn(4, 4).reshape(16).sort().values, lambda: torch.randperm(5)],
    ids=["cumsum", "sort", "randperm"],
)
def test_what_needs_the_whole_says_so(make):
    with ft.deferred(rng=0):
        tensor = make()
    ref = ref_of(tensor, memory_of(tensor))
    blocks = Blocks(Evaluator(assign([("name", ref)]).__getitem__))
    with pytest.raises(NotBlockwise):
        blocks.block(ref, tuple(Axis(0, 2, 1) for _ in ref.size))
