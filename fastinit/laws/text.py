"""Laws as text: `laplace(scale=0.1)` for one of the package, `module:name(scale=0.1)` for one of your own."""

from __future__ import annotations

import importlib
import inspect
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fastinit.arguments import calls
from fastinit.arguments.hints import hint
from fastinit.laws import continuous, integral
from fastinit.laws.distribution import Distribution, require
from fastinit.laws.own import OwnLaw

EXAMPLE = "laplace(scale=0.1)"

#: The laws of the package by their names.
BY_NAME: dict[str, Callable[..., Distribution]] = {
    function.__name__: function
    for function in (
        integral.bernoulli,
        continuous.cauchy,
        continuous.exponential,
        continuous.gumbel,
        integral.integers,
        continuous.laplace,
        continuous.logistic,
        continuous.lognormal,
        continuous.normal,
        integral.rademacher,
        continuous.truncated_normal,
        continuous.uniform,
    )
}


def is_own(name: Any) -> bool:
    """Whether a name is that of an own law, with its module."""
    return isinstance(name, str) and ":" in name


def find(name: str) -> OwnLaw | Distribution:
    """The own law of the name `module:name`; its module is imported."""
    module_name, _, path = name.partition(":")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # whatever the module's code raises
        reason = f"{type(error).__name__}: {error}"
        raise ValueError(f"law must be module:name with a module that can be imported; got {name!r} ({reason})") from error
    laws = [key for key, value in vars(module).items() if isinstance(value, OwnLaw | Distribution)]
    try:
        found = operator.attrgetter(path)(module)
    except AttributeError:
        has = f"has {', '.join(laws)}" if laws else "has no laws"
        raise ValueError(f"law must be in its module; got {name!r}, but {module_name} {has}{hint(path, laws)}") from None
    if not isinstance(found, OwnLaw | Distribution):  # never called: text may come from a file
        kind = type(found).__name__
        raise TypeError(f"law must be a function decorated with fastinit.laws.law, or a Distribution; {name!r} is a {kind}")
    return found


def make(name: str, positional: Sequence[Any] = (), named: Mapping[str, Any] | None = None) -> Distribution:
    """The law of this name with these arguments."""
    keywords = named or {}
    if not is_own(name):
        if name not in BY_NAME:
            raise ValueError(
                f"law must be one of {', '.join(BY_NAME)}, or module:name of your own; got {name!r}{hint(name, BY_NAME)}"
            )
        function = BY_NAME[name]
        calls.bind(name, inspect.signature(function), positional, keywords)
        return function(*positional, **keywords)
    found = find(name)
    if isinstance(found, OwnLaw):
        return found(*positional, **keywords)
    if positional or keywords:
        raise TypeError(f"law {name!r} has its arguments already, and takes no others; got {[*positional, *keywords]}")
    return found


def parse(law: Any) -> Distribution:
    """Make a law from text, which is read and not evaluated.

    Parameters
    ----------
    law : str or Distribution
        The name of a function of `fastinit.laws`, alone or with its arguments in parentheses; or `module:name`, alone or with
        arguments, for a law of your own or a Distribution. The module is imported, which runs its code; nothing else that it
        holds is called. A Distribution is returned as it is.

    Returns
    -------
    Distribution
        The law with its arguments.

    Raises
    ------
    TypeError, ValueError
        For text of another form, a law or a module that is not there, or a wrong argument.

    Examples
    --------
    >>> import fastinit as fi
    >>> fi.laws.parse("laplace(scale=0.1)") == fi.laws.laplace(scale=0.1)
    True
    """
    if not isinstance(law, str):
        return require(law)
    return make(*calls.read(law, "law", EXAMPLE))


def text_of(law: Distribution) -> str:
    """The text from which `parse` makes the law again."""
    text, own = repr(law), getattr(law._make, "__self__", None)
    if isinstance(own, OwnLaw):
        text = f"{own.__module__}:{vars(own)['__qualname__']}{text.removeprefix(law.name)}"
    try:
        again = parse(text)
    except (TypeError, ValueError) as error:
        raise ValueError(f"law must be found again by its text; got {text!r}: {error}") from None
    if again != law:
        raise ValueError(f"law must be found again by its text; got {text!r}, which is another one")
    return text
