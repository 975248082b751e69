"""The samplers that `fastinit bench` compares make what their rows say; and the order and the arithmetic of the rounds."""

import json
import math
import os
import statistics
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import fastinit
from fastinit.bench import measure, session, table
from fastinit.bench.measure import FEW_ROUNDS, Missing
from fastinit.bench.peers import LIBRARIES, OWN, SAMPLERS, Job, find, installed, ready
from fastinit.bench.process import Failure, Worker, environment
from fastinit.bench.session import Row, Session, Table
from tests.statistics import follows

REPOSITORY = Path(fastinit.__file__).parents[1]
DRAWN = [sampler for sampler in SAMPLERS if sampler.library != "store"]
LAWS = {"uniform": stats.uniform(), "normal": stats.norm(), "truncated_normal": stats.truncnorm(-2, 2)}
COUNT = 20_000

#: Makes all samplers of a library, in a process of its own: they change settings of the whole process.
MAKE = """
import sys
import numpy as np
from fastinit.bench.measure import touched
from fastinit.bench.peers import SAMPLERS, Job, all_threads, ready

def array(result):
    if "torch" in type(result).__module__:
        import torch
        return str(result.dtype).split(".")[1], result.to(torch.float64).numpy()
    if hasattr(result, "numpy"):
        result = result.numpy()
    return str(np.asarray(result).dtype), np.asarray(result).astype(np.float64)

library, directory, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
for sampler in SAMPLERS:
    for dtype in sampler.dtypes if sampler.library == library else ():
        for buffer in ("touched", "fresh"):
            call, values = ready(sampler, Job(count, dtype, buffer, all_threads()))
            made, x = array(call())
            if buffer == "touched" and not sampler.allocates:
                out = touched(count, dtype)
                assert (out.astype(np.float64) == x).all(), "the buffer does not have the values"
            np.savez(f"{directory}/{sampler.law} {dtype} {buffer}.npz", made=made, x=x, values=values)
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Where the arrays of a library lie; they are made when they are first asked for."""
    done = {}

    def of(library):
        if not installed(library):
            pytest.skip(f"{library} is not installed")
        if library not in done:
            done[library] = tmp_path_factory.mktemp(library)
            env = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
            command = [sys.executable, "-c", MAKE, library, str(done[library]), str(COUNT)]
            result = subprocess.run(command, env=env, capture_output=True, text=True, timeout=500)
            assert result.returncode == 0, result.stderr
        return done[library]

    return of


@pytest.mark.parametrize("sampler", DRAWN, ids=lambda sampler: sampler.name)
def test_samplers_make_their_law(made, sampler):
    """Rounding to 16 bits is no defect of the law, and JAX draws its bfloat16 normals from 128 numbers: only moments there."""
    directory, law = made(sampler.library), LAWS[sampler.law]
    for dtype in sampler.dtypes:
        for buffer in ("touched", "fresh"):
            loaded = np.load(directory / f"{sampler.law} {dtype} {buffer}.npz")
            x = loaded["x"]
            assert str(loaded["made"]) == dtype
            assert x.shape == (COUNT,)
            assert int(loaded["values"]) == COUNT
            low, high = law.support()
            assert low <= x.min()
            assert x.max() <= high
            if dtype in ("float32", "float64"):
                follows(x, law, f"{sampler.name} {dtype} {buffer}")
            # Five standard errors, and as much as the coarsest rounding may shift them.
            assert abs(x.mean() - law.mean()) < 5 * law.std() / math.sqrt(COUNT) + 0.02
            assert abs(x.std() / law.std() - 1) < 5 / math.sqrt(2 * COUNT) + 0.02


def test_every_law_and_library_has_one_row_or_a_reason():
    for library in LIBRARIES:
        for law in LAWS:
            rows = [sampler for sampler in SAMPLERS if (sampler.library, sampler.law) == (library, law)]
            assert len(rows) <= 1
            if not rows:
                with pytest.raises(Missing, match=f"has no {law}"):
                    find(library, law, "float64")
    assert find("torch", "normal", "bfloat16").name == "torch normal_"
    with pytest.raises(Missing, match="makes float32 and float64 only"):
        find("numpy", "normal", "bfloat16")
    with pytest.raises(Missing, match="makes float64 only"):
        find("scipy", "truncated_normal", "float32")


