"""The dispatch keys by which operations of this thread reach its scope, so that all others run as ever.

torch reserves two keys for other packages (torchdistx): DeferredInit, above autograd, and Fake, below autograd and below all
modes and subclasses of tensors. A thread in a scope includes Fake. Kernels are registered there for random operations only;
every other operation falls through, at no cost. They see what torch really computes: plain tensors, after tracers have noted
the operation and transformations have unwrapped it. DeferredInit is included only where DTensors may come, whose parts alone
reach Fake, and while a copy of `trunc_normal_` runs.
"""

from __future__ import annotations

import sys

import torch

from fastinit.torch.filling import shards

ABOVE, BELOW = "DeferredInit", "Fake"
#: The keys below each of them.
AFTER = {key: torch._C._dispatch_keyset_full_after(torch._C._dispatch_key_parse(key)) for key in (ABOVE, BELOW)}

_is_included = torch._C._dispatch_tls_is_dispatch_key_included
_include = torch._C._dispatch_tls_set_dispatch_key_included


def enter() -> None:
    """Let random operations of this thread come to its scope."""
    _include(BELOW, True)
    watch(False)


def leave() -> None:
    """Let all operations of this thread go to torch."""
    _include(BELOW, False)
    _include(ABOVE, False)


def watch(steps: bool) -> None:
    """Let the steps of a copy of `trunc_normal_` come too, or no more."""
    _include(ABOVE, steps or shards.are_loaded())


def see_shards() -> None:
    """Notice that DTensors were imported within the scope; the first fill of one has lost its place in the whole."""
    if not shards.are_loaded() or _is_included(ABOVE):
        return
    watch(False)
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_globals.get("__name__", "").startswith("torch.distributed.tensor."):
            raise RuntimeError("torch.distributed.tensor must be imported before the fast_init block that fills DTensors")
        frame = frame.f_back  # type: ignore[assignment]
