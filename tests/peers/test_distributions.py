"""Each rule beside torch, JAX and Keras, where they are installed: both ask their samplers for the same distribution."""

import numpy as np
import pytest

from fastinit import initializers
from fastinit.initializers.fan import fans
from fastinit.initializers.variance import DISTRIBUTIONS, MODES, NONLINEARITIES
from tests.peers.libraries import LIBRARIES, Torch, record_ours

pytestmark = pytest.mark.filterwarnings("default")  # of the other library

SHAPES = [(5, 7), (1, 1), (64, 32, 3), (64, 32, 3, 5), (3, 3, 32, 64), (2, 3, 4, 5, 6), (1, 64, 1, 9)]
FOUR_AXES = [(3, 5, 16, 24)]
VECTOR = [(9,)]
AXES = [
    {},
    {"batch_axis": 0},
    {"in_axis": 0, "out_axis": 1},
    {"in_axis": (0, 1), "out_axis": -1},
    {"in_axis": -1, "out_axis": 0, "batch_axis": 1},
]
TWO_SIGMA = 0.87962566103423978  # as Keras writes it


def rows():
    """Library, its name and keywords, ours, shapes."""
    for kind in ("uniform", "normal"):
        for keywords in ({}, {"gain": 5 / 3}):
            yield "torch", f"xavier_{kind}_", keywords, f"xavier_{kind}", keywords, SHAPES
        for keywords in (
            {},
            {"a": 0.2},
            {"a": 5**0.5},
            {"mode": "fan_out", "nonlinearity": "relu"},
            {"nonlinearity": "tanh", "a": 3.0},
        ):
            yield "torch", f"kaiming_{kind}_", keywords, f"kaiming_{kind}", keywords, SHAPES
        truncated = {"truncated": True} if kind == "normal" else {}
        for rule in ("glorot", "xavier", "he", "kaiming", "lecun"):
            yield "jax", f"{rule}_{kind}", {}, f"{rule}_{kind}", truncated, SHAPES
        for rule in ("Glorot", "He", "Lecun"):
            yield "keras", f"{rule}{kind.title()}", {}, f"{rule.lower()}_{kind}", truncated, SHAPES
    for mode in MODES:
        for distribution in DISTRIBUTIONS:
            ours = {"scale": 1.7, "mode": mode, "distribution": distribution}
            for axes in AXES:
                yield "jax", "variance_scaling", ours | axes, "variance_scaling", ours | axes, FOUR_AXES
            name = "untruncated_normal" if distribution == "normal" else distribution
            if mode != "fan_geo_avg":
                yield "keras", "VarianceScaling", ours | {"distribution": name}, "variance_scaling", ours, SHAPES
    yield "keras", "VarianceScaling", {"distribution": "normal"}, "variance_scaling", {}, SHAPES  # means truncated
    yield "jax", "uniform", {"scale": 0.05}, "uniform", {"low": 0.0, "high": 0.05}, VECTOR
    yield "jax", "normal", {"stddev": 0.05}, "normal", {"scale": 0.05}, VECTOR
    bounds = {"lower": -1.0, "upper": 3.0}
    yield "jax", "truncated_normal", {"stddev": 0.05} | bounds, "truncated_normal", {"scale": 0.05, "a": -1.0, "b": 3.0}, VECTOR
    yield "keras", "RandomUniform", {}, "uniform", {"low": -0.05, "high": 0.05}, VECTOR
    yield "keras", "RandomNormal", {}, "normal", {"scale": 0.05}, VECTOR
    yield "keras", "TruncatedNormal", {}, "truncated_normal", {"scale": 0.05}, VECTOR


def label(value):
    return value if isinstance(value, str) else ",".join(map(str, value.values())) if isinstance(value, dict) else ""


@pytest.mark.parametrize(("library", "theirs", "their_keywords", "ours", "our_keywords", "shapes"), list(rows()), ids=label)
def test_distribution(monkeypatch, library, theirs, their_keywords, ours, our_keywords, shapes):
    peer = LIBRARIES[library]()
    distribution = record_ours(monkeypatch)
    layout = {} if shapes is VECTOR else {"layout": peer.layout}
    for shape in shapes:
        name, *numbers = distribution(ours, shape, **our_keywords, **layout)
        their_name, *their_numbers = peer.distribution(monkeypatch, theirs, shape, **their_keywords)
        assert name == their_name
        assert numbers == pytest.approx(their_numbers, rel=peer.digits, abs=0), shape


def test_keras_has_our_truncated_std():
    assert initializers.truncated_std() == pytest.approx(TWO_SIGMA, rel=1e-15)


@pytest.mark.parametrize("library", LIBRARIES)
def test_fans(library):
    peer = LIBRARIES[library]()
    for shape in SHAPES:
        assert fans(shape, layout=peer.layout) == peer.fans(shape)
    for axes in AXES if library == "jax" else []:
        for shape in [(4, 6, 8), (3, 5, 16, 24), (2, 3, 4, 5, 6)]:
            assert fans(shape, layout="in_out", **axes) == peer.fans(shape, **axes)


@pytest.mark.parametrize("nonlinearity", NONLINEARITIES)
def test_torch_gain(nonlinearity):
    theirs = Torch().init.calculate_gain
    assert initializers.gain(nonlinearity) == pytest.approx(theirs(nonlinearity), rel=1e-15)
    assert initializers.gain(nonlinearity, 0.3) == pytest.approx(theirs(nonlinearity, 0.3), rel=1e-15)


def test_torch_has_no_other_gains():
    with pytest.raises(ValueError, match="Unsupported"):
        Torch().init.calculate_gain("gelu")
    with pytest.raises(ValueError, match=r"nonlinearity must be one of 'linear', .*'leaky_relu'; got 'gelu'"):
        initializers.gain("gelu")


def test_torch_linear_and_conv_are_fan_in_uniform(monkeypatch):
    """By the modules' own bounds: the largest of many values, which none exceeds."""
    torch, distribution = Torch().torch, record_ours(monkeypatch)
    torch.manual_seed(0)
    for layer in [torch.nn.Linear(300, 1000), torch.nn.Conv2d(30, 400, 5), torch.nn.Conv1d(32, 4000, 5, groups=2)]:
        weight = layer.weight.detach().numpy()
        _, low, high = distribution("fan_in_uniform", weight.shape)
        assert high == pytest.approx(fans(weight.shape).fan_in ** -0.5, rel=1e-14)
        assert low == -high
        assert high * 0.9999 < np.abs(weight).max() <= np.float32(high)


def test_torch_truncated_normal():
    """Mean and variance within five standard errors of the difference: torch has no sampler to be replaced."""
    torch = Torch().torch
    torch.manual_seed(0)
    theirs = torch.nn.init.trunc_normal_(torch.empty(2**20, dtype=torch.float64), 0.1, 0.5, -0.4, 1.0).numpy()
    keywords = {"loc": 0.1, "scale": 0.5, "a": -0.4, "b": 1.0, "units": "absolute"}
    ours = initializers.truncated_normal(2**20, **keywords, rng=0, dtype="float64")
    for power in (1, 2):
        u, v = ours**power, theirs**power
        assert abs(u.mean() - v.mean()) < 5 * np.sqrt(u.var() / u.size + v.var() / v.size)
