"""Tables of the pages that scripts make from files of results: they say what the files say."""

import json

import pytest

pytest.importorskip("scipy", reason="the pages of fastinit check need SciPy")

from docs.scripts.markdown import DOCS
from docs.scripts.pages import batteries, history, quality


def between(page, name):
    """The part of a page between its marks."""
    return page.partition(f"<!-- {name} -->")[2].partition(f"<!-- end of {name} -->")[0].strip()


def test_huge_runs_are_those_of_the_files():
    assert between((DOCS / "quality.md").read_text(), "huge") == "\n\n".join(quality.huge(None))


def test_the_history_is_that_of_the_files():
    (machine,) = (path.parent.name for path in history.RESULTS.glob("*/machine.json"))
    rows = {commit: list(history.cells(found)) for commit, found in history.measured(machine).items()}
    assert list(rows) == list(history.COMMITS)
    assert None not in (cell for row in rows.values() for cell in row)
    assert between((DOCS / "history.md").read_text(), "history") == history.content(rows, machine)


def test_the_batteries_are_those_of_the_files():
    assert between((DOCS / "quality.md").read_text(), "batteries") == batteries.content()


PRACTRAND = """
rng=RNG_stdin32, seed=unknown
length= 4 gibibytes (2^32 bytes), time= 60.5 seconds
  Test Name                         Raw       Processed     Evaluation
  [Low1/32]DC6-9x1Bytes-1           R=  -5.8  p =1-4.9e-4   mildly suspicious
  ...and 216 test result(s) without anomalies

rng=RNG_stdin32, seed=unknown
length= 8 gibibytes (2^33 bytes), time= 127 seconds
"""


@pytest.mark.parametrize(
    ("last", "said"),
    [
        ("  no anomalies in 230 test result(s)\n", "2^33: no anomalies in 230, 1 before"),
        (
            "  BRank(12):3K(1)  R= +583.3  p~= 1.2e-176  FAIL !!!!\n  ...and 229 test result(s) without anomalies\n",
            "2^33: 1 FAIL in 230",
        ),
        (
            "  FPF  R= 5  p = 1e-5  unusual\n  ...and 229 test result(s) without anomalies\n",
            "2^33: 1 anomaly in 230, 1 before",
        ),
    ],
)
def test_what_practrand_said(last, said, tmp_path, monkeypatch):
    monkeypatch.setattr(batteries, "RESULTS", tmp_path)
    (tmp_path / "practrand-raw.txt").write_text(PRACTRAND + last)
    assert batteries.of_practrand("raw").startswith(said)
    assert batteries.of_practrand("normal") == ""


def test_what_testu01_said(tmp_path, monkeypatch):
    monkeypatch.setattr(batteries, "RESULTS", tmp_path)
    lines = [{"test": 1, "results": [["a", 0.5], ["b", 0.999]]}, {"test": 2, "results": [["c", 0.3]]}]
    (tmp_path / "bigcrush-raw.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert batteries.of_testu01("BigCrush", "raw") == "3 from 2 of 106 tests: 0.006"  # 1 - (1 - 0.002)^3
    assert batteries.of_testu01("Crush", "raw") == ""
