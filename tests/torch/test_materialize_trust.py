"""`materialize` never guesses: what a constructor did beyond the rules is noticed, with or without a trace in the tensors."""

import pytest

pytest.importorskip("torch", reason="needs PyTorch")

import torch
from torch import nn

import fastinit.torch as ft
from tests.torch.common import on_meta


class Layers(nn.Module):
    """Two layers; what a test adds comes after them."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)


class Zeroed(Layers):
    def __init__(self):
        super().__init__()
        nn.init.zeros_(self.first.weight)


class Scaled(Layers):
    def __init__(self):
        super().__init__()
        with torch.no_grad():
            self.first.weight /= 2


class Data(Layers):
    def __init__(self):
        super().__init__()
        self.first.weight.data.zero_()


class Truncated(Layers):
    def __init__(self):
        super().__init__()
        nn.init.trunc_normal_(self.first.weight, std=0.02)


class Orthogonal(Layers):
    def __init__(self):
        super().__init__()
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.orthogonal_(module.weight)


class Elsewhere(Layers):
    def __init__(self):
        super().__init__()
        self.apply(of_the_module)


def of_the_module(module):
    if isinstance(module, nn.Linear):
        module.weight.data.normal_()


class Method(Layers):
    def __init__(self):
        super().__init__()
        self.start()

    def start(self):
        self.finish()

    def finish(self):
        self.first.weight.data.fill_(1)


class Replaced(Layers):
    def __init__(self):
        super().__init__()
        self.first.weight = nn.Parameter(torch.ones(4, 4))


class Copied(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2)


class Legacy(Layers):
    def __init__(self):
        super().__init__()
        self.table = nn.Parameter(torch.FloatTensor(3))
        nn.init.normal_(self.table)


class Late(Layers):
    """A head that is made after the rule has run."""

    def __init__(self):
        super().__init__()
        self.apply(self._init_weights)
        self.head = nn.Linear(4, 4)

    def _init_weights(self, module):
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=0.02)


class LateTruncated(Late):
    def _init_weights(self, module):
        if isinstance(module, nn.Linear):
            nn.init.trunc_normal_(module.weight, std=0.02)


class NeverRun(Layers):
    """A rule that the constructor does not run."""

    def reset_parameters(self):
        nn.init.zeros_(self.first.weight)


GUILTY = {
    Zeroed: r"first\.weight \(it wrote them 2 times, and the rules do so once\)",
    Scaled: r"first\.weight \(it wrote them 2 times",
    Data: r"first\.bias, first\.weight, .* \(the constructor of Data uses data\)",
    Truncated: r"the constructor of Truncated uses trunc_normal_",
    Orthogonal: r"the constructor of Orthogonal uses orthogonal_",
    Elsewhere: r"the constructor of Elsewhere uses data",
    Method: r"the constructor of Method uses data",
    Replaced: r"first\.weight \(it wrote them 0 times, and the rules do so once\)",
    Copied: r"encoder\.layers\.0\.linear1\.weight.* \(it wrote them 0 times",
    Legacy: r"table \(torch\.Tensor\(n\) is not on the meta device, and has no values\)",
    Late: r"head\.weight \(it wrote them once, and the rules do so 2 times\)",
    LateTruncated: r"_init_weights of LateTruncated may not be what its constructor ends with",
    NeverRun: r"first\.weight \(it wrote them once, and the rules do so 2 times\)",
}


@pytest.mark.parametrize("cls", GUILTY, ids=lambda cls: cls.__name__)
def test_other_laws_are_noticed(cls):
    model = on_meta(cls)
    with pytest.raises(ValueError, match=rf"^model must be built in a fastinit\.torch\.deferred block: .*{GUILTY[cls]}"):
        ft.materialize(model, rng=0)
    assert model.get_submodule("first" if cls is not Copied else "encoder.layers.0.linear1").weight.is_meta
    with ft.deferred(rng=0):
        model = cls()
    ft.materialize(model)
    assert not any(tensor.isnan().any() for tensor in model.parameters())


@pytest.mark.parametrize("cls", [Zeroed, Data, Truncated, Late], ids=lambda cls: cls.__name__)
def test_the_callers_own_rule_is_trusted(cls):
    def rule(model):
        for parameter in model.parameters():
            nn.init.ones_(parameter)

    model = ft.materialize(on_meta(cls), rng=0, rule=rule)
    assert all((parameter == 1).all() for parameter in model.parameters())


class Good(Layers):
    """A constructor that ends as its rules do."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.empty(4))
        self.apply(self._init_weights)

    def _init_weights(self, module):
        if isinstance(module, nn.Linear):
            nn.init.trunc_normal_(module.weight, std=0.02)
            module.bias.data.zero_()
        if module is self:
            nn.init.ones_(module.scale)


class GoodReset(Layers):
    def __init__(self):
        super().__init__()
        self.reset_parameters()

    def reset_parameters(self):
        self.first.weight.data.zero_()
        nn.init.orthogonal_(self.second.weight)


@pytest.mark.parametrize("cls", [Layers, Good, GoodReset], ids=lambda cls: cls.__name__)
def test_rules_that_the_constructor_runs_are_trusted(cls):
    first, second = on_meta(cls), on_meta(cls)
    for model in (first, second):
        ft.materialize(model, rng=0)
    with ft.deferred(rng=0):
        other = cls()
    ft.materialize(other)
    for name, tensor in first.state_dict().items():
        assert torch.equal(tensor, second.state_dict()[name])
        assert torch.equal(tensor, other.state_dict()[name]), name


def test_tied_and_given_tensors_are_no_matter():
    model = on_meta(Layers)
    model.second.weight = model.first.weight
    model.first.bias = nn.Parameter(torch.full((4,), 3.0))
    ft.materialize(model, rng=0)
    assert model.second.weight is model.first.weight
    assert (model.first.bias == 3).all()


def test_a_failed_try_changes_nothing():
    model = on_meta(Zeroed)
    for _ in range(2):
        with pytest.raises(ValueError, match="it wrote them 2 times, and the rules do so once"):
            ft.materialize(model, rng=0)


def test_report():
    with ft.deferred(rng=0):
        model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, 4))
        model[2].weight = model[0].weight
        model.token = nn.Parameter(torch.randn(3) * 2)
    model.extra = nn.Parameter(torch.ones(2))
    result, report = ft.materialize(model, report=True)
    assert result is model
    assert list(report) == sorted(model.state_dict())
    assert report["0.weight"] == "uniform(-0.5, 0.5) by the constructor"
    assert report["1.weight"] == "constant(1) by the constructor"
    assert report["2.weight"] == "is 0.weight"
    assert report["extra"] == "kept"
    assert report["token"].startswith("mul(2")
    _, report = ft.materialize(on_meta(Good), rng=0, report=True)
    assert report["first.weight"] == "truncated_normal(0, 0.02, -2, 2) by _init_weights of 'first'"
    with pytest.raises(TypeError, match="report must be True or False; got None"):
        ft.materialize(model, report=None)
