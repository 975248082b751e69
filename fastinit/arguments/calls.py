"""Calls as text, such as `normal(scale=0.02)`, which are read and not evaluated; and the arguments of a call by name."""

from __future__ import annotations

import ast
import inspect
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

#: Characters of a text.
_MOST = 1000
_WORDS = {"true": True, "false": False, "none": None, "inf": math.inf, "nan": math.nan}
_MODULE = re.compile(r"\s*(\w+(?:\.\w+)*)\s*:")


class Call(NamedTuple):
    """The name of what is called, the arguments without a name, and those with one."""

    name: str
    positional: tuple[Any, ...]
    named: dict[str, Any]


def _value(node: ast.expr) -> Any:
    """The value of an argument; a word without quotes is a text, unless it is one of `_WORDS`, and so is a call."""
    if isinstance(node, ast.Name):
        return _WORDS.get(node.id.lower(), node.id)
    if isinstance(node, ast.Tuple | ast.List):
        return tuple(map(_value, node.elts))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        return -_value(node.operand) if isinstance(node.op, ast.USub) else _value(node.operand)
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Call):
        return ast.unparse(node)
    raise ValueError("an argument must be a number, a word or several of them in parentheses")


def _name(node: ast.expr, module: str) -> str:
    """A word, or words with dots behind the name of a module."""
    if isinstance(node, ast.Name):
        return node.id
    if not (module and isinstance(node, ast.Attribute)):
        raise ValueError("no name")
    return f"{_name(node.value, module)}.{node.attr}"


def _parsed(text: str) -> Call:
    if len(text) > _MOST:
        raise ValueError(f"more than {_MOST} characters")
    module = _MODULE.match(text)
    prefix = f"{module[1]}:" if module else ""
    node = ast.parse(text[module.end() if module else 0 :].strip(), mode="eval").body
    call = node if isinstance(node, ast.Call) else ast.Call(node, [], [])
    name, positional = prefix + _name(call.func, prefix), tuple(map(_value, call.args))
    named: dict[str, Any] = {}
    for each in call.keywords:
        if each.arg is None:
            raise ValueError("an argument must not be behind **")
        if each.arg in named:
            raise ValueError(f"{each.arg!r} must be given once")
        named[each.arg] = _value(each.value)
    return Call(name, positional, named)


def read(text: str, what: str, example: str) -> Call:
    """Read a name, alone or with arguments in parentheses; `module:` may stand before it. Errors begin with `what`."""
    try:
        return _parsed(text)
    except (SyntaxError, TypeError, ValueError, RecursionError, MemoryError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else str(error)
        raise ValueError(f"{what} must be a name, or a call such as {example}; got {text[:_MOST]!r} ({reason})") from None


def bind(name: str, signature: inspect.Signature, arguments: Sequence[Any], keywords: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a call by name, defaults included."""
    try:
        bound = signature.bind(*arguments, **keywords)
    except TypeError as error:
        allowed = f"; its arguments are {', '.join(signature.parameters)}" if signature.parameters else ""
        raise TypeError(f"{name}: {error}{allowed}") from None
    bound.apply_defaults()
    return bound.arguments
