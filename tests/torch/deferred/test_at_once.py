"""What a constructor needs to know at once is computed; what nothing has set is an error."""

import copy

import pytest

pytest.importorskip("torch", reason="needs PyTorch")

import numpy as np
import torch
from torch import nn

import fastinit.torch as ft
from tests.torch.deferred.common import built, drawn


def test_numbers_lists_and_branches():
    with ft.deferred(rng=0):
        rates = [rate.item() for rate in torch.linspace(0, 0.1, 3)]
        counts = torch.arange(4).tolist()
        array = torch.eye(2).numpy()
        assert bool(torch.ones(3).sum() == 3)
        assert int(torch.tensor(5)) == 5
        assert torch.equal(torch.zeros(2), torch.zeros(2))
        found = torch.nonzero(torch.tensor([0, 1, 1]))
        assert found.shape == (2, 1)
        assert np.asarray(torch.arange(3) * 2).tolist() == [0, 2, 4]
        assert torch.tensor([torch.tensor(1.5), 2.0]).tolist() == [1.5, 2]
    assert rates == [rate.item() for rate in torch.linspace(0, 0.1, 3)]
    assert counts == [0, 1, 2, 3]
    assert array.tolist() == [[1, 0], [0, 1]]


def test_random_values_that_are_needed_at_once():
    """They come from the child of the empty name, and stay the same in the model."""

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.randn(50))
            self.mean = self.weight.mean().item()
            self.later = nn.Parameter(torch.randn(5))

    model = built(Model)
    assert torch.equal(model.weight, drawn("", "normal", size=50))
    assert model.mean == pytest.approx(model.weight.mean().item(), abs=1e-7)
    assert torch.equal(model.later, drawn("later", "normal", size=5))


def test_memory_that_is_given_away_is_written_by_both_sides():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(4))
            array = self.weight.detach().numpy()
            array[1] = 7
            self.copy = nn.Parameter(self.weight.detach().clone())
            with torch.no_grad():
                self.weight[2] = 8
            assert array[2] == 8
            array[3] = 9

    model = built(Model)
    assert model.weight.tolist() == [0, 7, 8, 9]
    assert model.copy.tolist() == [0, 7, 0, 0]


def test_arrays_of_numpy_keep_their_values():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.from_numpy(np.arange(6.0).reshape(2, 3)))
            self.register_buffer("halves", torch.as_tensor(np.ones(3)).half() / 2)
            self.scale = nn.Parameter(torch.tensor(np.float32(3)))
            table = torch.zeros(4)
            table[1:3] = torch.from_numpy(np.array([5.0, 6.0]))
            self.table = nn.Parameter(table)

    model = built(Model)
    assert model.weight.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert model.halves.tolist() == [0.5] * 3
    assert model.scale.item() == 3
    assert model.table.tolist() == [0, 5, 6, 0]


def test_lists_of_python_stay_as_they_are():
    """Steps on a tensor of given values change no other tensor that is computed from them, nor the values themselves."""

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("first", torch.tensor([1.0, 2.0]))
            self.register_buffer("second", self.first.clone())
            self.first.mul_(2)
            self.register_buffer("third", self.first.flip(0))
            self.first.add_(1)

    for rule in (None, lambda model: None):
        model = built(Model, rule=rule)
        assert [model.first.tolist(), model.second.tolist(), model.third.tolist()] == [[3, 5], [1, 2], [4, 2]]


class Unset(nn.Module):
    def __init__(self, touch):
        super().__init__()
        self.good = nn.Linear(2, 2)
        self.bad = nn.Parameter(torch.empty(4, 3))
        with torch.no_grad():
            touch(self.bad)


