"""What would make the grain of float32 truncated normals finer: `python -m docs.scripts.derivations.grain_variants`.

Prints a Markdown table of kernels of the same law, in two minutes. The excess is that of `grain_edges`. Instructions are those
of the inner loop for 128 values. Times are multiples of the first row of the interval, measured in turns: the median of the
ratios, and their quartiles, of the CPU time of one thread and of the time of all threads.
"""

import math
import statistics
import time
from dataclasses import replace
from typing import NamedTuple

import numpy as np

import fastinit as fi
from docs.scripts import arguments
from docs.scripts.derivations.grain import seen_from
from docs.scripts.derivations.grain_edges import excess, planned
from docs.scripts.derivations.instructions import inner_loop, kinds
from docs.scripts.markdown import table
from fastinit.arithmetic.elementary import horner
from fastinit.arithmetic.lanes import bitcast, convert, f32, f64, fma, i32, maximum, minimum, u64
from fastinit.check.cells import BINS
from fastinit.distributions import central, tails
from fastinit.distributions.law import Plan, plan
from fastinit.kernels.row import Row
from fastinit.kernels.rows import STORAGE
from fastinit.laws.distribution import Distribution

ABOUT_0, BEYOND_1 = (-2.0, 2.0), (1.0, math.inf)
CENTRAL = plan(central.CENTRAL, -2.0, 2.0, 0.0, 1.0, *central.interval(-2.0, 2.0))
#: Rows that are too short for a second thread, and one that all threads share.
SHORT, LONG = (32, 2**15 - 64), (1, 2**26)


def kept(x, p):
    """The value of the proposal x of the central law."""
    return minimum(maximum(fma(x, p.scale, p.loc), p.least), p.greatest)


def split(w, p):
    """The u of the middle of 256 words, which a float32 holds, and how far from it the word itself is."""
    low = fma(convert(bitcast(w & 0xFF, i32), f32), 2.0**-31, -127.5 * 2.0**-31) * p.half_width
    return fma(fma(convert(bitcast(w & 0xFFFFFF00, i32), f32), 2.0**-31, 2.0**-24), p.half_width, p.middle), low


def low_bits(w, p):
    """The rest of the word along the tangent, whose slope is exact."""
    u, low = split(w, p)
    x, slope = central.value_and_slope(u)
    return kept(fma(slope, low, x), p)


def last_step(u, low, slope, p):
    """The last step of Horner's scheme and the product, each with its rounding error (Dekker, 1971), plus the tangent."""
    y = fma(u + u, u, -1.0)
    inner = horner(y, central.P[:-1])
    q = fma(y, inner, central.P[-1])
    lost = fma(y, inner, central.P[-1] - q)
    return kept(fma(u, q, fma(u, lost, low * slope)), p)


def compensated(w, p):
    """No rest of the word, but the last step and the product with their errors."""
    u = central.proposed(w, p)
    return last_step(u, u.constant(0.0), u.constant(0.0), p)


def both(w, p):
    """The rest of the word along the exact tangent, and the last step and the product with their errors."""
    u, low = split(w, p)
    _, slope = central.value_and_slope(u)
    return last_step(u, low, slope, p)


def tail_last_step(w, p):
    """The last step of Horner's scheme, the product and the sum with the near bound, each with its rounding error."""
    _, tau, _ = tails.depth(w, p)
    inner = horner(tau, p.polynomial[:-1])
    q = fma(tau, inner, p.c1)
    lost = fma(tau, inner, p.c1 - q)
    d = tau * q
    rest = fma(tau, lost, fma(tau, q, -d)) * p.unit
    x = fma(d, p.unit, p.near)
    return minimum(maximum(x + (fma(d, p.unit, p.near - x) + rest), p.least), p.greatest)


