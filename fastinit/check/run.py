"""One run of `fastinit check`: which subjects there are, and their tests. SciPy is imported when the tests begin."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import Any, NamedTuple

from fastinit.arguments import dtypes
from fastinit.check.laws import INF, LAWS, PEER_LAWS, Law, short, truncated_normal
from fastinit.check.results import Result, Row, Subject, subject
from fastinit.peers.libraries import TITLES
from fastinit.progress import Advance, aside, progress

#: Makes the function that draws the next values: of this dtype, from this seed, so many in all.
Opener = Callable[[dtypes.Real, int, int], AbstractContextManager[Callable[[int], Any]]]
#: The libraries that can be tested.
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
    law = truncated_normal(low, high)
    return dataclasses.replace(law, title=short(law.title, short(f"truncated {low:.4g} {high:.4g}", law.name)))


def subjects(
    samplers: Sequence[str], dists: Sequence[str], dtype_names: Sequence[str], law: Law | None = None
) -> list[Subject]:
    """The subjects of each sampler; those of the one law, if there is one. The words are tested whatever the dtypes are."""
    chosen = []
    for sampler in samplers:
        laws = [law] if law else [each for dist in dists for each in (LAWS if sampler == "fastinit" else PEER_LAWS)[dist]]
        for each in laws:
            by_name = {real.name: real for real in each.reals}
            wanted = by_name if each.is_bits else dtype_names
            reals = [by_name[name] for name in wanted if name in by_name]
            chosen += [subject(sampler, each, real) for real in reals]
    if not chosen:
        has = dict.fromkeys(real.name for each in laws for real in each.reals)
        raise ValueError(f"--dtype: must be one of {', '.join(has)} for {', '.join(each.title for each in laws)}")
    return chosen


def opened(text: str, *, command: bool) -> Opener:
    """What opens a sampler of somebody else: the function that `text` names, or a program; ValueError if there is none."""
    from fastinit.check import arrays, functions, programs

    if command:
        parts = programs.words(text)
        return lambda real, seed, size: programs.Program(parts, real, seed, size)
    function = functions.find(text)
    return lambda real, seed, size: contextlib.nullcontext(arrays.successive(function, real, seed))


def _timed(title: str, rows: Iterator[Row]) -> Result:
    start = time.perf_counter()
    done = tuple(rows)
    return Result(Subject("fastinit", None, None, title), 0, time.perf_counter() - start, done)


class Run(NamedTuple):
    """What is tested: `whole`: fastinit's streams too; `others` opens the samplers of somebody else, by their names."""

    subjects: tuple[Subject, ...]
    samples: int
    seed: int
    whole: bool = True
    device: str = "cpu"
    others: Mapping[str, Opener] = MappingProxyType({})

    def promised(self) -> list[tuple[Law, dtypes.Real]]:
        """The laws and dtypes whose promises are tested: fastinit's on the CPU."""
        from fastinit.check import promises

        return promises.cases(each for each in self.subjects if self.device == "cpu" and each.sampler == "fastinit")

    def checked(self, each: Subject, advance: Advance) -> Result:
        """The result of one subject."""
        from fastinit.check.subjects import check

        assert each.law is not None
        assert each.real is not None
        advance(0, each.title)
        left = self.samples

        def counted(values: int) -> None:
            nonlocal left
            left -= values
            advance(values)

        options: dict[str, Any] = {"seed": self.seed, "size": self.samples, "device": self.device, "advance": counted}
        other = self.others.get(each.sampler)
        with other(each.real, self.seed, self.samples) if other else contextlib.nullcontext(each.sampler) as sampler:
            result = check(each.law, each.real.name, sampler, **options)._replace(subject=each)
        if not result.stopped:
            advance(left)  # what a sampler that is missing or fails did not make
        return result

    def results(self, sampler: str, group: Iterable[Subject], advance: Advance) -> Iterator[Result]:
        """The results of one sampler, one by one; an interrupted one is the last."""
        from fastinit.check import promises, words

        cases = self.promised() if sampler == "fastinit" else []
        if cases and self.whole:
            yield _timed("streams", words.rows(self.seed, advance))
        if cases:
            yield _timed("promises", promises.rows(cases, self.seed, advance))
        for each in group:
            result = self.checked(each, advance)
            yield result
            if result.stopped:
                raise result.stopped


def measure(run: Run, show: Callable[[list[Result]], object]) -> tuple[list[Result], KeyboardInterrupt | None]:
    """Test each subject.

    `show` is called with the results of each sampler as soon as they are there. Returns all results in the order of the
    subjects, and the interrupt that ended the run early.
    """
    from fastinit.check import promises, words

    results: list[Result] = []
    cases = run.promised()
    extra = len(cases) * promises.VALUES + (len(words.KINDS) * words.VALUES if cases and run.whole else 0)
    with progress(run.samples * len(run.subjects) + extra, "value", unit_scale=True) as advance:
        for sampler, group in itertools.groupby(run.subjects, lambda each: each.sampler):
            done: list[Result] = []
            try:
                for result in run.results(sampler, group, advance):
                    done.append(result)  # one by one: an interrupt leaves what is there
            except KeyboardInterrupt as stop:
                return [*results, *_shown(done, show)], stop
            results += _shown(done, show)
    return results, None


def _shown(done: list[Result], show: Callable[[list[Result]], object]) -> list[Result]:
    if done:
        with aside():
            show(done)
    return done
