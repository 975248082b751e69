"""Run a law's function once without a kernel, so that its faults show where it is defined."""

from __future__ import annotations

import functools
import linecache
import traceback
from collections.abc import Callable
from types import CodeType
from typing import Any, NoReturn, cast

from fastinit.arithmetic.lanes import REAL, Kind, Lanes, Target, u32, u64

#: What a formula may use, for messages.
ALLOWED = "a law may use + - * / and comparisons, and the functions of fastinit.arithmetic: exp, log, sqrt, fma, select, ..."


#: Operators that have no result for some values on their right: the CPU would stop the process, or give what differs.
PARTIAL = {"floordiv": "//", "mod": "%", "lshift": "<<", "rshift": ">>"}


class _Notes:
    """A target that notes the operations and makes no code."""

    def __init__(self) -> None:
        self.operations: list[Any] = []
        self.known: dict[int, float] = {}

    def _note(self, name: str, *operands: Any) -> int:
        values = (x.value if isinstance(x, Lanes) else x for x in operands)
        self.operations.append((name, *values))
        return len(self.operations)

    def __getattr__(self, name: str) -> Callable[..., int]:
        return functools.partial(self._note, name)

    def constant(self, number: float, kind: Kind, width: int | None) -> int:
        """A number that is known while the law is defined."""
        place = self._note("constant", number, kind, width)
        self.known[place] = number
        return place

    def binary(self, operation: str, a: Lanes, b: Lanes) -> int:
        """An operator, if it has a result whatever the lanes hold."""
        if operation in PARTIAL:
            right = self.known.get(b.value)
            if right is None or right not in (range(b.kind.bits) if "shift" in operation else range(1, 1 << b.kind.bits)):
                allowed = f"from 0 to {b.kind.bits - 1}" if "shift" in operation else "above 0"
                raise TypeError(f"{PARTIAL[operation]} must have a known integer {allowed} on its right")
        return self._note(operation, a, b)


def _refuse(name: str, function: Callable[..., Any], error: Exception) -> NoReturn:
    """Raise the error again with the line of the function that caused it."""
    code = getattr(function, "__code__", None)
    where = f", in {_line(code, error)}" if code else ""  # a function of C has no lines
    raise TypeError(f"law {name!r} does what a kernel cannot do{where}\n{error}\n{ALLOWED}") from error


def _line(code: CodeType, error: Exception) -> str:
    """The line of the function in which the error was raised, or its first one."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == code.co_filename]
    line = frames[-1].lineno if frames else code.co_firstlineno
    source = linecache.getline(code.co_filename, line or 0).strip()
    return f"{code.co_filename}, line {line}{f': `{source}`' if source else ''}"


def guarded(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with errors that name its line, and a check of its result."""

    def call(x: Lanes, /, **numbers: Lanes) -> Lanes:
        try:
            value = function(x, **numbers)
            if not isinstance(value, Lanes):
                raise TypeError(f"it returned {value!r}, not a value that depends on its first parameter")
            if value.kind is not REAL[x.kind.bits]:
                raise TypeError(f"it returned {value!r}, not reals ({REAL[x.kind.bits]}): convert(x, real_of(word)) makes them")
            return value.spread(x.width)
        except Exception as error:
            _refuse(name, function, error)

    return call


def rehearse(name: str, value: Callable[..., Any], numbers: int) -> None:
    """Call a law's function for both widths of words, twice each, and raise if it cannot become a kernel."""
    for word in (u32, u64):
        notes = [_Notes(), _Notes()]
        for each in notes:
            target = cast(Target, each)
            lanes = Lanes(target, "word", word, 16)
            value(lanes, *(Lanes(target, f"number {i}", REAL[word.bits], None) for i in range(numbers)))
        if notes[0].operations != notes[1].operations:
            raise TypeError(f"law {name!r} must do the same in every call; it did not: it uses something that changes")
