"""Helper threads of large fills: nobody waits for a late one, and each is given back. The values are right all the same."""

import ctypes
import threading
import time

import numpy as np
import pytest

import fastinit as fi
from fastinit import dispatch
from fastinit.kernels import cpus, layout, threads
from fastinit.kernels.layout import REGION
from tests.processes.helpers import ROW, SIZE, Absent, fill, free, within
from tests.processes.scripts import environment, python


@pytest.fixture(scope="module")
def expected():
    """What one thread makes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threads, "PARALLEL_FROM", 1 << 62)
        return fill()


@pytest.fixture
def new(monkeypatch):
    """No helper is there yet; fills may use two threads."""
    monkeypatch.setattr(threads, "_idle", [])
    monkeypatch.setattr(threads, "_all", [])
    monkeypatch.setattr(cpus, "allowed", lambda: 2)


@pytest.fixture
def ready(new):
    """The one helper, which is idle."""
    threads._start(1)
    return threads._idle[0]


def test_a_helper_that_never_looks_is_not_waited_for(new, expected, monkeypatch):
    monkeypatch.setattr(threads, "Helper", Absent)
    for _ in range(3):
        assert within(60, fill) == expected
        (helper,) = threads._idle
        assert type(helper) is Absent
        assert not helper.asleep  # it was called
        assert free(helper)


def watched(monkeypatch, look):
    """Have `look(helping, element)` called at each call of the row's tiles: in a helper or not, and with the first element."""
    loop, entry = dispatch.compiled(*ROW)
    kind = ctypes.CFUNCTYPE(None, *[ctypes.c_ssize_t] * 8)
    tiles = kind(entry[0])

    def called(into, missing, counter, *rest):
        look(threading.current_thread().name == "fastinit", 4 * counter)
        tiles(into, missing, counter, *rest)

    called = kind(called)
    instead = (ctypes.cast(called, ctypes.c_void_p).value, *entry[1:])
    monkeypatch.setattr(dispatch, "compiled", lambda law, dtype: (loop, instead))
    return called  # to be kept


@pytest.mark.parametrize("late", ["helper", "caller"])
def test_who_has_begun_is_waited_for(ready, expected, monkeypatch, late):
    """One is slow midway: the helper is waited for by the caller; the other way round the helper does all but one part."""
    seen, begun, slept = [], [], []
    both = threading.Event()

    def look(helping, element):
        seen.append((helping, element))
        if helping not in begun:
            begun.append(helping)
            both.wait(30) if len(begun) == 1 else both.set()  # each has taken a part
            if helping == (late == "helper"):
                time.sleep(0.3)
                slept.append(helping)

    kept = watched(monkeypatch, look)
    assert within(120, fill) == expected
    assert slept == [late == "helper"]  # before the fill has ended
    assert sorted(begun) == [False, True]
    assert sorted(element for _, element in seen) == list(range(0, SIZE, REGION))  # each region once
    assert threads._idle == [ready]
    assert free(ready)
    assert kept


def test_parts_are_whole_grains_and_get_smaller(new, monkeypatch):
    """At least a grain, at most a chunk, and the last ones small, so that nobody waits long for another."""
    assert threads.GRAIN % REGION == 0
    assert threads.CHUNK % threads.GRAIN == 0
    monkeypatch.setattr(threads, "Helper", Absent)
    size, work, after = 3 * SIZE + 77, [], []

    def look(helping, element):
        after.append(ctypes.c_int64.from_address(work[0]).value)  # the end of the part that this region is of

    kept = watched(monkeypatch, look)
    loop, entry = dispatch.compiled(*ROW)

    def noted(arguments, *rest):
        work.append(arguments + 8 * layout.WORK)
        return loop(arguments, *rest)

    monkeypatch.setattr(dispatch, "compiled", lambda law, dtype: (noted, entry))
    fill(size)
    ends = list(dict.fromkeys(after))
    parts = np.diff([0, *ends])
    assert parts[0] == threads.CHUNK
    assert parts[-1] == threads.GRAIN
    assert ends[-1] - threads.GRAIN < size <= ends[-1]
    assert (parts % threads.GRAIN == 0).all()
    assert (np.diff(parts) <= 0).all()
    assert kept


