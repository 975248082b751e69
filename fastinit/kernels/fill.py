"""The one loop over the output.

Elements lie in aligned *tiles* of the logical order, `TILE` counters each. Every element of a tile belongs to a plane (A or B)
and a lane of it, so a tile is computed by whole vectors and stored without moving anything; `docs/stream-format.md` has the
map. Elements that need more than one look (rejected or in doubt) are listed and settled a vector at a time, each by its
own counter.

A *row* names what the loop is compiled for: `block`, `trial` and `encode` (`plain.py`, `truncated.py`, `rounding.py`), the
`word` type, and the `layout` = (words of a plane per counter, bytes per value).
"""

import numpy as np

from fastinit.kernels.lanes import bitcast, convert, device, part, select
from fastinit.kernels.memory import (
    bits_set,
    doubles,
    load,
    lowest_bit,
    one_plane,
    one_plane_bits,
    peek,
    poke,
    store,
    store_missing_bits,
    store_planes,
)
from fastinit.kernels.philox import PAIR, TILE, planes_at, planes_from
from fastinit.proposals import NUMBERS

u32, u64 = np.uint32, np.uint64

REGION = u64(8192)  # elements between two visits to the list of the unsettled: their values stay in the first cache
SCRATCH = 8192 * (8 + 4) + 256 + 256 + 8192 // 2  # bytes: a region's values, its list with padding, one vector, its masks
TEST = u64(1) << u64(31)  # set in counter word 3 for the words that decide about a proposal
DENSE = u64(12)  # runs shorter than this are settled element by element


@device
def fill_tiles(block, encode, word, layout, address, missing, counter, tiles, stream, p):
    """Fill an even number of tiles side by side at `address`; at `missing` goes a word per tile of those not accepted."""
    words, size = layout
    call, key = stream
    plane = words * u64(TILE) * size
    for _ in range(u64(0), tiles, u64(2)):  # two at once: half the time would go to waiting for one chain of multiplies
        a, b = planes_from(counter, call, u64(0), key)
        values, accepts = block(bitcast(part(a, 0, TILE), word), bitcast(part(b, 0, TILE), word), p, encode)
        store_planes(address, values, plane)
        store_missing_bits(missing, accepts)
        values, accepts = block(bitcast(part(a, 1, TILE), word), bitcast(part(b, 1, TILE), word), p, encode)
        store_planes(address + u64(2) * plane, values, plane)
        store_missing_bits(missing + u64(8), accepts)
        address += u64(4) * plane
        missing += u64(16)
        counter += u64(2 * TILE)


@device
def list_missing(layout, missing, tiles, pending):
    """Write the elements whose bits are set as uint32 at `pending`; return their number.

    Four are written whether they are there or not, and only those that are get counted: a loop that ends after each
    mask's own number is mispredicted at nearly every mask.
    """
    words, _ = layout
    count = u64(0)
    for t in range(tiles):
        bits = peek(missing + t * u64(8), u64)
        base = t * u64(2 * TILE) * words
        end = count + bits_set(bits)
        while True:
            for i in range(u64(4)):
                poke(pending + (count + i) * u64(4), u32(base + lowest_bit(bits)))
                bits &= bits - u64(1)
            count += u64(4)
            if count >= end:
                break
        count = end
    return count


@device
def words_of(elements, word, layout, stream, attempt):
    """Both words of each of a vector's elements in one attempt, and whether the element belongs to the second plane."""
    call, key = stream
    words, _ = layout
    plane = words * u64(TILE)
    place = elements % (u64(2) * plane)
    lane = place % plane
    counters = elements // (u64(2) * plane) * u64(TILE) + lane // words
    a, b = planes_at(counters, call, attempt, key)
    upper = (lane & (words - u64(1))) != u64(0)
    a, b = select(upper, a >> 32, a), select(upper, b >> 32, b)
    return convert(a, word), convert(b, word), place >= plane


