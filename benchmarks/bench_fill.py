"""Fills by law, dtype, buffer and interval, beside the parallel store of a constant; and fills that fit a cache."""

from benchmarks.measure import DTYPES, LAWS, VALUES, Missing, fill_call, ratio_of, store_call


class Large:
    """One call per sample, made once before in `setup` so that it is compiled and its buffer is touched."""

    version = "1"
    timeout = 600
    number = 1
    warmup_time = 0


class Store(Large):
    params = (("touched", "fresh"), DTYPES)
    param_names = ("buffer", "dtype")

    def setup(self, buffer, dtype):
        self.call = store_call(VALUES, dtype, buffer)
        self.call()

    def time_store(self, buffer, dtype):
        self.call()


class Fill(Large):
    params = (("touched", "fresh"), LAWS, DTYPES)
    param_names = ("buffer", "law", "dtype")
    unit = "times the store"

    def setup(self, buffer, law, dtype):
        self.call = fill_call(law, VALUES, dtype, buffer)
        self.call()

    def time_fill(self, buffer, law, dtype):
        self.call()

    def track_ratio_to_store(self, buffer, law, dtype):
        return ratio_of(self.call, store_call(VALUES, dtype, buffer))


class Cached:
    """Fills that stay in a cache, again and again: asv chooses how many make a sample."""

    version = "1"
    timeout = 600
    params = (("l2", "l3"), LAWS, ("1 thread", "all threads"))
    param_names = ("cache", "law", "threads")

    def setup(self, cache, law, threads):
        from fastinit.bench.caches import values_of
        from fastinit.kernels import cpus

        self.at_most = cpus.at_most
        self.threads = 1 if threads == "1 thread" else cpus.usual()
        try:
            values = values_of(cache, 4, self.threads)
        except ValueError as error:
            raise Missing(str(error)) from None
        self.call = fill_call(law, min(values, VALUES))

    def time_fill(self, cache, law, threads):
        with self.at_most(self.threads):
            self.call()


class Interval(Large):
    """The truncated normal on both sides of every border between two proposals."""

    params = (
        "-2, 2",
        "-1, 1",
        "0, inf",
        "0.5, inf",
        "-0.4, inf",
        "-inf, -0.46",
        "8, inf",
        "-inf, -30",
        "3, 3.000001",
        "1, 1.5",
        "-1, 2.2",
        "-2.5, 0.5",
    )
    param_names = ("interval",)
    unit = "times the store"

    def setup(self, interval):
        self.call = fill_call("truncated_normal", VALUES, bounds=tuple(map(float, interval.split(","))))
        self.call()

    def time_truncated_normal(self, interval):
        self.call()

    def track_ratio_to_store(self, interval):
        return ratio_of(self.call, store_call(VALUES))
