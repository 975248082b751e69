"""Each rule beside torch.nn.init, where that is installed: the laws that both ask their samplers for.

Samplers are replaced by ones that note their arguments, so the laws are compared to the last digits and not by samples.
"""

import numpy as np
import pytest

from fastinit import initializers
from fastinit.initializers import variance as scaling
from fastinit.initializers.fan import fans
from tests.peers.laws import SHAPES, check_products, close, recorder, same_moments

pytestmark = pytest.mark.filterwarnings("default")  # of the other library


@pytest.fixture
def ours(monkeypatch):
    return recorder(monkeypatch)


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch", reason="torch is not installed")


@pytest.fixture
def torch_law(torch, monkeypatch):
    asked = []
    init = torch.nn.init
    monkeypatch.setattr(init, "_no_grad_uniform_", lambda w, a, b, *_: asked.append(("uniform", a, b)))
    monkeypatch.setattr(init, "_no_grad_normal_", lambda w, mean, std, *_: asked.append(("normal", mean, std)))

    class Weight(torch.Tensor):
        """`kaiming_*` call the tensor's own methods."""

        def uniform_(self, a, b, generator=None):
            asked.append(("uniform", a, b))

        def normal_(self, mean, std, generator=None):
            asked.append(("normal", mean, std))

    def law_of(name, shape, *arguments, **keywords):
        asked.clear()
        getattr(init, name)(torch.empty(shape, device="meta").as_subclass(Weight), *arguments, **keywords)
        (law,) = asked
        return law

    return law_of


@pytest.mark.parametrize("shape", SHAPES)
def test_torch_fans(torch, shape):
    assert fans(shape) == torch.nn.init._calculate_fan_in_and_fan_out(torch.empty(shape, device="meta"))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", ["uniform", "normal"])
def test_torch_xavier_and_kaiming(ours, torch_law, shape, kind):
    for gain in (1.0, 5 / 3):
        close(ours(f"xavier_{kind}", shape, gain), torch_law(f"xavier_{kind}_", shape, gain))
    for keywords in (
        {},
        {"a": 0.2},
        {"a": 5**0.5},
        {"mode": "fan_out", "nonlinearity": "relu"},
        {"nonlinearity": "tanh", "a": 3.0},
    ):
        close(ours(f"kaiming_{kind}", shape, **keywords), torch_law(f"kaiming_{kind}_", shape, **keywords))


@pytest.mark.parametrize("nonlinearity", scaling.NONLINEARITIES)
def test_torch_gain(torch, nonlinearity):
    assert initializers.gain(nonlinearity) == pytest.approx(torch.nn.init.calculate_gain(nonlinearity), rel=1e-15)
    assert initializers.gain(nonlinearity, 0.3) == pytest.approx(torch.nn.init.calculate_gain(nonlinearity, 0.3), rel=1e-15)


def test_torch_gains_are_all_there(torch):
    with pytest.raises(ValueError, match="Unsupported"):
        torch.nn.init.calculate_gain("gelu")
    with pytest.raises(ValueError, match=r"nonlinearity must be one of 'linear', .*'leaky_relu'; got 'gelu'"):
        initializers.gain("gelu")


def test_torch_linear_and_conv_are_fan_in_uniform(ours, torch):
    """From the modules' own bounds: the largest of many values, which none exceeds."""
    torch.manual_seed(0)
    layers = [torch.nn.Linear(300, 1000), torch.nn.Conv2d(30, 400, 5), torch.nn.Conv1d(32, 4000, 5, groups=2)]
    for layer in layers:
        weight = layer.weight.detach().numpy()
        _, low, high = ours("fan_in_uniform", weight.shape)
        assert high == pytest.approx(fans(weight.shape).fan_in ** -0.5, rel=1e-14)
        assert low == -high
        assert high * 0.9999 < np.abs(weight).max() <= np.float32(high)


@pytest.mark.parametrize(("shape", "groups"), [((6, 6, 3), 1), ((6, 2, 3, 4), 3), ((8, 5, 2, 3, 4), 2), ((4, 9, 1), 4)])
def test_torch_dirac(torch, shape, groups):
    assert (initializers.dirac(shape, groups) == torch.nn.init.dirac_(torch.empty(shape), groups).numpy()).all()


def test_torch_eye_and_constant(torch):
    assert (initializers.eye((5, 7)) == torch.nn.init.eye_(torch.empty(5, 7)).numpy()).all()
    assert (initializers.constant((5, 7), 0.3) == torch.nn.init.constant_(torch.empty(5, 7), 0.3).numpy()).all()


@pytest.mark.parametrize("shape", [(7, 7), (6, 20), (20, 6), (4, 3, 2, 5)])
def test_torch_orthogonal(torch, shape):
    theirs = torch.nn.init.orthogonal_(torch.empty(shape), 2.0).numpy()
    check_products(initializers.orthogonal(shape, 2.0, rng=0), theirs, 0)


@pytest.mark.parametrize(("rows", "sparsity"), [(100, 0.1), (10, 0.55), (7, 0.5), (5, 0.0)])
def test_torch_sparse(torch, rows, sparsity):
    theirs = torch.nn.init.sparse_(torch.empty(rows, 9), sparsity).numpy()
    assert ((initializers.sparse((rows, 9), sparsity, rng=0) == 0).sum(axis=0) == (theirs == 0).sum(axis=0)).all()


def test_torch_truncated_normal(torch):
    torch.manual_seed(0)
    theirs = torch.nn.init.trunc_normal_(torch.empty(2**20), 0.1, 0.5, -0.4, 1.0).numpy()
    values = initializers.truncated_normal(2**20, 0.1, 0.5, -0.4, 1.0, units="absolute", rng=0)
    same_moments(values, theirs)
