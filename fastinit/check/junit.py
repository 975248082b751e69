"""The tests of a run as XML in the form of JUnit, which systems for continuous integration show."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import BinaryIO
from xml.etree import ElementTree

from fastinit.check.results import Result
from fastinit.check.verdict import Verdict, by_sampler, judge, number

#: Characters that XML 1.0 does not have.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("?", text)


def _suite(parent: ElementTree.Element, result: Result, verdict: Verdict) -> None:
    """A suite for each subject, a case for each test."""
    failed = sum(map(verdict.fails, result.rows))
    name = f"{result.subject.sampler}: {result.subject.title}"
    counts = {"tests": max(len(result.rows), 1), "failures": failed, "errors": 0, "skipped": int(result.skipped is not None)}
    options = {"name": _clean(name), **{key: str(value) for key, value in counts.items()}, "time": f"{result.seconds:.3f}"}
    suite = ElementTree.SubElement(parent, "testsuite", options)
    kind = _clean(f"{result.subject.sampler}.{result.subject.title}".replace(" ", "_"))
    if not result.rows:
        case = ElementTree.SubElement(suite, "testcase", {"classname": kind, "name": "values", "time": "0"})
        ElementTree.SubElement(case, "skipped", {"message": _clean(f"it {result.skipped}")})
    for row in result.rows:
        case = ElementTree.SubElement(suite, "testcase", {"classname": kind, "name": _clean(row.name), "time": "0"})
        if verdict.fails(row):
            p = f", p = {number(row.p)}" if row.counted else ""
            message = _clean(f"{row.seen}{p}")
            failure = ElementTree.SubElement(case, "failure", {"type": row.group, "message": message})
            failure.text = _clean(f"{name}, {result.size:,} values: {row.name}: {row.seen}{p}")


def write(results: Sequence[Result], file: BinaryIO) -> None:
    """Write a document with one suite for each subject; each sampler has a verdict of its own."""
    top = ElementTree.Element("testsuites", {"name": "fastinit check"})
    for subjects in by_sampler(results).values():
        verdict = judge(subjects)
        for result in subjects:
            _suite(top, result, verdict)
    suites = list(top)
    for key in ("tests", "failures", "errors"):
        top.set(key, str(sum(int(suite.get(key, "0")) for suite in suites)))
    top.set("time", f"{sum(result.seconds for result in results):.3f}")
    ElementTree.indent(top)
    ElementTree.ElementTree(top).write(file, encoding="utf-8", xml_declaration=True)
