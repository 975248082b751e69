"""Seeds, names and call numbers become the key and the counter's third word.

A `numpy.random.SeedSequence` identifies a stream: its entropy is the seed, its spawn key is the path of children. A name is
hashed to spawn-key words, so a child depends on the seed and its path alone.
"""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Iterable, Mapping, Set
from typing import Any

import numpy as np
from numpy.random import SeedSequence

from fastinit.arguments.hints import shown

#: Values for a fixed seed never change while this number stays.
STREAM_VERSION = 1

#: Calls before the key first moves on.
CALLS = 1 << 32
#: Bits of an int in an entropy: a longer one is kept as its words, which are the same entropy and can be printed. Python may be
#: told to print no int of more than 640 digits, 2,126 bits.
_MOST_BITS = 1 << 11
_MOST_POOL = 1 << 16  # pool words that a state may ask of a SeedSequence; 4 is usual


def _plain(entropy: Any) -> Any:
    """Entropy copied to ints and lists: the caller cannot change it later, and JSON can hold it."""
    if isinstance(entropy, int | np.integer) and not isinstance(entropy, bool | np.bool_):
        number = int(entropy)
        if number < 0:
            raise ValueError(f"entropy must not be negative; got {shown(number)}")
        if number.bit_length() <= _MOST_BITS:
            return number
        return np.frombuffer(number.to_bytes(-(-number.bit_length() // 32) * 4, "little"), "<u4").tolist()
    if isinstance(entropy, str | bytes | bytearray | memoryview | Set | Mapping) or not isinstance(entropy, Iterable):
        raise TypeError(f"entropy must be an int or a sequence of ints; got {shown(entropy)}")
    return [_plain(part) for part in entropy]


def private_copy(sequence: SeedSequence) -> SeedSequence:
    """The same sequence, sharing no list with the caller."""
    return SeedSequence(_plain(sequence.entropy), spawn_key=tuple(map(int, sequence.spawn_key)), pool_size=sequence.pool_size)


def seed_sequence(seed: Any) -> SeedSequence:
    """The seed sequence of an argument of `default_rng`."""
    if isinstance(seed, np.random.Generator | np.random.BitGenerator | np.random.RandomState):
        raise TypeError(f"seed must not be NumPy's {type(seed).__name__}; give its seed, or int(generator.integers(2**63))")
    try:
        if isinstance(seed, SeedSequence):
            _plain(seed.entropy)
            return seed
        return SeedSequence(None if seed is None else _plain(seed))
    except TypeError:
        allowed = "None, an int, a sequence of ints, a SeedSequence or a fastinit.Generator"
        raise TypeError(f"seed must be {allowed}; got {shown(seed)}") from None
    except ValueError:
        raise ValueError(f"seed must hold non-negative integers; got {shown(seed)}") from None


def extend(sequence: SeedSequence, *words: int) -> SeedSequence:
    """The sequence of a child: these words are appended to the path."""
    return SeedSequence(sequence.entropy, spawn_key=(*sequence.spawn_key, *words), pool_size=sequence.pool_size)


def name_words(name: str) -> tuple[int, ...]:
    """A name as four 32-bit spawn-key words: BLAKE2s-128 of its UTF-8 bytes, little endian."""
    try:
        text = name.encode()
    except UnicodeEncodeError:
        raise ValueError(f"name must be text that UTF-8 can hold; got {name!r}") from None
    return _hashed(text, b"fastinit")


def _hashed(text: bytes, person: bytes) -> tuple[int, ...]:
    digest = hashlib.blake2s(text, digest_size=16, person=person).digest()
    return tuple(int(word) for word in np.frombuffer(digest, "<u4"))


def key_words(sequence: SeedSequence) -> tuple[int, int]:
    """The two 32-bit words of the Philox key."""
    low, high = sequence.generate_state(2, np.uint32)
    return int(low), int(high)


def call_words(sequence: SeedSequence, key: tuple[int, int], call: int) -> tuple[int, int, int]:
    """Counter word 2 and the key words of the call with this number.

    After every 2^32 calls the key is that of a child of its own kind, numbered by the overflow. No name makes the same child.
    """
    epoch, word = divmod(call, CALLS)
    if epoch:
        key = key_words(extend(sequence, *_hashed(str(epoch).encode(), b"fastcall")))
    return word, *key


def state_of(sequence: SeedSequence, calls: int, children: int) -> dict[str, Any]:
    """The state of a Generator as a dict of ints, lists and strings."""
    return {
        "kind": "fastinit.Generator",
        "stream_version": STREAM_VERSION,
        "entropy": _plain(sequence.entropy),
        "spawn_key": [int(word) for word in sequence.spawn_key],
        "pool_size": int(sequence.pool_size),
        "calls": calls,
        "children": children,
    }


def _count(state: dict[str, Any], entry: str, least: int) -> int:
    value = state[entry]
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ValueError(f"{entry} must be an int of at least {least}; got {shown(value)}")
    return int(value)


def from_state(state: Any) -> tuple[SeedSequence, int, int]:
    """Undo `state_of`."""
    if not isinstance(state, dict):
        raise TypeError(f"state must be a dict, as `Generator.state` gives it; got {type(state).__name__}")
    if state.get("kind") != "fastinit.Generator" or state.get("stream_version") != STREAM_VERSION:
        raise ValueError(
            f"state must be of kind 'fastinit.Generator' and stream version {STREAM_VERSION}; "
            f"got {state.get('kind')!r}, {state.get('stream_version')!r}"
        )
    try:
        path = tuple(operator.index(word) for word in _plain(state["spawn_key"]))
        pool_size = _count(state, "pool_size", 4)
        if pool_size > _MOST_POOL:
            raise ValueError(f"pool_size must be at most {_MOST_POOL}; got {shown(pool_size)}")
        sequence = SeedSequence(_plain(state["entropy"]), spawn_key=path, pool_size=pool_size)
        return sequence, _count(state, "calls", 0), _count(state, "children", 0)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"state must have the entries that `Generator.state` gives; got {shown(state)}") from error
