"""Markdown tables and lists that can also be read in a terminal of 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Sequence

WIDTH = 80


def grid(head: Sequence[str], rows: Sequence[Sequence[str]], left: Collection[str] = ()) -> str:
    """A table with columns of even width; the columns named in `left` are aligned to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    rule = ["-" * width if name in left else "-" * (width - 1) + ":" for name, width in zip(head, widths, strict=True)]
    lines = [
        [cell.ljust(width) if name in left else cell.rjust(width) for name, cell, width in zip(head, row, widths, strict=True)]
        for row in (head, rule, *rows)
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def wrapped(text: str, indent: str = "") -> str:
    """A paragraph or, with an indent, an item of a list."""
    return textwrap.fill(text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
