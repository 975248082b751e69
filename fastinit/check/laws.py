"""The laws that are tested, as data: how to draw each, and its exact distribution. SciPy is imported by `Law.base` only."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastinit import laws
from fastinit.arguments import dtypes
from fastinit.generator import Generator
from fastinit.laws import Distribution

INF = math.inf
#: Most integers of which each has its own cell.
MOST_POINTS = 1 << 16
#: Letters of a law's title, so that tables fit a terminal.
MOST_TITLE = 23


@dataclass(frozen=True, eq=False)  # compared by identity, and a key of the caches of what is computed from it
class Law:
    """A law that is tested: a continuous one, equal steps, or single points.

    `base` makes SciPy's frozen distribution of the real numbers before rounding, or something with its `cdf`, `sf`, `ppf` and
    `isf`; laws of points have none.
    """

    title: str
    #: As the libraries in `fastinit.peers` call it.
    name: str
    #: What the Generator draws; None for its raw words, and for laws that only others draw.
    distribution: Distribution | None
    base: Callable[[], Any] = field(repr=False, default=lambda: None)
    #: The bounds, and whether the upper one may appear.
    a: float = -INF
    b: float = INF
    closed: bool = True
    #: Whether rounded values are kept inside the bounds. Otherwise they may round past one.
    kept: bool = True
    #: How many equally likely steps from `a` to `b` there are, for float32 and for float64; 0: it is continuous.
    both_steps: tuple[int, int] = (0, 0)
    #: The only values, ascending, and their chances.
    points: Sequence[float] | None = None
    chances: Sequence[float] = ()
    #: Whether its values are integers although they have no points, because there are too many.
    discrete: bool = False
    #: Whether the moments of its values are tested, and not those of their ranks: their 32nd moment must exist.
    moments: bool = True
    #: Whether float32 values come from words that are rounded to 24 bits on their way, so that some numbers are left out.
    coarse: bool = True
    #: Whether values are made in pairs by Box and Muller's transformation alone.
    pairs: bool = False
    #: The arguments for other libraries; None: they are not compared.
    arguments: tuple[float, ...] | None = None
    #: The dtypes that hold a law without a distribution.
    held_by: Sequence[str] = ()

    @property
    def is_bits(self) -> bool:
        """Whether it is the law of the Generator's raw words."""
        return self.name == "bits"

    @property
    def integral(self) -> bool:
        """Whether its values are integers."""
        if self.points is None:
            return self.discrete or (self.distribution is not None and not is_real(self.reals[0]))
        return all(float(value).is_integer() for value in self.points)

    @functools.cached_property
    def reals(self) -> tuple[dtypes.Real, ...]:
        """The dtypes that hold it."""
        if self.distribution is None:
            return tuple(dtypes.resolve(name, DTYPES) for name in self.held_by)
        names, found = self.distribution.dtype_names, []
        for name in sorted(names, key=DTYPES.index):
            real = dtypes.resolve(name, names)
            try:
                self.distribution.plan(real)
            except ValueError:  # its numbers are too large
                continue
            found.append(real)
        return tuple(found)

    def draw(self, rng: Generator, real: dtypes.Real, **place: Any) -> Any:
        """Draw an array, or fill `out`."""
        if self.is_bits:
            return rng.bits(**place)
        assert self.distribution is not None
        return rng.draw(self.distribution, dtype=real.dtype, **place)

    def steps(self, real: dtypes.Real) -> int:
        """How many equally likely multiples a number is taken from; 0 for a continuous law."""
        return self.both_steps[real.compute.itemsize == 8]

    def ends(self, real: dtypes.Real) -> tuple[float, float]:
        """The least and the greatest number of the dtype that may appear."""
        if not is_real(real):
            return float(self.a), float(self.b if self.closed else self.b - 1)
        if not self.kept:
            return dtypes.nearest(self.a, real), dtypes.nearest(self.b, real)
        return dtypes.at_least(self.a, real), dtypes.at_most(self.b, real) if self.closed else dtypes.below(self.b, real)


def short(text: str, name: str) -> str:
    """The text as a title, or the name alone if it is too long."""
    return text if len(text) <= MOST_TITLE else name[:MOST_TITLE]


def is_real(real: dtypes.Real) -> bool:
    """Whether a dtype holds reals, not integers."""
    return real.name in dtypes.REAL_NAMES


def _scipy(name: str, *numbers: float) -> Callable[[], Any]:
    """What makes a frozen distribution of SciPy."""

    def make() -> Any:
        from scipy import stats  # takes half a second

        return getattr(stats, name)(*numbers)

    return functools.cache(make)


def _uniform(low: float, high: float) -> dict[str, Any]:
    width = high - low
    # with a power of two and bounds that are near, every low + width k 2^-24 is a float32 number, and none is left out
    exact = math.frexp(width)[0] == 0.5 and max(-low, high) <= width and (low / width * 2**24).is_integer()
    steps = {"both_steps": (2**24, 2**53), "coarse": not exact}
    return {"base": _scipy("uniform", low, width), "a": low, "b": high, "closed": False, **steps}


def _normal(loc: float, scale: float) -> dict[str, Any]:
    return {"base": _scipy("norm", loc, scale), "coarse": (loc, scale) != (0.0, 1.0), "pairs": (loc, scale) == (0.0, 1.0)}


