"""What a check returns: rows of tests, for subjects."""

from __future__ import annotations

from typing import Any, NamedTuple

from fastinit.arguments import dtypes
from fastinit.check.laws import Law


class SamplerError(RuntimeError):
    """A sampler of somebody else does not do what it must; the message continues a sentence that begins with its name."""


class Row(NamedTuple):
    """One test: its group and name, its statistic, and how likely a right sampler is at least as far off.

    `counted` is False for a test without chance: p is 1 or 0 then. `detail` is what was seen and expected, in plain quantities.
    """

    group: str
    name: str
    statistic: float
    p: float
    counted: bool = True
    detail: str = ""

    @property
    def seen(self) -> str:
        """The detail, or the bare statistic."""
        return self.detail or f"{self.statistic:.9g}"


def fault_row(group: str, name: str, faults: float) -> Row:
    """A row for faults that must not happen at all."""
    return Row(group, name, float(faults), 0.0 if faults else 1.0, counted=False)


class Subject(NamedTuple):
    """A library's sampler of a law in a dtype; `law` and `real` are None for tests of a library as a whole."""

    sampler: str
    law: Law | None
    real: dtypes.Real | None
    title: str


def subject(sampler: str, law: Law, real: dtypes.Real) -> Subject:
    """A subject with the title of its law and dtype."""
    return Subject(sampler, law, real, f"{law.title} {real.name}")


class Result(NamedTuple):
    """The tests of a subject; `skipped` is the reason why there are none. The last two are for the picture."""

    subject: Subject
    size: int
    seconds: float
    rows: tuple[Row, ...]
    skipped: str | None = None
    summary: Any = None
    correlations: Any = None

    @property
    def stopped(self) -> KeyboardInterrupt | None:
        """The interrupt that ended its values early."""
        return self.summary.stopped if self.summary is not None else None
