"""A copy of `trunc_normal_` in somebody's code, recognised while it runs, so that its tensor is filled once.

Its first step, a uniform fill, is postponed only if the code that called for it goes on in a straight line, in the same
function, to `erfinv_` and `clamp_` of the same tensor, with nothing but arithmetic of numbers between. So nobody can see the
tensor before the last step has filled it. Any other code has its uniform values at once.
"""

from __future__ import annotations

import dis
import functools
import sys
import threading
import types
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch.utils._device import DeviceContext

from fastinit.torch.filling.fills import Fill
from fastinit.torch.scopes import chains, dispatch_keys

#: What the code may use between `uniform_` and the end, beside its own numbers.
STEPS = frozenset({"erfinv_", "mul_", "add_", "clamp_"})
GLOBALS = frozenset({"math", "np", "numpy", "torch", "sqrt"})
#: Instructions that only compute, by the beginning of their names.
HARMLESS = (
    "LOAD_CONST", "LOAD_SMALL_INT", "BINARY_OP", "UNARY_NEGATIVE", "KW_NAMES", "PRECALL", "PUSH_NULL", "POP_TOP", "NOP",
    "CACHE", "EXTENDED_ARG", "NOT_TAKEN",
)  # fmt: skip
#: Modules, and a function, whose frames are between the code and this one.
BETWEEN = frozenset(
    {__name__, *(f"fastinit.torch.scopes.{name}" for name in ("scope", "random_operations", "compiler")), "torch._ops",
     "torch._compile", "torch._dynamo.eval_frame"}
)  # fmt: skip
DEVICE_CONTEXT = DeviceContext.__torch_function__.__code__


class _Line(NamedTuple):
    """A straight line of code: its local variables that are the tensor, and those that must be numbers."""

    tensors: frozenset[str]
    numbers: frozenset[str]


class _Reader:
    """Reads instructions up to the call of `clamp_`."""

    def __init__(self) -> None:
        self.tensors: set[str] = set()
        self.numbers: set[str] = set()
        self.roots = 0
        self.is_last = False

    def accepts(self, name: str, value: Any, method: Any) -> bool:
        """Take the next instruction. `method` is the attribute that the one after it loads, if it loads one."""
        if name.startswith("LOAD_FAST"):
            *numbers, last = (value,) if isinstance(value, str) else value
            (self.tensors if method in STEPS else self.numbers).add(last)
            self.numbers.update(numbers)
            return True
        if name in ("LOAD_METHOD", "LOAD_ATTR", "LOAD_GLOBAL"):
            self.roots += value == "sqrt"
            self.is_last |= value == "clamp_"
            return value in (GLOBALS if name == "LOAD_GLOBAL" else STEPS | {"sqrt"})
        return name.startswith(HARMLESS)

    def ends(self, name: str) -> bool:
        """Whether an accepted instruction is the call of `clamp_`; calls of `sqrt` among its arguments come before it."""
        if not name.startswith("CALL"):
            return False
        self.roots -= 1
        return self.is_last and self.roots < 0


def _attribute(instructions: list[dis.Instruction], number: int) -> Any:
    following = instructions[number + 1 : number + 2]
    return next((each.argval for each in following if each.opname in ("LOAD_METHOD", "LOAD_ATTR")), None)


@functools.lru_cache(maxsize=256)
def _line(code: types.CodeType, offset: int) -> _Line | None:
    """The code after this offset up to the call of `clamp_`, or None if it is anything else than a copy of `trunc_normal_`."""
    instructions = [each for each in dis.get_instructions(code) if each.offset > offset]
    reader = _Reader()
    for number, each in enumerate(instructions):
        if each.opname.startswith("CALL"):
            if reader.ends(each.opname):
                return _Line(frozenset(reader.tensors), frozenset(reader.numbers))
        elif not reader.accepts(each.opname, each.argval, _attribute(instructions, number)):
            return None
    return None


def _caller() -> types.FrameType | None:
    frame: types.FrameType | None = sys._getframe(1)
    while frame is not None and (frame.f_globals.get("__name__") in BETWEEN or frame.f_code is DEVICE_CONTEXT):
        frame = frame.f_back
    return frame


def is_first_step(tensor: torch.Tensor, fill: Fill) -> bool:
    """Whether the code that calls for this fill goes on as a copy of `trunc_normal_`. A debugger could see what is between."""
    if not chains.begins(fill):
        return False
    frame = _caller()
    if (
        frame is None
        or "erfinv_" not in frame.f_code.co_names
        or isinstance(sys.gettrace(), types.FunctionType | types.MethodType)
    ):
        return False
    line = _line(frame.f_code, frame.f_lasti)
    if line is None:
        return False
    variables = frame.f_locals
    return all(variables.get(name) is tensor for name in line.tensors) and all(
        isinstance(variables.get(name), int | float) for name in line.numbers
    )


class _Postponed(NamedTuple):
    """A tensor that is to be filled, by which function, its first fill, the steps after it, and the law of all of them."""

    tensor: torch.Tensor
    write: Callable[[torch.Tensor, Fill], None]
    first: Fill
    steps: tuple[tuple[Any, tuple[Any, ...], dict[str, Any]], ...]
    law: Fill


class _Own(threading.local):
    postponed: _Postponed | None = None


_own = _Own()


def postpone(tensor: torch.Tensor, fill: Fill, write: Callable[[torch.Tensor, Fill], None]) -> None:
    """Note a first step."""
    _own.postponed = _Postponed(tensor, write, fill, (), fill)
    dispatch_keys.watch(True)


def _take() -> _Postponed | None:
    postponed = _own.postponed
    if postponed is not None:
        _own.postponed = None
        dispatch_keys.watch(False)
    return postponed


def settle() -> None:
    """Make this thread's postponed fill and its steps one by one, if there is one."""
    if (postponed := _take()) is not None:
        with torch.no_grad():
            postponed.write(postponed.tensor, postponed.first)
            for func, args, kwargs in postponed.steps:
                func(postponed.tensor, *args, **kwargs)


def takes_step(func: Any, tensor: torch.Tensor, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Take an operation as the next step of the postponed fill, which is made at the last step. Any other one settles it."""
    postponed = _own.postponed
    if postponed is None:
        return False
    law = chains.followed_by(postponed.law, func, args, kwargs) if postponed.tensor is tensor else None
    if law is not None and law.law == chains.PENDING:
        _own.postponed = postponed._replace(steps=(*postponed.steps, (func, args, kwargs)), law=law)
        return True
    if law is None or not chains.has_plan(law, tensor.dtype):
        settle()
        return False
    _take()
    with torch.no_grad():
        postponed.write(tensor, law)  # autograd knows of it since the first step
    return True
