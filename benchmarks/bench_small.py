"""Calls for few values, where the way to the kernel costs more than the values, beside NumPy's.

`asv run --quick` calls each benchmark once. One call of some microseconds would mostly measure cold caches, so these benchmarks
repeat the call and report the seconds of one.
"""

import timeit

import numpy as np

import fastinit as fi
from benchmarks.measure import LAWS, VALUES, Missing

NUMPY = {"uniform": "random", "normal": "standard_normal"}
#: Seconds of a sample, and how many are taken; nearly none where the benchmarks are only made to run.
SAMPLE = 0.01 if VALUES > 2**20 else 1e-5
SAMPLES = 7


def seconds_of(call):
    """The least mean of seven samples of ten milliseconds: other processes can only make a call longer."""
    timer, number = timeit.Timer(call), 1
    while timer.timeit(number) < SAMPLE:
        number *= 2
    return min(timer.repeat(SAMPLES, number)) / number


class Small:
    version = "2"
    timeout = 120
    params = (("fastinit", "numpy"), LAWS, ("1", "10", "1000", "65536"))
    param_names = ("library", "law", "values")
    unit = "seconds"

    def setup(self, library, law, values):
        self.size = int(values)
        self.out = np.empty(self.size, np.float32)
        if library == "fastinit":
            self.draw = getattr(fi.default_rng(0), law)
        elif law in NUMPY:
            self.draw = getattr(np.random.default_rng(0), NUMPY[law])
        else:
            raise Missing("NumPy has no truncated normal")

    def track_new(self, library, law, values):
        return seconds_of(lambda: self.draw(size=self.size, dtype=np.float32))

    def track_out(self, library, law, values):
        return seconds_of(lambda: self.draw(out=self.out, dtype=np.float32))
