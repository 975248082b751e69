"""From a key of `jax.random` or a seed to a Generator."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from fastinit.generator import Generator, default_rng


def one_key(key: jax.Array, name: str = "key") -> jax.Array:
    """A key as a typed key, or as a tracer of one; it may be raw words."""
    typed = key
    if not jax.dtypes.issubdtype(key.dtype, jax.dtypes.prng_key):
        try:
            typed = jax.random.wrap_key_data(key)
        except (TypeError, ValueError):
            raise TypeError(
                f"{name} must be a key of jax.random, typed or the raw uint32 words of the default implementation; "
                f"got an array of {key.dtype} of shape {key.shape}"
            ) from None
    if typed.ndim:
        raise ValueError(f"{name} must be one key; got an array of keys of shape {typed.shape}")
    return typed


def generator_from_key(key: jax.Array) -> Generator:
    """Make the Generator that belongs to a key of `jax.random`.

    Parameters
    ----------
    key : jax.Array
        One key: typed (`jax.random.key`), or raw uint32 words (`jax.random.PRNGKey`), which belong to the default
        implementation, as everywhere in JAX. It must not be a tracer.

    Returns
    -------
    fastinit.Generator
        ``default_rng(words).child("jax.random.key:" + implementation)`` at call number 0, with the words of
        `jax.random.key_data` as ints. Keys of different implementations have different streams, whatever their words.

    Raises
    ------
    TypeError, ValueError
        If `key` is not a key, or an array of several keys.

    Examples
    --------
    >>> import jax, fastinit as fi, fastinit.jax as fj
    >>> rng = fi.default_rng([0, 7]).child("jax.random.key:threefry2x32")
    >>> bool(fj.generator_from_key(jax.random.key(7, impl="threefry2x32")).normal() == rng.normal())
    True
    """
    if not isinstance(key, jax.Array):
        raise TypeError(f"key must be a key of jax.random; got {type(key).__name__} {key!r}")
    if isinstance(key, jax.core.Tracer):
        raise TypeError("key must not be a tracer: inside a JAX trace (jit, vmap, ...) its words are not known")
    typed = one_key(key)
    words = np.asarray(jax.random.key_data(typed)).ravel().tolist()
    return default_rng(words).child(f"jax.random.key:{jax.random.key_impl(typed)}")


def seeded(seed: Any, name: str) -> Generator:
    """The Generator of a seed; a Generator is returned as it is. Errors call the argument `name`."""
    if isinstance(seed, np.ndarray) and seed.dtype == np.uint32:
        raise TypeError(
            f"{name} must not be a NumPy array of uint32, which might be a key's words or a seed: "
            "give jax.numpy.asarray(words) for a key, words.tolist() for a seed"
        )
    try:
        return default_rng(seed)
    except TypeError:
        raise TypeError(
            f"{name} must be a key of jax.random, a fastinit.Generator or a seed (an int or a sequence of ints); "
            f"got {type(seed).__name__} {seed!r}"
        ) from None
    except ValueError:
        raise ValueError(f"{name} must hold non-negative integers; got {seed!r}") from None