def test_what_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "randomgen", None)
    assert not installed("randomgen")
    assert not installed("a_module_that_nobody_has")
    with pytest.raises(Missing, match="is not installed"):
        ready(find("randomgen", "normal", "float32"), Job(10, "float32", "touched", 1))


@pytest.mark.parametrize("dtype", measure.DTYPES)
def test_the_store_reaches_every_byte(dtype):
    for count in (1, 3, 100_003):
        out = np.zeros(count, measure.numpy_dtype(dtype))
        assert measure.store(out) is out
        assert (out.view(f"u{out.itemsize}") == 1).all()


def test_buffers():
    assert (measure.touched(9_973, "float64").view(np.uint8) == 1).all()
    touched, fresh = (measure.into(buffer, lambda out: out, 1000, "bfloat16") for buffer in ("touched", "fresh"))
    assert touched() is touched()
    first, second = fresh(), fresh()
    assert not np.shares_memory(first, second)
    assert touched().dtype == first.dtype == measure.numpy_dtype("bfloat16")


class Scripted:
    """A worker whose answers are written down: seconds by library, of each round, or why there is no answer."""

    def __init__(self, library, law, job, limit):
        self.library, self.round, self.closed = library, 0, False
        self.script.started.append(library)
        self.script.alive.add(library)

    def answer(self):
        if "start" in self.script.failing.get(self.library, {}):
            raise Failure(self.script.failing[self.library]["start"])
        return {"values": self.script.values.get(self.library, 64), "calls": 1}

    def sample(self):
        assert self.library in self.script.alive
        self.script.turns.append(self.library)
        self.script.company.append(set(self.script.alive))
        self.round += 1
        if self.round in self.script.failing.get(self.library, {}):
            raise Failure(self.script.failing[self.library][self.round])
        return {"seconds": self.script.seconds[self.library][self.round - 1], "cores": 1.0}

    def close(self):
        self.script.alive.discard(self.library)


class Script:
    def __init__(self, seconds, failing=None, values=None):
        self.seconds, self.failing, self.values = seconds, failing or {}, values or {}
        self.started, self.turns, self.company, self.alive = [], [], [], set()


def scripted(monkeypatch, seconds, rounds=9, law="uniform", dtype="float64", **more):
    script = Script(seconds, **more)
    monkeypatch.setattr(session, "Worker", type("Worker", (Scripted,), {"script": script}))
    monkeypatch.setattr(session, "installed", lambda module: True)
    monkeypatch.setattr(session, "PAUSE", 0)
    turns = []
    result = session.measure(law, Job(64, dtype, "touched", 2), list(seconds), rounds, 1.0, turns.append)
    assert sum(turns) == rounds * len(seconds)
    assert script.alive == set()
    return result, script


def test_rounds_are_interleaved_and_slow_peers_leave(monkeypatch):
    seconds = {"store": [1.0] * 9, "fastinit": [30.0] * 9, "numpy": [19.0] * 9, "torch": [21.0] * 9}
    result, script = scripted(monkeypatch, seconds)
    everybody, rest = list(seconds), ["store", "fastinit", "numpy"]
    assert script.turns == everybody * FEW_ROUNDS + rest * (9 - FEW_ROUNDS)
    assert {name: len(row.seconds) for name, row in result.rows.items()} == dict(zip(seconds, (9, 9, 9, 3), strict=True))
    lines = {line.split("|")[1].strip(): line for line in table.text(result).splitlines() if line.startswith("| ")}
    assert lines["torch uniform_"].split("|")[-2].strip() == "one thread, 3 rounds"
    assert lines["NumPy random(out=)"].split("|")[-2].strip() == "one thread"
    assert lines["fastinit uniform"].split("|")[-2].strip() == ""


def test_ratios_are_taken_within_rounds(monkeypatch):
    """The machine slows down fourfold in the middle: ratios of medians would be wrong by as much."""
    seconds = {"store": [1.0, 4.0, 4.0], "fastinit": [2.0, 2.0, 8.0], "numpy": [6.0, 24.0, 24.0]}
    result, _ = scripted(monkeypatch, seconds, rounds=3)
    shown = table.figures(result, "fastinit")
    assert (shown["times_store"], shown["times_fastinit"], shown["median_seconds"]) == (2.0, 1.0, 2.0)
    assert table.figures(result, "numpy")["times_fastinit"] == 3.0
    assert shown["values_per_second"] == 32.0
    assert shown["bytes_per_second"] == 256.0


