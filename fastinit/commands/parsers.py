"""The parser of a command: help that wraps at 80 columns, and errors of one line."""

from __future__ import annotations

import argparse
import itertools
import re
import shutil
import textwrap
from typing import Any, NoReturn

from fastinit.arguments.hints import hint

WIDTH = 80


class Formatter(argparse.HelpFormatter):
    """Wraps the paragraphs of a command's notes; indented lines, such as examples, stay as they are."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=min(shutil.get_terminal_size().columns, WIDTH) - 2)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        blocks = itertools.groupby(text.strip().splitlines(), lambda line: line[:1] in ("", " "))
        return "\n".join(
            "\n".join(lines) if kept else textwrap.fill(" ".join(lines), width, break_on_hyphens=False)
            for kept, lines in blocks
        )


class Parser(argparse.ArgumentParser):
    """Says in one line what is wrong, and in a second one where to read more."""

    def error(self, message: str) -> NoReturn:
        """Leave with status 2."""
        self.exit(2, f"{self.prog}: error: {message}\ntry: {self.prog} --help\n")

    def refuse(self, unknown: list[str]) -> NoReturn:
        """Leave because of options that the command does not have."""
        options = re.findall(r"--[a-z][a-z-]*", self.format_help())
        self.error(f"unrecognized arguments: {' '.join(unknown)}{hint(unknown[0].partition('=')[0], options)}")


def add(commands: Any, name: str, help: str, notes: str = "") -> argparse.ArgumentParser:
    """Register a command: `help` is its line in the list of commands, `notes` stand below its options."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=help,
        description=f"{help[0].upper()}{help[1:]}.",
        epilog=notes,
        formatter_class=Formatter,
        allow_abbrev=False,  # so that an option is found under its full name only
    )
    return parser
