"""Rules: which initialiser, with which arguments, fills the tensors whose names match a pattern."""

from __future__ import annotations

import fnmatch
import inspect
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from fastinit.initializers import BY_NAME

#: What is not a rule's to say.
RESERVED = ("shape", "rng", "dtype", "out", "index")

#: Names of parameters without a keyword, where they are not simply the function's first: a lone number is the deviation, which
#: everybody means by "truncated_normal(0.02)", not the mean.
POSITIONAL: dict[str, tuple[tuple[str, ...], ...]] = {
    "normal": (("scale",), ("loc", "scale")),
    "truncated_normal": (("scale",), ("loc", "scale"), ("loc", "scale", "a", "b")),
    "uniform": (("low", "high"),),
}

#: What fills a tensor that no rule matches.
DEFAULT = "truncated_normal(0.02)"

#: The rules where none are given: what layers of these names start with nearly everywhere.
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

_MOST = 1000
_NAME = r"[A-Za-z_][A-Za-z_0-9]*"
_SIMPLE = r"""'[^']*'|"[^"]*"|[^\s,()='"]+"""
_CALL = re.compile(rf"\s*({_NAME})\s*(?:\((.*)\))?\s*", re.DOTALL)
_ARGUMENT = re.compile(rf"\s*(?:({_NAME})\s*=\s*)?({_SIMPLE}|\([^()]*\))\s*(,|$)")
_WHOLE = re.compile(r"[+-]?[0-9]+")
_WORDS = {"true": True, "false": False, "none": None}


class Rule(NamedTuple):
    """An initialiser's name and its arguments."""

    name: str
    arguments: tuple[tuple[str, Any], ...]

    def __str__(self) -> str:
        return f"{self.name}({', '.join(f'{key}={value!r}' for key, value in self.arguments)})"


def _value(text: str) -> Any:
    """A number, true, false, none, a pair in parentheses, or the text itself."""
    if text[0] == "(":
        return tuple(_value(part) for part in re.findall(_SIMPLE, text[1:-1]))
    if text[0] in "'\"":
        return text[1:-1]
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _WHOLE.fullmatch(text):
        return int(text)
    try:
        return float(text)  # "inf" too
    except ValueError:
        return text


def _arguments(text: str, whole: str) -> tuple[list[Any], dict[str, Any]]:
    """What stands between the parentheses."""
    given: list[Any] = []
    named: dict[str, Any] = {}
    at = 0
    while text[at:].strip():
        found = _ARGUMENT.match(text, at)
        if found is None or (found[3] and not text[found.end() :].strip()):
            raise ValueError(f"a rule must be a name, or a call such as {DEFAULT}; got {whole!r}")
        key, value, at = found[1], _value(found[2]), found.end()
        if key is None and named:
            raise ValueError(f"a rule's arguments without a name must come first; got {whole!r}")
        if key is None:
            given.append(value)
        elif key in named:
            raise ValueError(f"a rule must give {key!r} once; got {whole!r}")
        else:
            named[key] = value
    return given, named


def _parameters(name: Any) -> dict[str, inspect.Parameter]:
    """The parameters of an initialiser that a rule may set."""
    if not isinstance(name, str) or name not in BY_NAME:
        raise ValueError(f"a rule must name one of {', '.join(BY_NAME)}; got {name!r}")
    parameters = inspect.signature(BY_NAME[name]).parameters
    return {key: value for key, value in parameters.items() if key not in RESERVED}


def _placed(name: str, given: list[Any], whole: str) -> dict[str, Any]:
    """The arguments without a name by the names that they stand for."""
    leading = tuple(key for key, value in _parameters(name).items() if value.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD)
    forms: Sequence[tuple[str, ...]] = POSITIONAL.get(name) or tuple(leading[: i + 1] for i in range(len(leading)))
    form = next((form for form in ((), *forms) if len(form) == len(given)), None)
    if form is None:
        allowed = " or ".join(f"{name}({', '.join(form)})" for form in forms) or name
        raise ValueError(f"a rule of {name} must give its arguments by name, or as {allowed}; got {whole!r}")
    return dict(zip(form, given, strict=True))