@device
def settle(trial, encode, word, layout, cell, target, stream, p, pending, count):
    """Try each listed element until it is accepted; `target` says where the list's numbers lie, logically and in memory."""
    first, step, address, stride = target
    size = layout[1]
    found = pending + REGION * u64(4) + u64(256)
    attempt = u64(0)
    while count > u64(0):
        for i in range(count, count + u64(PAIR - 1)):  # the last vector repeats an element in its idle lanes
            poke(pending + i * u64(4), peek(pending + (count - u64(1)) * u64(4), u32))
        kept = u64(0)
        for i in range(u64(0), count, u64(PAIR)):
            elements = convert(load(pending + i * u64(4), u32, PAIR), u64) * step + first
            a, b, second = words_of(elements, word, layout, stream, attempt)
            v, w, _ = words_of(elements, word, layout, stream, attempt | TEST)
            values, accepts = trial(a, b, v, w, p, encode)
            store(found, one_plane(values, second))
            bits = one_plane_bits(accepts, second)
            for j in range(min(u64(PAIR), count - i)):
                e = peek(pending + (i + j) * u64(4), u32)
                poke(address + u64(e) * stride, peek(found + j * size, cell))  # a rejected value will be written over
                poke(pending + kept * u64(4), e)
                kept += ((bits >> j) & u64(1)) ^ u64(1)
        count = kept
        attempt += u64(1)


@device
def copy(source, size, cell, address, stride, count):
    for i in range(count):
        poke(address + i * stride, peek(source + i * size, cell))


@device
def fill_run(block, trial, rejecting, encode, word, layout, cell, target, count, stream, p, scratch):
    """`count` elements at equal distances, logically and in memory."""
    first, step, address, stride = target
    words, size = layout
    pair = u64(4 * TILE) * words  # elements that are filled at once
    pending = scratch + REGION * u64(8)
    missing = pending + REGION * u64(4) + u64(512)
    while count > u64(0):
        take = min(count, REGION)
        if step != u64(1) or count < DENSE:
            for i in range(take):
                poke(pending + i * u64(4), u32(i))
            here = (first, step, address, stride)
            listed, whole = take, True
        else:
            skip = first % pair
            take = min(take, REGION - skip)
            if skip == u64(0) and take >= pair:
                take -= take % pair
            whole = skip == u64(0) and take >= pair and stride == size
            into = address if whole else scratch
            tiles = u64(2) * ((skip + take + pair - u64(1)) // pair)
            fill_tiles(block, encode, word, layout, into, missing, first // pair * u64(2 * TILE), tiles, stream, p)
            listed = list_missing(layout, missing, tiles, pending) if rejecting else u64(0)
            here = (first - skip, u64(1), into, size)
        settle(trial, encode, word, layout, cell, here, stream, p, pending, listed)
        if not whole:
            copy(scratch + (first % pair) * size, size, cell, address, stride, take)
        first += take * step
        address += take * stride
        count -= take


@device
def fill_span(block, trial, rejecting, encode, word, layout, cell, place, outer, stream, parameters, begin, end):
    """Elements `begin` to `end` of the output, counted along `place` (the innermost axis), then `outer` (those around it).

    An axis is its count, its step between elements in the logical order, and its stride in bytes; `parameters` is an address.
    """
    origin, address, inner, step, stride = u64(place[0]), u64(place[1]), u64(place[2]), u64(place[3]), u64(place[4])
    p = doubles(u64(parameters), NUMBERS)
    words = (u64(stream[0]), u64(stream[1]) | u64(stream[2]) << u64(32))
    memory = np.empty(SCRATCH, np.uint8)
    scratch = u64(memory.ctypes.data)
    at, last = u64(begin), u64(end)
    while at < last:
        row = at // inner
        column = at - row * inner
        take = min(inner - column, last - at)
        first, to = origin + column * step, address + column * stride
        for d in range(outer.shape[0] - 1, -1, -1):
            count = u64(outer[d, 0])
            i = row % count
            row //= count
            first += i * u64(outer[d, 1])
            to += i * u64(outer[d, 2])
        target = (first, step, to, stride)
        fill_run(block, trial, rejecting, encode, word, layout, cell, target, take, words, p, scratch)
        at += take
