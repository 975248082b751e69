"""Sources of a stream: keys of jax.random in every form, Generators and seeds; and values that are refused."""

import itertools

import pytest

pytest.importorskip("jax", reason="needs JAX")

import jax
import jax.numpy as jnp
import numpy as np

import fastinit as fi
import fastinit.jax as fj

IMPLEMENTATIONS = ("threefry2x32", "rbg", "unsafe_rbg")
INIT = fj.initializers.normal(1.0)
SHAPE = (3, 5)


def drawn(key):
    return np.asarray(INIT(key, SHAPE))


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_a_typed_key_is_the_documented_stream(implementation):
    key = jax.random.key(2**31 + 5, impl=implementation)
    words = [int(word) for word in jax.random.key_data(key)]
    own = fi.default_rng(words).child(f"jax.random.key:{implementation}")
    assert fj.generator_from_key(key).state == own.state
    expected = own.normal(size=SHAPE)
    assert np.array_equal(drawn(key), expected)
    assert np.array_equal(drawn(key), expected), "a key can be used again"
    assert np.array_equal(fj.normal(SHAPE, rng=key), expected)


def test_raw_words_are_those_of_the_default_implementation():
    raw = jax.random.PRNGKey(7)
    assert raw.dtype == np.uint32
    assert np.array_equal(drawn(raw), drawn(jax.random.key(7)))
    with jax.default_prng_impl("rbg"):
        raw = jax.random.PRNGKey(7)
        assert raw.shape == (4,)
        assert np.array_equal(drawn(raw), drawn(jax.random.key(7, impl="rbg")))


def test_different_keys_are_different_streams():
    """Also keys whose words are equal, or differ only in trailing zeros, which a seed sequence ignores."""
    keys = [
        jax.random.wrap_key_data(jnp.array(words, jnp.uint32), impl="threefry2x32")
        for words in itertools.product((0, 5), (0, 1))
    ]
    for implementation in IMPLEMENTATIONS[1:]:
        for words in itertools.product((0, 5), (0, 1), (0,), (0, 1)):
            keys.append(jax.random.wrap_key_data(jnp.array(words, jnp.uint32), impl=implementation))
    keys += [jax.random.fold_in(jax.random.key(0), i) for i in range(20)] + list(jax.random.split(jax.random.key(1), 20))
    seeds = [0, 1, 5, [5, 1], [0, 5], [5, 1, 0, 0]]
    generators = [*map(fj.generator_from_key, keys), *map(fi.default_rng, seeds)]
    # [5, 1] and [5, 1, 0, 0] are one seed in NumPy's own reckoning, as are 5 and [5]
    assert len({generator._key for generator in generators}) == len(generators) - 1


def test_generators_and_seeds():
    rng, own = fi.default_rng(4), fi.default_rng(4)
    first, second = INIT(rng, SHAPE), INIT(rng, SHAPE)
    assert np.array_equal(first, own.normal(size=SHAPE))
    assert np.array_equal(second, own.normal(size=SHAPE))
    assert rng.state == own.state
    for seed in (4, [1, 2], np.random.SeedSequence(4), np.int64(4), np.array([1, 2])):
        assert np.array_equal(drawn(seed), fi.default_rng(seed).normal(size=SHAPE))
    assert not np.array_equal(fj.normal(SHAPE), fj.normal(SHAPE)), "entropy of the system"


REFUSED = [
    (TypeError, "must be a key of jax.random, a fastinit.Generator or a seed .* got str 'a'", "a"),
    (TypeError, "must be a key of jax.random, .* got float 1.5", 1.5),
    (TypeError, "must be a key of jax.random, .* got bool True", True),
    (ValueError, "must hold non-negative integers; got -1", -1),
    (ValueError, r"must be one key; got an array of keys of shape \(3,\)", jax.random.split(jax.random.key(0), 3)),
    (ValueError, r"must be one key; got an array of keys of shape \(3,\)", jax.random.split(jax.random.PRNGKey(0), 3)),
    (TypeError, r"must be a key of jax.random, typed or .* float32 of shape \(2,\)", jnp.zeros(2)),
    (TypeError, r"must be a key of jax.random, typed or .* uint32 of shape \(3,\)", jnp.zeros(3, jnp.uint32)),
    (TypeError, r"must be a key of jax.random, typed or .* int32 of shape \(\)", jnp.asarray(3)),
    (TypeError, "must not be a NumPy array of uint32", np.array([0, 7], np.uint32)),
]


@pytest.mark.parametrize(("kind", "words", "given"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_no_key_is_refused(kind, words, given):
    with pytest.raises(kind, match=f"^key {words}"):
        INIT(given, SHAPE)
    with pytest.raises(kind, match=f"^rng {words}"):
        fj.normal(SHAPE, rng=given)


def test_an_initialiser_needs_a_key():
    with pytest.raises(TypeError, match=r"key must be .* got None"):
        INIT(None, SHAPE)


def test_generator_from_key_refuses():
    with pytest.raises(TypeError, match=r"key must be a key of jax\.random; got int 3"):
        fj.generator_from_key(3)
    with pytest.raises(TypeError, match="must not be a tracer"):
        jax.eval_shape(lambda key: fj.generator_from_key(key).normal(), jax.random.key(0))
