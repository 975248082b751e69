"""A progress bar on stderr, where there is a terminal and tqdm is installed."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Any


@contextlib.contextmanager
def progress(total: int, unit: str, **options: Any) -> Iterator[Callable[[int], object]]:
    """A bar on stderr, if that is a terminal and tqdm is there."""
    try:
        from tqdm import tqdm
    except ImportError:
        tqdm = None
    if tqdm is None:
        yield lambda done: None
        return
    # disable=None: no bar where stderr is not a terminal
    with tqdm(total=total, unit=unit, file=sys.stderr, disable=None, dynamic_ncols=True, leave=False, **options) as bar:

        def advance(done: int) -> None:
            bar.update(done)
            if bar.n >= total:
                bar.set_description("finishing")  # a file is written to disk now, which may take longer than the rest

        yield advance
