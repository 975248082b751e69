"""Every error of an initialiser: its kind and its words; nothing is written and no call is taken."""

import math

import numpy as np
import pytest

import fastinit as fi
from fastinit import initializers
from tests.initializers.table import CALLS, RANDOM, call

INF, NAN = math.inf, math.nan


def refused(kind, words, name, *arguments, out=None, **keywords):
    """Assert that a call raises exactly this kind of error with all the words, writes nothing and takes no call."""
    rng = fi.default_rng(3)
    memory = out.tobytes() if isinstance(out, np.ndarray) else None
    with pytest.raises(kind) as caught:
        getattr(initializers, name)(*arguments, **({"rng": rng, "out": out} | keywords))
    message = str(caught.value)
    assert type(caught.value) is kind, message
    assert [word for word in words if word not in message] == [], message
    assert rng.state["calls"] == 0
    assert memory is None or out.tobytes() == memory


# --- what all refuse --------------------------------------------------------------------------------------------------

COMMON = [
    (TypeError, ("shape", "'5'"), {"shape": "5"}),
    (TypeError, ("shape", "None"), {"shape": None}),
    (TypeError, ("shape", "2.0"), {"shape": (2.0, 3)}),
    (ValueError, ("shape", "negative"), {"shape": (-1, 3)}),
    (ValueError, ("shape", "2^63"), {"shape": (2**32, 2**32)}),
    (ValueError, ("shape", "64 axes"), {"shape": (1,) * 65}),
    (TypeError, ("dtype", "float32, float64, float16, bfloat16", "'int8'"), {"dtype": "int8"}),
    (TypeError, ("dtype", "float32, float64", "3"), {"dtype": 3}),
    (TypeError, ("rng must be None, an int", "'x'"), {"rng": "x"}),
    (TypeError, ("rng must be None, an int", "1.5"), {"rng": 1.5}),
    (ValueError, ("rng must hold non-negative integers", "-1"), {"rng": -1}),
    (TypeError, ("out", "numpy.ndarray", "list"), {"out": [0.0]}),
    (TypeError, ("out", "float32", "float64"), {"out": np.zeros((2, 2)), "dtype": "float32"}),
    (ValueError, ("out", "shape", "(3, 3)"), {"out": np.zeros((3, 3), np.float32)}),
    (TypeError, ("index", "'a'"), {"index": "a"}),
    (IndexError, ("index", "999"), {"index": 999}),
    (ValueError, ("index", "entries"), {"index": (0,) * 9}),
    (TypeError, ("'seed' is not a keyword", "rng, dtype, out, index"), {"seed": 0}),
]


@pytest.mark.parametrize(("kind", "words", "keywords"), COMMON)
def test_common(kind, words, keywords):
    keywords = dict(keywords)
    refused(kind, words, "normal", keywords.pop("shape", (24, 18)), **keywords)


@pytest.mark.parametrize("name", CALLS)
def test_each_initializer_checks_all_that_is_common(name):
    shape, more = CALLS[name]
    refused(TypeError, ("shape", "'5'"), name, "5", **more)
    refused(TypeError, ("dtype", "'int8'"), name, shape, dtype="int8", **more)
    refused(TypeError, ("rng", "'x'"), name, shape, rng="x", **more)
    refused(ValueError, ("out", "shape", "(3, 3)"), name, shape, out=np.full((3, 3), 77, np.float32), **more)
    refused(IndexError, ("index", "999"), name, shape, index=999, **more)
    refused(TypeError, ("'seed' is not a keyword", "rng, dtype, out, index"), name, shape, seed=0, **more)


@pytest.mark.parametrize("name", CALLS)
def test_only_the_shape_has_a_position(name):
    shape, more = CALLS[name]
    refused(TypeError, (f"{name}() takes the shape alone by position", "rng, dtype, out, index"), name, shape, 0, **more)
    refused(TypeError, ("alone by position",), name, shape, 0, 1, 2, 3, **more)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("xavier_uniform", 0, "write gain=0; its keywords are gain, layout, "),
        ("normal", 0.02, "write loc=0.02 or scale=0.02; its keywords are loc, scale, rng, "),
        ("zeros", "float16", "position; its keywords are rng, dtype, out, index"),
    ],
)
def test_what_to_write_instead_of_a_position(name, value, words):
    refused(TypeError, (words,), name, (3, 4), value)


