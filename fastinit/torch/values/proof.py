"""A kind of fill is made here only if torch itself, asked for some thousand values, gives the same ones and the same state."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch.utils._python_dispatch import _disable_current_modes

from fastinit.torch.filling.tensors import flat_array
from fastinit.torch.scopes.aside import Aside
from fastinit.torch.values import fills, laws, state
from fastinit.torch.values.laws import Law

#: Values that are compared: more than a chunk, and no multiple of 16.
COUNT = 5003


class Kind(NamedTuple):
    """A kind of fill: the function here, torch's own, the laws that torch may follow, and parameters to compare with."""

    make: Callable[..., Any]
    own: Callable[..., Any]
    laws: Callable[[str], list[Law]]
    parameters: tuple[tuple[float, ...], ...]


def _uniform(dtype: str) -> list[Law]:
    return [laws.uniform(dtype, fused) for fused in (True, False)]


def _has_library() -> bool:
    """Whether LLVM can link what normal values of float64 call: it would end the process otherwise."""
    with contextlib.suppress(OSError, TypeError):  # Windows has no library of the whole process
        return all(hasattr(ctypes.CDLL(None), name) for name in laws.LIBRARY)
    return False


def _normal(dtype: str) -> list[Law]:
    return [laws.normal(dtype)] if dtype != "float64" or _has_library() else []


def _truncated(dtype: str) -> list[Law]:
    return [] if dtype == "float64" else [laws.normal(dtype)]


KINDS = {
    "uniform": Kind(fills.uniform, torch.Tensor.uniform_, _uniform, ((0.0, 1.0), (-0.0123, 0.4567))),
    "normal": Kind(fills.normal, torch.Tensor.normal_, _normal, ((0.0, 1.0), (0.0123, 0.0456))),
    "truncated_normal": Kind(
        fills.truncated_normal,
        torch.nn.init.trunc_normal_,
        _truncated,
        ((0.0, 1.0, -2.0, 2.0), (0.0123, 0.0456, -0.05, 0.1)),
    ),
}


def _is_torchs(kind: Kind, law: Law, count: int, parameters: tuple[float, ...]) -> bool:
    """Whether both ways fill so many values with the same bytes, from the middle of a block on, and leave the same state."""
    own, ours = (torch.Generator().manual_seed(count) for _ in range(2))
    for generator in (own, ours):
        torch.rand(100, generator=generator, device="cpu")
    expected, got = (torch.empty(count, dtype=getattr(torch, law.dtype), device="cpu") for _ in range(2))
    kind.own(expected, *parameters, generator=own)
    place = state.read(ours)
    if place is None or not place.replace(kind.make(law, place.sequence, flat_array(got), *parameters)):
        return False
    pairs = (expected.view(torch.uint8), got.view(torch.uint8)), (own.get_state(), ours.get_state())
    return all(torch.equal(*pair) for pair in pairs)


def _candidates(kind: str, dtype: str) -> list[Law]:
    """The laws that torch may follow. Two bytes may hide a difference in float32, so there it must be the one of float32."""
    candidates = KINDS[kind].laws(dtype)
    if dtype not in laws.SHORT:
        return candidates
    single = proven(kind, "float32")
    return [law for law in candidates if single is not None and law.name == single.name]


@functools.cache
def proven(kind: str, dtype: str) -> Law | None:
    """The law by which a kind of fill is torch's own; None if there is none, for the rest of the process."""
    with _disable_current_modes(), Aside(), torch.no_grad():
        for law in _candidates(kind, dtype):
            cases = itertools.product((COUNT, COUNT // 16 * 16), KINDS[kind].parameters)
            if all(_is_torchs(KINDS[kind], law, *case) for case in cases):
                return law
    return None


def report() -> dict[str, list[str]]:
    """The dtypes of each kind of fill that are made here."""
    return {kind: [dtype for dtype in laws.FORMATS if proven(kind, dtype) is not None] for kind in KINDS}
