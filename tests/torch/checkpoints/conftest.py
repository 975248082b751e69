"""Pieces and files so small that a small model has many."""

import pytest


@pytest.fixture
def small_pieces(monkeypatch):
    """Pieces of 128 bytes, files of 512."""
    from fastinit.torch.checkpoints import distributed

    monkeypatch.setattr(distributed, "SLAB", 128)
    monkeypatch.setattr(distributed, "FILE", 512)
