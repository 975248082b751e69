"""What `fastinit bench` measures: buffers, workers, the order of the rounds, the arithmetic of the table."""

import json
import os
import statistics
import time
from pathlib import Path

import numpy as np
import pytest

import fastinit
from fastinit.bench import figures, measure, results, scaling, session, table, worker
from fastinit.bench.measure import FEW_ROUNDS, Job
from fastinit.bench.process import Failure, Worker, environment
from fastinit.bench.samplers import REFERENCES
from fastinit.peers import samplers

REPOSITORY = Path(fastinit.__file__).parents[1]


def test_buffers():
    assert (measure.touched(9_973, "float64").view(np.uint8) == 1).all()
    touched, fresh = (measure.into(buffer, lambda out: out, 1000, "bfloat16") for buffer in ("touched", "fresh"))
    assert touched() is touched()
    first, second = fresh(), fresh()
    assert not np.shares_memory(first, second)
    assert touched().dtype == first.dtype == measure.numpy_dtype("bfloat16")


class Scripted:
    """A worker that answers by a script: seconds of each round by library, or why there is no answer."""

    def __init__(self, library, job, limit):
        self.library, self.round, self.closed = library, 0, False
        self.script.started.append(library)
        self.script.alive.add(library)

    def answer(self):
        if "start" in self.script.failing.get(self.library, {}):
            raise Failure(self.script.failing[self.library]["start"])
        return {"values": self.script.values.get(self.library, 64), "calls": self.script.calls}

    def sample(self):
        assert self.library in self.script.alive
        self.script.turns.append(self.library)
        self.script.company.append(set(self.script.alive))
        self.round += 1
        if self.round in self.script.failing.get(self.library, {}):
            raise Failure(self.script.failing[self.library][self.round])
        return {"seconds": self.script.seconds[self.library][self.round - 1], "cores": 2.0, "hertz": 2e9}

    def close(self):
        self.script.alive.discard(self.library)


class Script:
    def __init__(self, seconds, failing=None, values=None, calls=1):
        self.seconds, self.failing, self.values, self.calls = seconds, failing or {}, values or {}, calls
        self.started, self.turns, self.company, self.alive = [], [], [], set()


def scripted(monkeypatch, seconds, rounds=9, law="uniform", dtype="float64", count=64, **more):
    script = Script(seconds, **more)
    monkeypatch.setattr(session, "Worker", type("Worker", (Scripted,), {"script": script}))
    monkeypatch.setattr(samplers, "installed", lambda module: True)
    monkeypatch.setattr(session, "PAUSE", 0)
    turns = 0

    def advance(done, text=None):
        nonlocal turns
        turns += done
        assert bool(done) != bool(text)

    result = session.measure(Job(law, count, dtype, "touched", 2), list(seconds), rounds, 1.0, advance)
    assert turns == rounds * len(seconds)
    assert script.alive == set()
    return result, script


def test_rounds_are_interleaved_and_slow_peers_leave(monkeypatch):
    seconds = {"store": [1.0] * 9, "fastinit": [30.0] * 9, "numpy": [19.0] * 9, "torch": [21.0] * 9}
    result, script = scripted(monkeypatch, seconds)
    everybody, rest = list(seconds), ["store", "fastinit", "numpy"]
    assert script.turns == everybody * FEW_ROUNDS + rest * (9 - FEW_ROUNDS)
    assert {name: len(row.seconds) for name, row in result.rows.items()} == dict(zip(seconds, (9, 9, 9, 3), strict=True))
    lines = table.text(result).splitlines()
    assert "- torch uniform_: one thread, 3 rounds" in lines
    assert "- NumPy random: one thread" in lines
    assert [line for line in lines if line.startswith("- ")] == lines[-2:]


def test_short_calls_need_no_fewer_rounds(monkeypatch):
    """A peer that is slow beside the store, but whose samples take no time."""
    seconds = {"store": [1e-5] * 5, "fastinit": [1e-4] * 5, "torch": [2e-3] * 5}
    result, _ = scripted(monkeypatch, seconds, rounds=5, calls=100)
    assert len(result.rows["torch"].seconds) == 5
    result, _ = scripted(monkeypatch, seconds, rounds=5, calls=200)
    assert len(result.rows["torch"].seconds) == FEW_ROUNDS


