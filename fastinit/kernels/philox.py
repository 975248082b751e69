"""Counter and key to words: Philox4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC11).

Each counter sits in a 64-bit lane, because the multiply of two 32-bit words needs one for its product. Of a finished
counter's four words w0..w3 two lanes remain, *planes*: A = w0 * 2^32 + w1 and B = w2 * 2^32 + w3. They are used whole, so
no word is ever moved between lanes.
"""

import numpy as np

from fastinit.kernels.lanes import device, iota, spread, spread_as
from fastinit.kernels.shuffles import in_step, raised

M0, M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)  # the paper's multipliers
W0, W1 = np.uint32(0x9E3779B9), np.uint32(0xBB67AE85)  # and the steps of its key schedule
LOW = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)
TILE = 16  # counters of a tile, and lanes of a vector of counters: part of the stream format
PAIR = 2 * TILE
QUAD = 4 * TILE


@device
def one_round(x0, x1, x2, x3, k0, k1):
    """One round and the next keys. The upper half of a lane may hold rubbish: only a multiply looks at the low half alone."""
    p0 = (x0 & LOW) * M0
    p1 = (x2 & LOW) * M1
    return (
        (p1 >> HALF) ^ (x1 ^ np.uint64(k0)),
        p1,
        (p0 >> HALF) ^ (x3 ^ np.uint64(k1)),
        p0,
        np.uint32(k0 + W0),
        np.uint32(k1 + W1),
    )


@device
def one_round_in_step(x0, x1, x2, x3, k0, k1):
    """One round of so many counters that they must go through it together."""
    x0, x1, x2, x3, k0, k1 = one_round(x0, x1, x2, x3, k0, k1)
    x0, x2 = in_step(x0, x2)
    return x0, x1, x2, x3, k0, k1


@device
def philox4x32(x0, x1, x2, x3, key, step):
    """Planes A and B of the counters whose words 0 to 3 are `x0` to `x3` (ten rounds, since LLVM unrolls no such loop)."""
    k0, k1 = np.uint32(key), np.uint32(key >> HALF)
    x0, x1, x2, x3, k0, k1 = step(x0, x1, x2, x3, k0, k1)
    x0, x1, x2, x3, k0, k1 = step(x0, x1, x2, x3, k0, k1)
    x0, x1, x2, x3, k0, k1 = step(x0, x1, x2, x3, k0, k1)
    x0, x1, x2, x3, k0, k1 = step(x0, x1, x2, x3, k0, k1)
    x0, x1, x2, x3, k0, k1 = step(x0, x1, x2, x3, k0, k1)
    x0, x1, x2, x3, k0, k1 = step(x0, x1, x2, x3, k0, k1)
    x0, x1, x2, x3, k0, k1 = step(x0, x1, x2, x3, k0, k1)
    x0, x1, x2, x3, k0, k1 = step(x0, x1, x2, x3, k0, k1)
    x0, x1, x2, x3, k0, k1 = step(x0, x1, x2, x3, k0, k1)
    p0 = (x0 & LOW) * M0
    p1 = (x2 & LOW) * M1
    return p1 ^ raised(x1) ^ (np.uint64(k0) << HALF), p0 ^ raised(x3) ^ (np.uint64(k1) << HALF)


@device
def counters_from(counter, call, lanes):
    """The four words of as many counters as `lanes` has, from `counter` on; they must not straddle a multiple of 2^32."""
    high, nothing = np.uint64(counter >> HALF), np.uint64(0)
    return (
        spread_as(counter & LOW, lanes) + iota(lanes),
        spread_as(high, lanes),
        spread_as(call, lanes),
        spread_as(nothing, lanes),
    )


@device
def planes_of_pair(counter, call, key):
    """Planes of `PAIR` counters from `counter` on, first attempt."""
    x0, x1, x2, x3 = counters_from(counter, call, spread(np.uint64(0), PAIR))
    return philox4x32(x0, x1, x2, x3, key, one_round)


@device
def planes_of_quad(counter, call, key):
    """Planes of `QUAD` counters from `counter` on, first attempt."""
    x0, x1, x2, x3 = counters_from(counter, call, spread(np.uint64(0), QUAD))
    return philox4x32(x0, x1, x2, x3, key, one_round_in_step)


@device
def planes_at(counters, call, attempt, key):
    """Planes of the counters held in `counters`."""
    x2, x3 = spread_as(np.uint64(call), counters), spread_as(np.uint64(attempt), counters)
    return philox4x32(counters & LOW, counters >> HALF, x2, x3, key, one_round)
