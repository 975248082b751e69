"""The other libraries' large fills; `track_ratio_to_fastinit` above 1 is how much faster fastinit makes as many such values."""

from benchmarks.measure import VALUES, fill_call, ratio_of
from fastinit.bench.peers import OWN, SAMPLERS, Job, all_threads, ready

#: Each sampler in the first of its dtypes, and torch's bfloat16: half the values where they take 64 bits.
PEERS = {
    f"{sampler.name} {dtype}": (sampler, dtype)
    for sampler in SAMPLERS
    if sampler.library not in OWN
    for dtype in (sampler.dtypes[0], *(["bfloat16"] if sampler.library == "torch" else []))
}


class Peers:
    version = "2"
    timeout = 600
    number = 1
    warmup_time = 0
    params = tuple(PEERS)
    param_names = ("peer",)
    unit = "times fastinit"

    def setup(self, name):
        self.sampler, self.dtype = PEERS[name]
        values = max(VALUES // 2, 1) if self.dtype == "float64" else VALUES
        self.call, self.values = ready(self.sampler, Job(values, self.dtype, "touched", all_threads()))
        self.call()

    def time_peer(self, name):
        self.call()

    def track_ratio_to_fastinit(self, name):
        return ratio_of(self.call, fill_call(self.sampler.law, self.values, self.dtype))