@pytest.mark.parametrize("allowed", [1, 2, 3, 5])
def test_as_many_as_allowed_and_all_come_back(new, expected, monkeypatch, allowed):
    monkeypatch.setattr(cpus, "allowed", lambda: allowed)
    for _ in range(20):
        assert fill() == expected
    assert len(threads._all) == len(threads._idle) == len(set(threads._idle)) == allowed - 1
    assert all(map(free, threads._idle))


def test_none_is_started_for_small_fills(new):
    least = threads.PARALLEL_FROM
    rng = fi.default_rng(1)
    rng.normal(size=least - 1)
    rng.normal(size=2 * least - 2, index=np.s_[::2])
    rng.normal(out=np.empty((3, least // 3), np.float32).T)
    assert threads._all == []
    assert threads.helpers(least - 1) == 0
    rng.normal(size=least)
    assert len(threads._all) == 1
    assert threads.helpers(1 << 40) == 1


def test_no_more_helpers_than_the_work_is_worth(monkeypatch):
    monkeypatch.setattr(cpus, "allowed", lambda: 64)
    assert [threads.helpers(n * threads.PARALLEL_FROM) for n in (1, 2, 10, 1000)] == [1, 2, 10, 63]


def test_a_system_that_gives_no_thread(new, expected, monkeypatch):
    def refused(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refused)
    assert fill() == expected
    assert threads._all == []


def test_fills_of_several_threads_share_the_helpers(new, expected, monkeypatch):
    monkeypatch.setattr(cpus, "allowed", lambda: 4)
    results = []
    workers = [threading.Thread(target=lambda: results.extend(fill() for _ in range(10))) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert set(results) == {expected}
    assert len(results) == 60
    assert len(threads._all) == len(set(threads._idle)) == len(threads._idle) == 3
    assert all(map(free, threads._idle))


class Stop(BaseException):
    """As KeyboardInterrupt, which would end the tests where nobody catches it."""


@pytest.mark.parametrize("kind", [threads.Helper, Absent])
@pytest.mark.parametrize("where", ["before the work", "behind the work", "second call", "hiring"])
def test_an_exception_takes_the_arguments_out_of_every_slot(new, expected, monkeypatch, where, kind):
    """Else a helper would write to memory that somebody else has by then."""
    monkeypatch.setattr(cpus, "allowed", lambda: 3)
    monkeypatch.setattr(threads, "Helper", kind)
    threads._start(2)
    both, shown, (loop, entry) = list(threads._idle), [], dispatch.compiled(*ROW)
    call, hire = kind.call, threads._hire

    def stopped_loop(arguments, memory, slot, looks):
        rest = memory, slot, looks
        if not arguments or slot:
            return loop(arguments, *rest)
        shown.append([bool(helper.slot[0]) for helper in both])
        if where == "behind the work":
            loop(arguments, *rest)
        raise Stop

    def stopped_call(self, *rest):
        call(self, *rest)
        shown.append([bool(helper.slot[0]) for helper in both])
        if len(shown) == 2:
            raise Stop

    def stopped_hire(team, wanted):
        hire(team, 1)
        shown.append([len(team) == 1] * 2)
        raise Stop

    with monkeypatch.context() as patch:
        if where == "second call":
            patch.setattr(kind, "call", stopped_call)
        elif where == "hiring":
            patch.setattr(threads, "_hire", stopped_hire)
        else:
            patch.setattr(dispatch, "compiled", lambda law, dtype: (stopped_loop, entry))
        with pytest.raises(Stop):
            fill()
    assert shown[-1] == [True, True]  # there was something to take out
    assert all(map(free, both))
    assert set(threads._idle) == set(both)
    assert len(threads._idle) == 2
    assert within(60, fill) == expected


def test_an_exception_while_helpers_are_dismissed(new, expected, monkeypatch):
    """As a signal that comes while the caller waits for a helper: the others are dismissed all the same."""
    monkeypatch.setattr(cpus, "allowed", lambda: 3)
    monkeypatch.setattr(threads, "Helper", Absent)
    threads._start(2)
    both, (loop, entry), raised = list(threads._idle), dispatch.compiled(*ROW), []

    def stopped_loop(arguments, *rest):
        found = loop(arguments, *rest)
        if not arguments and not raised:
            raised.append(True)
            raise Stop
        return found

    with monkeypatch.context() as patch:
        patch.setattr(dispatch, "compiled", lambda law, dtype: (stopped_loop, entry))
        with pytest.raises(Stop):
            fill()
    assert raised
    assert all(map(free, both))
    assert set(threads._idle) == set(both)
    assert len(threads._idle) == 2
    assert within(60, fill) == expected


NESTED = """
import faulthandler, signal, threading
import fastinit as fi
faulthandler.dump_traceback_later(20, exit=True)
drawn, sent, start = [], [], threading.Thread.start

def starting(thread):
    start(thread)
    if thread.name == "fastinit" and not sent:
        sent.append(True)
        signal.raise_signal(signal.SIGINT)

signal.signal(signal.SIGINT, lambda number, frame: drawn.append(fi.default_rng(1).normal(size=1 << 17).tobytes()))
threading.Thread.start = starting
own = fi.default_rng(1).normal(size=1 << 17).tobytes()
assert drawn == [own]
print("done")
"""


def test_a_signal_s_handler_draws_while_the_first_helper_starts():
    assert python(NESTED, env=environment(NUMBA_NUM_THREADS="2")) == "done\n"


def test_one_that_stays_away_is_not_called(ready, expected, monkeypatch):
    called = []
    monkeypatch.setattr(threads.Helper, "call", lambda self, *rest: called.append(self))
    ready.away_until = time.perf_counter() + 1000
    for _ in range(3):
        assert fill() == expected
    assert called == []
    assert threads._idle == [ready]
    ready.away_until = time.perf_counter()
    assert fill() == expected
    assert called == [ready]


def test_another_is_called_instead(new, expected, monkeypatch):
    monkeypatch.setattr(cpus, "allowed", lambda: 4)
    threads._start(3)
    every, called = set(threads._idle), []
    first, second, third = threads._idle
    first.away_until = third.away_until = time.perf_counter() + 1000
    monkeypatch.setattr(threads.Helper, "call", lambda self, *rest: called.append(self))
    assert fill() == expected
    assert called == [second]
    assert set(threads._idle) == every


def test_one_that_stays_away_makes_room_for_others(new, expected, monkeypatch):
    threads._start(3)
    first, second, third = threads._idle
    third.away_until, called = time.perf_counter() + 1000, []
    monkeypatch.setattr(threads.Helper, "call", lambda self, *rest: called.append(self))
    for _ in range(3):
        assert fill() == expected
    assert called == [second, second]  # the first fill had hired the third, which is taken first
    assert threads._idle == [third, first, second]


@pytest.mark.parametrize("asked", [True, False])
def test_large_fills_ask_one_that_stays_away(ready, expected, monkeypatch, asked):
    monkeypatch.setattr(threads, "LARGE", SIZE if asked else SIZE + 1)
    ready.away_until, called = time.perf_counter() + 1000, []
    monkeypatch.setattr(threads.Helper, "call", lambda self, *rest: called.append(self))
    assert fill() == expected
    assert called == [ready] * asked


def test_the_time_away_grows_while_others_want_the_cpu(new, monkeypatch):
    monkeypatch.setattr(threads.time, "perf_counter", lambda: 100.0)
    helper, found = Absent(), []
    for lost in (0.1, 0.1, 0.2, 0.1, 0.1, 0.1, 0.1):
        helper._judge(lost)
        found.append((helper.away_until - 100) / lost)
    assert found == pytest.approx([4, 8, 16, 32, 64, 128, 128])
    helper._judge(threads.LOST / 2)
    helper._judge(0.1)
    assert helper.away_until - 100 == pytest.approx(0.4)


@pytest.mark.parametrize("size", [100, 1 << 17])
@pytest.mark.parametrize("index", [None, np.s_[::3]])
def test_without_scratch_memory_no_call_is_taken(monkeypatch, size, index):
    def no_memory():
        raise MemoryError

    monkeypatch.setattr(cpus, "allowed", lambda: 1)
    rng = fi.default_rng(1)
    with monkeypatch.context() as patch:
        patch.setattr(threads, "scratch", no_memory)
        with pytest.raises(MemoryError):
            rng.normal(size=size, index=index)
    assert rng.state["calls"] == 0
    assert np.array_equal(rng.normal(size=size, index=index), fi.default_rng(1).normal(size=size, index=index))
