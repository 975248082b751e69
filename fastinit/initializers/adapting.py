"""What the back-ends share: the initialisers with another parameter in place of `out` and `index`, and their checks."""

from __future__ import annotations

import contextlib
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from fastinit.arguments import docstrings, dtypes, outputs
from fastinit.arguments.calls import bind
from fastinit.initializers import BY_NAME, documentation
from fastinit.initializers.keywords import generator
from fastinit.laws import parse

T = TypeVar("T")

#: Parameters that a back-end documents itself, or does not have.
_REPLACED = ("rng", "dtype", "out", "index")

#: Arguments of the examples, where a shape alone would not do.
_EXAMPLES = {
    "dirac": "(4, 6, 3)",
    "delta_orthogonal": "(3, 4, 6)",
    "sparse": "(4, 6), sparsity=0.5",
    "small_init": "(4, 6), dim=6",
    "wang_init": "(4, 6), dim=6, n_layers=2",
    "residual_normal": "(4, 6), n_layers=2",
    "draw": '(4, 6), law="laplace(scale=0.1)"',
}


def bits(shape: Any, *, rng: Any = None, out: Any = None, index: Any = None) -> Any:
    """Draw raw 32-bit words of Philox4x32-10, each equally likely."""
    return generator(rng).bits(shape, out=out, index=index)


bits.__doc__ = documentation.document(bits.__doc__ or "", inspect.signature(bits).parameters)

#: What a back-end has: the initialisers, and raw words.
FUNCTIONS: dict[str, Callable[..., Any]] = {"bits": bits, **BY_NAME}


def check(fill: Callable[..., Any], shape: tuple[int, ...], rng: Any = 0) -> None:
    """Call an initialiser, bound to all its other arguments, so that it checks them; a shape without axes draws a value."""
    fill(rng=rng, index=(slice(0, 0), ...) if shape else ...)


def real_of(arguments: Mapping[str, Any]) -> dtypes.Real:
    """The dtype that a call with these arguments fills."""
    return (arguments["law"].real if "law" in arguments else outputs.real)(arguments["dtype"], None)


@contextlib.contextmanager
def renamed(names: Mapping[str, str]) -> Iterator[None]:
    """Call arguments by other names in the messages of errors: `names` maps fastinit's names to them."""
    # In a message, an argument's name stands before = , ; ) ] or one of three words. The article "a" never does.
    argument = re.compile(rf"\b({'|'.join(names)})(?=[=,;)\]]| must\b| and\b| is\b)")
    try:
        yield
    except (TypeError, ValueError) as error:
        text = argument.sub(lambda match: names[match[0]], str(error)) if names else str(error)
        raise type(error)(text) from None


def adapted(
    name: str, build: Callable[[dict[str, Any]], T], module: str, parameter: inspect.Parameter, **sections: str
) -> Callable[..., T]:
    """A back-end's function of this name, with `parameter` in place of `out` and `index`; `build(arguments)` gives its result.

    `sections` replace those of the docstring, but for the parameters' entries and the notes, which they are added to.
    """
    function = FUNCTIONS[name]
    shared = [each for key, each in inspect.signature(function).parameters.items() if key not in ("out", "index")]
    signature = inspect.Signature([*shared, parameter])

    def call(*arguments: Any, **keywords: Any) -> T:
        bound = bind(name, signature, arguments, keywords)
        return build(bound | {"law": parse(bound["law"])} if "law" in bound else bound)

    call.__name__ = call.__qualname__ = name
    call.__module__ = module
    call.__signature__ = signature  # type: ignore[attr-defined]
    call.__doc__ = _docstring(function.__doc__ or "", sections)
    return call


def _docstring(text: str, sections: Mapping[str, str]) -> str:
    summary, bodies = docstrings.parsed(text)
    entries = documentation.entries_of(bodies["Parameters"])
    kept = dict.fromkeys(entry for key, entry in entries.items() if key not in _REPLACED)  # two names may share an entry
    bodies["Parameters"] = "".join(kept).rstrip("\n")
    for section, body in sections.items():
        before = [bodies[section]] if section in ("Parameters", "Notes") and section in bodies else []
        bodies[section] = ("\n" if section == "Parameters" else "\n\n").join([*before, body.strip("\n")])
    return docstrings.rendered(summary, bodies)


def numpy_name(name: str) -> str:
    """The full name of the NumPy function."""
    return "fastinit.Generator.bits" if name == "bits" else f"fastinit.initializers.{name}"


def example(name: str) -> tuple[str, str]:
    """Arguments for an example of a function, and the NumPy call with them."""
    arguments = _EXAMPLES.get(name, "(4, 6)")
    return (
        arguments,
        f"fi.default_rng(0).bits({arguments})" if name == "bits" else f"fi.initializers.{name}({arguments}, rng=0)",
    )
