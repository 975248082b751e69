"""All 2^32 words of 32 bits, shared out among threads."""

import argparse
from concurrent.futures import ThreadPoolExecutor

from docs.scripts import arguments

PIECES = 64
SHARE = 2**32 // PIECES
BLOCK = 1 << 16  # the most words that a script handles at once


def sweep(task, step, threads):
    """The results of `task(first, SHARE, step)`, one for each piece of the words."""
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda i: task(i * SHARE, SHARE, step), range(PIECES)))


def step(text):
    """The distance between two words; a piece must hold a block of them."""
    value = arguments.count(text)
    if value > SHARE // BLOCK:
        raise argparse.ArgumentTypeError(f"must be at most {SHARE // BLOCK}; got {value}")
    return value


def parser(description):
    """A parser with the options of a script that goes through all words."""
    result = arguments.parser(description)
    result.add_argument("--step", type=step, default=1, help="take one word of so many (default %(default)s: all)")
    result.add_argument("--threads", type=arguments.count, default=2, help="default %(default)s")
    return result
