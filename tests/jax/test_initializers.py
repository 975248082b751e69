"""`fastinit.jax.initializers`: JAX's names, arguments, defaults and distributions, and fastinit's values."""

import copy
import doctest
import inspect
import pickle
import re

import pytest

pytest.importorskip("jax", reason="needs JAX")

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
from scipy import stats

import fastinit as fi
import fastinit.jax as fj
from fastinit import initializers
from fastinit.arguments import dtypes
from tests.initializers.table import CALLS
from tests.statistics import require

KEY = jax.random.key(3)
KERNEL = (3, 2, 6, 12)
TRUNCATED = {"layout": "in_out", "truncated": True}
FANS = ("glorot", "xavier", "he", "kaiming", "lecun")

#: Arguments in JAX's words, and the name, arguments and keywords of fastinit.initializers that they stand for.
SAME = [
    ("uniform", (), "uniform", {"high": 0.01}),
    ("uniform", (3.0,), "uniform", {"high": 3.0}),
    ("normal", (), "normal", {"scale": 0.01}),
    ("normal", (0.5,), "normal", {"scale": 0.5}),
    ("truncated_normal", (), "truncated_normal", {"scale": 0.01}),
    ("truncated_normal", (0.5, None, -1.0, 3.0), "truncated_normal", {"scale": 0.5, "a": -1.0, "b": 3.0}),
    (
        "variance_scaling",
        (2.0, "fan_out", "normal"),
        "variance_scaling",
        {"scale": 2.0, "mode": "fan_out", "distribution": "normal", "layout": "in_out"},
    ),
    (
        "variance_scaling",
        (2.0, "fan_avg", "uniform", 0, (1, 3), [2]),
        "variance_scaling",
        {"scale": 2.0, "mode": "fan_avg", "distribution": "uniform", "in_axis": 0, "out_axis": (1, 3), "batch_axis": 2},
    ),
    *((f"{name}_uniform", (), f"{name}_uniform", {"layout": "in_out"}) for name in FANS),
    *((f"{name}_normal", (), f"{name}_normal", TRUNCATED) for name in FANS),
    ("he_normal", (0, 1, (2,)), "he_normal", {"in_axis": 0, "out_axis": 1, "batch_axis": 2, "truncated": True}),
    ("orthogonal", (), "orthogonal", {"axis": -1}),
    ("orthogonal", (2.0, 0), "orthogonal", {"gain": 2.0, "axis": 0}),
    ("delta_orthogonal", (2.0,), "delta_orthogonal", {"gain": 2.0}),
    ("delta_orthogonal", (2.0, 0), "delta_orthogonal", {"gain": 2.0}),
    ("small_init", (8,), "small_init", {"dim": 8}),
    ("residual_normal", (4, 0.1), "residual_normal", {"n_layers": 4, "scale": 0.1}),
    ("fan_in_uniform", (), "fan_in_uniform", {"layout": "in_out"}),
    ("dirac", (), "dirac", {"layout": "in_out"}),
    ("small_random", (), "small_random", {}),
]


@pytest.mark.parametrize(("name", "arguments", "own", "keywords"), SAME)
def test_values_are_fastinits(name, arguments, own, keywords):
    init = getattr(fj.initializers, name)(*arguments)
    found = init(KEY, KERNEL)
    expected = getattr(initializers, own)(KERNEL, **keywords, rng=fj.generator_from_key(KEY))
    assert isinstance(found, jax.Array)
    assert not found.committed
    assert found.dtype == np.float32
    assert np.asarray(found).tobytes() == expected.tobytes()


def jax_names():
    names = [name for name in dir(jax.nn.initializers) if not name.startswith("_") and name != "Initializer"]
    return [name for name in names if callable(getattr(jax.nn.initializers, name))]


@pytest.mark.parametrize("name", jax_names())
def test_signatures_are_jaxs(name):
    ours, theirs = (inspect.signature(getattr(of, name)) for of in (fj.initializers, jax.nn.initializers))
    assert [(p.name, p.default) for p in ours.parameters.values()] == [(p.name, p.default) for p in theirs.parameters.values()]
    if name not in ("zeros", "ones"):
        needed = {"variance_scaling": (1.0, "fan_in", "normal"), "constant": (1.0,)}.get(name, ())
        inner, outer = (inspect.signature(getattr(of, name)(*needed)) for of in (fj.initializers, jax.nn.initializers))
        assert list(inner.parameters) == list(outer.parameters)


