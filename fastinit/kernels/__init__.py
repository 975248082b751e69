"""From counters to stored values, compiled by Numba: the listing reads in the order that a value takes.

lanes, memory -> philox -> reals -> box_muller -> plain, truncated -> rounding -> fill -> rows -> threads.
"""
