"""Tests of the random words: known answers of Philox4x32-10, and neighbouring streams.

The kernels' Philox is called here with any counter, call and attempt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

import fastinit as fi
from fastinit.arithmetic.lanes import Lanes, convert, u32
from fastinit.arithmetic.philox import LOW, philox4x32, round_keys
from fastinit.check import order
from fastinit.check.exact import Floats
from fastinit.check.fits import cells_row, chi_squared
from fastinit.check.results import Row, fault_row
from fastinit.kernels.mapped import mapped

Words = npt.NDArray[np.uint32]

#: Counter, key and words of J. K. Salmon and others, Random123, `tests/kat_vectors`, philox4x32 10.
KNOWN = (
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
)
#: Streams compared, and words of each.
STREAMS, LENGTH = 512, 8192
VALUES = STREAMS * LENGTH


def _words(counter: Lanes, call: Lanes, attempt: Lanes, key: Lanes) -> tuple[Lanes, ...]:
    a, b = philox4x32(counter & LOW, counter >> 32, call, attempt, round_keys(key))
    return tuple(convert(word, u32) for word in (a >> 32, a, b >> 32, b))


def philox(first: int, counters: int, call: int, attempt: int, key: tuple[int, int]) -> Words:
    """Words w0 .. w3 of `counters` counters from a 64-bit index on, a row each."""
    u64 = np.uint64
    indices = u64(first) + np.arange(counters, dtype=u64)
    return np.stack(mapped(_words, indices, u64(call), u64(attempt), u64(key[0] | key[1] << 32)), 1)


def known_answers() -> Iterator[Row]:
    """The published words."""
    for counter, key, words in KNOWN:
        got = philox(counter[0] | counter[1] << 32, 1, counter[2], counter[3], key)[0]
        wrong = int((got != np.array(words, np.uint32)).sum())
        yield fault_row("words", f"Random123, counter {counter[0]:08x} {counter[1]:08x} ...: wrong words", wrong)


def of_seeds(seed: int, count: int, length: int) -> Words:
    """The first words of consecutive seeds."""
    return np.stack([fi.default_rng(seed + i).bits(length) for i in range(count)])


def of_children(seed: int, count: int, length: int) -> Words:
    """The first words of children that are named like the layers of a model."""
    rng = fi.default_rng(seed)
    return np.stack([rng.child(f"layers.{i}.weight").bits(length) for i in range(count)])


def of_numbered(seed: int, count: int, length: int) -> Words:
    """The first words of numbered children."""
    return np.stack([child.bits(length) for child in fi.default_rng(seed).spawn(count)])


def of_calls(seed: int, count: int, length: int) -> Words:
    """The first words of consecutive calls."""
    rng = fi.default_rng(seed)
    return np.stack([rng.bits(length) for _ in range(count)])


def of_attempts(seed: int, count: int, length: int) -> Words:
    """The words of consecutive attempts of one call, among them the words that test a proposal."""
    low, high = np.random.SeedSequence(seed).generate_state(2, np.uint32)
    attempts = [i // 2 + (i % 2 << 31) for i in range(count)]
    return np.stack([philox(0, length // 4, 0, attempt, (int(low), int(high))).ravel() for attempt in attempts])


KINDS: dict[str, Callable[[int, int, int], Words]] = {
    "seeds": of_seeds,
    "children": of_children,
    "numbered children": of_numbered,
    "calls": of_calls,
    "attempts": of_attempts,
}


def _cells(name: str, places: Any, chances: Floats) -> Iterator[Row]:
    """Chi-squared of cells of known chances; those that expect few values are joined."""
    observed = np.bincount(places, minlength=len(chances)).astype(np.float64)
    often = chances * observed.sum() >= 16
    expected = np.append(chances[often], chances[~often].sum()) * observed.sum()
    observed = np.append(observed[often], observed[~often].sum())
    if np.count_nonzero(expected) > 1:  # few words have one cell alone
        yield cells_row("streams", name, observed[expected > 0], expected[expected > 0])


def _each_bit(name: str, words: Words) -> Row:
    """How often each bit is set."""
    ones = np.array([int(((words >> np.uint32(bit)) & np.uint32(1)).sum()) for bit in range(32)])
    z = (ones - len(words) / 2) / (np.sqrt(len(words)) / 2)
    return chi_squared("streams", name, float((z**2).sum()), 32)


def neighbours(kind: str, words: Words) -> Iterator[Row]:
    """Tests of neighbouring streams, a row each: each bit, neighbours, all pairs, and taken in turn word by word."""
    turns = np.ascontiguousarray(words.T).reshape(-1)
    yield _each_bit(f"{kind}: each of 32 bits", turns)
    differ = np.bitwise_count(words[1:] ^ words[:-1]).ravel()
    yield from _cells(f"{kind}: bits in which neighbours differ", differ, stats.binom(32, 0.5).pmf(np.arange(33)))
    top = (words >> np.uint32(24)).astype(np.int64)
    yield from _cells(f"{kind}: first bytes of neighbours", (top[1:] * 256 + top[:-1]).ravel(), np.full(1 << 16, 2.0**-16))
    u = (words.astype(np.float32) + np.float32(0.5)) * np.float32(2**-32) - np.float32(0.5)
    z = (u @ u.T)[np.triu_indices(len(u), 1)].astype(np.float64) * 12 / np.sqrt(u.shape[1])
    yield chi_squared("streams", f"{kind}: {len(z)} pairs of streams", float((z**2).sum()), len(z))
    for row in order.rows(turns, partners_of=None):
        if row.group in ("lags", "repeats"):
            yield row._replace(group="streams", name=f"{kind} in turn: {row.name}")


def rows(seed: int, advance: Callable[[int, str], object] = lambda words, text: None) -> Iterator[Row]:
    """Known answers, then each kind of neighbouring streams; `advance` is called with the words of each and its name."""
    yield from known_answers()
    for kind, make in KINDS.items():
        advance(0, f"streams of {kind}")
        yield from neighbours(kind, make(seed, STREAMS, LENGTH))
        advance(VALUES, f"streams of {kind}")


def serial(words: Words) -> Iterator[Row]:
    """Tests of a stream's words that its values as reals cannot show: low halves, each bit, pairs of bytes."""
    low = (words & np.uint32(0xFFFF)).astype(np.int64)
    yield from _cells("low halves", low, np.full(1 << 16, 2.0**-16))
    pairs = words[: len(words) // 2 * 2].reshape(-1, 2)
    for name, shift in (("first", 24), ("last", 0)):
        byte = ((pairs >> np.uint32(shift)) & np.uint32(255)).astype(np.int64)
        yield from _cells(f"{name} bytes of neighbours", byte[:, 0] * 256 + byte[:, 1], np.full(1 << 16, 2.0**-16))
    yield _each_bit("each of 32 bits", words)
    yield from _cells("ones of a word", np.bitwise_count(words), stats.binom(32, 0.5).pmf(np.arange(33)))
