"""Any law in JAX: the bytes of `Generator.draw`, of whole and sharded arrays, in the dtypes that JAX holds."""

import pytest

pytest.importorskip("jax", reason="needs JAX")

import copy
import pickle

import jax
import numpy as np
from jax.sharding import PartitionSpec

import fastinit as fi
import fastinit.jax as fj
from fastinit import laws
from tests.initializers.test_any_law import LAWS
from tests.laws import own

KEY = jax.random.key(3)
SHAPE = (8, 6)
CASES = [(text, name) for text, law in LAWS.items() for name in law.dtype_names if not name.endswith("64")]


def same(array, whole):
    assert isinstance(array, jax.Array)
    assert (array.dtype, array.shape) == (whole.dtype, whole.shape)
    return np.asarray(array).tobytes() == np.asarray(whole).tobytes()


@pytest.mark.parametrize(("text", "dtype"), CASES)
def test_bytes_are_the_generators(text, dtype):
    whole = fi.default_rng(5).draw(LAWS[text], SHAPE, dtype=dtype)
    assert same(fj.draw(SHAPE, law=text, rng=5, dtype=dtype), whole)
    of_key = fj.generator_from_key(KEY).draw(LAWS[text], SHAPE, dtype=dtype)
    assert same(fj.initializers.draw(LAWS[text])(KEY, SHAPE, dtype), of_key)
    assert same(fj.initializers.draw(text, dtype=dtype)(KEY, SHAPE), of_key)


def test_wide_dtypes_need_x64():
    with jax.enable_x64(True):
        for dtype, text in (("int64", "integers(5)"), ("float64", "laplace"), ("uint64", "bernoulli(0.5)")):
            whole = fi.default_rng(5).draw(laws.parse(text), SHAPE, dtype=dtype)
            assert same(fj.draw(SHAPE, law=text, rng=5, dtype=dtype), whole)
        assert fj.draw(3, law="integers(5)", rng=0).dtype == np.int64
        assert fj.initializers.draw("laplace")(KEY, 3).dtype == np.float64, "JAX's default"
    assert fj.initializers.draw("integers(5)")(KEY, 3).dtype == np.int32, "JAX's default"
    assert fj.initializers.draw("rademacher")(KEY, 3).dtype == np.float32
    assert same(fj.draw(SHAPE, law="integers(5)", rng=0), fi.default_rng(0).draw(laws.integers(5), SHAPE, dtype="int32"))
    with pytest.raises(TypeError, match="dtype must be one of at most 32 bits unless jax_enable_x64 is set; got int64"):
        fj.draw(3, law="integers(5)", rng=0, dtype="int64")


def test_sharded_arrays():
    mesh = jax.make_mesh((len(jax.devices()),), ("x",))
    law = own.triangular(2.0)
    with jax.set_mesh(mesh):
        array = fj.draw((8, 6), law=law, rng=5, sharding=PartitionSpec("x"))
        made = fj.initializers.draw(law)(5, (8, 6), np.float32, PartitionSpec("x"))
    whole = fi.default_rng(5).draw(law, SHAPE)
    assert same(array, whole)
    assert same(made, whole)
    assert array.sharding.spec == PartitionSpec("x")


def test_traces():
    init = fj.initializers.draw("laplace(scale=0.1)")
    found = jax.eval_shape(lambda key: init(key, SHAPE), KEY)
    assert (found.shape, found.dtype) == (SHAPE, np.float32)
    assert jax.eval_shape(lambda: fj.draw(SHAPE, law="rademacher", dtype="int8", rng=0)).dtype == np.int8
    with pytest.raises(RuntimeError, match="cannot run inside a JAX trace"):
        jax.jit(lambda key: init(key, SHAPE))(KEY)
    with pytest.raises(RuntimeError, match="cannot run inside a JAX trace"):
        jax.vmap(lambda key: init(key, SHAPE))(jax.random.split(KEY, 3))
    expected = fj.generator_from_key(KEY).draw(laws.laplace(scale=0.1), SHAPE)
    assert np.array_equal(jax.vmap(lambda x: x * init(KEY, SHAPE))(np.ones(2, np.float32))[1], expected)


def test_initializers_are_values():
    init, twin = fj.initializers.draw("laplace(scale=0.1)"), fj.initializers.draw(laws.laplace(scale=0.1))
    assert init == twin
    assert hash(init) == hash(twin)
    assert init != fj.initializers.draw("laplace(scale=0.2)")
    assert pickle.loads(pickle.dumps(init)) == copy.deepcopy(init) == init
    mine = fj.initializers.draw(own.triangular(2.0))
    assert pickle.loads(pickle.dumps(mine)) == mine == fj.initializers.draw("tests.laws.own:triangular(width=2.0)")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: fj.draw(3, rng=0), "draw: missing a required argument: 'law'"),
        (lambda: fj.draw(3, law="laplac", rng=0), "got 'laplac'; did you mean laplace"),
        (lambda: fj.draw(3, law="laplace", dtype="int8", rng=0), "dtype must be one of float32.*; got 'int8'"),
        (lambda: fj.initializers.draw(), "draw: missing a required argument: 'law'"),
        (lambda: fj.initializers.draw("laplac"), "got 'laplac'; did you mean laplace"),
        (lambda: fj.initializers.draw("laplace")(KEY, 3, "int8"), "dtype must be one of float32.*; got 'int8'"),
        (lambda: fj.initializers.draw("integers(5)")(KEY, 3, "float32"), "dtype must be one of int64.*; got 'float32'"),
    ],
)
def test_errors(call, words):
    with pytest.raises((TypeError, ValueError), match=words):
        call()