@pytest.mark.parametrize("name", CALLS)
def test_out_that_cannot_be_written(name):
    shape, more = CALLS[name]
    out = np.full(shape, 77, np.float32)
    out.flags.writeable = False
    refused(ValueError, ("out", "writable", "read-only"), name, shape, out=out, **more)
    overlapping = np.lib.stride_tricks.as_strided(np.full(99, 77, np.float32), shape, (4,) * len(shape))
    refused(ValueError, ("out", "overlap"), name, shape, out=overlapping, **more)


# --- fans -------------------------------------------------------------------------------------------------------------

WEIGHTED = [name for name in CALLS if name.startswith(("xavier", "he_", "lecun", "fan_in", "variance"))]


@pytest.mark.parametrize("name", WEIGHTED)
def test_fans(name):
    refused(ValueError, ("shape", "at least 2 axes", "got 1"), name, 5)
    refused(ValueError, ("shape", "at least 2 axes", "got 0"), name, ())
    refused(ValueError, ("layout", "'out_in', 'in_out', 'depthwise'", "'oihw'"), name, (5, 7), layout="oihw")
    refused(ValueError, ("groups", "5 outputs", "3"), name, (5, 7), groups=3)
    refused(ValueError, ("batch_axis", "[-2, 2)", "5"), name, (5, 7), batch_axis=5)
    refused(ValueError, ("in_axis and out_axis", "together"), name, (5, 7), in_axis=0)
    refused(TypeError, ("'fan' is not a keyword", "layout, in_axis, out_axis, batch_axis, groups, rng"), name, (5, 7), fan=3)


# --- what only some refuse --------------------------------------------------------------------------------------------

