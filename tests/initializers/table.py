"""A call of every initialiser; `test_initializers.py` checks that none is missing."""

from fastinit import initializers
from fastinit.laws import laplace

SQUARE = (24, 18)
KERNEL = (12, 6, 3, 4)

#: Name: shape, and keywords that only some initialisers have.
CALLS = {
    "zeros": (SQUARE, {}),
    "ones": (SQUARE, {}),
    "constant": (SQUARE, {"value": -1.5}),
    "eye": (SQUARE, {"gain": 3.0}),
    "dirac": (KERNEL, {"groups": 2}),
    "delta_orthogonal": (KERNEL, {"layout": "out_in", "gain": 0.5}),
    "uniform": (SQUARE, {"low": -1.5, "high": 2.5}),
    "normal": (SQUARE, {"loc": 0.5, "scale": 2.0}),
    "truncated_normal": (SQUARE, {"scale": 0.5, "a": -1.0, "b": 3.0, "corrected": True}),
    "small_random": (SQUARE, {}),
    "sparse": (SQUARE, {"sparsity": 0.3}),
    "variance_scaling": (KERNEL, {"scale": 2.0, "mode": "fan_geo_avg", "bounds": (-1.0, 1.5)}),
    "xavier_uniform": (KERNEL, {"gain": 2.0, "groups": 3}),
    "xavier_normal": (KERNEL, {"truncated": True}),
    "he_uniform": (KERNEL, {"a": 0.2, "layout": "in_out"}),
    "he_normal": (KERNEL, {"mode": "fan_out", "nonlinearity": "relu"}),
    "lecun_uniform": (KERNEL, {"batch_axis": 2}),
    "lecun_normal": (KERNEL, {"in_axis": (0, 1), "out_axis": -1}),
    "fan_in_uniform": (SQUARE, {}),
    "orthogonal": (KERNEL, {"axis": -1, "gain": 1.5}),
    "small_init": (SQUARE, {"dim": 18}),
    "wang_init": (SQUARE, {"dim": 18, "n_layers": 4}),
    "residual_normal": (SQUARE, {"n_layers": 4}),
    "draw": (SQUARE, {"law": laplace(scale=0.1)}),
}
ALIASES = {
    "identity": "eye",
    "glorot_uniform": "xavier_uniform",
    "glorot_normal": "xavier_normal",
    "kaiming_uniform": "he_uniform",
    "kaiming_normal": "he_normal",
}
CONSTANTS = ("zeros", "ones", "constant", "eye", "dirac")
RANDOM = tuple(name for name in CALLS if name not in CONSTANTS)


def call(name, shape=None, **keywords):
    """Call an initialiser with the arguments of the table, changed by these."""
    table_shape, table_keywords = CALLS[name]
    return getattr(initializers, name)(table_shape if shape is None else shape, **(table_keywords | keywords))