def test_every_rule_of_fastinit_is_there():
    assert set(fj.initializers.FACTORIES) == set(initializers.BY_NAME)
    assert set(fj.BY_NAME) == {"bits", *initializers.BY_NAME}
    assert set(jax_names()) <= set(fj.initializers.FACTORIES)
    for module, functions in ((fj, fj.BY_NAME), (fj.initializers, fj.initializers.FACTORIES)):
        assert set(functions) < set(module.__all__)
        assert all(getattr(module, name) is function for name, function in functions.items())


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("uniform", (0.5,)),
        ("normal", (0.5,)),
        ("truncated_normal", (0.5, jnp.float32, -1.0, 2.0)),
        ("variance_scaling", (3.0, "fan_geo_avg", "truncated_normal")),
        ("variance_scaling", (3.0, "fan_out", "uniform", 0, 1, 2)),
        *((f"{name}_{law}", ()) for name in ("glorot", "he", "lecun") for law in ("uniform", "normal")),
    ],
)
def test_laws_are_jaxs(name, arguments):
    """Two-sample Kolmogorov-Smirnov, at the level of `tests.statistics`: a deviation wrong by 6 % gives some 1e-10."""
    shape = (40, 20, 150)
    ours, theirs = (
        np.asarray(getattr(of, name)(*arguments)(KEY, shape)).ravel() for of in (fj.initializers, jax.nn.initializers)
    )
    require(stats.ks_2samp(ours, theirs, method="asymp").pvalue, name)


@pytest.mark.parametrize("name", ["zeros", "ones", "constant"])
def test_constants_are_jaxs(name):
    assert getattr(fj.initializers, name) is getattr(jax.nn.initializers, name)


def test_dtypes():
    init = fj.initializers.normal(1.0)
    for real in dtypes.REALS.values():
        with jax.enable_x64(real.name == "float64"):
            for dtype in (real.dtype, real.name, getattr(jnp, real.name)):
                found = init(5, (50,), dtype)
                expected = fi.default_rng(5).normal(size=50, dtype=real.dtype)
                assert found.dtype == real.dtype
                assert np.asarray(found).tobytes() == expected.tobytes()
    with jax.enable_x64(True):
        assert init(5, (3,)).dtype == np.float64, "JAX's default"
        assert fj.normal((3,)).dtype == np.float32, "fastinit's default"
    assert fj.initializers.normal(1.0, jnp.bfloat16)(5, (3,)).dtype == ml_dtypes.bfloat16
    assert fj.initializers.normal(1.0, jnp.bfloat16)(5, (3,), jnp.float16).dtype == np.float16


@pytest.mark.parametrize(
    ("dtype", "words"),
    [
        ("float64", "unless jax_enable_x64 is set; got float64"),
        (np.int32, "must be one of"),
        (jnp.complex64, "must be one of"),
        ("x", "'x'"),
    ],
)
def test_dtypes_that_are_refused(dtype, words):
    for call in (lambda: fj.normal((3,), dtype=dtype), lambda: fj.initializers.normal()(0, (3,), dtype)):
        with pytest.raises(TypeError, match=f"dtype .*{words}"):
            call()


@pytest.mark.parametrize("name", CALLS)
def test_arrays_have_numpys_bytes(name):
    shape, keywords = CALLS[name]
    rng, own = fi.default_rng(2), fi.default_rng(2)
    for dtype in ("float32", "bfloat16"):
        found = getattr(fj, name)(shape, **keywords, rng=rng, dtype=dtype)
        expected = getattr(initializers, name)(shape, **keywords, rng=own, dtype=dtype)
        assert np.asarray(found).tobytes() == expected.tobytes()
    assert rng.state == own.state


