"""The other libraries' large fills; `track_ratio_to_fastinit` above 1 is how much faster fastinit makes as many such values."""

from benchmarks.measure import VALUES, fill_call, ratio_of
from benchmarks.peers import PEERS, ready


class Peers:
    version = "1"
    timeout = 600
    number = 1
    warmup_time = 0
    params = tuple(PEERS)
    param_names = ("peer",)
    unit = "times fastinit"

    def setup(self, name):
        self.call = ready(name, VALUES)
        self.call()

    def time_peer(self, name):
        self.call()

    def track_ratio_to_fastinit(self, name):
        peer = PEERS[name]
        return ratio_of(self.call, fill_call(peer.law, max(VALUES // peer.share, 1), peer.dtype))
