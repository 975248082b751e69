"""Machine code of what `trace` describes: compiled once, kept on disk, loaded at first use."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable

from fastinit.kernels import cache, machine
from fastinit.torch.values import trace
from fastinit.torch.values.laws import Law
from fastinit.torch.values.trace import Way


def _compiled(name: str, text: Callable[[], str], arguments: int) -> Callable[..., None]:
    """The function of this name and so many arguments; it does not hold the GIL."""
    code = cache.stored(f"torch-{name}", lambda: machine.object_code(text()))
    (address,) = machine.link(code, name.partition("-")[0])
    return ctypes.CFUNCTYPE(None, *[ctypes.c_ssize_t] * arguments)(address)


@functools.cache
def fill(law: Law, way: Way = "plain") -> Callable[..., None]:
    """The compiled function of a law."""
    return _compiled(f"fill-{law.name}-{law.dtype}-{way}", lambda: trace.trace(law, way), 8)


@functools.cache
def jump() -> Callable[..., None]:
    """The compiled jump."""
    return _compiled("jump", trace.trace_jump, 5)
