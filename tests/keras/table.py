"""Every class with arguments, a shape, and the equivalent NumPy call."""

from fastinit import initializers as init

CONV = (3, 2, 5, 7)
L, T = {"layout": "in_out"}, {"truncated": True}

#: Class: arguments, shape, the function of `fastinit.initializers`, and its keywords.
CLASSES = {
    "Zeros": ({}, (3, 4), init.zeros, {}),
    "Ones": ({}, (3, 4), init.ones, {}),
    "Constant": ({"value": 0.3}, (3, 4), init.constant, {"value": 0.3}),
    "Identity": ({"gain": 2.5}, (3, 4), init.eye, {"gain": 2.5}),
    "Dirac": ({"groups": 3}, (3, 2, 6), init.dirac, {"groups": 3, **L}),
    "RandomUniform": ({"minval": -1.0, "maxval": 3.0}, (5,), init.uniform, {"low": -1.0, "high": 3.0}),
    "RandomNormal": ({"mean": 1.0, "stddev": 2.0}, (9,), init.normal, {"loc": 1.0, "scale": 2.0}),
    "TruncatedNormal": (
        {"mean": 1.0, "stddev": 2.0, "a": -1.0, "b": 3.0},
        (5, 6),
        init.truncated_normal,
        {"loc": 1.0, "scale": 2.0, "a": -1.0, "b": 3.0},
    ),
    "SmallRandom": ({"scale": 0.1}, (5, 6), init.small_random, {"scale": 0.1}),
    "Sparse": ({"sparsity": 0.3}, (20, 6), init.sparse, {"sparsity": 0.3}),
    "VarianceScaling": (
        {"scale": 2.0, "mode": "fan_avg", "distribution": "untruncated_normal"},
        CONV,
        init.variance_scaling,
        {"scale": 2.0, "mode": "fan_avg", "distribution": "normal", **L},
    ),
    "GlorotUniform": ({}, CONV, init.glorot_uniform, L),
    "GlorotNormal": ({}, CONV, init.glorot_normal, L | T),
    "HeUniform": ({}, CONV, init.he_uniform, L),
    "HeNormal": ({}, CONV, init.he_normal, L | T),
    "LecunUniform": ({}, CONV, init.lecun_uniform, L),
    "LecunNormal": ({}, CONV, init.lecun_normal, L | T),
    "FanInUniform": ({}, CONV, init.fan_in_uniform, L),
    "Orthogonal": ({"gain": 1.5}, CONV, init.orthogonal, {"gain": 1.5, "axis": -1}),
    "DeltaOrthogonal": ({"gain": 1.5}, CONV, init.delta_orthogonal, {"gain": 1.5}),
    "SmallInit": ({"dim": 64}, (5, 6), init.small_init, {"dim": 64}),
    "WangInit": ({"dim": 64, "n_layers": 3, **T}, (5, 6), init.wang_init, {"dim": 64, "n_layers": 3, **T}),
    "Draw": ({"law": "laplace(loc=0.0, scale=0.1)"}, (5, 6), init.draw, {"law": "laplace(scale=0.1)"}),
    "ResidualNormal": ({"n_layers": 3}, (5, 6), init.residual_normal, {"n_layers": 3}),
}
FIXED = ("Zeros", "Ones", "Constant", "Identity", "Dirac")
RANDOM = tuple(name for name in CLASSES if name not in FIXED)


def seeded(name, seed):
    """The class's arguments, with a seed if it takes one."""
    return CLASSES[name][0] | ({"seed": seed} if name in RANDOM else {})


def numpy(name, rng, dtype="float32"):
    """The values of the equivalent NumPy call."""
    _, shape, function, keywords = CLASSES[name]
    return function(shape, rng=rng, dtype=dtype, **keywords)