ERRORS = [
    (TypeError, "normal: .*'index'; its arguments are shape, loc, scale", lambda: fj.normal((3,), index=0)),
    (TypeError, "normal: .*'out'", lambda: fj.normal((3,), out=np.empty(3, np.float32))),
    (TypeError, "he_normal: .*'nonsense'", lambda: fj.he_normal((3, 3), nonsense=1)),
    (TypeError, "constant: .*'shape'", lambda: fj.constant()),
    (TypeError, "shape must be .* got 'a'", lambda: fj.normal("a")),
    (ValueError, "shape must not be negative", lambda: fj.normal((-1,))),
    (TypeError, "dtype", lambda: fj.normal((3,), dtype=1)),
    (ValueError, "layout='out_in'", lambda: fj.he_normal((3,))),
    (
        TypeError,
        "he_normal: too many .* in_axis, out_axis, batch_axis, dtype",
        lambda: fj.initializers.he_normal(1, 2, 3, 4, 5),
    ),
    (TypeError, "variance_scaling: missing .*'distribution'", lambda: fj.initializers.variance_scaling(1, "fan_in")),
    (ValueError, "mode must be one of", lambda: fj.initializers.variance_scaling(1, "fan", "normal")(0, (3, 3))),
    (ValueError, "in_axis must be in", lambda: fj.initializers.he_normal()(0, (3,))),
    (ValueError, "must not share an axis", lambda: fj.initializers.he_normal(0, 0)(0, (3, 3))),
    (ValueError, "stddev must be at least 0; got -1.0", lambda: fj.initializers.normal(-1)(0, (3,))),
    (
        ValueError,
        "lower must be less than upper; got lower=3.0, upper=2.0",
        lambda: fj.initializers.truncated_normal(1, None, 3, 2)(0, (3,)),
    ),
    (TypeError, "lower must be a real number", lambda: fj.initializers.truncated_normal(1, None, "x")(0, (3,))),
    (
        ValueError,
        "lower and upper must have a float32 .*stddev=1.0",
        lambda: fj.initializers.truncated_normal(1, None, 1e39, 2e39)(0, (3,)),
    ),
    (TypeError, "column_axis must be an int", lambda: fj.initializers.orthogonal(1, "x")(0, (3, 3))),
    (ValueError, "column_axis must be in", lambda: fj.initializers.delta_orthogonal(1, 2)(0, (3, 3, 3))),
    (ValueError, "scale must be finite and at least 0", lambda: fj.initializers.orthogonal(-1)(0, (3, 3))),
    (TypeError, "out_sharding must be a jax.sharding.Sharding", lambda: fj.initializers.normal()(0, (3,), None, 7)),
    (ValueError, "out_sharding must be a NamedSharding", lambda: fj.initializers.normal()(0, (3,), None, jax.P("x"))),
    (TypeError, "normal: too many positional .* shape, loc, scale", lambda: fj.normal((3,), 0.5)),
]


@pytest.mark.parametrize(("kind", "words", "call"), ERRORS, ids=range(len(ERRORS)))
def test_errors(kind, words, call):
    with pytest.raises(kind, match=words):
        call()


def test_refused_calls_take_no_number():
    rng = fi.default_rng(0)
    for call in (
        lambda: fj.normal((3,), scale=-1, rng=rng),
        lambda: fj.initializers.he_normal()(rng, (3,)),
        lambda: fj.initializers.normal()(rng, (3,), "float64"),
        lambda: fj.normal((3,), rng=rng, sharding=jax.P("x")),
    ):
        with pytest.raises((TypeError, ValueError)):
            call()
    assert rng.state["calls"] == 0


def test_initialisers_are_values():
    """Initialisers of equal arguments are equal, so Flax modules that hold them can be hashed and compared."""
    init, twin = (fj.initializers.variance_scaling(2.0, "fan_in", "normal", batch_axis=[0]) for _ in range(2))
    assert init == twin
    assert hash(init) == hash(twin)
    assert init != fj.initializers.variance_scaling(2.0, "fan_out", "normal", batch_axis=[0])
    for again in (pickle.loads(pickle.dumps(init)), copy.deepcopy(init)):
        assert np.array_equal(again(1, (2, 3, 4)), init(1, (2, 3, 4)))


@pytest.mark.parametrize("name", fj.BY_NAME)
def test_documentation(name):
    function = fj.BY_NAME[name]
    parameters = set(inspect.signature(function).parameters)
    assert function.__name__ == name
    assert {"sharding", "rng"} <= parameters
    assert not {"out", "index"} & parameters
    entries = function.__doc__.partition("Returns\n")[0]
    assert set(re.findall(r"\w+", " ".join(re.findall("^([a-z].*) :", entries, re.MULTILINE)))) == parameters
    example = doctest.DocTestParser().get_doctest(function.__doc__, {}, name, None, None)
    assert doctest.DocTestRunner().run(example) == (0, 3)
