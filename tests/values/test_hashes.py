"""The table of hashes: this machine makes it, it leaves nothing out, and it sees a change.

`test_other_cpus.py` makes it for other CPUs, `python -m docs.scripts.everywhere` in every environment that can be had.
"""

import numpy as np
import pytest

from fastinit import dispatch
from fastinit.arguments import dtypes
from fastinit.distributions import LAWS
from fastinit.distributions.sums import CONSTANT, added
from fastinit.initializers import BY_NAME
from fastinit.kernels import cpus, rows, threads
from tests.definition import hash_cases, hash_cases_laws, hashes

NOT_BITWISE = {"orthogonal", "delta_orthogonal"}
ALIASES = {"identity", "glorot_uniform", "glorot_normal", "kaiming_uniform", "kaiming_normal"}


@pytest.fixture(scope="module")
def made():
    """The whole table, and the rows that it took; of them those that several threads filled."""
    used, shared, compiled, together = set(), set(), dispatch.compiled, threads.fill_together

    def asked(law, dtype):
        used.add((law, dtype))
        return compiled(law, dtype)

    def filled(loop, head, *rest):
        shared.add(head[:5])
        together(loop, head, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dispatch, "compiled", asked)
        patch.setattr(threads, "fill_together", filled)
        patch.setattr(cpus, "allowed", lambda: 2)
        made = hashes.make()
    return made, used, {(law, dtype) for law, dtype in used if rows.entry(law, dtype)[:5] in {entry[:5] for entry in shared}}


def test_every_hash_is_the_one_kept(made):
    assert hashes.differences(made[0], hashes.read()["rows"], whole=True) == []


def test_every_row_is_in_the_table(made):
    plain = {(LAWS[law], dtype) for law, dtype in rows.ROWS}
    sums = {(added(CONSTANT), real.name) for real in dtypes.REALS.values()}
    for law in LAWS.values():  # values that are added are those of float32 or float64, with the bounds of these
        has = [real.name for real in dtypes.REALS.values() if real.compute.name in law.dtypes]
        sums |= {(added(law), name) for name in has if name in law.dtypes or law.name == "uniform"}
    assert made[1] == plain | sums
    placed = {law for law, _ in made[2]}
    assert {LAWS[name] for name in ("uniform", "normal", "exponential", "lognormal", "bernoulli", "integers")} <= placed
    assert {added(law) for law in (LAWS["normal"], LAWS["truncated_tails"], LAWS["bernoulli"], CONSTANT)} <= placed


def test_every_initialiser_is_in_the_table():
    labels = {case.label.partition(" (")[0] for case in hash_cases.inits()}
    assert set(BY_NAME) - ALIASES - NOT_BITWISE <= labels
    assert not NOT_BITWISE & labels


def test_every_dtype_has_every_law():
    kept = hashes.read()["rows"]
    names = {real.name for real in dtypes.REALS.values()}
    assert all(set(kept[label]) == names for label in hash_cases.LAWS)
    assert all(set(kept[label]) == set(hash_cases_laws.dtypes_of(label)) for label in hash_cases_laws.LAWS)
    heavy = {f"sum of {label}" for label in hash_cases_laws.HEAVY}
    for label in (f"sum of {label}" for label in hash_cases_laws.SUMS):
        assert set(kept[label]) == (names - {"float8_e4m3fn", "float8_e5m2"} if label in heavy else names)


def test_arrays_differ_from_each_other():
    """So that a hash says something: no two laws, places or Generators have the same values, but for the constants."""
    rows_kept = hashes.read()["rows"]
    laws = [rows_kept[label]["float64"] for label in hash_cases.LAWS]
    equal = {  # one number of the dtype, or the normal itself
        label: rows_kept[label]["float64"]
        for label in (
            "uniform of one number",
            "uniform constant",
            "normal constant",
            "truncated constant",
            "normal below the step",
        )
    } | {"unbounded": rows_kept["normal 0 1"]["float64"]}
    assert [value for value in laws if laws.count(value) > 1 and value not in equal.values()] == []
    assert equal["normal constant"] == equal["uniform constant"] == equal["truncated constant"]
    for label, dtype in (("bits", "uint32"), ("normal 0 1", "float32")):
        streams = [rows_kept[f"{label}: {what}"][dtype] for what in hash_cases.STREAMS]
        assert len(set(streams)) == len(streams)


def test_differences_are_named():
    kept = {"a": {"float32": "00", "float64": "11"}, "b": {"uint32": "22"}}
    assert hashes.differences(kept, kept, whole=True) == []
    assert hashes.differences({"a": {"float32": "01"}}, kept, whole=False) == ["a, float32: 01, not 00"]
    assert hashes.differences({"c": {"float32": "00"}}, kept, whole=False) == ["c, float32: 00, not in the table"]
    missing = hashes.differences({"a": kept["a"]}, kept, whole=True)
    assert missing == ["b, uint32: in the table, and not made"]


@pytest.mark.parametrize(("old", "new", "code"), [("", "", 0), ('"gains": {"float64": "', '"gains": {"float64": "f00', 1)])
def test_the_command_compares(old, new, code, tmp_path, monkeypatch, capsys):
    text = hashes.TABLE.read_text()
    monkeypatch.setattr(hashes, "TABLE", tmp_path / "table.json")
    hashes.TABLE.write_text(text.replace(old, new))
    assert hashes.main(["--match", "gains"]) == code
    printed = capsys.readouterr().out
    assert printed.endswith(f"1 hashes made, {code} differences\n")
    assert ("DIFFERENT gains, float64" in printed) == bool(code)


def test_another_stream_version_is_a_difference(tmp_path, monkeypatch, capsys):
    text = hashes.TABLE.read_text()
    monkeypatch.setattr(hashes, "TABLE", tmp_path / "table.json")
    hashes.TABLE.write_text(text.replace('"stream_version": 1', '"stream_version": 2'))
    assert hashes.main(["--match", "gains"]) == 1
    assert "DIFFERENT stream version 1, not 2" in capsys.readouterr().out


def test_nothing_made_is_not_a_success(capsys):
    assert hashes.main(["--match", "no such label"]) == 1
    assert capsys.readouterr().out.endswith("0 hashes made, 0 differences\n")


def test_what_is_written_is_what_is_read(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(hashes, "TABLE", tmp_path / "table.json")
    monkeypatch.setattr(hashes, "cases", hash_cases.constants)
    assert hashes.main(["--write"]) == 0
    assert hashes.main([]) == 0
    assert hashes.read() == {"stream_version": 1, "rows": hashes.make()}
    assert len(hashes.TABLE.read_text().splitlines()) == len(hashes.make()) + 5


@pytest.mark.parametrize("part", [["--small"], ["--match", "gains"], ["--dtypes", "float32"]])
def test_a_part_is_not_written(part, capsys):
    with pytest.raises(SystemExit):
        hashes.main(["--write", *part])
    assert "--write needs the whole table" in capsys.readouterr().err


def test_the_hash_is_of_the_bytes_in_order():
    x = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert hashes.digest(x) == hashes.digest(x.copy(order="F")) == hashes.digest(np.repeat(x, 2, 1)[:, ::2])
    others = [x.T, -x, x.astype(np.float64), np.nextafter(x, 1), x[:, :3], np.zeros(12, np.float32), -np.zeros(12, np.float32)]
    assert len({hashes.digest(y) for y in [x, *others]}) == len(others) + 1
    assert hashes.digest(np.float32(3)) == hashes.digest(np.full(1, 3, np.float32))
