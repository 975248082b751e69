"""When helpers are asked: those that lost their CPU to others stay away for a while, but not from large fills."""

import math
import time

import numpy as np
import pytest

import fastinit as fi
from fastinit.kernels import threads


def test_a_helper_stays_away_in_proportion_to_what_it_lost():
    helper = threads.Helper()
    factors = []
    for lost in (1.0, 1.0, 3.0, 0.0, 1.0):
        helper._judge(lost)
        factors.append((helper.away_until - time.perf_counter()) / lost if lost else 0)
    assert factors == pytest.approx([4, 8, 16, 0, 4], abs=0.5)  # the clock went on since
    for _ in range(10):
        helper._judge(1.0)
    assert helper.away_until - time.perf_counter() == pytest.approx(threads.LONGEST, abs=0.5)


@pytest.mark.parametrize(("values", "asked"), [(1 << 18, 1), ((1 << 18) - 1, 0)])
def test_only_large_fills_ask_one_that_stays_away(values, asked, monkeypatch):
    expected = fi.default_rng(0).normal(size=values)
    monkeypatch.setattr(threads, "LARGE", 1 << 18)
    monkeypatch.setattr(threads, "helpers", lambda count: 1)
    helper, calls = threads.Helper(), []
    helper.away_until = math.inf
    monkeypatch.setattr(threads, "_idle", [helper])
    monkeypatch.setattr(threads, "_all", [helper])
    call = threads.Helper.call
    monkeypatch.setattr(threads.Helper, "call", lambda self, *args: (calls.append(self), call(self, *args)))
    assert np.array_equal(fi.default_rng(0).normal(size=values), expected)
    assert calls == [helper] * asked


def test_one_that_stays_away_makes_room_for_others(monkeypatch):
    monkeypatch.setattr(threads, "helpers", lambda count: 1)
    team, calls = [threads.Helper() for _ in range(3)], []
    team[-1].away_until = math.inf  # the one that would be taken first
    monkeypatch.setattr(threads, "_idle", list(team))
    monkeypatch.setattr(threads, "_all", list(team))
    call = threads.Helper.call
    monkeypatch.setattr(threads.Helper, "call", lambda self, *args: (calls.append(self), call(self, *args)))
    for _ in range(3):
        fi.default_rng(0).normal(size=1 << 18)
    assert calls == [team[1], team[1]]  # the first fill has no help
    assert threads._idle == [team[2], team[0], team[1]]