@pytest.mark.parametrize(
    "touch",
    [
        lambda weight: None,
        lambda weight: weight.mul_(2),
        lambda weight: weight[1].fill_(2),
        lambda weight: weight.data_ptr(),
        lambda weight: weight.numpy(),
        lambda weight: weight.copy_(torch.empty(4, 3)),
        lambda weight: weight.copy_(torch.FloatTensor(4, 3) + 1),
        lambda weight: weight[:3].uniform_(),
        lambda weight: weight[:, ::2].uniform_(),
        lambda weight: weight[:2].exponential_(generator=torch.Generator()),
    ],
    ids=["nothing", "mul_", "row", "data_ptr", "numpy", "copy", "computed", "most", "columns", "at once"],
)
def test_memory_without_values_is_never_kept(touch):
    with ft.deferred():
        model = Unset(touch)
    with pytest.raises(ValueError, match=r"none sets bad\."):
        ft.materialize(model)
    assert all(tensor.is_meta for tensor in model.parameters())


@pytest.mark.parametrize(
    "touch",
    [
        lambda weight: [weight[:2].uniform_(), weight[2:].normal_()],
        lambda weight: [weight[:, ::2].fill_(1), weight[:, 1].fill_(2), weight.mul_(3)],
        lambda weight: [weight.mul_(2), weight.fill_(1)],
        lambda weight: [weight.view(-1)[:6].zero_(), weight.view(-1)[6:].copy_(torch.ones(6))],
        lambda weight: weight.exponential_(generator=torch.Generator()),
    ],
    ids=["rows", "columns", "late", "flat", "at once"],
)
def test_parts_that_cover_the_whole_set_it(touch):
    with ft.deferred():
        model = Unset(touch)
    assert not ft.materialize(model).bad.isnan().any()


def test_values_that_nothing_has_set_are_refused_at_once():
    with ft.deferred(), pytest.raises(RuntimeError, match="needs the values of a tensor of shape"):
        torch.empty(3).sum().item()


def test_lazy_modules_have_no_shape():
    for make in (lambda: nn.Sequential(nn.LazyLinear(3)), lambda: nn.Sequential(nn.LazyBatchNorm1d())):
        with ft.deferred():
            model = make()
        with torch.device("meta"):
            plain = make()
        for each in (model, plain):
            with pytest.raises(ValueError, match=r"model must have the shapes of all its tensors; 0\.\w+"):
                ft.materialize(each)


@pytest.mark.filterwarnings("ignore:Sparse")
@pytest.mark.parametrize("make", [lambda x: x.to_sparse(), lambda x: x.to_sparse_csr()], ids=["coo", "csr"])
def test_sparse_tensors_are_named(make):
    with ft.deferred(), pytest.raises(NotImplementedError, match=r"must make dense tensors; got one of shape \(3, 3\)"):
        make(torch.eye(3))
    model = nn.Module()
    model.register_buffer("mask", torch.empty(3, 3, device="meta", layout=torch.sparse_coo))
    with pytest.raises(ValueError, match=r"mask has layout torch\.sparse_coo"):
        ft.materialize(model)


def test_attributes_alone_are_refused():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.offset = torch.ones(3)

    with ft.deferred():
        model = Model()
    with pytest.raises(ValueError, match="its attributes cannot be noted; got only offset"):
        ft.materialize(model)


def test_a_block_in_a_fast_init_block_counts():
    with ft.fast_init(rng=3), ft.deferred(rng=0):
        model = nn.Linear(4, 4)
    assert torch.equal(ft.materialize(model).weight, built(lambda: nn.Linear(4, 4)).weight)


class Asking(nn.Module):
    """Does less for tensors on the meta device, as many do that copy other modules."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(2, 2), nn.Linear(2, 2)
        if self.first.weight.device.type != "meta" and not self.first.weight.is_meta:
            self.second.weight.data.copy_(self.first.weight)
        self.register_buffer("table", torch.arange(3.0))
        self.other = copy.deepcopy(self)
        self.other.table += 1


def test_constructors_that_ask_for_the_device():
    model = built(Asking)
    assert torch.equal(model.second.weight, model.first.weight)
    assert torch.equal(model.other.first.weight, model.first.weight)
    assert model.table.tolist() == [0, 1, 2]
    assert model.other.table.tolist() == [1, 2, 3]
