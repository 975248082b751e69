"""Counter and key to words: Philox4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC11).

Each counter sits in a 64-bit lane, because the product of two 32-bit words needs one. Of a finished counter's four words
w0..w3 two lanes remain, the *planes*: A = w0 * 2^32 + w1 and B = w2 * 2^32 + w3. They are used whole, so no word
moves between lanes.
"""

from __future__ import annotations

from collections.abc import Sequence

from fastinit.arithmetic.lanes import Lanes, convert, in_step, raised, u32, u64

ROUNDS = 10
M0, M1 = 0xD2511F53, 0xCD9E8D57  # the paper's multipliers
W0, W1 = 0x9E3779B9, 0xBB67AE85  # and the steps of its key schedule
LOW = 0xFFFFFFFF


def round_keys(key: Lanes) -> list[Lanes]:
    """The two words of each round's key in turn, in u64."""
    words, keys = (convert(key, u32), convert(key >> 32, u32)), []
    for _ in range(ROUNDS):
        keys += [convert(word, u64) for word in words]
        words = words[0] + W0, words[1] + W1
    return keys


def philox4x32(
    x0: Lanes, x1: Lanes, x2: Lanes, x3: Lanes, keys: Sequence[Lanes], together: bool = False
) -> tuple[Lanes, Lanes]:
    """Planes A and B of the counters whose words 0 to 3 are `x0` to `x3`, each in a u64 lane.

    The upper half of a lane may hold anything, since a multiply reads only the lower half. With `together`, all counters finish
    a round before the next one starts, so that more of them fit the registers.
    """
    for i in range(ROUNDS - 1):
        p0, p1 = (x0 & LOW) * M0, (x2 & LOW) * M1
        # (x0, x1, x2, x3) <- (high(p1) ^ x1 ^ k0, low(p1), high(p0) ^ x3 ^ k1, low(p0))
        x0, x1, x2, x3 = (p1 >> 32) ^ (x1 ^ keys[2 * i]), p1, (p0 >> 32) ^ (x3 ^ keys[2 * i + 1]), p0
        if together:
            x0, x2 = in_step(x0, x2)
    # The last round makes the planes at once: both halves of each product are wanted as they are.
    p0, p1 = (x0 & LOW) * M0, (x2 & LOW) * M1
    return p1 ^ raised(x1) ^ (keys[-2] << 32), p0 ^ raised(x3) ^ (keys[-1] << 32)