def test_the_roof_is_the_fastest_round_of_a_store(monkeypatch):
    """In most rounds the non-temporal store had half of its threads: that is no bound."""
    seconds = {"store": [2.0, 2.0, 8.0], "nontemporal": [4.0, 1.0, 4.0], "fastinit": [4.0, 4.0, 4.0]}
    result, _ = scripted(monkeypatch, seconds, rounds=3)
    assert result.roof == "nontemporal"
    shares = {name: figures.summary(result, name)["percent_of_roof"] for name in seconds}
    assert shares == {"store": 50.0, "nontemporal": 25.0, "fastinit": 25.0}
    assert scaling.curves([result]) == {"roof": [(2, 64 * 8 / 1e9)], "fastinit": [(2, 64 * 8 / 4e9)]}
    assert "roof: NT store" in table.title(result)
    seconds["nontemporal"] = [3.0] * 3
    assert scripted(monkeypatch, seconds, rounds=3)[0].roof == "store"


def test_cycles_are_of_the_clock_in_the_same_round(monkeypatch):
    result, _ = scripted(monkeypatch, {"store": [1.0] * 3, "fastinit": [3.0, 2.0, 1.0]}, rounds=3)
    row = result.rows["fastinit"]
    row.hertz, row.cores = [1e9, 2e9, 3e9], [1.0, 2.0, 2.0]
    assert figures.summary(result, "fastinit")["cycles_per_value"] == 6e9 / 64  # of 3, 8 and 6
    assert figures.median_hertz([result]) == 2e9