WRONG = [
    (ValueError, ("value", "must not be NaN"), "constant", (3,), {"value": NAN}),
    (ValueError, ("value", "at most 3.40282e+38", "inf"), "constant", (3,), {"value": INF}),
    (ValueError, ("value", "at most", "1e+39"), "constant", (3,), {"value": 1e39}),
    (TypeError, ("value", "real number", "'1'"), "constant", (3,), {"value": "1"}),
    (ValueError, ("shape", "2 axes", "(3,)"), "eye", 3, {}),
    (ValueError, ("shape", "2 axes", "(3, 3, 3)"), "eye", (3, 3, 3), {}),
    (ValueError, ("gain", "at least 0", "-1"), "eye", (3, 3), {"gain": -1}),
    (ValueError, ("shape", "at least 3 axes", "(3, 3)"), "dirac", (3, 3), {}),
    (ValueError, ("groups", "4 outputs", "3"), "dirac", (4, 4, 3), {"groups": 3}),
    (ValueError, ("groups", "at least 1", "0"), "dirac", (4, 4, 3), {"groups": 0}),
    (TypeError, ("groups", "int", "None"), "dirac", (4, 4, 3), {"groups": None}),
    (ValueError, ("layout", "'out_in' or 'in_out'", "'depthwise'"), "dirac", (4, 4, 3), {"layout": "depthwise"}),
    (ValueError, ("layout", "'x'"), "dirac", (4, 4, 3), {"layout": "x"}),
    (ValueError, ("shape", "at least 3 axes"), "delta_orthogonal", (3, 3), {}),
    (ValueError, ("shape", "no more inputs than outputs", "5 and 4"), "delta_orthogonal", (3, 5, 4), {}),
    (ValueError, ("gain", "at least 0", "-0.5"), "delta_orthogonal", (3, 4, 4), {"gain": -0.5}),
    (ValueError, ("low must be at most high",), "uniform", 3, {"low": 1.0, "high": 0.0}),
    (ValueError, ("scale", "at least 0", "-1"), "normal", 3, {"scale": -1.0}),
    (ValueError, ("scale", "at least 0", "-1"), "truncated_normal", 3, {"scale": -1.0}),
    (ValueError, ("scale", "at least 0", "-1"), "truncated_normal", 3, {"scale": -1.0, "corrected": True}),
    (ValueError, ("a must be less than b",), "truncated_normal", 3, {"a": 1.0, "b": 1.0}),
    (ValueError, ("a must be less than b",), "truncated_normal", 3, {"a": 2.0, "b": 1.0, "corrected": True}),
    (ValueError, ("loc", "finite"), "truncated_normal", 3, {"loc": INF, "corrected": True, "units": "absolute"}),
    (ValueError, ("units", "'std' or 'absolute'", "'x'"), "truncated_normal", 3, {"units": "x", "corrected": True}),
    (TypeError, ("corrected", "True or False", "1"), "truncated_normal", 3, {"corrected": 1}),
    (
        ValueError,
        ("scale must be below (b - a) / sqrt(12)", "got 2.0"),
        "truncated_normal",
        3,
        {"scale": 2.0, "units": "absolute", "corrected": True},
    ),
    (ValueError, ("scale", "above 0", "0"), "small_random", 3, {"scale": 0.0}),
    (ValueError, ("scale", "above 0", "-1"), "small_random", 3, {"scale": -1}),
    (ValueError, ("scale", "inf"), "small_random", 3, {"scale": INF}),
    (ValueError, ("shape", "2 axes", "(3,)"), "sparse", 3, {"sparsity": 0.5}),
    (ValueError, ("shape", "2^32 rows"), "sparse", (2**32, 1), {"sparsity": 0.5}),
    (ValueError, ("sparsity", "[0, 1)", "1.0"), "sparse", (3, 3), {"sparsity": 1.0}),
    (ValueError, ("sparsity", "[0, 1)", "-0.1"), "sparse", (3, 3), {"sparsity": -0.1}),
    (ValueError, ("sparsity", "NaN"), "sparse", (3, 3), {"sparsity": NAN}),
    (TypeError, ("sparsity", "real number"), "sparse", (3, 3), {"sparsity": None}),
    (ValueError, ("scale", "above 0"), "sparse", (3, 3), {"sparsity": 0.5, "scale": 0}),
    (ValueError, ("scale", "3.40282e+38"), "sparse", (3, 3), {"sparsity": 0.5, "scale": 1e40}),
    (ValueError, ("scale", "at least 0", "-1"), "variance_scaling", (3, 3), {"scale": -1}),
    (ValueError, ("scale", "at least 0", "inf"), "variance_scaling", (3, 3), {"scale": INF}),
    (ValueError, ("scale must be 0 or leave a variance", "float32", "1e+80"), "variance_scaling", (1, 1), {"scale": 1e80}),
    (
        ValueError,
        ("mode", "'fan_in', 'fan_out', 'fan_avg', 'fan_geo_avg'", "'fan'"),
        "variance_scaling",
        (3, 3),
        {"mode": "fan"},
    ),
    (
        ValueError,
        ("distribution", "'uniform', 'normal', 'truncated_normal'", "'cauchy'"),
        "variance_scaling",
        (3, 3),
        {"distribution": "cauchy"},
    ),
    (TypeError, ("bounds", "pair", "2.0"), "variance_scaling", (3, 3), {"bounds": 2.0}),
    (TypeError, ("bounds", "pair", "(1, 2, 3)"), "variance_scaling", (3, 3), {"bounds": (1, 2, 3)}),
    (ValueError, ("bounds", "ascend", "(2, -2)"), "variance_scaling", (3, 3), {"bounds": (2, -2)}),
    (TypeError, ("bounds", "real number"), "variance_scaling", (3, 3), {"bounds": ("a", 2)}),
    (TypeError, ("corrected", "True or False"), "variance_scaling", (3, 3), {"corrected": None}),
    (ValueError, ("gain", "at least 0", "-2"), "xavier_uniform", (3, 3), {"gain": -2}),
    (ValueError, ("gain", "at least 0", "-2"), "xavier_normal", (3, 3), {"gain": -2}),
    (ValueError, ("gain must be 0 or leave a variance", "gain=1e+300", "inf"), "xavier_normal", (3, 3), {"gain": 1e300}),
    (TypeError, ("gain", "real number", "'relu'"), "xavier_normal", (3, 3), {"gain": "relu"}),
    (TypeError, ("truncated", "True or False"), "xavier_normal", (3, 3), {"truncated": "yes"}),
    (
        ValueError,
        ("nonlinearity", "'linear'", "'relu'", "'leaky_relu'", "'swish'"),
        "he_normal",
        (3, 3),
        {"nonlinearity": "swish"},
    ),
    (TypeError, ("nonlinearity", "None"), "he_uniform", (3, 3), {"nonlinearity": None}),
    (ValueError, ("a must not be NaN",), "he_uniform", (3, 3), {"a": NAN}),
    (ValueError, ("mode", "'fan_in'", "'in'"), "he_uniform", (3, 3), {"mode": "in"}),
    (ValueError, ("shape", "at least 2 axes", "(9,)"), "orthogonal", 9, {}),
    (ValueError, ("gain", "at least 0", "-1"), "orthogonal", (3, 3), {"gain": -1}),
    (ValueError, ("gain", "3.40282e+38"), "orthogonal", (3, 3), {"gain": 1e39}),
    (ValueError, ("axis", "[-2, 2)", "2"), "orthogonal", (3, 3), {"axis": 2}),
    (TypeError, ("axis", "int", "(0,)"), "orthogonal", (3, 3), {"axis": (0,)}),
    (TypeError, ("axis", "int", "0.0"), "orthogonal", (3, 3), {"axis": 0.0}),
    (ValueError, ("dim", "at least 1", "0"), "small_init", (3, 3), {"dim": 0}),
    (TypeError, ("dim", "int", "2.5"), "small_init", (3, 3), {"dim": 2.5}),
    (ValueError, ("dim", "below 2^63"), "small_init", (3, 3), {"dim": 10**400}),
    (ValueError, ("n_layers", "at least 1", "-1"), "wang_init", (3, 3), {"dim": 4, "n_layers": -1}),
    (ValueError, ("n_layers", "at least 1", "0"), "residual_normal", (3, 3), {"n_layers": 0}),
    (ValueError, ("scale", "at least 0", "-1"), "residual_normal", (3, 3), {"n_layers": 1, "scale": -1}),
    (ValueError, ("scale", "float32", "e+38"), "residual_normal", (3, 3), {"n_layers": 1, "scale": 3e38}),
    (TypeError, ("truncated", "True or False"), "residual_normal", (3, 3), {"n_layers": 1, "truncated": 0}),
]


