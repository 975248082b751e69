"""A model written to disk as safetensors, beside writing constants the same way and beside plain writes of zeros."""

import os
import shutil
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.measure import FEW_ROUNDS, VALUES, Missing, ratio, timed_rounds
from fastinit.bench.measure import store
from fastinit.files.atomic import replacing
from fastinit.safetensors import writing

#: 2 GiB of bfloat16, unless the benchmarks are only made to run. A few large tensors and a small one each, as layers have.
LAYERS = 16
ROWS = max(16 * VALUES // LAYERS // 4096, 1)
SPEC = {
    "tensors": {
        name: {"shape": shape, "dtype": "bfloat16"}
        for i in range(LAYERS)
        for name, shape in ((f"layers.{i}.weight", (ROWS, 4096)), (f"layers.{i}.norm.weight", (4096,)))
    },
    "rules": {"*.norm.*": "ones"},
    "default": "truncated_normal(scale=0.02)",
}

#: Bytes of one plain write.
PIECE = 1 << 26


def plan(path):
    return writing.plan(path, SPEC, seed=0, overwrite=True)


def values(path):
    """What is measured."""
    writing.write(plan(path))


def constant(path):
    """The same files by the same means, with a parallel store in place of every draw."""
    made = plan(path)
    shards = [
        shard._replace(jobs=[job._replace(draw=lambda rng, out, where: store(out.reshape(-1))) for job in shard.jobs])
        for shard in made.shards
    ]
    writing.write(made._replace(shards=shards))


def zeros(path):
    """The same files by the same means, all zeros, which NumPy stores with one thread."""
    writing.write(writing.plan(path, SPEC | {"rules": {"*": "zeros"}}, seed=0, overwrite=True))


def plain(path):
    """As many zeros from a buffer in large writes."""
    buffer, left = np.zeros(PIECE, np.uint8), plan(path).size
    with replacing(path, overwrite=True) as file:
        while left:
            left -= file.write(buffer[: min(left, PIECE)])


WAYS = {"values": values, "constant": constant, "zeros": zeros, "plain": plain}


def directory():
    """A new directory on the disk where temporary files lie, or in FASTINIT_BENCH_DIRECTORY, with room for three files."""
    made = Path(tempfile.mkdtemp(dir=os.environ.get("FASTINIT_BENCH_DIRECTORY")))
    needed = 3 * plan(made / "model.safetensors").size
    if shutil.disk_usage(made).free < needed:
        made.rmdir()
        raise Missing(f"{needed} bytes are needed in {made.parent}")
    return made


class Directory:
    """One call per sample, each of which waits for the disk."""

    version = "1"
    timeout = 1200
    number = 1
    repeat = 3
    warmup_time = 0

    def setup(self, way):
        self.directory = directory()
        self.path = self.directory / "model.safetensors"
        plan(self.path)  # compiles

    def teardown(self, way):
        shutil.rmtree(self.directory)


class Write(Directory):
    """Seconds until the file is on disk."""

    params = tuple(WAYS)
    param_names = ("way",)

    def time_write(self, way):
        WAYS[way](self.path)


class Speed(Directory):
    """How many times the speed of the other ways, in the same rounds."""

    params = tuple(way for way in WAYS if way != "values")
    param_names = ("to",)
    unit = "times the speed"

    def track_speed_of_values(self, to):
        return compared(self.path, (to,), FEW_ROUNDS)[to]


def compared(path, ways, count):
    """Speed of the values over that of other ways, medians of so many rounds."""
    times = timed_rounds({name: lambda way=WAYS[name]: way(path) for name in ("values", *ways)}, count)
    return {name: ratio(times, name, "values") for name in ways}
