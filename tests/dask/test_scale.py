"""The page that computes with rates, its script and its example."""

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("distributed", reason="needs dask.distributed")

import fastinit as fi
from docs.scripts import markdown

ROOT = Path(fi.__file__).parents[1]


@pytest.fixture(scope="module")
def scale():
    """The script of the page. It imports the benchmarks, which would set NUMBA_CACHE_DIR for good."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NUMBA_CACHE_DIR", os.environ.get("NUMBA_CACHE_DIR", ""))
        return importlib.import_module("docs.scripts.pages.scale")


def test_time_is_the_longer_of_drawing_and_scheduling(scale):
    tib, gib = 2**40, 2**30
    assert scale.seconds(tib, 1, gib, gib, 0.5) == (1024.0, False)
    assert scale.seconds(tib, 10, gib, gib, 0.05) == (102.4, False)
    assert scale.seconds(tib, 100, gib, gib, 0.05) == pytest.approx((51.2, True))
    assert scale.seconds(100 * tib, 100, gib, 2 * gib, 0.05) == pytest.approx((2560.0, True))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(1.26, "1.3 s"), (119, "1.2e+02 s"), (121, "2.02 min"), (7200, "2 h"), (172800, "2 days"), (8.64e6, "100 days")],
)
def test_durations(scale, seconds, text):
    assert scale.duration(seconds) == text


FOUND = {
    "bytes": 2**32,
    "chunk": 2**28,
    "workers": 2,
    "tasks": 5000,
    "rounds": 5,
    "task": 1e-3,
    "dask over threads": 1.1,
    "rates": {"a law": 2**40 / 100, "another": 2**40 / 1000},
}


def test_the_table_has_a_row_for_every_rate_and_says_who_limits(scale):
    lines = "\n".join(scale.markdown(FOUND | {"machine": scale.machine.describe(["dask"])})).splitlines()
    rows = [line for line in lines if line.startswith("| ")]
    assert len(rows) == 1 + len(FOUND["rates"])
    assert all(row.count("|") == rows[0].count("|") for row in rows)
    fast = [cell.strip() for cell in rows[1].split("|")[1:-1]]
    # 1 TiB is 4,096 tasks of a millisecond
    assert fast == ["a law", "11", "1e+02 s", "10 s", "4.1 s *", "2.78 h", "16.7 min", "6.83 min *"]
    assert any("1.10 times what the threads of one process take" in line for line in lines)


def test_the_page_takes_the_table():
    page = (ROOT / "docs/scale.md").read_text()
    changed = markdown.replaced(page, "figures", "one\ntwo")
    assert "<!-- figures -->\n\none\ntwo\n\n<!-- end of figures -->" in changed
    table = re.findall("<!-- figures -->\n\n(.*?)\n\n<!-- end of figures -->", page, re.DOTALL)[0]
    assert markdown.replaced(changed, "figures", table) == page


def test_the_page_shows_what_the_example_does():
    shown = re.findall(r"```python\n(weights = .*?)```", (ROOT / "docs/scale.md").read_text(), re.DOTALL)[0]
    example = (ROOT / "examples/dask_zarr.py").read_text()
    for line in shown.splitlines():
        assert line.strip() in example


def test_example(tmp_path):
    pytest.importorskip("zarr", reason="needs zarr")
    name = re.search('NAME = "(.*)"', (ROOT / "examples/dask_zarr.py").read_text())[1]
    whole = fi.default_rng(0).child(name).truncated_normal(scale=0.02, size=(170, 170))
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    store = tmp_path / "w.zarr"
    command = [sys.executable, str(ROOT / "examples/dask_zarr.py"), "--store", str(store), "--side", "170", "--chunk", "70"]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "last corner equals the block drawn alone: True" in done.stdout
    import dask.array as da

    assert da.from_zarr(store).compute(scheduler="sync").tobytes() == whole.tobytes()
