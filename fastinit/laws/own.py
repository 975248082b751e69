"""Laws of the user's own: a decorated function becomes a row of kernels."""

from __future__ import annotations

import collections
import functools
import inspect
from collections.abc import Callable
from typing import Any, overload

from fastinit.arguments import checks, dtypes
from fastinit.arithmetic import elementary, reals
from fastinit.arithmetic.lanes import Lanes
from fastinit.distributions.law import MOST_NUMBERS, Law, Plan, plan
from fastinit.distributions.normal import box_muller
from fastinit.laws.distribution import Distribution
from fastinit.laws.rehearsal import guarded, rehearse

#: What a law's first parameter can be: made of a word, or of a pair of words.
OF_A_WORD: dict[str, Callable[[Lanes], Lanes]] = {
    "words": lambda w: w,
    "u01_closed_open": reals.u01_closed_open,
    "u01_open_closed": reals.u01_open_closed,
    "u11_closed": reals.u11_closed,
    "exponential": elementary.exponential,
}
SOURCES = (*OF_A_WORD, "normal")


class OwnLaw:
    """A law made by `law`: call it with its parameters to get a `Distribution`.

    Parameters
    ----------
    function : callable
        As `law` takes it.
    source : str
        As `law` takes it.
    """

    def __init__(self, function: Callable[..., Any], source: str) -> None:
        if not hasattr(function, "__name__"):
            raise TypeError(f"law must decorate a function, made by def or lambda; got {function!r}")
        functools.update_wrapper(self, function)
        name = function.__name__ if function.__name__.isidentifier() else "law"
        self._signature = _signature(name, function)
        fields = tuple(self._signature.parameters)
        numbers = collections.namedtuple("Numbers", fields)  # type: ignore[misc]
        checked = guarded(name, function)
        self.__signature__ = self._signature.replace(return_annotation=Distribution)

        def value(w: Lanes, p: Any) -> Lanes:
            result: Lanes = checked(OF_A_WORD[source](w), **dict(zip(fields, p, strict=True)))
            return result

        def pair(a: Lanes, b: Lanes, p: Any) -> tuple[Lanes, Lanes]:
            x, y = box_muller(a, b)
            named = dict(zip(fields, p, strict=True))
            return checked(x, **named), checked(y, **named)

        self.__name__ = name
        self.formula = Law(name, numbers, pair=pair) if source == "normal" else Law(name, numbers, value)
        if source == "normal":
            rehearse(name, lambda w, *p: pair(w, w, p), len(fields))
        else:
            rehearse(name, lambda w, *p: value(w, p), len(fields))

    def plan(self, /, *, real: dtypes.Real, **arguments: Any) -> Plan:
        """Make the plan of a fill of this dtype.

        Parameters
        ----------
        real : fastinit.arguments.dtypes.Real
            The dtype.
        **arguments : float
            The law's parameters: finite numbers that the computing type holds.

        Returns
        -------
        fastinit.distributions.law.Plan
            The law's numbers.
        """
        return plan(self.formula, *(checks.finite(name, value, real) for name, value in arguments.items()))

    def __call__(self, /, *arguments: float, **named: float) -> Distribution:
        try:
            bound = self._signature.bind(*arguments, **named)
        except TypeError as error:
            raise TypeError(f"{self.__name__}: {error}; its parameters are {self._signature}") from None
        bound.apply_defaults()
        return Distribution(self.plan, dict(bound.arguments))

    def __repr__(self) -> str:
        return f"<law {self.__name__}{self._signature}>"

    def __reduce__(self) -> str:
        return str(self.__qualname__)  # type: ignore[attr-defined]


def _signature(name: str, function: Callable[..., Any]) -> inspect.Signature:
    """The signature of the law's parameters: those behind the first."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except ValueError as error:  # some functions of C have none
        raise TypeError(f"law {name!r} must have a signature: {error}") from None
    kinds: tuple[Any, ...] = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    positional: tuple[Any, ...] = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    if not parameters or parameters[0].kind not in positional:
        raise TypeError(f"law {name!r} must take the random value as its first parameter; got {inspect.signature(function)}")
    rest = parameters[1:]
    for each in rest:
        if each.kind not in kinds or each.name.startswith("_") or each.name == "real":
            raise TypeError(
                f"law {name!r} must name each of its parameters, not {each.name!r}; got {inspect.signature(function)}"
            )
    if len(rest) > MOST_NUMBERS:
        raise TypeError(f"law {name!r} must have at most {MOST_NUMBERS} parameters; got {len(rest)}")
    return inspect.Signature([each.replace(annotation=each.empty) for each in rest])


@overload
def law(source: Callable[..., Any]) -> OwnLaw: ...
@overload
def law(source: str = ...) -> Callable[[Callable[..., Any]], OwnLaw]: ...
def law(source: Any = "words") -> Any:
    """Decorate a function to make it a law that `Generator.draw` and everything that takes a law can draw from.

    The function's first parameter is a random value, and the others are the law's parameters. It runs when it is decorated and
    when its kernel is made, on values that are not known yet (`Lanes`), and each of its operations becomes an instruction. So
    it may use + - * / and comparisons, the functions of `fastinit.arithmetic` (`exp`, `log`, `sqrt`, `fma`, `select`,
    `minimum`, `maximum`, `convert`, `bitcast`), and numbers; `if` and `while` must not depend on a value.

    Parameters
    ----------
    source : {"words", "u01_closed_open", "u01_open_closed", "u11_closed", "exponential", "normal"}
        What the first parameter is: a random word (u32, or u64 for float64), a uniform number in [0, 1), (0, 1] or [-1, 1], a
        standard exponential, or a standard normal. `@law` without parentheses gives words.

    Returns
    -------
    OwnLaw
        Call it with the law's parameters, by position or by name, to get a `Distribution`. Parameters are finite numbers.

    Raises
    ------
    TypeError
        If the function does what a kernel cannot do. The message has its line.

    Notes
    -----
    These hold for every law, because it sees only words and numbers: a value depends on the seed, the path of children, the
    call number, the element's index and the arguments; any slice can be drawn alone; threads and shards do not change it;
    values of 16 and 8 bits are the rounded float32 values; there are no temporaries. It computes in float32, or in float64 for
    float64. Additions and multiplications are rounded one by one; `fma` rounds once.

    The kernel is cached on disk by the instructions that the function becomes, constants included.

    Examples
    --------
    >>> import fastinit as fi
    >>> from fastinit.arithmetic import sqrt
    >>> @fi.laws.law("exponential")
    ... def rayleigh(e, scale=1.0):
    ...     return sqrt(e + e) * scale
    >>> fi.default_rng(0).draw(rayleigh(scale=2.0), size=3).round(3)
    array([2.146, 4.101, 1.959], dtype=float32)
    """
    if callable(source):
        return OwnLaw(source, "words")
    checks.one_of("source", source, SOURCES)
    return functools.partial(OwnLaw, source=source)
