"""Flax Linen and nnx: layers take the initialisers; models are made outside jit and run inside."""

import functools

import pytest

pytest.importorskip("jax", reason="needs JAX")
pytest.importorskip("flax", reason="needs Flax")

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

import fastinit as fi
import fastinit.jax as fj
from fastinit.jax import initializers as init

pytestmark = pytest.mark.filterwarnings("default")  # of the other library

KEY = jax.random.key(0)
IMAGES = jnp.ones((1, 8, 8, 3))


class Linen(nn.Module):
    @nn.compact
    def __call__(self, x):
        x = nn.Conv(4, (3, 3), kernel_init=init.he_normal())(x)
        x = nn.Dense(5, kernel_init=init.lecun_uniform(), bias_init=init.normal(0.1), param_dtype=jnp.bfloat16)(x)
        return x + self.param("shift", init.truncated_normal(0.02), (5,))


def test_linen():
    model = Linen()
    params = model.init(KEY, IMAGES)["params"]
    kernel, dense = params["Conv_0"]["kernel"], params["Dense_0"]
    assert (kernel.shape, kernel.dtype) == ((3, 3, 3, 4), np.float32)
    assert (dense["kernel"].dtype, dense["bias"].dtype) == (jnp.bfloat16, jnp.bfloat16)
    assert len({float(array.ravel()[0]) for array in jax.tree.leaves(params)}) == 5, "a stream for each, and a bias of 0"
    assert jax.tree.all(jax.tree.map(np.array_equal, params, model.init(KEY, IMAGES)["params"]))
    assert not np.array_equal(kernel, model.init(jax.random.key(1), IMAGES)["params"]["Conv_0"]["kernel"])
    raw = model.init(jax.random.PRNGKey(0), IMAGES)["params"]
    assert np.array_equal(raw["Conv_0"]["kernel"], kernel)


def test_linen_applies_inside_jit():
    """Linen asks `eval_shape` for each parameter's shape when a model is applied."""
    model = Linen()
    variables = model.init(KEY, IMAGES)
    outside, inside = model.apply(variables, IMAGES), jax.jit(model.apply)(variables, IMAGES)
    assert np.allclose(outside, inside, atol=1e-2)
    gradient = jax.grad(lambda variables: model.apply(variables, IMAGES).sum())(variables)
    assert jax.tree.structure(gradient) == jax.tree.structure(variables)


def test_linen_shapes_and_traces():
    model = Linen()
    shapes = jax.eval_shape(model.init, KEY, IMAGES)
    made = model.init(KEY, IMAGES)
    assert jax.tree.map(lambda x: (x.shape, x.dtype), shapes) == jax.tree.map(lambda x: (x.shape, x.dtype), made)
    assert "kernel" in model.tabulate(KEY, IMAGES)
    with pytest.raises(RuntimeError, match="cannot run inside a JAX trace"):
        jax.jit(model.init)(KEY, IMAGES)


class Body(nn.Module):
    @nn.compact
    def __call__(self, x, _=None):
        return nn.Dense(4, kernel_init=init.he_normal())(x), None


def test_linen_lifts():
    """Transformations that trace the layer raise; `remat` does not trace its initialisation."""
    more = {"variable_axes": {"params": 0}, "split_rngs": {"params": True}}
    x = jnp.ones((2, 4))
    made = nn.remat(Body)().init(KEY, x)["params"]["Dense_0"]["kernel"]
    assert np.array_equal(made, Body().init(KEY, x)["params"]["Dense_0"]["kernel"])
    for lifted in (nn.jit(Body), nn.scan(Body, length=3, **more), nn.vmap(Body, **more)):
        with pytest.raises(RuntimeError, match="cannot run inside a JAX trace"):
            lifted().init(KEY, x)


class Nnx(nnx.Module):
    def __init__(self, rngs):
        self.embed = nnx.Embed(7, 8, embedding_init=init.truncated_normal(0.02), rngs=rngs)
        self.attend = nnx.MultiHeadAttention(2, 8, 16, kernel_init=init.orthogonal(), decode=False, rngs=rngs)
        self.dense = nnx.Linear(8, 16, kernel_init=init.he_normal(), bias_init=init.normal(), rngs=rngs)
        self.conv = nnx.Conv(3, 4, (3, 3), kernel_init=init.glorot_uniform(), param_dtype=jnp.bfloat16, rngs=rngs)

    def __call__(self, tokens):
        return self.dense(self.attend(self.embed(tokens)))


def values(model):
    return dict(nnx.to_flat_state(nnx.state(model, nnx.Param)))


def test_nnx():
    model, twin, other = (Nnx(nnx.Rngs(seed)) for seed in (0, 0, 1))
    for path, value in values(model).items():
        assert np.array_equal(value[...], values(twin)[path][...]), path
        if path[-1] != "bias" or path[0] == "dense":
            assert not np.array_equal(value[...], values(other)[path][...]), path
    assert model.conv.kernel[...].dtype == jnp.bfloat16
    tokens = jnp.arange(5)[None]
    assert np.allclose(nnx.jit(lambda model, tokens: model(tokens))(model, tokens), model(tokens), atol=1e-5)


def test_nnx_values_are_those_of_the_key():
    layer = nnx.Linear(8, 16, kernel_init=init.he_normal(), rngs=nnx.Rngs(5))
    rng = fj.generator_from_key(nnx.Rngs(5).params())
    expected = fi.initializers.he_normal((8, 16), layout="in_out", truncated=True, rng=rng)
    assert np.array_equal(layer.kernel[...], expected)


def test_nnx_shapes_and_traces():
    shapes = values(nnx.eval_shape(lambda: Nnx(nnx.Rngs(0))))
    made = values(Nnx(nnx.Rngs(0)))
    assert {path: value.shape for path, value in made.items()} == {path: value.shape for path, value in shapes.items()}
    with pytest.raises(RuntimeError, match="cannot run inside a JAX trace"):
        nnx.jit(lambda: Nnx(nnx.Rngs(0)))()


def test_nnx_sharded():
    mesh = jax.make_mesh((len(jax.devices()),), ("model",))
    where = jax.NamedSharding(mesh, jax.P(None, "model"))
    kernel = functools.partial(init.he_normal(), out_sharding=where)
    layer = nnx.Linear(8, 8 * len(jax.devices()), kernel_init=kernel, rngs=nnx.Rngs(0))
    assert layer.kernel[...].sharding == where
    plain = nnx.Linear(8, 8 * len(jax.devices()), kernel_init=init.he_normal(), rngs=nnx.Rngs(0))
    assert np.array_equal(layer.kernel[...], plain.kernel[...])