@pytest.mark.parametrize(("kind", "words", "name", "shape", "keywords"), WRONG)
def test_wrong_argument(kind, words, name, shape, keywords):
    refused(kind, words, name, shape, **keywords)


# --- extreme arguments that are not errors ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["xavier_uniform", "xavier_normal", "orthogonal", "delta_orthogonal"])
def test_a_gain_of_zero_fills_with_zeros(name):
    assert (call(name, rng=1, gain=0) == 0).all()


def test_a_scale_of_zero_fills_with_zeros():
    for distribution in ("uniform", "normal", "truncated_normal"):
        assert (initializers.variance_scaling((3, 4), scale=0, distribution=distribution, rng=1) == 0).all()
    assert (initializers.truncated_normal(9, loc=0.5, scale=0.0, corrected=True, rng=1) == 0.5).all()
    assert (initializers.truncated_normal(9, loc=0.5, scale=0, a=0, b=1, corrected=True, units="absolute", rng=1) == 0.5).all()
    assert (initializers.residual_normal(9, n_layers=3, scale=0, rng=1) == 0).all()


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (0, 0), (5, 7, 0), (0, 7, 3)])
def test_a_dimension_of_zero_gives_an_empty_array(shape):
    for name in RANDOM:
        if name == "delta_orthogonal":
            continue
        if len(shape) > 2 and len(CALLS[name][0]) == 2:
            continue
        more = {k: v for k, v in CALLS[name][1].items() if k not in ("batch_axis", "in_axis", "out_axis", "groups")}
        result = getattr(initializers, name)(shape, rng=1, **more)
        assert result.shape == shape
    for mode in ("fan_in", "fan_out", "fan_avg", "fan_geo_avg"):
        assert initializers.variance_scaling(shape, mode=mode, rng=1).shape == shape
