"""One call of a Generator, from which any number of blocks may be drawn: what the back-ends cut an array into."""

from __future__ import annotations

from collections.abc import Callable

from fastinit.generator import Generator

Words = tuple[int, int, int]


class Call(Generator):
    """A Generator that stays in one call.

    The call is taken when the first block has passed all checks, so arguments that are refused advance nothing.

    Parameters
    ----------
    take : callable
        Takes the call: gives its number and its key's two words.
    """

    def __init__(self, take: Callable[[], Words]) -> None:
        self._take = take
        self.words: Words | None = None

    def _next_call(self) -> Words:
        if self.words is None:
            self.words = self._take()
        return self.words


def one_call(rng: Generator) -> Call:
    """The next call of a Generator."""
    return rng if isinstance(rng, Call) else Call(rng._next_call)
