"""A law with its arguments, as `Generator.draw` takes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fastinit.arguments import dtypes, outputs
from fastinit.distributions.law import Plan

#: What the docstrings of all laws share.
SECTIONS = {
    "Returns": """\
Distribution
    For `Generator.draw` and whatever else takes a law.
""",
    "Raises": """\
TypeError, ValueError
    For a wrong argument. What a dtype cannot hold is found when it is drawn.
""",
}


class Distribution:
    """A law with its arguments, made by a function of `fastinit.laws` or by a law of your own.

    Two are equal if their laws and arguments are. They may be keys of a dict, and pickled.

    Parameters
    ----------
    make : callable
        Takes the arguments by name and the dtype, and returns the plan of a fill.
    arguments : dict
        The law's arguments by name.
    dtype_names : sequence of str
        The dtypes that hold its values; the first one is the default.

    Attributes
    ----------
    name : str
        The law's name.
    dtype_names : tuple of str
        The dtypes that hold its values; the first one is the default.

    Raises
    ------
    TypeError, ValueError
        For a wrong argument.

    Examples
    --------
    >>> import fastinit as fi
    >>> fi.laws.laplace(scale=0.1)
    laplace(loc=0.0, scale=0.1)
    """

    __slots__ = ("_arguments", "_make", "_plans", "dtype_names", "name")

    def __init__(
        self,
        make: Callable[..., Plan],
        arguments: dict[str, Any],
        dtype_names: Sequence[str] = dtypes.REAL_NAMES,
    ) -> None:
        self.name: str = getattr(make, "__self__", make).__name__
        self.dtype_names = tuple(dtype_names)
        self._make = make
        self._plans: dict[str, Plan] = {}
        self._arguments = tuple(arguments.items())
        self._check()
        self._arguments = tuple((name, value.item() if hasattr(value, "item") else value) for name, value in arguments.items())

    def _check(self) -> None:
        """Raise if the arguments are wrong for every dtype."""
        errors: list[Exception] = []
        for name in self.dtype_names:
            try:
                self.plan(dtypes.resolve(name, self.dtype_names))
            except (TypeError, ValueError) as error:
                errors.append(error)
            else:
                return
        raise errors[0]

    @property
    def arguments(self) -> dict[str, Any]:
        """The law's arguments by name."""
        return dict(self._arguments)

    def plan(self, real: dtypes.Real) -> Plan:
        """Make the plan of a fill of this dtype.

        Parameters
        ----------
        real : fastinit.arguments.dtypes.Real
            One of the law's dtypes.

        Returns
        -------
        fastinit.distributions.law.Plan
            The law's numbers.

        Raises
        ------
        TypeError, ValueError
            For an argument that is wrong for this dtype.
        """
        plan = self._plans.get(real.name)
        if plan is None:
            plan = self._plans[real.name] = self._make(**dict(self._arguments), real=real)
        return plan

    def real(self, dtype: Any, out: Any) -> dtypes.Real:
        """The dtype to draw: the one asked for, or that of `out`, or the law's default."""
        return outputs.among(self.dtype_names, self.dtype_names[0], dtype, out)

    def __repr__(self) -> str:
        return f"{self.name}({', '.join(f'{name}={value!r}' for name, value in self._arguments)})"

    def _key(self) -> tuple[Any, ...]:
        return self._make, self._arguments

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Distribution) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __reduce__(self) -> tuple[Any, ...]:
        return Distribution, (self._make, self.arguments, self.dtype_names)


def require(law: Any) -> Distribution:
    """The argument `law` itself, if it is a Distribution."""
    if not isinstance(law, Distribution):
        hint = f"; write {law.__name__}(...)" if callable(law) and hasattr(law, "__name__") else ""
        raise TypeError(f"law must be a Distribution, such as fastinit.laws.laplace(scale=0.1); got {law!r}{hint}")
    return law
