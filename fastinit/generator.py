"""The public sampler: it checks arguments, allocates, and dispatches to the kernels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, SupportsIndex, TypeAlias, TypeVar, overload

import numpy as np
import numpy.typing as npt
from numpy.random import SeedSequence

from fastinit import dispatch, laws
from fastinit.arguments import blocks, docstrings, outputs, seeds
from fastinit.arguments.docstrings import documented
from fastinit.distributions import bits, sums
from fastinit.distributions.law import Plan
from fastinit.distributions.normal import normal
from fastinit.distributions.truncated_normal import truncated_normal
from fastinit.distributions.uniform import uniform
from fastinit.laws.distribution import Distribution, require
from fastinit.stream import CallKey, Stream


class TorchDType(Protocol):
    """A `torch.dtype`."""

    @property
    def is_floating_point(self) -> bool: ...


Array = npt.NDArray[Any]
Seed: TypeAlias = "int | Sequence[int] | SeedSequence | Generator | None"
Size = SupportsIndex | Sequence[SupportsIndex]
DType = npt.DTypeLike | TorchDType | None
Out = TypeVar("Out")

BITS = np.dtype(np.uint32)

PARAMETERS = docstrings.SIZE + docstrings.DTYPE + docstrings.OUT + docstrings.ADD
NOTES = {"Raises": docstrings.RAISES, "Notes": docstrings.DETERMINISM}

#: What NumPy's Generator has and this one has not, with what to write instead.
INSTEAD = {
    "random": "uniform(size=...)",
    **{
        name: f"draw(fastinit.laws.{name}(...), size=...)"
        for name in laws.BY_NAME
        if name not in ("uniform", "normal", "truncated_normal")
    },
    "standard_normal": "normal(size=...)",
    "random_raw": "bits(size)",
    "bytes": "bits(size).tobytes()",
    "seed": "fastinit.default_rng(seed)",
    "standard_exponential": "draw(fastinit.laws.exponential(), size=...)",
    "standard_cauchy": "draw(fastinit.laws.cauchy(), size=...)",
    "binomial": "draw(fastinit.laws.bernoulli(p), size=...)",
}


def default_rng(seed: Seed = None) -> Generator:
    """Make a Generator.

    Parameters
    ----------
    seed : None, int, sequence of int, numpy.random.SeedSequence or fastinit.Generator
        Integers of any size, at least 0. None takes 128 bits from the operating system. A Generator is returned as it is.

    Returns
    -------
    Generator
        At call number 0.

    Raises
    ------
    TypeError, ValueError
        If the seed is none of these, or negative.

    Examples
    --------
    >>> import fastinit as fi
    >>> fi.default_rng(0).uniform(size=3).round(3)
    array([0.562, 0.122, 0.619], dtype=float32)
    """
    return seed if isinstance(seed, Generator) else Generator(seeds.seed_sequence(seed))


class Generator(Stream):
    """Fills arrays with random values that depend on the seed, the path of children, the call number and the index only.

    Parameters
    ----------
    sequence : numpy.random.SeedSequence
        Identifies the stream; use `default_rng` to make a Generator from a seed.

    Notes
    -----
    The n-th call draws from stream n, whatever the sizes of earlier calls. A call with wrong arguments does not count. A call
    that is interrupted after its first write does count, and leaves old and new values in `out`. Threads may share a Generator:
    each call takes its number atomically.
    """

    if not TYPE_CHECKING:  # a type checker would take it for leave to read any attribute

        def __getattr__(self, name: str) -> Any:
            advice = f"write {INSTEAD[name]}" if name in INSTEAD else "it has uniform, normal, truncated_normal, bits and draw"
            raise AttributeError(f"fastinit.Generator has no {name!r}: {advice}", name=name, obj=self)

    def _draw(self, plan: Plan, name: str, dtype: np.dtype[Any], size: Any, out: Any, index: Any, add: float = False) -> Any:
        if add is not False:
            plan = sums.adding(plan, add, name, out)
        if type(out) is np.ndarray and size is None and index is None and out.dtype is dtype and out.flags.carray:
            dispatch.run(plan, name, blocks.Block(out.shape), out, self._next_call)  # the usual `out`, which needs no checks
            return out
        if size is not None:
            shape = blocks.shape_of(size)
        elif index is not None:
            raise TypeError("size must be given if index is: index cuts a block from an array of this shape")
        else:
            shape = () if out is None else out.shape if type(out) is np.ndarray else outputs.array(out, dtype).shape
        block = blocks.Block(shape, 0, None) if index is None else blocks.select(index, shape)
        if out is None:
            target = outputs.allocate("size or shape", block.shape, dtype)  # initialisers call it `shape`
        else:
            target = outputs.check(out, block.shape, dtype)
        dispatch.run(plan, name, block, target, self._next_call)
        if out is not None:
            return out if type(out) is np.ndarray else outputs.result(out, target)
        return target[()] if not block.shape and (size is None or blocks.is_element(index)) else target

    @overload
    def uniform(
        self, low: float = ..., high: float = ..., size: None = ..., *, dtype: DType = ..., out: None = ..., index: None = ...
    ) -> Any: ...
    @overload
    def uniform(
        self, low: float = ..., high: float = ..., size: Size = ..., *, dtype: DType = ..., out: None = ..., index: Any = ...
    ) -> Array: ...
    @overload
    def uniform(
        self,
        low: float = ...,
        high: float = ...,
        size: Size | None = ...,
        *,
        dtype: DType = ...,
        out: Out,
        index: Any = ...,
        add: float = ...,
    ) -> Out: ...
    @documented(Parameters=PARAMETERS, **NOTES)
    def uniform(
        self,
        low: float = 0.0,
        high: float = 1.0,
        size: Size | None = None,
        *,
        dtype: DType = None,
        out: Any = None,
        index: Any = None,
        add: float = False,
    ) -> Any:
        """Draw from the uniform distribution on [low, high).

        Parameters
        ----------
        low, high : float
            Bounds, finite, low <= high, with a finite difference. `high` never appears; low == high fills with `low`.

        Returns
        -------
        array or scalar
            `out`, or a new C-contiguous array of the block's shape: low + (high - low) * u, u uniform on the multiples of 2^-24
            (2^-53 for float64) in [0, 1).

        Notes
        -----
        Values of 16 and 8 bits are the float32 values rounded to nearest even, then kept in [low, high).

        Examples
        --------
        >>> import fastinit as fi
        >>> fi.default_rng(0).uniform(-1, 1, size=(2, 2)).round(3)
        array([[ 0.125, -0.756],
               [ 0.238,  0.841]], dtype=float32)
        """
        real = outputs.real(dtype, out)
        return self._draw(uniform(low, high, sums.terms(real, add)), real.name, real.dtype, size, out, index, add)

    @overload
    def normal(
        self, loc: float = ..., scale: float = ..., size: None = ..., *, dtype: DType = ..., out: None = ..., index: None = ...
    ) -> Any: ...
    @overload
    def normal(
        self, loc: float = ..., scale: float = ..., size: Size = ..., *, dtype: DType = ..., out: None = ..., index: Any = ...
    ) -> Array: ...
    @overload
    def normal(
        self,
        loc: float = ...,
        scale: float = ...,
        size: Size | None = ...,
        *,
        dtype: DType = ...,
        out: Out,
        index: Any = ...,
        add: float = ...,
    ) -> Out: ...
    @documented(Parameters=PARAMETERS, **NOTES)
    def normal(
        self,
        loc: float = 0.0,
        scale: float = 1.0,
        size: Size | None = None,
        *,
        dtype: DType = None,
        out: Any = None,
        index: Any = None,
        add: float = False,
    ) -> Any:
        """Draw from the normal distribution of mean `loc` and standard deviation `scale`.

        Parameters
        ----------
        loc : float
            Mean, finite.
        scale : float
            Standard deviation, finite, at least 0; 0 fills with `loc`.

        Returns
        -------
        array or scalar
            `out`, or a new C-contiguous array of the block's shape: loc + scale * z with |z| up to 6.76 (9.49 for float64),
            from a lattice of 2^64 pairs (2^118 for float64).

        Notes
        -----
        Values of 16 and 8 bits are the float32 values rounded to nearest even.

        References
        ----------
        G. E. P. Box and M. E. Muller, "A note on the generation of random normal deviates", 1958.

        Examples
        --------
        The last three columns of one row of a matrix that nobody could store:

        >>> import numpy as np, fastinit as fi
        >>> fi.default_rng(0).normal(size=(2**30, 2**20), index=np.s_[-1, -3:]).round(3)
        array([ 0.368, -0.588, -0.649], dtype=float32)
        """
        real = outputs.real(dtype, out)
        return self._draw(normal(loc, scale, sums.terms(real, add)), real.name, real.dtype, size, out, index, add)

    @overload
    def truncated_normal(
        self,
        a: float = ...,
        b: float = ...,
        loc: float = ...,
        scale: float = ...,
        size: None = ...,
        *,
        units: str = ...,
        dtype: DType = ...,
        out: None = ...,
        index: None = ...,
    ) -> Any: ...
    @overload
    def truncated_normal(
        self,
        a: float = ...,
        b: float = ...,
        loc: float = ...,
        scale: float = ...,
        size: Size = ...,
        *,
        units: str = ...,
        dtype: DType = ...,
        out: None = ...,
        index: Any = ...,
    ) -> Array: ...
    @overload
    def truncated_normal(
        self,
        a: float = ...,
        b: float = ...,
        loc: float = ...,
        scale: float = ...,
        size: Size | None = ...,
        *,
        units: str = ...,
        dtype: DType = ...,
        out: Out,
        index: Any = ...,
        add: float = ...,
    ) -> Out: ...
    @documented(Parameters=PARAMETERS, **NOTES)
    def truncated_normal(
        self,
        a: float = -2.0,
        b: float = 2.0,
        loc: float = 0.0,
        scale: float = 1.0,
        size: Size | None = None,
        *,
        units: str = "std",
        dtype: DType = None,
        out: Any = None,
        index: Any = None,
        add: float = False,
    ) -> Any:
        """Draw from the normal distribution of mean `loc` and standard deviation `scale` between two bounds.

        The bounds count deviations from `loc`, as in `scipy.stats.truncnorm`. torch's `trunc_normal_(w, std=0.02, a=-0.04,
        b=0.04)` is `truncated_normal(-2, 2, scale=0.02)`, or `truncated_normal(-0.04, 0.04, scale=0.02, units="absolute")`.

        Parameters
        ----------
        a, b : float
            Bounds, a < b. They may be infinite, anywhere, and any distance apart that holds a number of the dtype.
        loc : float
            Mean before truncation, finite.
        scale : float
            Standard deviation before truncation, finite, at least 0; 0 fills with `loc`.
        units : {"std", "absolute"}
            Whether a and b count deviations from `loc` or are values.

        Returns
        -------
        array or scalar
            `out`, or a new C-contiguous array of the block's shape, with values in [loc + a * scale, loc + b * scale], or in
            [a, b] with units="absolute", after rounding too.

        Notes
        -----
        Values of 16 and 8 bits are the float32 values rounded to nearest even, then kept between the bounds. Rejection is exact
        for every interval, at nearly the same cost.

        References
        ----------
        W. Hoermann, "The transformed rejection method for generating Poisson random variables", 1993, has the principle.

        Examples
        --------
        >>> import fastinit as fi
        >>> fi.default_rng(0).truncated_normal(8, float("inf"), size=3).round(3)
        array([8.101, 8.016, 8.118], dtype=float32)
        """
        real = outputs.real(dtype, out)
        plan = truncated_normal(a, b, loc, scale, units, sums.terms(real, add))
        return self._draw(plan, real.name, real.dtype, size, out, index, add)

    @overload
    def draw(self, law: Distribution, size: None = ..., *, dtype: DType = ..., out: None = ..., index: None = ...) -> Any: ...
    @overload
    def draw(self, law: Distribution, size: Size = ..., *, dtype: DType = ..., out: None = ..., index: Any = ...) -> Array: ...
    @overload
    def draw(
        self, law: Distribution, size: Size | None = ..., *, dtype: DType = ..., out: Out, index: Any = ..., add: float = ...
    ) -> Out: ...
    @documented(Parameters=PARAMETERS, **NOTES)
    def draw(
        self,
        law: Distribution,
        size: Size | None = None,
        *,
        dtype: DType = None,
        out: Any = None,
        index: Any = None,
        add: float = False,
    ) -> Any:
        """Draw from any law: one of `fastinit.laws`, or your own (`fastinit.laws.law`).

        Parameters
        ----------
        law : fastinit.laws.Distribution
            The law with its arguments, such as `fastinit.laws.laplace(scale=0.1)`. Some laws have other dtypes than those
            below: their pages say which.

        Returns
        -------
        array or scalar
            `out`, or a new C-contiguous array of the block's shape.

        Notes
        -----
        Values of 16 and 8 bits are the float32 values rounded to nearest even. `draw(fastinit.laws.normal(...))` gives the
        values of `normal`.

        Examples
        --------
        >>> import fastinit as fi
        >>> fi.default_rng(0).draw(fi.laws.laplace(scale=0.1), size=3).round(3)
        array([ 0.013, -0.141,  0.027], dtype=float32)
        """
        real = require(law).real(dtype, out)
        return self._draw(law.plan(sums.terms(real, add)), real.name, real.dtype, size, out, index, add)

    @overload
    def bits(self, size: None = ..., *, out: None = ..., index: None = ...) -> Any: ...
    @overload
    def bits(self, size: Size = ..., *, out: None = ..., index: Any = ...) -> Array: ...
    @overload
    def bits(self, size: Size | None = ..., *, out: Out, index: Any = ...) -> Out: ...
    @documented(Parameters=docstrings.SIZE + docstrings.OUT, **NOTES)
    def bits(self, size: Size | None = None, *, out: Any = None, index: Any = None) -> Any:
        """Draw raw 32-bit words of Philox4x32-10.

        Returns
        -------
        array or scalar
            uint32, every value equally likely: the words that a float32 `uniform` of the same call uses. `out` must be uint32.

        References
        ----------
        J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3", 2011.

        Examples
        --------
        >>> import fastinit as fi
        >>> [hex(word) for word in fi.default_rng(0).bits(2)]
        ['0x8ff17abb', '0x1f47a3ec']
        """
        return self._draw(bits.PLAN, "uint32", BITS, size, out, index)


class Call(Generator):
    """A Generator that stays in one call, from which any number of blocks may be drawn.

    The call is taken when the first block has passed all checks, so refused arguments advance nothing.

    Parameters
    ----------
    take : callable
        Takes the call: returns its number and its key's two words.
    """

    def __init__(self, take: Callable[[], CallKey]) -> None:
        self._take = take
        self.words: CallKey | None = None

    def _next_call(self) -> CallKey:
        if self.words is None:
            self.words = self._take()
        return self.words


def one_call(rng: Generator) -> Call:
    """The next call of a Generator."""
    return rng if isinstance(rng, Call) else Call(rng._next_call)
