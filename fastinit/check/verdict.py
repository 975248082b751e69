"""From the p-values of many tests to one verdict, and both as tables and as JSON."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from fastinit.bench.markdown import grid, wrapped
from fastinit.check.results import Result, Row

SCHEMA = 2
#: The chance that a right sampler is called bad, all its tests together.
ALPHA = 1e-3
GROUPS = {
    "bounds": "bounds",
    "chi2": "chi-squared",
    "KS": "K-S",
    "AD": "A-D",
    "moments": "moments",
    "tails": "tails",
    "distinct": "distinct",
    "lags": "lags",
    "lanes": "lanes",
    "repeats": "repeats",
    "pairs": "pairs",
    "streams": "streams",
    "words": "words",
    "promises": "promises",
}
HEAD = ("subject", "tests", "least p", "in", "")


class Verdict(NamedTuple):
    """How many tests were made, the p below which one fails (Bonferroni), and the tests that failed."""

    tests: int
    threshold: float
    failed: tuple[tuple[Result, Row], ...]

    @property
    def good(self) -> bool:
        """Whether none failed."""
        return not self.failed

    def fails(self, row: Row) -> bool:
        """Whether a test fails; one without chance fails by itself, and so does a p that is NaN."""
        return not row.p >= (self.threshold if row.counted else 0.5)


def judge(results: Sequence[Result], alpha: float = ALPHA) -> Verdict:
    """A test fails if its p is below alpha over the number of tests; tests without chance fail by themselves.

    Parameters
    ----------
    results : sequence of Result
        Those of one sampler, or all that share one verdict.
    alpha : float
        The largest chance of calling a right sampler bad, between 0 and 1.

    Returns
    -------
    Verdict
        Valid for any dependence among the tests: the chance of any of several events is at most the sum of their chances.
    """
    tests = sum(row.counted for result in results for row in result.rows)
    verdict = Verdict(tests, alpha / max(tests, 1), ())
    failed = ((result, row) for result in results for row in result.rows if verdict.fails(row))
    return verdict._replace(failed=tuple(failed))


def combined(rows: Sequence[Row]) -> float:
    """The chance that the least p of this many tests is as small (Tippett)."""
    least = min((0.0 if math.isnan(row.p) else row.p for row in rows), default=1.0)
    return -math.expm1(len(rows) * math.log1p(-min(least, 1 - 1e-16)))


def number(p: float) -> str:
    """A p-value as short as it can be."""
    return "0" if p <= 0 else f"{p:.2f}" if p >= 0.01 else f"{p:.0e}".replace("e-0", "e-")


def told(row: Row, subject: str = "") -> str:
    """An item of a list: what was tested, what was seen, and p."""
    p = f", p = {number(row.p)}" if row.counted else ""
    text = f"- {subject}{row.name}: {row.seen}{p}".replace(" = ", "\xa0=\xa0").replace(" +- ", "\xa0+-\xa0")
    return wrapped(text, "  ").replace("\xa0", " ")


def by_group(result: Result) -> dict[str, list[Row]]:
    """The rows of each group, in the order of GROUPS."""
    groups = {group: [row for row in result.rows if row.group == group] for group in GROUPS}
    return {group: rows for group, rows in groups.items() if rows}


def table(results: Sequence[Result], verdict: Verdict) -> str:
    """A line for each subject of one sampler with its least p of a group, and the tests that failed; within 80 columns."""
    lines = []
    for result in results:
        if result.skipped is None:
            p, group = min(((combined(rows), group) for group, rows in by_group(result).items()), default=(1.0, ""))
            word = "BAD" if any(map(verdict.fails, result.rows)) else "GOOD"
            lines.append((result.subject.title, str(len(result.rows)), number(p), GROUPS.get(group, ""), word))
    notes = list(remarks(results, verdict))
    return "\n".join([grid(HEAD, lines, left=("subject", "in", "")), *([""] if notes else []), *notes])


def remarks(results: Sequence[Result], verdict: Verdict) -> Iterator[str]:
    """The tests that failed, and the subjects that were not tested."""
    for result, row in verdict.failed:
        yield told(row, f"FAIL {result.subject.title}: ")
    reasons: dict[str, list[str]] = {}
    for result in results:
        if result.skipped is not None:
            reasons.setdefault(result.skipped, []).append(result.subject.title)
    for reason, titles in reasons.items():
        yield wrapped(f"- not tested, since it {reason}: {', '.join(titles)}", "  ")


def sentence(verdict: Verdict, alpha: float = ALPHA) -> str:
    """The verdict in one sentence."""
    if not verdict.tests and not verdict.failed:
        return "Nothing was tested."
    word = "GOOD" if verdict.good else f"BAD, {len(verdict.failed)} failed"
    return (
        f"{word}: {verdict.tests} tests. A test fails if its p is below {number(verdict.threshold)}, "
        f"so a right sampler passes them all {1 - alpha:.1%} of the time."
    )


def by_sampler(results: Sequence[Result]) -> dict[str, list[Result]]:
    """The results of each sampler, which share a verdict."""
    groups = itertools.groupby(results, lambda result: result.subject.sampler)
    return {sampler: list(group) for sampler, group in groups}


def _for_json(row: Row) -> dict[str, Any]:
    """A test; JSON has neither infinities nor NaN, so they are null."""
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in row._asdict().items()
    }


def document(results: Sequence[Result], machine: dict[str, Any], alpha: float = ALPHA) -> dict[str, Any]:
    """Everything, for JSON: the verdict of each sampler, and all tests."""
    subjects = [
        {
            "sampler": result.subject.sampler,
            "subject": result.subject.title,
            "values": result.size,
            "seconds": result.seconds,
            "skipped": result.skipped,
            "tests": list(map(_for_json, result.rows)),
        }
        for result in results
    ]
    verdicts = [{"sampler": sampler, **_judged(judge(group, alpha))} for sampler, group in by_sampler(results).items()]
    good = all(each["good"] for each in verdicts)
    return {"schema": SCHEMA, "machine": machine, "alpha": alpha, "good": good, "verdicts": verdicts, "subjects": subjects}


def _judged(verdict: Verdict) -> dict[str, Any]:
    return {"tests": verdict.tests, "threshold": verdict.threshold, "good": verdict.good}
