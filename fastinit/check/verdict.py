"""From the p-values of many tests to one verdict, and both as a table and as a document."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from fastinit.check.fits import Row
from fastinit.check.subjects import Result

SCHEMA = 1
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


class Verdict(NamedTuple):
    """How many tests were made, the p below which one fails (Bonferroni), and those that failed."""

    tests: int
    threshold: float
    failed: tuple[tuple[Result, Row], ...]

    @property
    def good(self) -> bool:
        """Whether none failed."""
        return not self.failed


def judge(results: Sequence[Result], alpha: float = ALPHA) -> Verdict:
    """A test fails if its p is below alpha over the number of tests; tests without chance fail by themselves.

    Parameters
    ----------
    results : sequence of Result
        Of one sampler, or of all that one verdict is wanted for.
    alpha : float
        Chance of calling a right sampler bad, at most, between 0 and 1.

    Returns
    -------
    Verdict
        Good for any dependence among the tests: the chance of any of several events is at most the sum of theirs.
    """
    tests = sum(row.counted for result in results for row in result.rows)
    threshold = alpha / max(tests, 1)
    failed = [(result, row) for result in results for row in result.rows if not row.p >= (threshold if row.counted else 0.5)]
    return Verdict(tests, threshold, tuple(failed))


def combined(rows: Sequence[Row]) -> float:
    """The least p of a group, for as many tests as the group has."""
    least = min((row.p for row in rows), default=1.0)
    return -math.expm1(len(rows) * math.log1p(-min(least, 1 - 1e-16)))


def number(p: float) -> str:
    """A p-value as short as it can be."""
    return "0" if p <= 0 else f"{p:.2f}" if p >= 0.01 else f"{p:.0e}".replace("e-0", "e-")


def _cell(rows: Sequence[Row], verdict: Verdict) -> str:
    if not rows:
        return ""
    fails = any(not row.p >= (verdict.threshold if row.counted else 0.5) for row in rows)
    if not any(row.counted for row in rows):
        return "FAIL" if fails else "ok"
    return f"{number(combined(rows))}{' FAIL' if fails else ''}"


def _grid(results: Sequence[Result], verdict: Verdict) -> list[list[str]]:
    present = {row.group for result in results for row in result.rows}
    groups = [group for group in GROUPS if group in present]
    lines = [["", "values", *(GROUPS[group] for group in groups)]]
    for result in results:
        if result.skipped is None:
            own = [[row for row in result.rows if row.group == group] for group in groups]
            size = f"{result.size:.3g}".replace("e+0", "e").replace("e+", "e") if result.size else ""
            lines.append([result.subject.title, size, *(_cell(rows, verdict) for rows in own)])
    return lines


def table(results: Sequence[Result], verdict: Verdict, *, brief: bool = False) -> str:
    """The results of one sampler in Markdown: the p of each group of tests, joined for the tests in it, and what failed.

    Briefly: of what failed of a subject, the first test and the number of the others.
    """
    lines = _grid(results, verdict)
    widths = [0 if brief else max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    text = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines]
    text.insert(1, "|" + "|".join("-" * (max(width, 1) + 2) for width in widths) + "|")
    return "\n".join([*text, *_remarks(results, verdict, brief)])


def _remarks(results: Sequence[Result], verdict: Verdict, brief: bool) -> Iterator[str]:
    reasons: dict[str, list[str]] = {}
    for result in results:
        if result.skipped is not None:
            reasons.setdefault(result.skipped, []).append(result.subject.title)
    if verdict.failed or reasons:
        yield ""
    for result in results:
        failed = [row for about, row in verdict.failed if about is result]
        for row in failed[:1] if brief else failed:
            p = f", p = {number(row.p)}" if row.counted else ""
            more = f"; {len(failed) - 1} more" if brief and len(failed) > 1 else ""
            yield f"- FAIL {result.subject.title}: {row.name}: {row.statistic:.9g}{p}{more}"
    for reason, titles in reasons.items():
        yield f"- not checked, since it {reason}: {', '.join(titles)}"


def sentence(verdict: Verdict, alpha: float = ALPHA) -> str:
    """The verdict in one line."""
    if not verdict.tests and not verdict.failed:
        return "Nothing was tested."
    word = "GOOD" if verdict.good else f"BAD, {len(verdict.failed)} failed"
    return (
        f"{word}: {verdict.tests} tests, of which one fails if its p is below {number(verdict.threshold)}, "
        f"so that a right sampler passes them all {1 - alpha:.3%} of the time."
    )


def document(results: Sequence[Result], verdict: Verdict, machine: dict[str, Any], alpha: float = ALPHA) -> dict[str, Any]:
    """Everything, for JSON."""
    subjects = [
        {
            "sampler": result.subject.sampler,
            "subject": result.subject.title,
            "values": result.size,
            "seconds": result.seconds,
            "skipped": result.skipped,
            "tests": [
                {"group": row.group, "name": row.name, "statistic": row.statistic, "p": row.p, "counted": row.counted}
                for row in result.rows
            ],
        }
        for result in results
    ]
    verdicts = {"tests": verdict.tests, "alpha": alpha, "threshold": verdict.threshold, "good": verdict.good}
    return {"schema": SCHEMA, "machine": machine, **verdicts, "subjects": subjects}
