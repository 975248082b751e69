"""Every benchmark runs: with few values, once, untimed."""

import importlib
import inspect
import itertools
import sys
from pathlib import Path

import numba
import pytest

ROOT = Path(__file__).parents[1]
SUITES = sorted(path.stem for path in (ROOT / "benchmarks").glob("bench_*.py"))
KINDS = ("time_", "track_", "peakmem_")


@pytest.fixture(scope="module", autouse=True)
def few_values():
    """Small sizes, and the cache that this process has anyway instead of the benchmarks' own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FASTINIT_BENCH_VALUES", "1000")
        patch.setenv("NUMBA_CACHE_DIR", numba.config.CACHE_DIR)
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
    measure = importlib.import_module("benchmarks.measure")
    assert measure.VALUES == 1000
    runs = 0
    for suite in classes(importlib.import_module(f"benchmarks.{name}")):
        for method in filter(lambda method: method.startswith(KINDS), dir(suite)):
            assert suite.version
            assert suite.timeout
            for values in combinations(suite):
                assert all(isinstance(value, str) for value in values)
                runs += run_once(suite, method, values, measure.Missing)
    assert runs > 0
