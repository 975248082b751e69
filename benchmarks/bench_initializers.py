"""Initialisers beside the bare samplers that they call, and orthogonal matrices beside torch's."""

import math
import os
from importlib.util import find_spec
from pathlib import Path

import numpy as np

import fastinit as fi
from benchmarks.measure import FEW_ROUNDS, VALUES, Missing, fill_call, ratio, ratio_of, timed_rounds, touched
from benchmarks.process import run
from fastinit import initializers

#: What each rule calls, and with which arguments of the sampler.
RULES = {
    "xavier_uniform": ("uniform", {}),
    "xavier_normal": ("normal", {}),
    "xavier_normal, truncated": ("truncated_normal", {"truncated": True}),
    "he_uniform": ("uniform", {}),
    "he_normal": ("normal", {}),
    "he_normal, truncated": ("truncated_normal", {"truncated": True}),
    "fan_in_uniform": ("uniform", {}),
    "small_random": ("normal", {}),
}
SIDE = math.isqrt(VALUES)


def rule_call(name):
    """The rule into the touched buffer that the sampler gets too."""
    rule = getattr(initializers, name.partition(",")[0])
    keywords, rng = RULES[name][1], fi.default_rng(0)
    out = touched(SIDE * SIDE, "float32").reshape(SIDE, SIDE)
    return lambda: rule(out.shape, rng=rng, out=out, **keywords)


class Rule:
    """Rules cost what their samplers cost, but for `small_random`, which reads its values again."""

    version = "1"
    timeout = 600
    number = 1
    warmup_time = 0
    params = tuple(RULES)
    param_names = ("rule",)
    unit = "times the bare sampler"

    def setup(self, name):
        self.call = rule_call(name)
        self.call()

    def time_rule(self, name):
        self.call()

    def track_ratio_to_sampler(self, name):
        return ratio_of(self.call, fill_call(RULES[name][0], SIDE * SIDE))


def torch_orthogonal(side):
    if find_spec("torch") is None:
        raise Missing("torch is not installed")
    import torch

    torch.set_num_threads(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count())
    tensor = torch.empty(side, side)
    return lambda: torch.nn.init.orthogonal_(tensor)


def orthogonal(side):
    out, rng = np.empty((side, side), np.float32), fi.default_rng(0)
    return lambda: initializers.orthogonal(out.shape, rng=rng, out=out)


class Matrix:
    version = "1"
    timeout = 1200
    number = 1
    repeat = 3
    warmup_time = 0
    params = ("1024", "2048", "4096")
    param_names = ("side",)


class Orthogonal(Matrix):
    def setup(self, side):
        self.call = orthogonal(min(int(side), SIDE))
        self.call()

    def time_orthogonal(self, side):
        self.call()


class OrthogonalBesideTorch(Matrix):
    unit = "times torch"

    def setup(self, side):
        side = min(int(side), SIDE)
        self.call, self.torch = orthogonal(side), torch_orthogonal(side)

    def track_ratio_to_torch(self, side):
        times = timed_rounds({"torch": self.torch, "fastinit": self.call}, FEW_ROUNDS, pause=0.3)
        return ratio(times, "fastinit", "torch")


#: Prints the bytes that were resident at the peak, over those before it, in matrices. A small matrix comes first: what is
#: measured is neither the compiler nor the threads' stacks.
PEAK = """
from pathlib import Path
import fastinit

def resident(which):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(which)) * 1024

fastinit.initializers.orthogonal(({small}, {small}), rng=0)
before = resident("VmRSS:")
out = fastinit.initializers.orthogonal(({side}, {side}), rng=0)
print(max(resident("VmHWM:") - before, 0) / out.nbytes)
"""


class OrthogonalMemory:
    version = "1"
    timeout = 1200
    params = ("8192",)
    param_names = ("side",)
    unit = "matrices, the output among them"

    def setup(self, side):
        if not Path("/proc/self/status").exists():
            raise Missing("resident memory is read from /proc")

    def track_peak(self, side):
        side = min(int(side), SIDE)
        return float(run(PEAK.format(side=side, small=min(side, 512))))
