"""Keep torch's compiler out of functions that it cannot compile."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import torch

P = ParamSpec("P")
T = TypeVar("T")


def uncompiled(function: Callable[P, T]) -> Callable[P, T]:
    """Let torch's compiler call a function as it is. The compiler is not imported for that: it takes a second."""
    outside: Callable[P, T] = torch._disable_dynamo(function)  # imports the compiler when it is called

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        return (outside if "torch._dynamo" in sys.modules else function)(*args, **kwargs)

    call._torchdynamo_disable = True  # type: ignore[attr-defined]
    return call
