"""Sections that many public docstrings share, written once and added to each."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

#: numpydoc's sections in their order.
SECTIONS = ("Parameters", "Returns", "Raises", "See Also", "Notes", "References", "Examples")
_HEAD = re.compile(rf"^({'|'.join(SECTIONS)})\n-+\n", re.MULTILINE)


def parsed(docstring: str) -> tuple[str, dict[str, str]]:
    """The text before the first section, and each section's text by its name."""
    summary, *rest = _HEAD.split(inspect.cleandoc(docstring))
    return summary.strip("\n"), {name: body.strip("\n") for name, body in zip(rest[::2], rest[1::2], strict=True)}


def rendered(summary: str, bodies: Mapping[str, str]) -> str:
    """The docstring of a summary and sections, in numpydoc's order."""
    parts = [f"{name}\n{'-' * len(name)}\n{bodies[name]}" for name in SECTIONS if bodies.get(name)]
    return "\n\n".join([summary, *parts]) + "\n"


def with_sections(docstring: str, **sections: str) -> str:
    """The docstring with each text at the end of its section, which is made where it is missing."""
    summary, bodies = parsed(docstring)
    for name, text in sections.items():
        bodies[name] = "\n".join(filter(None, (bodies.get(name), text.strip("\n"))))
    return rendered(summary, bodies)


def documented(**sections: str) -> Callable[[F], F]:
    """Decorate a function with shared sections."""

    def decorate(function: F) -> F:
        function.__doc__ = with_sections(function.__doc__ or "", **sections)
        return function

    return decorate


#: Parameters of whatever draws.
SIZE = """\
size : int or sequence of int, optional
    Shape of the whole array. None takes the shape of `out`, or draws one value if there is no `out`.
"""
DTYPE = """\
dtype : dtype, optional
    float32, float64, float16, bfloat16, float8_e4m3fn or float8_e5m2: a name, or a dtype of NumPy, `ml_dtypes`, torch or
    JAX. None takes the dtype of `out`, or float32 if there is no `out`.
"""
OUT = """\
out : array, optional
    Memory to write into: a writable array of this dtype and of the result's shape, with any strides. Also a torch tensor
    on the CPU, an object with `__array_interface__` or DLPack, or a buffer (bytearray, mmap, shared memory).
index : int, slice, Ellipsis or tuple of these, optional
    The block of the whole array to draw, at the cost of the block.
"""
ADD = """\
add : bool or float
    True adds the values to what `out` holds, and a number adds that many times the values: -1.0 takes them away. Each sum is
    computed in float32 (float64 for float64) and rounded once to the dtype. `out` must hold reals. A call that is interrupted
    has added to a part of them.
"""
RAISES = """\
TypeError, ValueError, IndexError
    For a wrong argument; then nothing is written and no call is counted.
"""
DETERMINISM = """\
Values depend on the seed, the path of children, the call number, the element's index in the whole array and the arguments.
They do not depend on threads, memory layout, `index` or machine.
"""
