"""How many values `assert_law` needs to find a fault: the table of docs/quality.md."""

import functools

import numpy as np
from scipy import stats

import fastinit as fi
from docs.scripts.markdown import table
from fastinit.arguments import dtypes
from fastinit.check import subjects, verdict
from fastinit.check.assertion import exact
from fastinit.check.results import Result, subject

ALPHA = 1e-6
#: Powers of two of values, and deviations of a normal beyond which 1 % lies.
LEAST, MOST, ONE_PERCENT = 10, 28, 2.326
#: Where one seed is looked at first.
PROBED = (10, 13, 16, 18, 20, 22, 24, 25, 26, 27)


def _cut(limit):
    return lambda x, place: np.where(np.abs(x) > limit, np.roll(x, 1), x)


def _masked(x, place):
    return (x.view(np.uint32) & np.uint32(0xFFFFFF00)).view(np.float32)


def _of_bits(bits):
    return lambda x, place: np.floor(x * 2**bits) * np.float32(2**-bits)


def _truncated_to_16_bits(x, place):
    return (x.view(np.uint32) >> np.uint32(16)).astype(np.uint16).view(dtypes.resolve("bfloat16").dtype)


def _after(share):
    return lambda x, place: (x + share * np.roll(x, 1)) / np.float32((1 + share * share) ** 0.5)


def _lane(x, place):
    x[5::128] += np.float32(0.2)
    return x


def _every(step, value):
    def change(x, place):
        x[::step] = value
        return x

    return change


def _biased_integers(x, place):
    """Words modulo 3 * 10^8: numbers below 94,967,296 come 15 times, the others 14 times."""
    return (x % np.uint32(300_000_000)).astype(np.uint32)


def _twice(x, place):
    """A run of 128 values comes again in the middle of those that are tested for order."""
    start, size = place
    if start == 0:
        middle = min(size, subjects.ORDERED) // 2
        x[middle : middle + 128] = x[:128]
    return x


def _same(factor=1.0, shift=0.0, bend=0.0):
    factor, shift, bend = np.float32(factor), np.float32(shift), np.float32(bend)
    return lambda x, place: x * factor + shift + (bend * (x * x - 1) if bend else 0)


NORMAL = "normal"
#: What is wrong; the law that is tested and its dtype; the law that is drawn and its dtype; what is done to a block.
FAULTS = {
    "deviation 1 % too large": (NORMAL, "float32", NORMAL, "float32", _same(1.01)),
    "deviation 0.1 % too large": (NORMAL, "float32", NORMAL, "float32", _same(1.001)),
    "mean off by 0.01 deviations": (NORMAL, "float32", NORMAL, "float32", _same(shift=0.01)),
    "mean off by 0.001 deviations": (NORMAL, "float32", NORMAL, "float32", _same(shift=0.001)),
    "skewness of 0.006": (NORMAL, "float32", NORMAL, "float32", _same(bend=0.001)),
    "tails cut at 4 deviations": (NORMAL, "float32", NORMAL, "float32", _cut(4.0)),
    "tails cut at 5 deviations": (NORMAL, "float32", NORMAL, "float32", _cut(5.0)),
    "one value of 1,000 is 0": (NORMAL, "float32", NORMAL, "float32", _every(1000, 0.0)),
    "8 of 24 bits are 0": (NORMAL, "float32", NORMAL, "float32", _masked),
    "float64 of float32 values": (NORMAL, "float64", NORMAL, "float32", lambda x, place: x.astype(np.float64)),
    "uniform of 22 bits": ("uniform", "float32", "uniform", "float32", _of_bits(22)),
    "uniform of 23 bits": ("uniform", "float32", "uniform", "float32", _of_bits(23)),
    "cut to bfloat16, not rounded": (NORMAL, "bfloat16", NORMAL, "float32", _truncated_to_16_bits),
    "clamped at the bounds": (
        "truncated_normal(-2, 2)", "float32", NORMAL, "float32", lambda x, place: x.clip(np.float32(-2), np.float32(2)),
    ),
    "128 values come twice": (NORMAL, "float32", NORMAL, "float32", _twice),
    "correlation of 0.1 with the value before": (NORMAL, "float32", NORMAL, "float32", _after(0.1)),
    "correlation of 0.01 with the value before": (NORMAL, "float32", NORMAL, "float32", _after(0.01)),
    "one of 128 lanes off by 0.2 deviations": (NORMAL, "float32", NORMAL, "float32", _lane),
    "p of 0.301 for 0.3": ("bernoulli(0.3)", "int8", "bernoulli(0.301)", "int8", lambda x, place: x),
    "words modulo 3 10^8": ("integers(300000000)", "uint32", "integers(4294967296)", "uint32", _biased_integers),
}  # fmt: skip


@functools.cache
def _law(text):
    return exact(text)


def _judged(fault, power, seed):
    """The deviations by which the least p passes the threshold, and the groups of tests that failed."""
    tested, dtype, drawn, of, change = FAULTS[fault]
    law, real = _law(tested), dtypes.resolve(dtype, dtypes.ALL_NAMES)
    rng, parsed, size, start = fi.default_rng(seed).child(fault), fi.laws.parse(drawn), 2**power, 0

    def draw(count):
        nonlocal start
        block = rng.draw(parsed, size=count, dtype=of)
        place, start = (start, size), start + count
        return np.asarray(change(block, place)).astype(real.dtype, copy=False)

    summary, first = subjects.sample(law, real, draw, size)
    rows = tuple(subjects.rows(law, real, summary, first, pairs=False))
    judged = verdict.judge([Result(subject("values", law, real), size, 0.0, rows)], ALPHA)
    least = min((row.p for row in rows if row.counted), default=1.0)
    if any(not row.counted for _, row in judged.failed):
        least = 0.0
    deviations = stats.norm.isf([max(least, 1e-300), judged.threshold])
    return deviations[0] - deviations[1], {row.group for _, row in judged.failed}


def found(fault, seeds):
    """The least power of two of values at which all seeds show a fault, 99 % of all seeds by their spread, and the groups."""
    near = next((power for power in PROBED if _judged(fault, power, 0)[0] > 0), MOST)
    for power in range(max(LEAST, near - 2), MOST + 1):
        margins, groups = [], None
        for seed in range(seeds):
            margin, failed = _judged(fault, power, seed)
            margins.append(margin)
            groups = failed if groups is None else groups & failed
            if margin <= 0:
                break
        if min(margins) > 0 and np.mean(margins) >= ONE_PERCENT * np.std(margins, ddof=1):
            return power, groups
    return None, set()


def lines(args):
    """The table."""
    if args.power_seeds < 2:
        raise SystemExit(f"--power-seeds: must be at least 2, for their spread; got {args.power_seeds}")
    rows = []
    for fault, (tested, dtype, *_) in FAULTS.items():
        power, groups = found(fault, args.power_seeds)
        by = ", ".join(title for group, title in verdict.GROUPS.items() if group in groups)
        rows.append([fault, f"{tested} {dtype}", by, f"2^{power}" if power else f"more than 2^{MOST}"])
        print(*rows[-1], sep=" | ", flush=True)
    yield table(["fault", "law", "found by", "values"], rows, left=3)
