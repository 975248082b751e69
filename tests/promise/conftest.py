"""Fills by several threads."""

import pytest

from fastinit.kernels import cpus, threads


@pytest.fixture
def parallel(monkeypatch):
    """Every fill is by three threads, in chunks of some hundred values."""
    monkeypatch.setattr(cpus, "allowed", lambda: 3)
    monkeypatch.setattr(threads, "PARALLEL_FROM", 1)
    monkeypatch.setattr(threads, "CHUNK", 300)
    monkeypatch.setattr(threads, "GRAIN", 1)
