"""The JSON of `fastinit bench` comes back as it was written, and what is damaged or foreign is refused with a reason."""

import copy
import json
import math

import pytest

from fastinit.bench import caches, compare, machine, results
from fastinit.bench.measure import Job
from fastinit.bench.samplers import TITLES
from fastinit.bench.session import Row, Table
from fastinit.commands.main import main

MACHINE = machine.describe()


def table(seconds=None, job=None, **changed):
    """A table of the stores, fastinit and NumPy; `changed` are seconds of single libraries."""
    rows = {}
    for name, each in {
        "store": [1.0] * 9,
        "nontemporal": [0.5] * 9,
        "fastinit": [2.0] * 9,
        "numpy": [4.0] * 9,
        **changed,
    }.items():
        count = len(each)
        rows[name] = Row(name, f"{name} call", False, True, 100, 3, each, [1.0] * count, [2e9] * count, 0.001)
    return Table(job or Job("normal", 100, "float32", "touched", 2, place="l2"), 9, rows)


def test_a_document_comes_back(tmp_path):
    skipped = table()
    skipped.rows["numpy"] = Row("numpy", "NumPy", skipped="has no such law")
    skipped.rows["fastinit"].overhead_seconds = None
    tables = [table(), skipped, table(job=Job("laplace(scale=2)", 100, "bfloat16", "fresh", 1))]
    written = results.document(tables, MACHINE)
    (tmp_path / "a.json").write_text(json.dumps(written))
    here, again = results.read(tmp_path / "a.json")
    assert again == tables
    assert here == MACHINE
    assert results.document(again, here) == written


def test_older_files_are_read():
    """Their figures are counted anew; the first ones had no name of a GPU."""
    written = results.document([table()], MACHINE) | {"schema": 2}
    del written["machine"]["gpu"]
    assert results.parsed(written) == (MACHINE, [table()])


def test_what_later_versions_add_is_ignored():
    written = results.document([table()], MACHINE) | {"more": 1}
    written["tables"][0] |= {"more": 1}
    written["tables"][0]["rows"][0] |= {"more": 1}
    assert results.parsed(written)[1] == [table()]


#: Where a document is changed, to what, and what is said then. A missing value takes the key away.
MISSING = object()
DAMAGE = [
    (("program",), "fastinit check", "is no file of `fastinit bench --json`"),
    (("program",), MISSING, "is no file of `fastinit bench --json`"),
    (("schema",), 1, "has schema 1, and this version reads 2 and 3 only: measure again"),
    (("schema",), MISSING, "has schema None"),
    (("machine",), [], "the file: 'machine' must be dict; got []"),
    (("machine", "cpu"), 3, "'machine': 'cpu' must be str; got 3"),
    (("machine", "versions"), MISSING, "'machine' has no 'versions'"),
    (("machine", "virtual"), 1, "'machine': 'virtual' must be bool | None; got 1"),
    (("tables",), MISSING, "the file has no 'tables'"),
    (("tables", 0), "x", "table 1 has no 'dist'"),
    (("tables", 0, "values"), 0, "table 1: 'values', 'threads' and 'rounds' must be at least 1"),
    (("tables", 0, "values"), 1e3, "table 1: 'values' must be int; got 1000.0"),
    (("tables", 0, "threads"), True, "table 1: 'threads' must be int; got true"),
    (("tables", 0, "dtype"), "float33", "table 1: 'dtype' is unknown: 'float33'"),
    (("tables", 0, "buffer"), "cold", "'buffer' touched or fresh"),
    (("tables", 0, "rows"), {}, "table 1: 'rows' must be list; got {}"),
    (
        ("tables", 0, "rows", 1, "seconds"),
        [1.0] * 8,
        "table 1, row 2: 'seconds', 'cores' and 'hertz' must have as many samples",
    ),
    (("tables", 0, "rows", 1, "seconds", 3), "1", "table 1, row 2: 'seconds' must be a list of positive numbers"),
    (("tables", 0, "rows", 1, "seconds", 3), 0, "table 1, row 2: 'seconds' must be a list of positive numbers"),
    (("tables", 0, "rows", 1, "hertz", 3), math.nan, "table 1, row 2: 'hertz' must be a list of positive numbers"),
    (("tables", 0, "rows", 1, "skipped"), 5, "table 1, row 2: 'skipped' must be str | None; got 5"),
    (("tables", 0, "rows", 1, "calls"), 0, "table 1, row 2: has no samples"),
    (("tables", 0, "rounds"), 8, "must have as many samples, at most 8"),
]


