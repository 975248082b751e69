"""Rules: an initialiser or a law with its arguments, as text or as an object of JSON."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from fastinit import laws
from fastinit.arguments import calls, dtypes, outputs
from fastinit.arguments.hints import hint
from fastinit.initializers import BY_NAME
from fastinit.initializers.keywords import advice
from fastinit.laws import Distribution
from fastinit.laws.text import make

EXAMPLE = "normal(scale=0.02)"

#: Parameters that a rule may not set.
RESERVED = ("shape", "rng", "dtype", "out", "index")


class TensorRule(NamedTuple):
    """An initialiser's name and its arguments."""

    name: str
    arguments: tuple[tuple[str, Any], ...]

    @property
    def law(self) -> Distribution | None:
        """The law, if the rule draws from one."""
        return dict(self.arguments).get("law") if self.name == "draw" else None

    @property
    def function(self) -> Callable[..., Any]:
        """The initialiser, bound to the rule's arguments."""
        return functools.partial(BY_NAME[self.name], **dict(self.arguments))

    def real(self, dtype: Any) -> dtypes.Real:
        """The dtype to draw: the one asked for, or the law's default, or float32."""
        return (self.law.real if self.law else outputs.real)(dtype, None)

    def __str__(self) -> str:
        return repr(self.law) if self.law else f"{self.name}({', '.join(f'{key}={value!r}' for key, value in self.arguments)})"


def _parameters(name: str) -> dict[str, inspect.Parameter]:
    """The parameters of an initialiser that a rule may set."""
    parameters = inspect.signature(BY_NAME[name]).parameters
    return {key: value for key, value in parameters.items() if key not in RESERVED}


def _plain(value: Any) -> Any:
    """A JSON value as an argument: lists become tuples, and the texts "inf" and "-inf" become numbers."""
    if isinstance(value, list | tuple):
        return tuple(map(_plain, value))
    return float(value) if value in ("inf", "+inf", "-inf") else value


def parse(rule: Any, what: str = "a rule") -> TensorRule:
    """Read a rule without evaluating it; errors call it `what`.

    It is the name of an initialiser or of a law, alone or with arguments in parentheses, or a mapping with that name under
    "init" and the arguments beside it. A law is a rule of the initialiser `draw`.

    Examples
    --------
    >>> from fastinit.initializers.rules import parse
    >>> str(parse("truncated_normal(scale=0.02)")), str(parse({"init": "xavier_uniform", "gain": 2}))
    ('truncated_normal(scale=0.02)', 'xavier_uniform(gain=2)')
    """
    if isinstance(rule, TensorRule):
        return rule
    if isinstance(rule, Distribution):
        return TensorRule("draw", (("law", rule),))
    if isinstance(rule, Mapping):
        arguments = {key: _plain(value) for key, value in rule.items() if key != "init"}
        if "init" not in rule:
            raise ValueError(f"{what} must have the name of an initialiser or a law under 'init'; got {rule!r}")
        return _checked(calls.Call(rule["init"], (), arguments), rule, what)
    if isinstance(rule, str):
        return _checked(calls.read(rule, what, EXAMPLE), rule, what)
    raise TypeError(f"{what} must be text or an object with 'init'; got {rule!r}")


def _checked(call: calls.Call, rule: Any, what: str) -> TensorRule:
    """The rule of a call; a name that an initialiser and a law share is the initialiser's, which has the same values."""
    name, positional, arguments = call
    if not isinstance(name, str) or name not in BY_NAME:
        return _of_law(call, what)
    parameters = _parameters(name)
    if positional:
        advised = advice(list(parameters), positional[0])
        raise ValueError(f"{what} must give its arguments by name; {advised}; got {rule!r}")
    if unknown := [key for key in arguments if key not in parameters]:
        takes = f"takes {', '.join(parameters)}" if parameters else "takes no arguments"
        raise ValueError(f"{name} {takes}; got {unknown[0]!r} in {rule!r}")
    if missing := [key for key, p in parameters.items() if p.default is p.empty and key not in arguments]:
        raise ValueError(f"{name} needs {', '.join(missing)}; got {rule!r}")
    if name == "draw":
        return parse(laws.parse(arguments["law"]))
    return TensorRule(name, tuple(arguments.items()))


def _of_law(call: calls.Call, what: str) -> TensorRule:
    """The rule of a law's name and arguments."""
    name = call.name
    if not isinstance(name, str) or (name not in laws.BY_NAME and ":" not in name):
        names = dict.fromkeys((*BY_NAME, *laws.BY_NAME))
        near = hint(name, names) if isinstance(name, str) else ""
        raise ValueError(f"{what} must name one of {', '.join(names)}, or module:name of your own law; got {name!r}{near}")
    return parse(make(*call))