def test_fewer_values_are_scaled(monkeypatch):
    seconds = {"store": [1.0] * 3, "fastinit": [2.0] * 3, "scipy": [4.0] * 3}
    result, _ = scripted(monkeypatch, seconds, 3, "truncated_normal", values={"scipy": 16})
    assert table.figures(result, "scipy")["times_store"] == 16.0
    assert table.figures(result, "scipy")["median_seconds"] == 16.0
    assert "allocates, one thread, from 16 values" in table.text(result)


def test_failures_leave_the_others_alone(monkeypatch):
    seconds = {name: [1.0] * 4 for name in ("store", "fastinit", "numpy", "torch", "jax")}
    failing = {"numpy": {"start": "no luck"}, "torch": {2: "late"}}
    result, script = scripted(monkeypatch, seconds, 4, failing=failing)
    assert {name: row.skipped for name, row in result.rows.items() if row.skipped} == {"numpy": "no luck", "torch": "late"}
    assert not any("numpy" in company for company in script.company)  # killed at once: it may be using the cores
    assert sum("torch" in company for company in script.company) == 4 + 3
    assert script.turns.count("torch") == 2
    assert script.turns.count("jax") == 4
    assert "- torch uniform_: skipped: late" in table.text(result).splitlines()


def test_without_the_store_there_are_no_ratios_to_it(monkeypatch):
    seconds = {"store": [1.0] * 4, "fastinit": [1.0] * 4, "numpy": [100.0] * 4}
    result, script = scripted(monkeypatch, seconds, 4, failing={"store": {"start": "died"}})
    assert table.figures(result, "numpy")["times_store"] is None
    assert table.figures(result, "numpy")["times_fastinit"] == 100.0
    assert script.turns.count("numpy") == 4
    document = table.document([result], {})
    assert json.loads(json.dumps(document)) == document


def test_an_interrupted_session_closes_its_workers(monkeypatch):
    script = Script({"store": [1.0], "fastinit": [1.0]})
    monkeypatch.setattr(session, "Worker", type("Worker", (Scripted,), {"script": script}))

    def stop(turns):
        raise KeyboardInterrupt

    rows = {name: Row(name, name) for name in OWN}
    with pytest.raises(KeyboardInterrupt):
        Session(Table("normal", Job(64, "float32", "touched", 1), 3, rows), 1.0).run(stop)
    assert script.started == list(OWN)
    assert script.alive == set()


def test_spread_is_half_the_quartiles_distance():
    assert table.spread([1.0, 2.0, 3.0, 4.0, 5.0]) == pytest.approx(100 / 3)
    assert table.spread([2.0, 2.0]) == 0
    assert table.spread([2.0]) is None


def test_numbers_keep_three_digits():
    shown = [table._number(value) for value in (None, 0.0, 0.000123456, 0.012345, 1.23456, 12.3456, 123.456, 12345.6)]
    assert shown == ["", "0.000", "0.000123", "0.0123", "1.23", "12.3", "123", "12,346"]


def test_a_worker_ends_with_its_parent():
    """Its requests end then, and it is waiting for the next."""
    worker = Worker("fastinit", "normal", Job(1000, "float32", "touched", 1), 100.0)
    try:
        assert worker.answer()["values"] == 1000
        assert 0 < worker.sample()["seconds"] < 100
        worker._process.stdin.close()
        assert worker._process.wait(timeout=60) == 0
    finally:
        worker.close()


def test_the_environment_of_a_worker(monkeypatch):
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    monkeypatch.setenv("NUMBA_NUM_THREADS", "7")
    given = environment(3)
    assert (given["OMP_WAIT_POLICY"], given["KMP_BLOCKTIME"], given["NUMBA_NUM_THREADS"], given["NPROC"]) == (
        "active",
        "0",
        "3",
        "3",
    )


def test_rounds_in_one_process():
    made = []
    calls = {name: lambda name=name: made.append(name) for name in ("a", "slow")}
    times = measure.timed_rounds(calls, 5, slow=("slow",))
    assert made == ["a", "slow"] * (1 + FEW_ROUNDS) + ["a"] * 2
    assert {name: len(samples) for name, samples in times.items()} == {"a": 5, "slow": FEW_ROUNDS}
    times = {"a": [2.0, 6.0, 30.0], "b": [1.0, 2.0, 3.0]}
    assert measure.ratio(times, "a", "b") == 3.0
    assert measure.medians(times) == {"a": 6.0, "b": 2.0}
    assert statistics.median(times["a"]) == 6.0
