"""A progress bar over the bytes of a model."""

from __future__ import annotations

import contextlib
from typing import Any

from fastinit.progress import Advance, progress

#: Bytes from which on a bar is shown.
LARGE = 1 << 30


def require_progress(wanted: Any) -> None:
    """Refuse an argument `progress` that is neither a bool nor None."""
    if wanted is not None and not isinstance(wanted, bool):
        raise TypeError(f"progress must be True, False or None; got {wanted!r}")


def bar(nbytes: int, wanted: bool | None, text: str) -> contextlib.AbstractContextManager[Advance]:
    """Show a bar if it is wanted; None wants one for a GiB or more."""
    if wanted or (wanted is None and nbytes >= LARGE):
        return progress(nbytes, "B", unit_scale=True, unit_divisor=1024, desc=text)
    return contextlib.nullcontext(lambda done, text=None: None)
