"""Section 1 of docs/stream-format.md, written from that text alone: from seed, path and call number to key and call word."""

import functools
import hashlib

MASK32 = 2**32 - 1
POOL = 4  # words of the pool


def name_words(name, person=b"fastinit"):
    digest = hashlib.blake2s(name.encode("utf-8"), digest_size=16, person=person).digest()
    return [int.from_bytes(digest[n : n + 4], "little") for n in (0, 4, 8, 12)]


def integer_words(value):
    """32-bit words of an integer, or of a sequence of them, the lowest first."""
    if not isinstance(value, int):
        return [word for part in value for word in integer_words(part)]
    words = [value & MASK32]
    while value := value >> 32:
        words.append(value & MASK32)
    return words


def input_words(seed, path):
    words = integer_words(seed)
    if path:
        words += [0] * (POOL - len(words))
    for child in path:
        words += (
            name_words(*child)
            if isinstance(child, tuple)
            else name_words(child)
            if isinstance(child, str)
            else integer_words(child)
        )
    return words


class Hash:
    """A hash whose multiplier changes with each word."""

    def __init__(self, start, step):
        self.multiplier, self.step = start, step

    def __call__(self, word):
        word ^= self.multiplier
        self.multiplier = self.multiplier * self.step & MASK32
        word = word * self.multiplier & MASK32
        return word ^ word >> 16


def mix(x, y):
    z = (0xCA01F9DD * x - 0x4973F715 * y) & MASK32
    return z ^ z >> 16


def pool_of(words):
    hashed = Hash(0x43B0D7E5, 0x931E8875)
    pool = [hashed(word) for word in (words + [0] * POOL)[:POOL]]
    for source in range(POOL):
        for destination in range(POOL):
            if source != destination:
                pool[destination] = mix(pool[destination], hashed(pool[source]))
    for word in words[POOL:]:
        for destination in range(POOL):
            pool[destination] = mix(pool[destination], hashed(word))
    return pool


@functools.cache
def key_and_call_word(seed, path, call):
    """The key and counter word 2; `path` is a tuple of names and numbers."""
    epoch, call_word = divmod(call, 2**32)
    if epoch:
        path = (*path, (str(epoch), b"fastcall"))
    hashed = Hash(0x8B51F9DD, 0x58F38DED)
    return tuple(hashed(word) for word in pool_of(input_words(seed, path))[:2]), call_word
