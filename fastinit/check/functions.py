"""Samplers of any library, for `fastinit check --peer`: functions that are found by module and name, or as entry points."""

from __future__ import annotations

import importlib
import operator
from collections.abc import Callable
from importlib import metadata
from typing import Any

from fastinit.arguments.hints import hint

#: The group of entry points in a distribution's metadata.
GROUP = "fastinit.samplers"


def _registered(name: str) -> Any:
    """The function of the entry point of this name."""
    points = metadata.entry_points(group=GROUP)
    if name not in points.names:
        there = f"it has {', '.join(sorted(points.names))}" if points else "nothing that is installed has any"
        near = hint(name, sorted(points.names))
        raise ValueError(f"--peer: must be module:function or an entry point of {GROUP} ({there}); got {name!r}{near}")
    return points[name].load()


def find(text: str) -> Callable[[int, int, str], Any]:
    """The sampler that --peer names; ValueError says what is wrong."""
    module, colon, path = text.partition(":")
    try:
        found = operator.attrgetter(path)(importlib.import_module(module)) if colon else _registered(text)
    except ValueError:
        raise
    except Exception as error:  # whatever the module's code raises
        raise ValueError(f"--peer: {text!r} raises {type(error).__name__}: {error}") from error
    if not callable(found):
        raise ValueError(f"--peer: must be a function of (count, seed, dtype); {text!r} is {found!r}")
    return found  # type: ignore[no-any-return]
