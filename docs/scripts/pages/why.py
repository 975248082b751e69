"""Compute the claims of `docs/why.md`: `python -m docs.scripts.pages.why` writes its tables and, with matplotlib, its
pictures.

The networks are a few lines of NumPy, so the script runs in seconds.
"""

import importlib.util
import math
from functools import partial

import numpy as np

import fastinit as fi
from docs.scripts.markdown import DOCS, put, table
from docs.scripts.pictures import save_svg, svg_figure
from fastinit import initializers as init
from fastinit.bench.scaling import STYLES

SEED = 0


def tanh(z):
    return np.tanh(z)


def relu(z):
    return np.maximum(z, 0)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


SLOPES = {tanh: lambda h: 1 - h * h, relu: lambda h: (h > 0).astype(h.dtype), sigmoid: lambda h: h * (1 - h)}


# --- zeros ------------------------------------------------------------------------------------------------------------

SIZES = (20, 30, 30, 30, 10)
STARTS = {
    "zeros, tanh": (tanh, init.zeros),
    "zeros, sigmoid": (sigmoid, init.zeros),
    "all 0.1, tanh": (tanh, partial(init.constant, value=0.1)),
    "small random, tanh": (tanh, init.small_random),
    "Xavier, tanh": (tanh, init.xavier_normal),
}


def data(rng):
    """Inputs of variance 1, and the outputs of a fixed random map."""
    x = rng.child("inputs").normal(size=(256, SIZES[0]), dtype=np.float64)
    return x, np.tanh(x @ rng.child("map").normal(size=(SIZES[0], SIZES[-1]), dtype=np.float64))


def gradients(weights, biases, x, y, activation):
    """The gradients of the mean squared error by weights and by biases; the last layer is linear."""
    values = [x]
    for w, b in zip(weights, biases, strict=True):
        z = values[-1] @ w.T + b
        values.append(z if len(values) == len(weights) else activation(z))
    slope = 2 * (values[-1] - y) / y.size
    by_weights, by_biases = [], []
    for k in reversed(range(len(weights))):
        by_weights.insert(0, slope.T @ values[k])
        by_biases.insert(0, slope.sum(axis=0))
        if k:
            slope = slope @ weights[k] * SLOPES[activation](values[k])
    return by_weights, by_biases


def different(w):
    """The number of rows that differ by more than rounding."""
    return len(np.unique(np.round(w, 6), axis=0))


def zero_weights(steps=20, rate=0.5):
    """For each start: the largest gradient of each layer, and how many units of the first layer differ after training."""
    rows = {}
    for name, (activation, start) in STARTS.items():
        rng = fi.default_rng(SEED).child(name)
        x, y = data(fi.default_rng(SEED))
        sizes = list(zip(SIZES[1:], SIZES[:-1], strict=True))
        weights = [start(size, rng=rng.child(str(k)), dtype=np.float64) for k, size in enumerate(sizes)]
        biases = [np.zeros(size[0]) for size in sizes]
        first = [float(np.abs(g).max()) for g in gradients(weights, biases, x, y, activation)[0]]
        for _ in range(steps):
            by_weights, by_biases = gradients(weights, biases, x, y, activation)
            weights = [w - rate * g for w, g in zip(weights, by_weights, strict=True)]
            biases = [b - rate * g for b, g in zip(biases, by_biases, strict=True)]
        rows[name] = [*first, different(weights[0])]
    return rows


# --- one layer --------------------------------------------------------------------------------------------------------

INPUTS = (16, 64, 256, 1024, 4096)
LAYER_RULES = {
    "U[-1/sqrt(n), 1/sqrt(n)]": init.fan_in_uniform,
    "Xavier uniform, square": init.xavier_uniform,
    "He normal": init.he_normal,
}


