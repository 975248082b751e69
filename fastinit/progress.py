"""A progress bar on stderr, if that is a terminal and tqdm is installed."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any, Protocol


class Advance(Protocol):
    """Moves a bar on by what is done, and may change the text before it."""

    def __call__(self, done: int, text: str | None = None, /) -> object: ...


@contextlib.contextmanager
def progress(total: int, unit: str, **options: Any) -> Iterator[Advance]:
    """Show a bar on stderr, if that is a terminal and tqdm is installed."""
    try:
        from tqdm import tqdm
    except ImportError:
        yield lambda done, text=None: None
        return
    # disable=None: no bar where stderr is not a terminal; a process without a console has no stderr
    disable = True if sys.stderr is None else None
    with tqdm(total=total, unit=unit, file=sys.stderr, disable=disable, dynamic_ncols=True, leave=False, **options) as bar:

        def advance(done: int, text: str | None = None) -> None:
            if text is not None:
                bar.set_description(text, refresh=not done)
            bar.update(done)
            if unit == "B" and bar.n >= total:
                bar.set_description("finishing")  # the file is synced now, which may take longer than the rest

        yield advance


@contextlib.contextmanager
def aside() -> Iterator[None]:
    """Take a bar off the terminal while something else is printed."""
    tqdm = sys.modules.get("tqdm")
    with tqdm.tqdm.external_write_mode() if tqdm is not None else contextlib.nullcontext():
        yield
