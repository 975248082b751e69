"""
Two processes, one matrix
=========================

Two processes fill the halves of one matrix in shared memory: `python examples/shared_memory.py`.
"""

import multiprocessing
from multiprocessing import shared_memory

import numpy as np

import fastinit as fi

SHAPE = (4096, 4096)
NAME = "layers.0.attn.wq"


def fill(name: str, rows: slice) -> None:
    """Draw some rows of the matrix into their part of the shared memory."""
    shared = shared_memory.SharedMemory(name)
    row = SHAPE[1] * 4
    part = shared.buf[rows.start * row : rows.stop * row]
    fi.default_rng(0).child(NAME).normal(scale=0.02, size=SHAPE, index=rows, out=part)
    part.release()
    shared.close()


def main() -> None:
    """Run two processes and compare with the matrix drawn in one call."""
    shared = shared_memory.SharedMemory(create=True, size=SHAPE[0] * SHAPE[1] * 4)
    half = SHAPE[0] // 2
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=fill, args=(shared.name, rows)) for rows in (slice(0, half), slice(half, SHAPE[0]))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    weights = np.frombuffer(shared.buf, np.float32, SHAPE[0] * SHAPE[1]).reshape(SHAPE)
    whole = fi.default_rng(0).child(NAME).normal(scale=0.02, size=SHAPE)
    same = np.array_equal(weights, whole)
    print(f"{SHAPE[0]} x {SHAPE[1]} float32, filled by two processes; exit codes {[worker.exitcode for worker in workers]}")
    print(f"equal to the matrix drawn in one call: {same}")
    del weights  # shared memory cannot be closed while an array refers to it
    shared.close()
    shared.unlink()
    if not same:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
