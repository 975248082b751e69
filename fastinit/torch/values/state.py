"""The state of torch's CPU generator: read, and written as torch would have left it."""

from __future__ import annotations

import os
import struct
import threading
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from fastinit.torch.values.sequence import Sequence
from fastinit.torch.values.twister import N

#: CPUGeneratorImplState: the seed, `left`, `seeded` and `next`; the words; the cached normals, which no fill here touches.
_HEAD, SIZE = struct.Struct("<QiiQ"), 5056

Bytes = npt.NDArray[np.uint8]
_writing = threading.Lock()


def _forget() -> None:
    """Forget, in a forked child, that another thread was writing."""
    global _writing
    _writing = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


class State(NamedTuple):
    """A generator's state: its bytes, and the place in the sequence that they say."""

    generator: torch.Generator
    content: Bytes
    sequence: Sequence

    def replace(self, sequence: Sequence) -> bool:
        """Move the generator to a place, and return True; or False if another thread has used it meanwhile."""
        with _writing:
            present = self.generator.get_state()
            content = present.numpy()
            if content.tobytes() != self.content.tobytes():
                return False
            seed, _, seeded, _ = _HEAD.unpack_from(content)
            _HEAD.pack_into(content, 0, seed, N + 1 - sequence.place, seeded, sequence.place)
            _words(content)[:] = sequence.block
            self.generator.set_state(present)
        return True


def _words(content: Bytes) -> npt.NDArray[np.uint64]:
    return content[_HEAD.size : _HEAD.size + 8 * N].view("<u8")


def read(generator: torch.Generator) -> State | None:
    """The state, or None if it is not laid out as it is known here."""
    content = generator.get_state().numpy()
    if content.size != SIZE:
        return None
    _, left, seeded, place = _HEAD.unpack_from(content)
    if (left, place) == (1, 0):  # seeded and not used yet: torch makes the next block at the first word
        place = N
    if not seeded or left != N + 1 - place or not 1 <= place <= N:
        return None
    return State(generator, content, Sequence(_words(content), place))