def _plain(value: Any) -> Any:
    """A JSON value as an argument: lists are pairs, and what JSON cannot write is text."""
    if isinstance(value, list | tuple):
        return tuple(map(_plain, value))
    return float(value) if isinstance(value, str) and re.fullmatch(r"[+-]?inf", value) else value


def parse(rule: Any) -> Rule:
    """Read a rule; nothing is evaluated.

    Parameters
    ----------
    rule : str, mapping or Rule
        A name of `fastinit.initializers`, alone or with arguments in parentheses; or a mapping with that name under "init" and
        the arguments beside it.

    Returns
    -------
    Rule
        With every argument under its name.

    Raises
    ------
    TypeError, ValueError
        If it has another form, or names no initialiser or none of its parameters.

    Examples
    --------
    >>> from fastinit.safetensors.rules import parse
    >>> str(parse("truncated_normal(0.02)")), str(parse({"init": "xavier_uniform", "gain": 2}))
    ('truncated_normal(scale=0.02)', 'xavier_uniform(gain=2)')
    """
    if isinstance(rule, Rule):
        return rule
    if isinstance(rule, Mapping):
        arguments = {key: _plain(value) for key, value in rule.items() if key != "init"}
        if "init" not in rule:
            raise ValueError(f"a rule must have an initialiser's name under 'init'; got {rule!r}")
        name = rule["init"]
    elif isinstance(rule, str):
        call = _CALL.fullmatch(rule) if len(rule) <= _MOST else None
        if call is None:
            raise ValueError(f"a rule must be a name, or a call such as {DEFAULT}; got {rule[:_MOST]!r}")
        name = call[1]
        given, named = _arguments(call[2] or "", rule)
        arguments = _placed(name, given, rule)
        if twice := sorted(set(arguments).intersection(named)):
            raise ValueError(f"a rule must give {twice[0]!r} once; got {rule!r}")
        arguments |= named
    else:
        raise TypeError(f"a rule must be text or an object with 'init'; got {rule!r}")
    return _checked(name, arguments, rule)


def _checked(name: Any, arguments: Mapping[Any, Any], rule: Any) -> Rule:
    parameters = _parameters(name)
    if alien := [key for key in arguments if key not in parameters]:
        takes = f"takes {', '.join(parameters)}" if parameters else "takes no arguments"
        raise ValueError(f"{name} {takes}; got {alien[0]!r} in {rule!r}")
    if missing := [key for key, p in parameters.items() if p.default is p.empty and key not in arguments]:
        raise ValueError(f"{name} needs {', '.join(missing)}; got {rule!r}")
    return Rule(name, tuple(arguments.items()))


def _row(pattern: Any, rule: Any) -> tuple[str, Rule]:
    if not isinstance(pattern, str):
        raise TypeError(f"rules must have patterns of type str; got {pattern!r}")
    try:
        return pattern, parse(rule)
    except (TypeError, ValueError) as error:
        raise type(error)(f"rules: {pattern!r}: {error}") from None


class Rules:
    """Ordered patterns, of which the first that matches a name counts.

    Parameters
    ----------
    rows : sequence of mapping
        Patterns to rules, earlier mappings first.
    default : str, mapping or Rule
        The rule of a name that no pattern matches.
    """

    def __init__(self, *rows: Mapping[str, Any], default: Any = DEFAULT) -> None:
        self.rows = [_row(pattern, rule) for part in rows for pattern, rule in part.items()]
        try:
            self.default = parse(default)
        except (TypeError, ValueError) as error:
            raise type(error)(f"default: {error}") from None
        self.taken: set[str] = set()

    def choose(self, name: str) -> Rule:
        """The rule of a name: of the first pattern that is the name itself, or matches it as a shell's pattern would."""
        for pattern, rule in self.rows:
            if pattern == name or fnmatch.fnmatchcase(name, pattern):
                self.taken.add(pattern)
                return rule
        return self.default
