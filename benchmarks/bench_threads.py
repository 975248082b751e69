"""Scaling with threads, the store's beside: memory is full long before the cores are. And fills beside another process's."""

import statistics
import subprocess
import sys
import time

from benchmarks import process
from benchmarks.measure import LAWS, VALUES, Missing, fill_call, store_call
from fastinit.kernels import cpus


class Threads:
    version = "2"
    timeout = 600
    number = 1
    warmup_time = 0
    params = (("store", *LAWS), ("1", "2", "4", "8", "16", "32", "64", "128"))
    param_names = ("what", "threads")

    def setup(self, what, threads):
        if int(threads) > cpus.usual():
            raise Missing(f"fills take {cpus.usual()} threads here")
        self.call = store_call(VALUES) if what == "store" else fill_call(what, VALUES)
        with cpus.at_most(int(threads)):
            self.call()

    def time_threads(self, what, threads):
        with cpus.at_most(int(threads)):
            self.call()


#: Fills without a pause until its standard input is closed.
RIVAL = """
import sys, threading
import numpy as np, fastinit
rng, out = fastinit.default_rng(0), np.ones({values}, np.float32)
rng.normal(out=out)
print("ready", flush=True)
over = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
while not over.is_set():
    rng.normal(out=out)
"""


class Contended:
    """Fills while another process fills arrays of the same size on the same CPUs, over one thread that has them to itself."""

    version = "1"
    timeout = 600
    params = ("2^12", "2^15", "2^16", "2^18", "2^20", "2^22", "2^24", "2^26")
    param_names = ("values",)
    unit = "times one thread alone"
    SECONDS = 2.0 if VALUES >= 1 << 20 else 0.02  # nearly none where the benchmarks are only made to run

    def setup(self, values):
        count = min(2 ** int(values.removeprefix("2^")), VALUES)
        self.call = fill_call("normal", count)
        with cpus.at_most(1):
            self.alone = statistics.median(self.times(self.SECONDS / 4))
        rivals = max(cpus.usual() - 1, 1)
        code = [sys.executable, "-c", RIVAL.format(values=count)]
        self.rivals = [
            subprocess.Popen(code, env=process.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            for _ in range(rivals)
        ]
        for rival in self.rivals:
            rival.stdout.readline()

    def teardown(self, values):
        for rival in self.rivals:
            rival.communicate()

    def times(self, seconds):
        self.call()
        found, end = [], time.perf_counter() + seconds
        while time.perf_counter() < end or len(found) < 5:
            start = time.perf_counter()
            self.call()
            found.append(time.perf_counter() - start)
        return sorted(found)

    def track_median(self, values):
        return statistics.median(self.times(self.SECONDS)) / self.alone

    def track_ninetieth_percentile(self, values):
        found = self.times(self.SECONDS)
        return found[len(found) * 9 // 10] / self.alone