def _truncated_normal(a: float, b: float, loc: float, scale: float, units: str) -> dict[str, Any]:
    if math.isinf(a) and math.isinf(b):
        return _normal(loc, scale)
    if units == "absolute":  # the bounds themselves: loc + scale * ((a - loc) / scale) may be another number
        return {"base": _scipy("truncnorm", (a - loc) / scale, (b - loc) / scale, loc, scale), "a": a, "b": b}
    return {"base": _scipy("truncnorm", a, b, loc, scale), "a": loc + scale * a, "b": loc + scale * b}


def _exponential(scale: float) -> dict[str, Any]:
    return {"base": _scipy("expon", 0.0, scale), "a": 0.0}


def _located(name: str, moments: bool = True) -> Callable[..., dict[str, Any]]:
    return lambda loc, scale: {"base": _scipy(name, loc, scale), "moments": moments}


def _lognormal(mean: float, sigma: float) -> dict[str, Any]:
    return {"base": _scipy("lognorm", sigma, 0.0, math.exp(mean)), "a": 0.0, "moments": False}


def _points(values: Sequence[float], chances: Sequence[float]) -> dict[str, Any]:
    return {"points": values, "chances": chances, "a": values[0], "b": values[-1], "coarse": False}


def _integers(low: int, high: int | None, endpoint: bool) -> dict[str, Any]:
    first, last = (0, low) if high is None else (low, high)
    count = last - first + bool(endpoint)
    apart = math.ulp(float(max(abs(first), abs(first + count - 1))))
    if apart > 1.0 and count < apart * 2**28:
        raise ValueError(
            f"law must be between -2^53 and 2^53 or much wider, since values are counted as doubles; got {first}, {last}"
        )
    if count <= MOST_POINTS:
        return _points(range(first, first + count), [1.0 / count] * count)
    steps = {"both_steps": (count, count), "coarse": False}
    return {"base": _scipy("uniform", first, count), "a": first, "b": first + count, "closed": False, **steps}


#: The exact distribution of each law of the package, from its arguments.
EXACT: dict[str, Callable[..., dict[str, Any]]] = {
    "uniform": _uniform,
    "normal": _normal,
    "truncated_normal": _truncated_normal,
    "exponential": _exponential,
    "laplace": _located("laplace"),
    "logistic": _located("logistic"),
    "gumbel": _located("gumbel_r"),
    "cauchy": _located("cauchy", moments=False),
    "lognormal": _lognormal,
    "rademacher": lambda: _points((-1.0, 1.0), (0.5, 0.5)),
    "bernoulli": lambda p: _points((0.0, 1.0), (1.0 - p, p)),
    "integers": _integers,
}


def of(distribution: Distribution, title: str | None = None, arguments: tuple[float, ...] | None = None) -> Law:
    """A law of the package with its arguments; a title for tables, or its text; the arguments for other libraries."""
    if any(distribution.arguments.get(name) == 0 for name in ("scale", "sigma")):
        raise ValueError(f"law must not be a constant; got {distribution!r}")
    exact = EXACT[distribution.name](**distribution.arguments)
    return Law(title or repr(distribution), distribution.name, distribution, **exact, arguments=arguments)


def _law(name: str, *numbers: float, peers: bool = False) -> Law:
    """A law by its name and its positional arguments, which other libraries get too if `peers`."""
    title = " ".join([name, *(f"{x:g}" for x in numbers)])
    return of(getattr(laws, name)(*numbers), title, numbers if peers else None)


def truncated_normal(a: float, b: float) -> Law:
    """The standard normal law between two bounds."""
    return _law("truncated_normal", a, b, peers=True)


def uniform(low: float, high: float) -> Law:
    """The uniform law on [low, high)."""
    return _law("uniform", low, high)


UNIFORM = _law("uniform", peers=True)
NORMAL = _law("normal", peers=True)
BITS = Law(
    "bits", "bits", None, _scipy("uniform", 0.0, 2.0**32), 0.0, 2.0**32, closed=False,
    both_steps=(2**32, 2**32), coarse=False, arguments=(), held_by=("uint32",),
)  # fmt: skip

#: The laws of each distribution that fastinit is tested with: truncated normals for each way of making proposals.
LAWS: dict[str, tuple[Law, ...]] = {
    "bits": (BITS,),
    "uniform": (UNIFORM, uniform(-1.5, 2.5)),
    "normal": (NORMAL,),
    "truncated_normal": tuple(truncated_normal(a, b) for a, b in ((-2, 2), (-3, 2.5), (0, INF), (2, INF), (3, 3.25))),
    "exponential": (_law("exponential", peers=True),),
    "laplace": (_law("laplace", peers=True), _law("laplace", 1.0, 0.1)),
    "logistic": (_law("logistic", peers=True),),
    "gumbel": (_law("gumbel", peers=True),),
    "cauchy": (_law("cauchy", peers=True),),
    "lognormal": (_law("lognormal", peers=True), _law("lognormal", -1.0, 0.25)),
    "rademacher": (_law("rademacher", peers=True),),
    "bernoulli": (_law("bernoulli", 0.3, peers=True), _law("bernoulli", 0.9)),
    "integers": (
        _law("integers", -100, 28),
        _law("integers", 0, 100, peers=True),
        of(laws.integers(3 << 30), "integers 0 3*2^30", (0, 3 << 30)),
        of(laws.integers(3 << 62), "integers 0 3*2^62"),
    ),
}
#: Those that other libraries are tested with.
PEER_LAWS = {
    **{dist: tuple(law for law in each if law.arguments is not None) for dist, each in LAWS.items()},
    "truncated_normal": (truncated_normal(-2, 2), truncated_normal(1, INF)),
}
DTYPES = dtypes.ALL_NAMES
