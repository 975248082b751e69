"""Let torchvision be imported beside a CPU build of torch."""

from __future__ import annotations

import contextlib
import functools

import torch

#: Compiled operators that torchvision describes when it is imported. PyPI's wheels have them for CUDA builds of torch only.
OPERATORS = ("nms", "qnms")


@functools.cache
def declare() -> None:
    """Declare the operators if they are missing. No constructor calls them."""
    try:
        with contextlib.suppress(ImportError):
            import torchvision  # noqa: F401
    except RuntimeError:  # operator torchvision::nms does not exist
        for name in OPERATORS:
            torch.library.define(f"torchvision::{name}", "(Tensor boxes, Tensor scores, float threshold) -> Tensor")
