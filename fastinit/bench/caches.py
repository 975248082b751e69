"""The sizes of fills that fit a level of the caches, or no cache, as Linux describes them."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from fastinit.arguments.quantities import byte_size

#: The names of such sizes.
PLACES = ("l2", "l3", "ram")
#: A fill of memory has at least so many bytes.
LEAST_RAM = 1 << 28
_PAGE = 4096
_CPUS = Path("/sys/devices/system/cpu")


class Cache(NamedTuple):
    """A cache for data, and the CPUs that share it."""

    level: int
    bytes: int
    cpus: frozenset[int]


def _numbers(text: str) -> frozenset[int]:
    """The CPUs of a list such as `0-3,8`."""
    spans = [part.partition("-") for part in text.strip().split(",") if part.strip()]
    return frozenset(cpu for first, _, last in spans for cpu in range(int(first), int(last or first) + 1))


def _cache(folder: Path) -> Cache | None:
    """A cache of data; None for one of instructions, or if Linux does not describe it whole."""
    try:
        kind, level, size, cpus = ((folder / name).read_text().strip() for name in ("type", "level", "size", "shared_cpu_list"))
        nbytes = byte_size(f"{size}i") or 0  # "2048K" are KiB
        return Cache(int(level), nbytes, _numbers(cpus)) if kind in ("Data", "Unified") and nbytes else None
    except (OSError, ValueError):
        return None


def found(root: Path = _CPUS) -> tuple[Cache, ...]:
    """The caches of the CPUs that this process may run on; none where the system does not describe them."""
    mine = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else ()
    folders = (folder for cpu in sorted(mine) for folder in (root / f"cpu{cpu}" / "cache").glob("index*"))
    caches = {cache for folder in folders if (cache := _cache(folder))}
    return tuple(sorted(caches, key=lambda cache: (cache.level, cache.bytes, min(cache.cpus))))


def _capacity(caches: Sequence[Cache], threads: int) -> tuple[int, float]:
    """The bytes of the caches that so many threads use, spread over all, and the threads' share of them."""
    sharing = max(len(cache.cpus) for cache in caches)
    used = min(len(caches), threads)
    return used * min(cache.bytes for cache in caches), min(threads / (used * sharing), 1.0)


def fitting(place: str, threads: int, caches: Sequence[Cache]) -> int:
    """Bytes of a fill that so many threads make in the caches of a level, or in memory.

    `l2`: half of the L2 caches that the threads use. `l3`: four times these L2 caches, or as little as twice where the threads'
    share of the L3 is small: at most half of it counts, and each CPU has an equal part. `ram`: twice all last-level caches, at
    least 256 MiB.

    Raises
    ------
    ValueError
        If the system does not describe the cache, or no size lies between the L2 and the L3.
    """
    second, third = ([cache for cache in caches if cache.level == level] for level in (2, 3))
    if not second or (place == "l3" and not third):
        missing = "L2" if not second else "L3"
        raise ValueError(f"--size {place}: this system describes no {missing} cache; pass a size in bytes, such as 1MiB")
    inner, _ = _capacity(second, threads)
    if place == "l2":
        nbytes = inner // 2
    elif place == "ram":
        nbytes = max(2 * sum(cache.bytes for cache in third or second), LEAST_RAM)
    else:
        outer, share = _capacity(third, threads)
        nbytes = max(min(math.floor(outer * share) // 2, 4 * inner), 2 * inner)
        if nbytes > outer * 3 // 4:
            raise ValueError(
                f"--size l3: nothing fits the L3 ({outer / 2**20:g} MiB) but not the L2 caches of {threads} threads "
                f"({inner / 2**20:g} MiB); pass a size in bytes, or fewer --threads"
            )
    return max(nbytes // _PAGE, 1) * _PAGE


def values_of(size: int | str, itemsize: int, threads: int) -> int:
    """The values of a size: a count of them, a place, or a number of bytes such as `1MiB`."""
    if isinstance(size, int):
        return size
    nbytes = fitting(size, threads, found()) if size in PLACES else byte_size(size) or 0
    return max(nbytes // itemsize, 1)


def summary(caches: Sequence[Cache]) -> list[dict[str, int]]:
    """Each kind of cache for JSON: its level, its bytes, how many there are, how many CPUs share one."""
    kinds = Counter((cache.level, cache.bytes, len(cache.cpus)) for cache in caches)
    return [
        {"level": level, "bytes": nbytes, "count": number, "cpus": cpus}
        for (level, nbytes, cpus), number in sorted(kinds.items())
    ]