@pytest.mark.parametrize(("place", "value", "words"), DAMAGE, ids=lambda each: "missing" if each is MISSING else str(each)[:40])
def test_damage_is_found(tmp_path, capsys, place, value, words):
    written = copy.deepcopy(results.document([table()], MACHINE))
    inner = written
    for key in place[:-1]:
        inner = inner[key]
    if value is MISSING:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(json.dumps(results.document([table()], MACHINE)))
    bad.write_text(json.dumps(written))
    assert main(["bench", "--compare", str(good), str(bad)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert f"error: {bad}: {words}" in printed.err or (f"error: {bad}: " in printed.err and words in printed.err)
    assert len(printed.err.splitlines()) == 1


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"tables": []}'])
def test_what_is_no_document(tmp_path, content):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(results.ForeignFile, match=r"a\.json: is no"):
        results.read(tmp_path / "a.json")


def test_a_file_that_is_not_there(tmp_path, capsys):
    assert main(["bench", "--compare", str(tmp_path / "a.json"), str(tmp_path / "b.json")]) == 1
    assert "a.json: No such file" in capsys.readouterr().err


def verdict(before, after, library="fastinit"):
    found = {change.library: change for change in compare.changes(table(**{library: before}), table(**{library: after}))}
    return found[library].verdict


def test_what_counts_as_a_change():
    steady = [2.0, 2.01, 2.02, 2.03, 2.04, 2.05, 2.06, 2.07, 2.08]
    slower = [each * 1.06 for each in steady]
    assert verdict(steady, slower) == "slower"
    assert verdict(slower, steady) == "faster"
    assert verdict(steady, steady) == ""
    assert verdict(steady, [*slower[:-1], 9.0]) == "slower"
    assert verdict([*steady[:-1], 9.0], slower) == "slower"  # another process may make one sample longer
    assert verdict([*steady[:-2], 9.0, 9.0], slower) == ""
    assert verdict(steady, [2.0, *slower[1:]]) == ""  # one sample that is as fast as before is a doubt
    assert verdict([2.0] * 9, [2.05] * 9) == ""  # less than 3 % is no change, however sharp
    assert verdict([2.0] * 9, [2.07] * 9) == "slower"
    assert verdict([2.0] * 9, [4.0] * 6) == "few rounds"
    assert verdict([2.0] * 7, [4.0] * 7) == "slower"


def test_ratios_are_also_to_the_store():
    """The second machine is half as fast; NumPy is not."""
    before = table()
    after = table(store=[2.0] * 9, nontemporal=[1.0] * 9, fastinit=[4.0] * 9)
    found = {change.library: change for change in compare.changes(before, after)}
    assert {name: (change.ratio, change.relative) for name, change in found.items()} == {
        "store": (2.0, 1.0), "nontemporal": (2.0, 1.0), "fastinit": (2.0, 1.0), "numpy": (1.0, 0.5),
    }  # fmt: skip
    assert found["numpy"].noise_percent == 0


def test_noise_is_of_both_runs():
    (change,) = (
        change
        for change in compare.changes(table(fastinit=[1.0, 2.0, 3.0]), table(fastinit=[2.0, 2.0, 2.0]))
        if change.library == "fastinit"
    )
    assert change.noise_percent == pytest.approx(50 * (2 / 1.5 - 2 / 2.5))


def test_only_equal_questions_are_compared():
    job = Job("normal", 100, "float32", "touched", 2, place="l2")
    a = [table(), table(job=job._replace(threads=1)), table(job=job._replace(place="", values=50))]
    b = [
        table(job=job._replace(values=999)),
        table(job=job._replace(place="", values=51)),
        table(job=job._replace(law="uniform")),
    ]
    assert [(x.job.values, y.job.values) for x, y in compare.pairs(a, b)] == [(100, 999)]
    with pytest.raises(ValueError, match="no two tables agree in law, dtype, size"):
        compare.pairs(a, b[1:])


def test_the_command_compares(tmp_path, capsys):
    a, b = tmp_path / "a.json", tmp_path / "b.json"
    one = Job("normal", 100, "float32", "touched", 1)
    a.write_text(json.dumps(results.document([table(), table(job=one)], MACHINE)))
    b.write_text(json.dumps(results.document([table(numpy=[5.0] * 9)], MACHINE)))
    assert main(["bench", "--compare", str(a), str(b)]) == 0  # NumPy is slower, fastinit is not
    printed = capsys.readouterr().out
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in printed.splitlines() if line.startswith("|")]
    assert lines[0] == list(compare.HEAD)
    assert ["NumPy", "40,000k", "50,000k", "1.25", "0.0", "1.25", "slower"] in lines
    assert ["fastinit", "20,000k", "20,000k", "1.00", "0.0", "1.00", ""] in lines
    assert "Only in a: 1 table." in printed.splitlines()
    assert "100 values for L2, touched buffer, 2 threads, 9 and 9 rounds" in printed
    assert max(len(line) for line in printed.splitlines() if str(tmp_path) not in line) <= 80
    b.write_text(json.dumps(results.document([table(fastinit=[2.2] * 9)], MACHINE)))
    assert main(["bench", "--compare", str(a), str(b)]) == 1


def test_a_sampler_that_fails_in_the_second_run_is_a_line(tmp_path, capsys):
    """Without times of fastinit nobody can say that it did not become slower."""
    a, b = tmp_path / "a.json", tmp_path / "b.json"
    a.write_text(json.dumps(results.document([table()], MACHINE)))
    for library, status in (("numpy", 0), ("fastinit", 1)):
        after = table()
        after.rows[library] = Row(library, "a call", skipped="died of SIGSEGV")
        b.write_text(json.dumps(results.document([after], MACHINE)))
        assert main(["bench", "--compare", str(a), str(b)]) == status
        printed = capsys.readouterr().out.splitlines()
        assert printed[-1] == f"- {TITLES[library]}: failed: died of SIGSEGV"
        assert not any(line.startswith(f"| {TITLES[library]} ") for line in printed)
        assert main(["bench", "--compare", str(b), str(a)]) == 0  # what comes back has not failed
        assert "failed" not in capsys.readouterr().out
    for library, status in (("numpy", 0), ("fastinit", 1)):
        after = table()
        del after.rows[library]
        b.write_text(json.dumps(results.document([after], MACHINE)))
        assert main(["bench", "--compare", str(a), str(b)]) == status
        assert ("failed: was left out" in capsys.readouterr().out) == bool(status)  # a peer may not have been asked for


@pytest.mark.parametrize("virtual", [True, False, None])
def test_a_system_need_not_say_whether_it_is_virtual(virtual):
    written = results.document([table()], MACHINE | {"virtual": virtual})
    assert results.parsed(json.loads(json.dumps(written)))[0]["virtual"] is virtual


def test_caches_are_written_as_they_are_read():
    assert MACHINE["caches"] == caches.summary(caches.found())