def tail_depth_rounded(w, p):
    """Everything in float64 but the depth tau, which is rounded to float32. It stands for any float32 way to tau."""
    numbers = tails.Numbers(*(w.constant(x, f64) for x in planned(BEYOND_1, "float64").numbers.tolist()))
    wide = (convert(w, u64) << 32) | (1 << 31)
    _, tau, _ = tails.depth(wide, numbers)
    rounded = convert(convert(tau, f32), f64)
    return convert(fma(rounded * horner(rounded, numbers.polynomial), numbers.unit, numbers.near), f32)


class Variant(NamedTuple):
    """A kernel of the law between two bounds."""

    interval: tuple[float, float]
    name: str
    plan: Plan
    timed: bool = True


def changed(base, value):
    """The plan of a law like that of `base`, with another function from words to values."""
    name = f"{base.law.name}_{value.__name__}"
    return base._replace(law=replace(base.law, name=name, value=value))


def variants():
    """All kernels; the first of each interval is what the times are multiples of."""
    built, beyond = planned(ABOUT_0, "float32"), planned(BEYOND_1, "float32")
    yield Variant(ABOUT_0, "central", CENTRAL)
    yield Variant(ABOUT_0, "8 low bits along the exact slope", changed(CENTRAL, low_bits))
    yield Variant(ABOUT_0, "last step and product with their errors", changed(CENTRAL, compensated))
    yield Variant(ABOUT_0, "both", changed(CENTRAL, both))
    yield Variant(ABOUT_0, "symmetric (as built)", built)
    yield Variant(BEYOND_1, "tails (as built)", beyond)
    yield Variant(BEYOND_1, "last step, product and sum with their errors", changed(beyond, tail_last_step))
    yield Variant(BEYOND_1, "exact but for a depth of 24 digits", changed(beyond, tail_depth_rounded), timed=False)


def drawing(wanted, out, clock):
    """A call that fills the rows of `out`, and returns how long it took by a clock."""

    def variant(real):
        return wanted

    law, rng = Distribution(variant, {}, ("float32",)), fi.default_rng(0)

    def draw():
        start = clock()
        for part in out:
            rng.draw(law, out=part)
        return clock() - start

    return draw


def ratios(several, rounds, shape, clock):
    """Quartiles of the times of each variant as multiples of the first one's, in rounds that take turns."""
    out = np.empty(shape, np.float32)
    calls = [drawing(each.plan, out, clock) for each in several]
    for call in calls:
        call()
    times = [[call() for call in calls] for _ in range(rounds)]
    for column in zip(*times, strict=True):
        found = [own / row[0] for own, row in zip(column, times, strict=True)]
        yield statistics.quantiles(found, n=4) if rounds > 1 else 3 * found


def measured(several, args):
    """The cells of each variant of one interval."""
    timed = [each for each in several if each.timed]
    clocks = ((SHORT, time.thread_time_ns), (LONG, time.perf_counter_ns))
    times = zip(*(ratios(timed, args.rounds, shape, clock) for shape, clock in clocks), strict=True)
    for each in several:
        found = excess(each.interval, each.plan)
        cells = [f"{each.interval[0]:g} {each.interval[1]:g}", each.name, f"{found:.1e}", f"{seen_from(found, BINS):.0e}"]
        if each.timed:
            cells.append(kinds(inner_loop(Row(each.plan.law, *STORAGE["float32"])))["all"])
            for low, middle, high in next(times):
                cells += [f"{middle:.3f}", f"{low:.3f} {high:.3f}"]
        yield cells + [""] * (9 - len(cells))


def main():
    parser = arguments.parser(__doc__)
    parser.add_argument("--rounds", type=arguments.count, default=101, help="of the times (default %(default)s)")
    args = parser.parse_args()
    rows = []
    for interval in (ABOUT_0, BEYOND_1):
        rows += measured([each for each in variants() if each.interval == interval], args)
    head = ["interval", "kernels", "excess", "seen from", "instructions", "one thread", "quartiles", "all threads", "quartiles"]
    print(table(head, rows, left=2))


if __name__ == "__main__":
    main()
