"""Laws as text, for the command: one of the package, or one of your own with its exact distribution."""

from __future__ import annotations

import importlib
import operator
from typing import Any

from fastinit import laws
from fastinit.arguments import calls
from fastinit.check.known import known
from fastinit.check.laws import Law, of, short

EXAMPLE = "scipy.stats.rayleigh(scale=2)"


def exact(text: str) -> Any:
    """What the text of --cdf names, called if it has arguments."""
    rest = text.removeprefix("scipy.stats.")
    name, positional, named = calls.read(text if rest == text else f"scipy.stats:{rest}", "--cdf", EXAMPLE)
    module, _, path = name.partition(":")
    if not path:
        raise ValueError(f"--cdf: must be module:name, or such as {EXAMPLE}; got {text!r}")
    try:
        found = operator.attrgetter(path)(importlib.import_module(module))
        return found(*positional, **named) if positional or named else found
    except Exception as error:  # whatever the module's code raises
        raise ValueError(f"--cdf: {text!r} raises {type(error).__name__}: {error}") from error


def law(text: str | None, cdf: str | None) -> Law:
    """The law that --law and --cdf name, one of them or both; ValueError or TypeError says what is wrong."""
    distribution = laws.parse(text) if text is not None else None
    title = short(repr(distribution), distribution.name) if distribution else None
    if cdf is not None:
        return known(exact(cdf), distribution, title, "--cdf:", repr(cdf))
    assert distribution is not None
    assert text is not None
    if ":" in text:
        raise ValueError(f"--cdf: must be given for a law of your own, such as {EXAMPLE}; --law is {text!r}")
    return of(distribution, title)
