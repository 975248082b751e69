"""Every benchmark runs: with few values, once, untimed. And what the scripts that measure models and write the page rely on."""

import importlib
import inspect
import itertools
import math
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import ml_dtypes
import numba
import numpy as np
import pytest

import fastinit
from docs.scripts import markdown

ROOT = Path(__file__).parents[2]
SUITES = sorted(path.stem for path in (ROOT / "benchmarks").glob("bench_*.py"))
KINDS = ("time_", "track_", "peakmem_")
#: Suites that start a process for each combination of their parameters: the last one is enough.
WITH_PROCESSES = {"bench_process", "bench_threads"}


@pytest.fixture(scope="module", autouse=True)
def few_values():
    """Small sizes, and the cache that this process has anyway instead of the benchmarks' own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FASTINIT_BENCH_VALUES", "1000")
        patch.setenv("NUMBA_CACHE_DIR", numba.config.CACHE_DIR)
        without_pauses = SimpleNamespace(perf_counter=time.perf_counter, sleep=lambda seconds: None)
        patch.setattr("fastinit.bench.measure.time", without_pauses)
        for name in [name for name in sys.modules if name.split(".")[0] == "benchmarks"]:
            patch.delitem(sys.modules, name)  # imported by a script of docs/, with the sizes of real runs
        yield


def classes(module):
    return [c for _, c in inspect.getmembers(module, inspect.isclass) if c.__module__ == module.__name__]


def combinations(suite):
    """All parameters, which a suite gives as one tuple or as a tuple of several."""
    several = isinstance(suite.params[0], tuple)
    return list(itertools.product(*(suite.params if several else (suite.params,))))


def run_once(suite, method, values, missing):
    instance = suite()
    try:
        getattr(instance, "setup", lambda *_: None)(*values)
    except missing:
        return False
    result = getattr(instance, method)(*values)
    getattr(instance, "teardown", lambda *_: None)(*values)
    assert not method.startswith("track_") or result >= 0
    return True


@pytest.mark.filterwarnings("default")  # of the peers, where they are installed
@pytest.mark.parametrize("name", SUITES)
def test_suite(name):
    if name == "bench_dask":
        pytest.importorskip("distributed", reason="needs dask.distributed")
    measure = importlib.import_module("benchmarks.measure")
    assert measure.VALUES == 1000
    runs = 0
    for suite in classes(importlib.import_module(f"benchmarks.{name}")):
        for method in filter(lambda method: method.startswith(KINDS), dir(suite)):
            assert suite.version
            assert suite.timeout
            for values in combinations(suite)[-1 if name in WITH_PROCESSES else 0 :]:
                assert all(isinstance(value, str) for value in values)
                runs += run_once(suite, method, values, measure.Missing)
    assert runs > 0


def test_the_suite_measures_with_the_command_s_code():
    suite, command = (importlib.import_module(f"{package}.measure") for package in ("benchmarks", "fastinit.bench"))
    for name in set(suite.__all__) - {"LAWS", "VALUES", "Missing"}:
        assert getattr(suite, name) is getattr(command, name)


@pytest.mark.parametrize(
    ("model", "tensors", "parameters"),
    [("GPT-2 124M", 148, 124_439_808), ("Llama 1.1B", 201, 1_100_048_384), ("Llama 7B", 291, 6_738_415_616)],
)
def test_models_have_their_published_sizes(model, tensors, parameters):
    shapes = importlib.import_module("docs.scripts.models.models").MODELS[model]
    assert len(shapes) == tensors
    assert sum(map(math.prod, shapes.values())) == parameters


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_models_are_filled_whole_and_by_name(dtype):
    models = importlib.import_module("docs.scripts.models.models")
    shapes = {"a": (3, 50), "b": (7,), "c": (11, 2, 5)}
    kind = np.dtype(getattr(ml_dtypes, dtype, dtype))
    flat = np.full(267, 99, kind)
    models.fastinit_fill(models.pieces(flat, shapes))()
    rng = fastinit.default_rng(0)
    alone = [rng.child(name).normal(0, 0.02, size=shape, dtype=kind).ravel() for name, shape in shapes.items()]
    np.testing.assert_array_equal(flat, np.concatenate(alone))


def test_a_model_is_measured_or_skipped_with_a_reason(monkeypatch):
    models = importlib.import_module("docs.scripts.models.models")
    small = {"tiny": {"a": (100,), "b": (2, 30)}}
    result = models.collect(small, ["float32"], 2, torch=False)
    (row,) = result["rows"]
    assert (row["tensors"], row["bytes"], row["skipped"]) == (2, 640, None)
    assert set(row["seconds"]) == {"store", "fastinit", "one tensor"}
    assert min(row["seconds"].values()) > 0
    monkeypatch.setattr(models.machine, "free_memory", lambda: 600)
    (row,) = models.collect(small, ["float32"], 2, torch=False)["rows"]
    assert row["skipped"].startswith("needs 0.0 GiB")
    assert any("tiny float32: skipped: needs" in line for line in models.markdown({**result, "rows": [row]}))


def test_torch_fills_the_same_tensors():
    pytest.importorskip("torch", reason="torch is not installed")
    models = importlib.import_module("docs.scripts.models.models")
    flat = np.zeros(10_007, ml_dtypes.bfloat16)
    models.torch_fill(flat, {"a": (100, 100), "b": (7,)}, "bfloat16")()
    assert np.count_nonzero(flat) > 10_000
    # The deviation of 10,007 such values has a standard error of 0.00014: five of them.
    assert abs(flat.astype(np.float64).std() - 0.02) < 0.0007


def test_fresh_memory_is_touched_just_before_it_is_measured(monkeypatch):
    """Also where other fills have taken their turns since: the host of a virtual machine may have it back by then."""
    fills, given = importlib.import_module("docs.scripts.pages.fills"), {}
    monkeypatch.setattr(
        fills, "timed_rounds", lambda calls, count, **more: given.update(more) or {name: [1.0] for name in calls}
    )
    rows, _ = fills.Fills(1000).measure(1)
    assert given["fresh"] == [row["name"] for row in rows if "fresh" in row["name"]]
    assert len(given["fresh"]) == 4


def test_the_page_has_the_marks_that_its_script_fills():
    pages = importlib.import_module("docs.scripts.pages.benchmarks")
    text = pages.PAGE.read_text()
    for name in pages.PARTS:
        changed = markdown.replaced(text, name, "NEW")
        assert f"<!-- {name} -->\n\nNEW\n\n<!-- end of {name} -->" in changed
        assert markdown.replaced(changed, name, "NEW") == changed
    with pytest.raises(SystemExit, match="must have the marks"):
        markdown.replaced("no marks", "models", "NEW")
