"""A large fill, and helper threads to watch."""

import threading

import fastinit as fi
from fastinit.distributions import LAWS
from fastinit.kernels import threads

SIZE = 1 << 20
ROW = (LAWS["normal"], "float32")


def fill(size=SIZE):
    return fi.default_rng(1).normal(size=size, dtype="float32").tobytes()


def within(seconds, call):
    """What a call returns, or an error where it waits for ever."""
    found = []
    thread = threading.Thread(target=lambda: found.append(call()), daemon=True)
    thread.start()
    thread.join(seconds)
    assert not thread.is_alive(), f"nothing came in {seconds} seconds"
    assert found, "it raised an exception"
    return found[0]


def free(helper):
    """Whether a helper has no arguments, works for nobody and holds nothing."""
    return not helper.slot.any() and helper.kept is None


class Absent(threads.Helper):
    """A helper whose thread never looks, as if it waited for a CPU."""

    def _run(self):
        pass
