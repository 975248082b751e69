"""Large fills by law, dtype, buffer and interval, beside the parallel store of a constant."""

from benchmarks.measure import DTYPES, LAWS, VALUES, fill_call, ratio_of, store_call


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
