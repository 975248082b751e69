"""Which words a Generator draws: its seed, its path of children, and the number of its next call."""

from __future__ import annotations

import os
import threading
from typing import Any, Self

import numpy as np
from numpy.random import SeedSequence

from fastinit.arguments import seeds
from fastinit.arguments.hints import shown

#: The number of a call and the two words of its key.
CallKey = tuple[int, int, int]

#: One lock for the counters of all streams. `os.fork` takes it first, so a child never inherits it locked by a thread that it
#: does not have. It is re-entrant because a signal handler may draw while its own thread holds it.
_COUNTERS = threading.RLock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_COUNTERS.acquire, after_in_parent=_COUNTERS.release, after_in_child=_COUNTERS.release)


class Stream:
    """A seed, a path of children and the number of the next call: what a Generator is, apart from drawing."""

    def __init__(self, sequence: SeedSequence) -> None:
        if not isinstance(sequence, SeedSequence):
            raise TypeError(f"sequence must be a numpy.random.SeedSequence; got {type(sequence).__name__}")
        if type(sequence).generate_state is not SeedSequence.generate_state:
            raise TypeError(
                f"sequence must have the generate_state of SeedSequence; got {type(sequence).__name__} with another"
            )
        self._set(seeds.private_copy(sequence), 0, sequence.n_children_spawned)

    def _set(self, sequence: SeedSequence, calls: int, children: int) -> None:
        self._sequence = sequence
        self._key = seeds.key_words(sequence)
        self._calls = calls
        self._children = children

    def _next_call(self) -> CallKey:
        with _COUNTERS:
            call = self._calls
            self._calls = call + 1
            return (call, *self._key) if call < seeds.CALLS else seeds.call_words(self._sequence, self._key, call)

    def child(self, name: str) -> Self:
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
            raise TypeError(f"name must be a str; got {shown(name)}")
        return self._descend(*seeds.name_words(name))

    def spawn(self, n_children: int) -> list[Self]:
        """Make the next numbered children.

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
            raise TypeError(f"n_children must be an int; got {shown(n_children)}")
        if n_children < 0:
            raise ValueError(f"n_children must be at least 0; got {shown(n_children)}")
        with _COUNTERS:
            first = self._children
            self._children = first + int(n_children)
        return [self._descend(first + i) for i in range(int(n_children))]

    def _descend(self, *words: int) -> Self:
        return type(self)(seeds.extend(self._sequence, *words))

    @property
    def state(self) -> dict[str, Any]:
        """The whole state as a dict for JSON. Assign it to return to that state.

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
        with _COUNTERS:
            return seeds.state_of(self._sequence, self._calls, self._children)

    @state.setter
    def state(self, value: dict[str, Any]) -> None:
        sequence, calls, children = seeds.from_state(value)
        with _COUNTERS:
            self._set(sequence, calls, children)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.state)

    def __repr__(self) -> str:
        entropy, path = self._sequence.entropy, self._sequence.spawn_key
        return f"fastinit.{type(self).__name__}(entropy={entropy!r}, spawn_key={path!r}, calls={self._calls})"


def _restore(kind: type[Stream], state: dict[str, Any]) -> Stream:
    sequence, calls, children = seeds.from_state(state)
    stream = kind(sequence)
    stream._set(sequence, calls, children)
    return stream
