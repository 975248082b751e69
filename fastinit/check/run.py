"""One run of `fastinit check`: which subjects there are, and their tests. SciPy is imported when the tests begin."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence

from fastinit.arguments import dtypes
from fastinit.check.laws import INF, LAWS, PEER_LAWS, Law
from fastinit.check.results import Result, Row, Subject, subject
from fastinit.peers.libraries import TITLES
from fastinit.progress import progress

#: Everything that can be tested.
SAMPLERS = {"fastinit": "fastinit", **TITLES}


def bounded(a: float | None, b: float | None) -> Law | None:
    """The truncated normal between these bounds, of which None is infinite; None without any."""
    if a is None and b is None:
        return None
    law = Law("normal", -INF if a is None else a, INF if b is None else b)
    if not law.a < law.b:
        raise ValueError(f"--a, --b: a must be less than b; got {law.a!r}, {law.b!r}")
    if not (law.b > -37.0 and law.a < 37.0) or min(law.b, 37.0) - max(law.a, -37.0) < 1e-3:
        raise ValueError(f"--a, --b: must be 0.001 apart or more, within 37 deviations; got {law.a!r}, {law.b!r}")
    return law


def subjects(
    samplers: Sequence[str], dists: Sequence[str], dtype_names: Sequence[str], law: Law | None = None
) -> Iterator[Subject]:
    """The subjects of each sampler; those of the one law, if there is one."""
    reals, double = [dtypes.resolve(name) for name in dtype_names], dtypes.resolve("float64")
    for sampler in samplers:
        laws = LAWS if sampler == "fastinit" else PEER_LAWS
        for dist in dists:
            for each, real in itertools.product([law] if law else laws[dist], [double] if dist == "bits" else reals):
                yield subject(sampler, each, real)


def _timed(title: str, rows: Iterator[Row]) -> Result:
    start = time.perf_counter()
    done = tuple(rows)
    return Result(Subject("fastinit", None, None, title), 0, time.perf_counter() - start, done)


def measure(
    chosen: Sequence[Subject],
    samples: int,
    seed: int,
    show: Callable[[list[Result]], object],
    *,
    whole: bool = True,
    device: str = "cpu",
) -> list[Result]:
    """Test each subject with this many values, and fastinit as a whole if it is among the samplers and `whole` is true.

    On the device "cuda" fastinit's values come from a GPU. `show` is called with the results of each sampler as soon as they
    are there. Returns all results in the order of the subjects.
    """
    from fastinit.check import promises, words
    from fastinit.check.subjects import check

    results: list[Result] = []
    cases = promises.cases(each for each in chosen if whole and each.sampler == "fastinit")
    extra = len(cases) * promises.VALUES + (len(words.KINDS) * words.VALUES if cases else 0)
    with progress(samples * len(chosen) + extra, "value", unit_scale=True) as advance:
        for sampler, group in itertools.groupby(chosen, lambda each: each.sampler):
            done: list[Result] = []
            if cases and sampler == "fastinit":
                done.append(_timed("streams", words.rows(seed, advance)))
                done.append(_timed("promises", promises.rows(cases, seed, advance)))
            for each in group:
                assert each.law is not None
                assert each.real is not None
                advance(0, each.title)
                result = check(each.law, each.real.name, sampler, seed=seed, size=samples, device=device, advance=advance)
                done.append(result)
            show(done)
            results += done
    return results
