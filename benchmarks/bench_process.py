"""Whole processes: import, first fill with and without a compile cache; and the memory of a GiB."""

from benchmarks import process
from benchmarks.measure import LAWS, VALUES, fill_call

GIB_VALUES = 4 * VALUES  # 1 GiB of float32, unless the benchmarks are only made to run


class Process:
    version = "1"
    timeout = 600
    number = 1
    warmup_time = 0


class Import(Process):
    """The interpreter alone and what fastinit needs, so that its own share can be told."""

    params = ("pass", "import numpy", "import numpy, llvmlite.binding", "import fastinit")
    param_names = ("statement",)

    def time_import(self, statement):
        process.run(statement)


#: The cheapest law to compile and the dearest; the second takes several threads.
FILLS = {"one normal": ("normal", 1), "131,072 truncated normals": ("truncated_normal", 2**17)}


class FirstFill(Process):
    params = tuple(FILLS)
    param_names = ("fill",)

    def setup(self, fill):
        process.warm_first_fill(*FILLS[fill])

    def time_warm(self, fill):
        process.warm_first_fill(*FILLS[fill])


class ColdFirstFill(Process):
    params = tuple(FILLS)
    param_names = ("fill",)
    repeat = 3

    def time_cold(self, fill):
        process.cold_first_fill(*FILLS[fill])


class Memory:
    version = "1"
    timeout = 600
    params = LAWS
    param_names = ("law",)
    unit = "bytes"

    def track_peak_over_output(self, law):
        return process.peak_over_output(law, GIB_VALUES)


class WholePeak:
    """The peak of a process that also compiles or loads the kernel."""

    version = "1"
    timeout = 600
    params = LAWS
    param_names = ("law",)

    def setup(self, law):
        self.call = fill_call(law, GIB_VALUES, buffer="fresh")

    def peakmem_fill(self, law):
        self.call()
