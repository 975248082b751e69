"""The other libraries' large fills; `track_ratio_to_fastinit` above 1 is how much faster fastinit makes as many such values."""

from benchmarks.measure import VALUES, fill_call, ratio, timed_rounds
from fastinit.bench.measure import Job
from fastinit.bench.samplers import PEERS as LIBRARIES
from fastinit.bench.samplers import ready
from fastinit.kernels import cpus
from fastinit.peers.interface import LAWS
from fastinit.peers.samplers import METHODS

#: Each sampler in the first of its dtypes, and torch's bfloat16; half the values in dtypes of 64 bits.
PEERS = {
    f"{method.label} {dtype}": (method, dtype)
    for method in METHODS
    if method.library in LIBRARIES and method.law in LAWS
    for dtype in (method.dtypes[0], *(["bfloat16"] if method.library == "torch" else []))
}


class Peers:
    version = "3"
    timeout = 600
    number = 1
    warmup_time = 0
    params = tuple(PEERS)
    param_names = ("peer",)
    unit = "times fastinit"

    def setup(self, name):
        self.method, self.dtype = PEERS[name]
        values = max(VALUES // 2, 1) if self.dtype == "float64" else VALUES
        job = Job(self.method.law, values, self.dtype, "touched", cpus.usual())
        self.call, self.values = ready(self.method.library, job)
        self.call()

    def time_peer(self, name):
        self.call()

    def track_ratio_to_fastinit(self, name):
        calls = {"fastinit": fill_call(self.method.law, self.values, self.dtype), "peer": self.call}
        return ratio(timed_rounds(calls, pause=0.3), "peer", "fastinit")
