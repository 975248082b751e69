"""The memory that the compiled loop shares with its callers: the arguments of a call, and a thread's scratch memory."""

from __future__ import annotations

import struct

TILE = 16  # counters of a tile, and lanes of a vector of counters: part of the stream format
PAIR = 2 * TILE  # counters at once: with one tile, the CPU would wait half the time for a chain of multiplies
QUAD = 4 * TILE

#: row: addresses of `tiles` and `attempt`, words of a plane per counter, itemsize, whether it rejects, whether it adds to what
#: the output holds. place: logical index and address of the first element, then count, step and stride of the innermost axis.
#: axes: the address of a table of the axes around it, and their number. stream: the call, and the key's two words. Then the
#: address of the law's numbers. Then the work: the next free element, the end, and how much a thread takes at once: the rest
#: over a number of shares, at least a grain and at most a chunk.
ADDS, PLACE, AXES, STREAM, NUMBERS, WORK = 5, 6, 11, 13, 16, 17  # where each begins
ARGUMENTS = struct.Struct("=22q")

REGION = 4096  # elements between two looks at the queue: their values stay in the first cache
QUEUE_FULL = 512  # elements that are computed together
QUEUE = QUEUE_FULL + REGION + 40  # room for them, with what a region can add and a vector's idle lanes

# Scratch: a region's values, the queue (indices, then addresses), a vector of values, the elements of a region that are in
# doubt, a word for each tile of it, and what a row keeps of its keys and numbers.
QUEUE_AT = REGION * 8
ADDRESSES = QUEUE * 8
VECTOR = QUEUE * 16
DOUBT_AT = QUEUE_AT + VECTOR + 256
MISSING_AT = DOUBT_AT + REGION * 4 + 64
KEPT_AT = MISSING_AT + REGION // 4
SCRATCH = KEPT_AT + 1024