def pre_activations(rule, n, values=2**20):
    """Sums of n products of weights and inputs of variance 1; enough layers of n units for `values` sums."""
    rng = fi.default_rng(SEED).child(f"{n} inputs")
    units = values // 256
    w = np.concatenate([LAYER_RULES[rule]((n, n), rng=rng)[: min(n, units)] for _ in range(max(units // n, 1))])
    return rng.child("inputs").normal(size=(256, n)) @ w.T


def one_layer():
    """For each rule and number of inputs: the absolute mean and the variance of the pre-activations."""
    sums = {(rule, n): pre_activations(rule, n) for rule in LAYER_RULES for n in INPUTS}
    return {key: (abs(float(z.mean(dtype=np.float64))), float(z.var(dtype=np.float64))) for key, z in sums.items()}


# --- many layers ------------------------------------------------------------------------------------------------------

WIDTH, DEPTH, NETWORKS, BATCH = 1024, 50, 4, 64
#: Layers drawn at once: switching between the threads that draw and those of the matrix product costs more than either.
STACK = 10
LAYERS_SHOWN = (1, 5, 10, 25, 50)
DEEP = {
    "Xavier, gain 5/3, tanh": (tanh, partial(init.xavier_normal, gain=init.gain("tanh"), batch_axis=0)),
    "Xavier, tanh": (tanh, partial(init.xavier_normal, batch_axis=0)),
    "U[-1/sqrt(n), 1/sqrt(n)], tanh": (tanh, partial(init.fan_in_uniform, batch_axis=0)),
    "small random, tanh": (tanh, init.small_random),
    "He, relu": (relu, partial(init.he_normal, batch_axis=0)),
    "Xavier, relu": (relu, partial(init.xavier_normal, batch_axis=0)),
    "small random, relu": (relu, init.small_random),
}


def mean_squares(activation, rule, rng):
    """The mean square of the values of each layer, averaged over networks."""
    total = np.zeros(DEPTH)
    for network in range(NETWORKS):
        values = rng.child(f"inputs {network}").normal(size=(BATCH, WIDTH))
        for first in range(0, DEPTH, STACK):
            for layer, w in enumerate(rule((STACK, WIDTH, WIDTH), rng=rng.child(f"{network}.{first}")), first):
                values = activation(values @ w.T)
                total[layer] += np.mean(np.square(values, dtype=np.float64))
    return total / NETWORKS


def many_layers():
    """For each rule: the mean square of every layer's values."""
    return {name: mean_squares(*row, fi.default_rng(SEED).child(name)) for name, row in DEEP.items()}


# --- two sigma --------------------------------------------------------------------------------------------------------

BOUNDS = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, math.inf)
WEIGHTS = 2**24


def int8_error(w):
    """The root mean square error of rounding to 255 equal steps up to the largest value, over the deviation."""
    step = np.abs(w).max() / 127
    return float(np.sqrt(np.mean(np.square(w - np.rint(w / step) * step, dtype=np.float64))) / w.std(dtype=np.float64))


def two_sigma():
    """For each bound: the share of values drawn again, the deviation left, the largest weight and the error of int8."""
    plain = init.normal(WEIGHTS, rng=SEED)
    rows = {}
    for bound in BOUNDS:
        w = init.truncated_normal(WEIGHTS, a=-bound, b=bound, corrected=True, rng=SEED)
        outside = float(np.mean(np.abs(plain) > bound))
        rows[bound] = (outside, init.truncated_std(-bound, bound), float(np.abs(w).max()), int8_error(w))
    return rows


# --- tables and pictures ----------------------------------------------------------------------------------------------


def number(value):
    """A cell: two digits, in scientific notation where the number is small or large."""
    if isinstance(value, int) or value == 0:
        return f"{value:.0f}"
    return f"{value:.2g}" if abs(value) < 0.01 or abs(value) >= 100 else f"{value:.2f}"


def tables(zero, layer, deep, sigma):
    """Yield the name and the text of every table."""
    layers = [f"layer {k}" for k in range(1, len(SIZES))]
    yield "zeros", table(["start", *layers, "different units"], [[name, *map(number, row)] for name, row in zero.items()])
    statistics = enumerate(("size of the mean", "variance"))
    rows = [
        [f"{rule}: {what}", *(f"{layer[rule, n][k]:.3f}" for n in INPUTS)] for k, what in statistics for rule in LAYER_RULES
    ]
    yield "layer", table(["weights", *(f"n = {n}" for n in INPUTS)], rows)
    rows = [[name, *(number(float(row[k - 1])) for k in LAYERS_SHOWN)] for name, row in deep.items()]
    yield "deep", table(["weights and nonlinearity", *(f"layer {k}" for k in LAYERS_SHOWN)], rows)
    rows = [
        [f"{bound:g}" if bound < math.inf else "none", f"{outside:.2%}", f"{left:.4f}", f"{largest:.2f}", f"{error:.4f}"]
        for bound, (outside, left, largest, error) in sigma.items()
    ]
    yield "sigma", table(["bound", "drawn again", "deviation left", "largest weight", "error of int8"], rows)


def _styled(names):
    """Each name with the colour, marker and dash that it has in every picture."""
    return {
        name: dict(zip(("color", "marker", "linestyle"), style, strict=True))
        for name, style in zip(names, STYLES, strict=False)
    }


def depth_picture(deep):
    """The mean squares of every layer."""
    figure, axes = svg_figure(5.2, 4.4)
    for name, style in _styled(deep).items():
        row, first = np.maximum(deep[name], 1e-45), 4 + list(deep).index(name) % 4
        axes.semilogy(range(1, DEPTH + 1), row, label=name, markersize=5, markevery=(first, 8), linewidth=1.4, **style)
    axes.set(xlabel="layer", ylabel="mean square of its values", ylim=(1e-20, 10), xlim=(1, DEPTH))
    figure.legend(fontsize=8, loc="outside lower center", ncols=2, frameon=False)  # the curves fill the whole picture
    return figure


def two_sigma_picture():
    """The densities of a plain and of two truncated normals of the same deviation."""
    figure, axes = svg_figure(5.2, 2.8)
    edges = np.linspace(-4, 4, 161)
    names = {"plain normal": math.inf, "two sigma, corrected": 2.0, "one sigma, corrected": 1.0}
    for name, style in _styled(names).items():
        w = init.truncated_normal(2**22, a=-names[name], b=names[name], corrected=True, rng=SEED)
        heights = np.histogram(w, edges, density=True)[0]
        axes.plot((edges[1:] + edges[:-1]) / 2, heights, label=name, linewidth=1.6, markersize=5, markevery=(4, 16), **style)
    axes.set(xlabel="weight, in deviations", ylabel="density", xlim=(-4, 4))
    figure.legend(fontsize=8, loc="outside lower center", ncols=3, frameon=False)
    return figure


def main():
    """Compute everything and write the page."""
    deep = many_layers()
    for name, text in tables(zero_weights(), one_layer(), deep, two_sigma()):
        put(DOCS / "why.md", name, text)
        print(f"{name}:\n\n{text}\n")
    if importlib.util.find_spec("matplotlib"):
        save_svg(depth_picture(deep), "depth")
        save_svg(two_sigma_picture(), "two-sigma")


if __name__ == "__main__":
    main()
