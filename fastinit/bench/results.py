"""Tables as JSON, as `docs/benchmarks.md` describes it, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from fastinit.bench.figures import summary
from fastinit.bench.measure import BUFFERS, Job, numpy_dtype
from fastinit.bench.session import Row, Table

#: What a file says it is, and the version of its keys, which changes when a key changes its meaning or goes.
PROGRAM, SCHEMA = "fastinit bench", 3
#: The versions that are read: in 2 only figures that are counted anew were others.
READ = (2, SCHEMA)

#: The types of the keys that are read; others are ignored.
_MACHINE = {
    "cpu": str, "gpu": str | None, "virtual": bool | None, "logical_cpus": int, "threads": int, "memory": int | None,
    "caches": list, "nominal_hertz": float | None, "system": str, "versions": dict,
}  # fmt: skip
_JOB = {"dist": str, "values": int, "dtype": str, "buffer": str, "threads": int, "device": str, "place": str}
_ROW = {
    "library": str, "sampler": str, "allocates": bool, "serial": bool, "values": int, "calls": int, "seconds": list,
    "cores": list, "hertz": list, "overhead_seconds": float | None, "skipped": str | None,
}  # fmt: skip


class ForeignFile(ValueError):
    """A file that `fastinit bench --json` has not written, or that was damaged."""


def document(tables: Sequence[Table], machine: Mapping[str, Any]) -> dict[str, Any]:
    """Everything for JSON: machine, tables, rows, raw samples, and the figures that follow from them."""
    return {
        "program": PROGRAM,
        "schema": SCHEMA,
        "machine": dict(machine),
        "tables": [
            {
                "dist": table.job.law,
                **{key: value for key, value in table.job._asdict().items() if key != "law"},
                "bytes": table.nbytes,
                "rounds": table.rounds,
                "roof": table.roof,
                "rows": [{**asdict(row), **summary(table, row.library)} for row in table.rows.values()],
            }
            for table in tables
        ],
    }


def _entry(holder: Any, key: str, kind: Any, where: str) -> Any:
    """A value of this type; numbers without a point pass as float, and bool is no int."""
    if not isinstance(holder, dict) or key not in holder:
        raise ForeignFile(f"{where} has no {key!r}")
    value = holder[key]
    wanted = int | float | None if kind == float | None else kind
    if not isinstance(value, wanted) or (isinstance(value, bool) and kind not in (bool, bool | None)):
        raise ForeignFile(f"{where}: {key!r} must be {getattr(kind, '__name__', kind)}; got {json.dumps(value)[:40]}")
    return value


def _record(holder: Any, kinds: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The values of these keys, each of its type."""
    return {key: _entry(holder, key, kind, where) for key, kind in kinds.items()}


def _samples(row: Mapping[str, Any], rounds: int, where: str) -> None:
    """Raise if the lists of a row are no positive numbers, or do not belong together."""
    for key in ("seconds", "cores", "hertz"):
        least = 0 if key == "cores" else 1e-300  # a clock of processes may stand still
        if not all(type(x) in (int, float) and least <= x < float("inf") for x in row[key]):
            raise ForeignFile(f"{where}: {key!r} must be a list of positive numbers")
    lengths = {len(row[key]) for key in ("seconds", "cores", "hertz")}
    if len(lengths) > 1 or max(lengths) > rounds:
        raise ForeignFile(f"{where}: 'seconds', 'cores' and 'hertz' must have as many samples, at most {rounds}")
    if row["skipped"] is None and (not row["seconds"] or row["values"] < 1 or row["calls"] < 1):
        raise ForeignFile(f"{where}: has no samples")


def _table(entry: Any, where: str) -> Table:
    """A table; ForeignFile if it is damaged."""
    job = _record(entry, _JOB, where)
    try:
        numpy_dtype(job["dtype"])
    except (TypeError, ValueError):
        raise ForeignFile(f"{where}: 'dtype' is unknown: {job['dtype']!r}") from None
    rounds = _entry(entry, "rounds", int, where)
    if min(job["values"], job["threads"], rounds) < 1 or job["buffer"] not in BUFFERS:
        raise ForeignFile(f"{where}: 'values', 'threads' and 'rounds' must be at least 1, 'buffer' {' or '.join(BUFFERS)}")
    rows = {}
    for i, each in enumerate(_entry(entry, "rows", list, where), 1):
        row = _record(each, _ROW, f"{where}, row {i}")
        _samples(row, rounds, f"{where}, row {i}")
        rows[row["library"]] = Row(**{each.name: row[each.name] for each in fields(Row)})
    return Table(Job(law=job.pop("dist"), **job), rounds, rows)


def parsed(value: Any) -> tuple[dict[str, Any], list[Table]]:
    """The machine and the tables of such a document; ForeignFile says what is wrong with it."""
    if not isinstance(value, dict) or value.get("program") != PROGRAM:
        raise ForeignFile(f"is no file of `{PROGRAM} --json`")
    if value.get("schema") not in READ:
        versions = " and ".join(map(str, READ))
        raise ForeignFile(f"has schema {value.get('schema')!r}, and this version reads {versions} only: measure again")
    described = {"gpu": None} | _entry(value, "machine", dict, "the file")  # the first files had no such key
    machine = _record(described, _MACHINE, "'machine'")
    tables = _entry(value, "tables", list, "the file")
    return machine, [_table(each, f"table {i}") for i, each in enumerate(tables, 1)]


def read(path: str | Path) -> tuple[dict[str, Any], list[Table]]:
    """The machine and the tables of a file; OSError if it cannot be read, ValueError if it is another file or damaged."""
    try:
        return parsed(json.loads(Path(path).read_bytes()))
    except ForeignFile as error:
        raise ForeignFile(f"{path}: {error}") from None
    except (ValueError, RecursionError) as error:  # also a UnicodeDecodeError
        raise ForeignFile(f"{path}: is no JSON: {error}") from None
