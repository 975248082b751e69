"""Scaling with threads, the store's beside: memory is full long before the cores are."""

import numba

from benchmarks.measure import LAWS, VALUES, Missing, fill_call, store_call


class Threads:
    version = "1"
    timeout = 600
    number = 1
    warmup_time = 0
    params = (("store", *LAWS), ("1", "2", "4", "8", "16", "32", "64", "128"))
    param_names = ("what", "threads")

    def setup(self, what, threads):
        if int(threads) > numba.config.NUMBA_NUM_THREADS:
            raise Missing(f"Numba has {numba.config.NUMBA_NUM_THREADS} threads here")
        numba.set_num_threads(int(threads))
        self.call = store_call(VALUES) if what == "store" else fill_call(what, VALUES)
        self.call()

    def teardown(self, what, threads):
        numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)

    def time_threads(self, what, threads):
        self.call()
