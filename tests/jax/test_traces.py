"""Inside a trace: `eval_shape` gives the shape, every computation raises, and no Generator advances."""

import pytest

pytest.importorskip("jax", reason="needs JAX")

import jax
import jax.numpy as jnp
import numpy as np

import fastinit as fi
import fastinit.jax as fj

KEY = jax.random.key(0)
SHAPE = (4, 6)
INIT = fj.initializers.he_normal()
EXPECTED = fi.initializers.he_normal(SHAPE, rng=fj.generator_from_key(KEY), layout="in_out", truncated=True)
RNG = fi.default_rng(0)

WAYS = {
    "a key": INIT,
    "a seed": lambda key, shape: INIT(0, shape),
    "a Generator": lambda key, shape: INIT(RNG, shape),
    "an array": lambda key, shape: fj.normal(shape, rng=RNG),
    "an array of a key": lambda key, shape: fj.normal(shape, rng=key),
    "entropy": lambda key, shape: fj.normal(shape),
}
TRACES = {
    "jit": lambda fill: jax.jit(lambda key: fill(key, SHAPE))(KEY),
    "jit of a constant": lambda fill: jax.jit(lambda: fill(KEY, SHAPE))(),
    "jit inside jit": lambda fill: jax.jit(lambda key: jax.jit(lambda key: fill(key, SHAPE))(key) + 1)(KEY),
    "raw key": lambda fill: jax.jit(lambda key: fill(key, SHAPE))(jax.random.PRNGKey(0)),
    "scan": lambda fill: jax.lax.scan(lambda carry, key: (carry, fill(key, SHAPE)), 0, jax.random.split(KEY, 3)),
    "cond": lambda fill: jax.lax.cond(jnp.asarray(True), lambda key: fill(key, SHAPE), lambda key: jnp.zeros(SHAPE), KEY),
    "compile only": lambda fill: jax.jit(lambda key: fill(key, SHAPE)).lower(KEY),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("trace", TRACES)
def test_traces_raise(way, trace):
    with pytest.raises(RuntimeError, match="cannot run inside a JAX trace"):
        TRACES[trace](WAYS[way])
    assert RNG.state["calls"] == 0


@pytest.mark.parametrize("way", WAYS)
def test_eval_shape_gives_the_shape(way):
    found = jax.eval_shape(lambda key: WAYS[way](key, SHAPE), KEY)
    assert (found.shape, found.dtype) == (SHAPE, np.float32)
    assert RNG.state["calls"] == 0


def test_eval_shape_gives_the_dtype_and_refuses_as_a_call_does():
    found = jax.eval_shape(lambda key: INIT(key, SHAPE, jnp.bfloat16), KEY)
    assert found.dtype == jnp.bfloat16
    with pytest.raises(ValueError, match="in_axis"):
        jax.eval_shape(lambda key: INIT(key, (3,)), KEY)
    with pytest.raises(ValueError, match="one key"):
        jax.eval_shape(lambda key: INIT(key, SHAPE), jax.random.split(KEY))


def test_vmap_over_keys_raises():
    with pytest.raises(RuntimeError, match="cannot run inside a JAX trace"):
        jax.vmap(lambda key: INIT(key, SHAPE))(jax.random.split(KEY, 3))


def test_what_does_not_depend_on_the_trace_is_filled():
    """Inside a vmap or a derivative with respect to something else, and where a trace is suspended."""
    assert np.array_equal(jax.vmap(lambda x: x * INIT(KEY, SHAPE))(jnp.ones(2))[1], EXPECTED)
    assert jax.grad(lambda x: (x * INIT(KEY, SHAPE)).sum())(1.0) == pytest.approx(EXPECTED.sum(), rel=1e-5)

    def outside():
        with jax.ensure_compile_time_eval():
            return INIT(KEY, SHAPE)

    assert np.array_equal(jax.jit(outside)(), EXPECTED)
    with jax.disable_jit():
        assert np.array_equal(jax.jit(lambda key: INIT(key, SHAPE))(KEY), EXPECTED)


def test_what_is_not_used_is_not_computed():
    assert jax.jit(lambda key: (INIT(key, SHAPE), key)[1].shape)(KEY) == ()


def test_debug_modes():
    with jax.debug_key_reuse(True):
        assert np.array_equal(INIT(jax.random.key(0), SHAPE), EXPECTED)
    with jax.check_tracer_leaks(True):
        assert jax.eval_shape(lambda key: INIT(key, SHAPE), KEY).shape == SHAPE