def test_a_system_that_does_not_tell_the_cores(monkeypatch):
    """Windows: its clock of a process moves in steps of 15.6 ms."""
    result, _ = scripted(monkeypatch, {"store": [1.0] * 3, "fastinit": [2.0] * 3}, rounds=3)
    for row in result.rows.values():
        row.cores = [0.0] * 3
    assert figures.summary(result, "fastinit")["cycles_per_value"] is None
    assert "threads ran" not in table.text(result)
    monkeypatch.setattr(worker.time, "process_time", lambda: time.perf_counter() // 0.0156 * 0.0156)
    assert worker._tells_cores() is False
    samples = worker._answers("fastinit", Job("normal", 1000, "float32", "touched", 1))
    assert next(samples)["values"] == 1000
    assert next(samples)["cores"] == 0.0


def test_what_is_said_of_too_few_cores_and_of_calls(monkeypatch):
    result, _ = scripted(monkeypatch, {"store": [1.0] * 3, "fastinit": [2.0] * 3, "numpy": [3.0] * 3}, rounds=3)
    assert [line for line in table.text(result).splitlines() if line.startswith("- ")] == ["- NumPy random: one thread"]
    for name, seconds, cores in (("store", None, 1.5), ("fastinit", 0.02, 2.0), ("numpy", 0.01, 1.0)):
        result.rows[name].overhead_seconds, result.rows[name].cores = seconds, [cores] * 3
    assert [line for line in table.text(result).splitlines() if line.startswith("- ")] == [
        "- parallel store of a constant: only 1.5 of 2 threads ran",
        "- fastinit uniform: 20.0 ms for one value, 1.0 % of a fill",
        "- NumPy random: one thread",
    ]


def test_ratios_are_taken_within_rounds(monkeypatch):
    """The machine slows down fourfold in the middle: ratios of medians would be wrong by as much."""
    seconds = {"store": [1.0, 4.0, 4.0], "fastinit": [2.0, 2.0, 8.0], "numpy": [6.0, 24.0, 24.0]}
    result, _ = scripted(monkeypatch, seconds, rounds=3)
    shown = figures.summary(result, "fastinit")
    assert (shown["times_store"], shown["times_fastinit"], shown["median_seconds"]) == (2.0, 1.0, 2.0)
    assert figures.summary(result, "numpy")["times_fastinit"] == 3.0
    assert shown["values_per_second"] == 32.0
    assert shown["bytes_per_second"] == 256.0


def test_fewer_values_are_scaled(monkeypatch):
    seconds = {"store": [1.0] * 3, "fastinit": [2.0] * 3, "scipy": [4.0] * 3}
    result, _ = scripted(monkeypatch, seconds, 3, "truncated_normal", values={"scipy": 16})
    assert figures.summary(result, "scipy")["times_store"] == 16.0
    assert figures.summary(result, "scipy")["median_seconds"] == 16.0
    assert "- SciPy truncnorm.rvs: allocates, one thread, from 16 values" in table.text(result).splitlines()


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
    assert figures.summary(result, "numpy")["times_store"] is None
    assert figures.summary(result, "numpy")["times_fastinit"] == 100.0
    assert script.turns.count("numpy") == 4
    document = results.document([result], {})
    assert json.loads(json.dumps(document)) == document


def test_an_interrupted_session_closes_its_workers(monkeypatch):
    script = Script({"store": [1.0], "fastinit": [1.0]})
    monkeypatch.setattr(session, "Worker", type("Worker", (Scripted,), {"script": script}))

    def stop(done, text=None):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        session.measure(Job("normal", 64, "float32", "touched", 1), REFERENCES, 3, 1.0, stop)
    assert script.started == list(REFERENCES)
    assert script.alive == set()


def test_a_worker_ends_with_its_parent():
    """Its connection ends, on which it waits for the next request."""
    worker = Worker("fastinit", Job("normal", 1000, "float32", "touched", 1), 100.0)
    try:
        assert worker.answer()["values"] == 1000
        sample = worker.sample()
        assert 0 < sample["seconds"] < 100
        assert 0 < sample["overhead_seconds"] < 1  # of a call for one value, in the first sample only
        assert "overhead_seconds" not in worker.sample()
        worker._connection.close()
        worker._process.join(timeout=60)
        assert worker._process.exitcode == 0
    finally:
        worker.close()


def test_the_environment_of_a_worker(monkeypatch):
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    monkeypatch.setenv("NUMBA_NUM_THREADS", "7")
    monkeypatch.delenv("NPROC", raising=False)
    names = ("OMP_WAIT_POLICY", "KMP_BLOCKTIME", "NUMBA_NUM_THREADS", "NPROC")
    before = dict(os.environ)
    with environment(3):
        assert [os.environ[name] for name in names] == ["active", "0", "3", "3"]
    assert dict(os.environ) == before


@pytest.mark.parametrize("rows", [1, 3])
def test_tables_fit_a_terminal(monkeypatch, rows):
    """The longest names and the widest figures."""
    seconds = {"store": [0.0123456] * rows, "fastinit": [0.123456] * rows, "tensorflow": [1234.56] * rows}
    result, _ = scripted(
        monkeypatch, seconds, rows, "truncated_normal", "bfloat16", 2**26, values=dict.fromkeys(seconds, 2**26)
    )
    lines = table.text(result).splitlines()
    assert max(map(len, lines)) <= 80
    assert len({len(line) for line in lines if line.startswith("|")}) == 1


@pytest.mark.parametrize(("buffer", "calls"), [("touched", 2), ("fresh", 4)])
def test_a_long_fill_of_a_fresh_buffer_follows_another_one(monkeypatch, buffer, calls):
    """A virtual machine gives memory that is free for long back to its host."""
    made = []
    monkeypatch.setattr(worker, "ready", lambda library, job: (lambda: made.append(library), 1000))
    monkeypatch.setattr(worker, "BRIEF", 0.0)
    monkeypatch.setattr(worker, "MOST_CALLS", 1)
    samples = worker._answers("store", Job("normal", 1000, "float32", buffer, 1))
    assert next(samples)["calls"] == 1
    made.clear()
    assert [next(samples)["seconds"] > 0 for _ in range(2)] == [True, True]
    assert len(made) == calls


def test_rounds_in_one_process(monkeypatch):
    made, slept = [], []
    monkeypatch.setattr(measure.time, "sleep", slept.append)
    calls = {name: lambda name=name: made.append(name) for name in ("a", "slow")}
    times = measure.timed_rounds(calls, 5, slow=("slow",))
    assert made == ["a", "slow"] * (1 + FEW_ROUNDS) + ["a"] * 2
    assert slept == [0.01] * (5 + FEW_ROUNDS)  # by default too: a library's threads may spin for a while
    assert {name: len(samples) for name, samples in times.items()} == {"a": 5, "slow": FEW_ROUNDS}
    made.clear()
    times = measure.timed_rounds(calls, 2, fresh=("slow",))
    assert made == ["a", "slow"] + ["a", "slow", "slow"] * 2  # its memory was touched and freed just before
    assert {name: len(samples) for name, samples in times.items()} == {"a": 2, "slow": 2}
    times = {"a": [2.0, 6.0, 30.0], "b": [1.0, 2.0, 3.0]}
    assert measure.ratio(times, "a", "b") == 3.0
    assert measure.medians(times) == {"a": 6.0, "b": 2.0}
    assert statistics.median(times["a"]) == 6.0
