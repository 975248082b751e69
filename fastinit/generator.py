"""The public sampler: check, allocate, dispatch."""

from __future__ import annotations

import os
import threading
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.random import SeedSequence

from fastinit import dispatch
from fastinit.arguments import blocks, dtypes, outputs, streams
from fastinit.distributions import bits
from fastinit.distributions.law import Plan
from fastinit.distributions.normal import normal
from fastinit.distributions.truncated_normal import truncated_normal
from fastinit.distributions.uniform import uniform

Array = npt.NDArray[Any]
BITS = np.dtype(np.uint32)

#: Guards the places of all Generators: one lock, so that a fork can hold it, and no child inherits it from a thread that it has
#: not; re-entrant, for a signal handler that draws while its thread is taking a number.
_PLACES = threading.RLock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_PLACES.acquire, after_in_parent=_PLACES.release, after_in_child=_PLACES.release)


def default_rng(seed: Any = None) -> Generator:
    """Make a Generator.

    Parameters
    ----------
    seed : None, int, sequence of int, numpy.random.SeedSequence or Generator
        Integers must not be negative, of any size. None takes 128 bits from the operating system. A Generator is returned
        as it is.

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
    return seed if isinstance(seed, Generator) else Generator(streams.seed_sequence(seed))


class Generator:
    """Fills arrays with random values that depend on the seed, the path of children, the call number and the index only.

    Parameters
    ----------
    sequence : numpy.random.SeedSequence
        Identifies the stream; use `default_rng` to make a Generator from a seed.

    Notes
    -----
    The n-th call draws from stream n, whatever the sizes of earlier calls. A call with wrong arguments does not count; one that
    is interrupted after its first write does, and leaves old and new values in `out`. A Generator may be shared by
    threads: each call takes its number atomically.
    """

    def __init__(self, sequence: SeedSequence) -> None:
        if not isinstance(sequence, SeedSequence):
            raise TypeError(f"sequence must be a numpy.random.SeedSequence; got {type(sequence).__name__}")
        if type(sequence).generate_state is not SeedSequence.generate_state:
            raise TypeError(
                f"sequence must have the generate_state of SeedSequence; got {type(sequence).__name__} with another"
            )
        self._place(streams.own(sequence), 0, sequence.n_children_spawned)

    def _place(self, sequence: SeedSequence, calls: int, children: int) -> None:
        self._sequence = sequence
        self._key = streams.key_words(sequence)
        self._calls = calls
        self._children = children

    def _next_call(self) -> tuple[int, int, int]:
        with _PLACES:
            call = self._calls
            self._calls = call + 1
            return (call, *self._key) if call < streams.CALLS else streams.call_words(self._sequence, self._key, call)

    def _draw(self, plan: Plan, name: str, dtype: np.dtype[Any], size: Any, out: Any, index: Any) -> Any:
        if size is not None:
            shape = blocks.shape_of(size)
        elif index is not None:
            raise TypeError("size must be given where index is: it is the shape that index cuts a block from")
        else:
            shape = () if out is None else out.shape if type(out) is np.ndarray else outputs.array(out, dtype).shape
        block = blocks.Block(shape, 0, None) if index is None else blocks.select(index, shape)
        target = np.empty(block.shape, dtype) if out is None else outputs.check(out, block.shape, dtype)
        dispatch.run(plan, name, block, target, self._next_call)
        scalar = not block.shape and out is None and (size is None or blocks.is_element(index))
        return target[()] if scalar else target

    def uniform(
        self,
        low: float = 0.0,
        high: float = 1.0,
        size: int | tuple[int, ...] | None = None,
        *,
        dtype: npt.DTypeLike = np.float32,
        out: Array | None = None,
        index: Any = None,
    ) -> Any:
        """Draw from the uniform distribution on [low, high).

        Parameters
        ----------
        low, high : float
            Bounds, finite, low <= high, with a finite difference. `high` never appears; low == high fills with `low`.
        size : int or tuple of int, optional
            Shape of the whole array. None gives the shape of `out`, or one value where there is no `out`.
        dtype : dtype
            float32, float64, float16, or bfloat16, float8_e4m3fn, float8_e5m2 (of `ml_dtypes`).
        out : numpy.ndarray, optional
            Where to put the values: writable, of this dtype and the shape of the result, with any strides.
        index : int, slice, Ellipsis or tuple of these, optional
            The block of an array of shape `size` that is wanted, at the cost of the block.

        Returns
        -------
        numpy.ndarray or scalar
            `out`, or a new C-contiguous array of the block's shape: low + (high - low) * u, u uniform on the multiples of 2^-24
            (2^-53 for float64) in [0, 1).

        Raises
        ------
        TypeError, ValueError, IndexError
            For an argument that is not as above; nothing is written then.

        Notes
        -----
        Values depend on the seed, the path of children, the call number, the element's place in `size` and the arguments;
        not on threads, memory layout, `index` or machine. Sixteen-bit values are the float32 values rounded to nearest even,
        then kept in [low, high).

        Examples
        --------
        >>> import fastinit as fi
        >>> fi.default_rng(0).uniform(-1, 1, size=(2, 2)).round(3)
        array([[ 0.125, -0.756],
               [ 0.238,  0.841]], dtype=float32)
        """
        real = dtypes.resolve(dtype)
        return self._draw(uniform(low, high, real), real.name, real.dtype, size, out, index)

    def normal(
        self,
        loc: float = 0.0,
        scale: float = 1.0,
        size: int | tuple[int, ...] | None = None,
        *,
        dtype: npt.DTypeLike = np.float32,
        out: Array | None = None,
        index: Any = None,
    ) -> Any:
        """Draw from the normal distribution of mean `loc` and deviation `scale`.

        Parameters
        ----------
        loc : float
            Mean, finite.
        scale : float
            Standard deviation, finite, at least 0; 0 fills with `loc`.
        size, dtype, out, index
            As for `uniform`.

        Returns
        -------
        numpy.ndarray or scalar
            loc + scale * z with |z| up to 6.76 (9.49 for float64), from a lattice of 2^64 pairs (2^118 for float64).

        Raises
        ------
        TypeError, ValueError, IndexError
            For an argument that is not as above; nothing is written then.

        Notes
        -----
        Values depend on the seed, the path of children, the call number, the element's place in `size` and the arguments;
        not on threads, memory layout, `index` or machine. Sixteen-bit values are the float32 values rounded to nearest even.
        By the method of G. E. P. Box and M. E. Muller, "A note on the generation of random normal deviates" (1958).

        Examples
        --------
        The last three columns of one row of a matrix that nobody could store:

        >>> import numpy as np, fastinit as fi
        >>> fi.default_rng(0).normal(size=(2**30, 2**20), index=np.s_[-1, -3:]).round(3)
        array([ 0.368, -0.588, -0.649], dtype=float32)
        """
        real = dtypes.resolve(dtype)
        return self._draw(normal(loc, scale, real), real.name, real.dtype, size, out, index)

    def truncated_normal(
        self,
        a: float = -2.0,
        b: float = 2.0,
        loc: float = 0.0,
        scale: float = 1.0,
        size: int | tuple[int, ...] | None = None,
        *,
        units: str = "std",
        dtype: npt.DTypeLike = np.float32,
        out: Array | None = None,
        index: Any = None,
    ) -> Any:
        """Draw from the normal distribution of mean `loc` and deviation `scale` between two bounds.

        Parameters
        ----------
        a, b : float
            Bounds, a < b; may be infinite, anywhere, and any distance apart that holds a number of the dtype.
        loc : float
            Mean before truncation, finite.
        scale : float
            Standard deviation before truncation, finite, at least 0; 0 fills with `loc`.
        size, dtype, out, index
            As for `uniform`.
        units : {"std", "absolute"}
            Whether a and b count deviations from `loc` (as in `scipy.stats.truncnorm`) or are values (as in torch).

        Returns
        -------
        numpy.ndarray or scalar
            Values in [loc + a * scale, loc + b * scale], or [a, b] with units="absolute", after rounding too.

        Raises
        ------
        TypeError, ValueError, IndexError
            For an argument that is not as above; nothing is written then.

        Notes
        -----
        Values depend on the seed, the path of children, the call number, the element's place in `size` and the arguments;
        not on threads, memory layout, `index` or machine. Sixteen-bit values are the float32 values rounded to nearest even,
        then kept between the bounds. By transformed rejection with a squeeze (W. Hoermann, "The transformed rejection method
        for generating Poisson random variables", 1993, has the principle): exact for every interval, at nearly the same cost.

        Examples
        --------
        >>> import fastinit as fi
        >>> fi.default_rng(0).truncated_normal(8, float("inf"), size=3).round(3)
        array([8.101, 8.016, 8.118], dtype=float32)
        """
        real = dtypes.resolve(dtype)
        plan = truncated_normal(a, b, loc, scale, units, real)
        return self._draw(plan, real.name, real.dtype, size, out, index)

    def bits(self, size: int | tuple[int, ...] | None = None, *, out: Array | None = None, index: Any = None) -> Any:
        """Draw raw 32-bit words of Philox4x32-10.

        Parameters
        ----------
        size, out, index
            As for `uniform`; `out` must be of dtype uint32.

        Returns
        -------
        numpy.ndarray or scalar
            uint32, every value equally likely: the words that a float32 `uniform` of the same call would use.

        Raises
        ------
        TypeError, ValueError, IndexError
            For an argument that is not as above; nothing is written then.

        Notes
        -----
        After J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3" (2011).

        Examples
        --------
        >>> import fastinit as fi
        >>> [hex(word) for word in fi.default_rng(0).bits(2)]
        ['0x8ff17abb', '0x1f47a3ec']
        """
        return self._draw(bits.PLAN, "uint32", BITS, size, out, index)

    def child(self, name: str) -> Generator:
        """Make the Generator that belongs to a name.

        It depends on this one's seed and path and on the name alone, not on calls made or on other children.

        Parameters
        ----------
        name : str
            Any text.

        Returns
        -------
        Generator
            At call number 0.

        Raises
        ------
        TypeError
            If the name is not a str.

        Examples
        --------
        >>> import fastinit as fi
        >>> rng = fi.default_rng(0)
        >>> before = rng.child("head.weight").normal()
        >>> _ = rng.normal(size=1000), rng.child("another")
        >>> bool(rng.child("head.weight").normal() == before)
        True
        """
        if not isinstance(name, str):
            raise TypeError(f"name must be a str; got {name!r}")
        return Generator(streams.extend(self._sequence, *streams.name_words(name)))

    def spawn(self, n_children: int) -> list[Generator]:
        """Make the next so many numbered children.

        Parameters
        ----------
        n_children : int
            How many, at least 0.

        Returns
        -------
        list of Generator
            Numbered on from those spawned before, as `numpy.random.SeedSequence.spawn` numbers them.

        Raises
        ------
        TypeError, ValueError
            If `n_children` is not an int, or negative.

        Examples
        --------
        >>> import fastinit as fi
        >>> left, right = fi.default_rng(0).spawn(2)
        >>> bool(left.uniform() == right.uniform())
        False
        """
        if isinstance(n_children, bool) or not isinstance(n_children, int | np.integer):
            raise TypeError(f"n_children must be an int; got {n_children!r}")
        if n_children < 0:
            raise ValueError(f"n_children must be at least 0; got {n_children!r}")
        with _PLACES:
            first = self._children
            self._children = first + int(n_children)
        return [Generator(streams.extend(self._sequence, first + i)) for i in range(int(n_children))]

    @property
    def state(self) -> dict[str, Any]:
        """Everything the Generator is, as a dict for JSON; set it to return to a place.

        Examples
        --------
        >>> import json, fastinit as fi
        >>> rng = fi.default_rng(0)
        >>> saved = json.dumps(rng.state)
        >>> x = rng.normal()
        >>> rng.state = json.loads(saved)
        >>> bool(rng.normal() == x)
        True
        """
        with _PLACES:
            return streams.state_of(self._sequence, self._calls, self._children)

    @state.setter
    def state(self, value: dict[str, Any]) -> None:
        sequence, calls, children = streams.from_state(value)
        with _PLACES:
            self._place(sequence, calls, children)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self.state,)

    def __repr__(self) -> str:
        entropy, path = self._sequence.entropy, self._sequence.spawn_key
        return f"fastinit.Generator(entropy={entropy!r}, spawn_key={path!r}, calls={self._calls})"


def _restore(state: dict[str, Any]) -> Generator:
    sequence, calls, children = streams.from_state(state)
    generator = Generator(sequence)
    generator._place(sequence, calls, children)
    return generator
