"""One run of `fastinit check`: which subjects there are, and their tests. SciPy is imported when the tests begin."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence

from fastinit.check.laws import INF, LAWS, PEER_LAWS, Law, truncated_normal
from fastinit.check.results import Result, Row, Subject, subject
from fastinit.peers.libraries import TITLES
from fastinit.progress import progress

#: Everything that can be tested.
SAMPLERS = {"fastinit": "fastinit", **TITLES}


def bounded(a: float | None, b: float | None) -> Law | None:
    """The truncated normal between these bounds, of which None is infinite; None without any."""
    if a is None and b is None:
        return None
    low, high = -INF if a is None else a, INF if b is None else b
    if not low < high:
        raise ValueError(f"--a, --b: a must be less than b; got {low!r}, {high!r}")
    if not (high > -37.0 and low < 37.0) or min(high, 37.0) - max(low, -37.0) < 1e-3:
        raise ValueError(f"--a, --b: must be 0.001 apart or more, within 37 deviations; got {low!r}, {high!r}")
    return truncated_normal(low, high)


def subjects(
    samplers: Sequence[str], dists: Sequence[str], dtype_names: Sequence[str], law: Law | None = None
) -> list[Subject]:
    """The subjects of each sampler; those of the one law, if there is one. The words are tested whatever the dtypes are."""
    chosen = []
    for sampler in samplers:
        laws = [law] if law else [each for dist in dists for each in (LAWS if sampler == "fastinit" else PEER_LAWS)[dist]]
        for each in laws:
            by_name = {real.name: real for real in each.reals}
            wanted = by_name if each.distribution is None else dtype_names
            reals = [by_name[name] for name in wanted if name in by_name]
            chosen += [subject(sampler, each, real) for real in reals]
    if not chosen:
        has = dict.fromkeys(real.name for each in laws for real in each.reals)
        raise ValueError(f"--dtype: must be one of {', '.join(has)} for {', '.join(each.title for each in laws)}")
    return chosen


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
    """Test each subject with this many values; of fastinit its promises too, and its streams if `whole` is true.

    On the device "cuda" fastinit's values come from a GPU, and these are not tested. `show` is called with the results of
    each sampler as soon as they are there. Returns all results in the order of the subjects.
    """
    from fastinit.check import promises, words
    from fastinit.check.subjects import check

    results: list[Result] = []
    cases = promises.cases(each for each in chosen if device == "cpu" and each.sampler == "fastinit")
    extra = len(cases) * promises.VALUES + (len(words.KINDS) * words.VALUES if cases and whole else 0)
    with progress(samples * len(chosen) + extra, "value", unit_scale=True) as advance:
        for sampler, group in itertools.groupby(chosen, lambda each: each.sampler):
            done: list[Result] = []
            if cases and sampler == "fastinit":
                if whole:
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
