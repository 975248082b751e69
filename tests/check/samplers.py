"""Samplers of somebody else, for the tests of `fastinit check --peer` and `--command`: `python samplers.py KIND COUNT SEED`."""

import os
import signal
import sys
import time

import numpy as np

NOTHING = 3


def normal(count, seed, dtype):
    if dtype not in ("float32", "float64"):
        raise NotImplementedError("makes float32 and float64 only")
    return np.random.default_rng(seed).standard_normal(count, dtype)


def wide(count, seed, dtype):
    return normal(count, seed, dtype) * np.asarray(1.05, dtype)


def gamma(count, seed, dtype):
    return np.random.default_rng(seed).gamma(2.5, size=count).astype(dtype)


def die(count, seed, dtype):
    return np.random.default_rng(seed).integers(0, 6, count, dtype)


def short(count, seed, dtype):
    return normal(count - 1, seed, dtype)


def faulty(count, seed, dtype):
    raise ZeroDivisionError("no luck")


def write(kind, count, seed):
    """What the program does: `kind` is "right", or what is wrong with it."""
    out, rng, left = sys.stdout.buffer, np.random.default_rng(seed), count
    if kind == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.write(1, b".")  # from here on
    if kind in ("silent", "deaf"):
        time.sleep(600)
    if kind == "few":
        left -= 10
    if kind == "many":
        left += 1
    while left > 0 or kind == "endless":
        part = 1 << 16 if kind == "endless" else min(left, 1 << 16)
        out.write(rng.standard_normal(part, np.float32).astype("<f4").tobytes())
        left -= part
    out.flush()
    if kind == "waits":
        time.sleep(600)
    return {"fails": 3, "few": 0}.get(kind, 0)


if __name__ == "__main__":
    sys.exit(write(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
