"""Rules: the initialiser and the arguments that fill the tensors whose names match a pattern."""

from __future__ import annotations

import ast
import fnmatch
import inspect
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from fastinit.initializers import BY_NAME
from fastinit.initializers.keywords import advice

#: Parameters that a rule may not set.
RESERVED = ("shape", "rng", "dtype", "out", "index")

#: The rule of a tensor that no pattern matches.
DEFAULT = "truncated_normal(scale=0.02)"

#: The rules of a specification without rules: biases 0 and norms 1, as nearly all models begin.
DEFAULT_RULES = {
    "*.bias": "zeros",
    "bias": "zeros",
    "*running_mean": "zeros",
    "*running_var": "ones",
    "*num_batches_tracked": "zeros",
    "*[Nn]orm*": "ones",
    "*.ln_*": "ones",
    "ln_*": "ones",
}

#: Characters of a rule.
_MOST = 1000
_WORDS = {"true": True, "false": False, "none": None, "inf": math.inf, "nan": math.nan}


class TensorRule(NamedTuple):
    """An initialiser's name and its arguments."""

    name: str
    arguments: tuple[tuple[str, Any], ...]

    def __str__(self) -> str:
        return f"{self.name}({', '.join(f'{key}={value!r}' for key, value in self.arguments)})"


def _value(node: ast.expr) -> Any:
    """The value of an argument; a word without quotes is a text, unless it is one of `_WORDS`."""
    if isinstance(node, ast.Name):
        return _WORDS.get(node.id.lower(), node.id)
    if isinstance(node, ast.Tuple | ast.List):
        return tuple(map(_value, node.elts))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        return -_value(node.operand) if isinstance(node.op, ast.USub) else _value(node.operand)
    if isinstance(node, ast.Constant):
        return node.value
    raise ValueError("an argument must be a number, a word or several of them in parentheses")


def _read(text: str) -> tuple[str, list[Any], list[tuple[str | None, Any]]]:
    """The name, the arguments without a name, and those with one; nothing is evaluated."""
    try:
        if len(text) > _MOST:
            raise ValueError(f"more than {_MOST} characters")
        node = ast.parse(text.strip(), mode="eval").body
        call = node if isinstance(node, ast.Call) else ast.Call(node, [], [])
        if not isinstance(call.func, ast.Name):
            raise ValueError("no name")
        name, positional = call.func.id, [_value(each) for each in call.args]
        named = [(each.arg, _value(each.value)) for each in call.keywords]
    except (SyntaxError, TypeError, ValueError, RecursionError, MemoryError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else str(error)
        raise ValueError(f"a rule must be a name, or a call such as {DEFAULT}; got {text[:_MOST]!r} ({reason})") from None
    return name, positional, named


def _by_name(name: str, positional: list[Any], named: list[tuple[str | None, Any]], rule: str) -> dict[Any, Any]:
    """The arguments of a rule, each with a name and given once."""
    if positional:
        advised = advice(list(_parameters(name)), positional[0])
        raise ValueError(f"a rule must give its arguments by name; {advised}; got {rule!r}")
    names = [key for key, _ in named]
    if repeated := sorted({str(key) for key in names if names.count(key) > 1}):
        raise ValueError(f"a rule must give {repeated[0]!r} once; got {rule!r}")
    return dict(named)


def _parameters(name: Any) -> dict[str, inspect.Parameter]:
    """The parameters of an initialiser that a rule may set."""
    if not isinstance(name, str) or name not in BY_NAME:
        raise ValueError(f"a rule must name one of {', '.join(BY_NAME)}; got {name!r}")
    parameters = inspect.signature(BY_NAME[name]).parameters
    return {key: value for key, value in parameters.items() if key not in RESERVED}


def _plain(value: Any) -> Any:
    """A JSON value as an argument: lists become tuples, and the texts "inf" and "-inf" become numbers."""
    if isinstance(value, list | tuple):
        return tuple(map(_plain, value))
    return float(value) if value in ("inf", "+inf", "-inf") else value


def parse(rule: Any) -> TensorRule:
    """Read a rule without evaluating it.

    It is the name of an initialiser, alone or with arguments in parentheses, or a mapping with that name under "init" and the
    arguments beside it.

    Examples
    --------
    >>> from fastinit.safetensors.rules import parse
    >>> str(parse("truncated_normal(scale=0.02)")), str(parse({"init": "xavier_uniform", "gain": 2}))
    ('truncated_normal(scale=0.02)', 'xavier_uniform(gain=2)')
    """
    if isinstance(rule, TensorRule):
        return rule
    if isinstance(rule, Mapping):
        arguments = {key: _plain(value) for key, value in rule.items() if key != "init"}
        if "init" not in rule:
            raise ValueError(f"a rule must have an initialiser's name under 'init'; got {rule!r}")
        name = rule["init"]
    elif isinstance(rule, str):
        name, positional, named = _read(rule)
        arguments = _by_name(name, positional, named, rule)
    else:
        raise TypeError(f"a rule must be text or an object with 'init'; got {rule!r}")
    return _checked(name, arguments, rule)


def _checked(name: Any, arguments: Mapping[Any, Any], rule: Any) -> TensorRule:
    parameters = _parameters(name)
    if unknown := [key for key in arguments if key not in parameters]:
        takes = f"takes {', '.join(parameters)}" if parameters else "takes no arguments"
        raise ValueError(f"{name} {takes}; got {unknown[0]!r} in {rule!r}")
    if missing := [key for key, p in parameters.items() if p.default is p.empty and key not in arguments]:
        raise ValueError(f"{name} needs {', '.join(missing)}; got {rule!r}")
    return TensorRule(name, tuple(arguments.items()))


def _row(pattern: Any, rule: Any) -> tuple[str, TensorRule]:
    if not isinstance(pattern, str):
        raise TypeError(f"rules must have patterns of type str; got {pattern!r}")
    try:
        return pattern, parse(rule)
    except (TypeError, ValueError) as error:
        raise type(error)(f"rules: {pattern!r}: {error}") from None


class Rules:
    """Patterns and their rules, from one or more mappings; the first pattern that matches a name counts."""

    def __init__(self, *rows: Mapping[str, Any], default: Any = DEFAULT) -> None:
        self.rows = [_row(pattern, rule) for part in rows for pattern, rule in part.items()]
        try:
            self.default = parse(default)
        except (TypeError, ValueError) as error:
            raise type(error)(f"default: {error}") from None
        self.used: set[str] = set()

    def choose(self, name: str) -> TensorRule:
        """The rule of a name: that of the first pattern that equals it or matches it as in a shell."""
        for pattern, rule in self.rows:
            if pattern == name or fnmatch.fnmatchcase(name, pattern):
                self.used.add(pattern)
                return rule
        return self.default
