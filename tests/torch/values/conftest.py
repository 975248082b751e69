"""Fixtures of the tests of torch's values."""

import pytest

pytest.importorskip("torch", reason="needs PyTorch")

from fastinit.torch.values import fills, laws, proof, scope, sequence


def serve(monkeypatch):
    """Make all fills of at least 16 values here, whether that pays or not."""
    monkeypatch.setattr(scope, "LEAST", dict.fromkeys(proof.KINDS, 16))
    monkeypatch.setattr(scope, "LEAST_DOUBLES", 16)
    monkeypatch.setattr(scope, "THREADS", 1)


MANNERS = ("served", "threads", "usual")


@pytest.fixture(params=MANNERS)
def manner(request, monkeypatch):
    """How fills are made: all that can be, in one thread; in three threads, past the caches; or as usual."""
    if request.param != "usual":
        serve(monkeypatch)
    if request.param == "threads":
        monkeypatch.setattr(fills, "STREAM_FROM", 0)
        monkeypatch.setattr(sequence, "LEAST_DOUBLINGS", 0)
        monkeypatch.setattr(sequence.cpus, "allowed", lambda: 3)
    return request.param


@pytest.fixture
def served(monkeypatch):
    """The kinds and sizes of the fills that were made here, of at least 16 values."""
    fills = []
    serve(monkeypatch)
    for name, kind in proof.KINDS.items():

        def make(law, place, out, *parameters, name=name, kind=kind):
            fills.append((name, out.size))
            return kind.make(law, place, out, *parameters)

        for dtype in laws.FORMATS:
            proof.proven(name, dtype)
        monkeypatch.setitem(proof.KINDS, name, kind._replace(make=make))
    return fills
