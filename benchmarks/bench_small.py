"""Calls for few values, where the way to the kernel costs more than the values, beside NumPy's."""

import numpy as np

import fastinit as fi
from benchmarks.measure import LAWS, Missing

NUMPY = {"uniform": "random", "normal": "standard_normal"}


class Small:
    version = "1"
    timeout = 120
    params = (("fastinit", "numpy"), LAWS, ("1", "10", "1000", "65536"))
    param_names = ("library", "law", "values")

    def setup(self, library, law, values):
        self.size = int(values)
        self.out = np.empty(self.size, np.float32)
        if library == "fastinit":
            self.draw = getattr(fi.default_rng(0), law)
        elif law in NUMPY:
            self.draw = getattr(np.random.default_rng(0), NUMPY[law])
        else:
            raise Missing("NumPy has no truncated normal")
        self.draw(out=self.out, dtype=np.float32)

    def time_new(self, library, law, values):
        self.draw(size=self.size, dtype=np.float32)

    def time_out(self, library, law, values):
        self.draw(out=self.out, dtype=np.float32)
