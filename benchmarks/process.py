"""What a process of its own costs: imports, first fills, memory."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import fastinit
from benchmarks.measure import Missing

FIRST_FILL = "import fastinit; fastinit.default_rng(0).{law}(size={values})"

#: Prints the bytes that were resident at the peak of a large fill, over those before it and the output.
#: A small fill by several threads comes first: what is measured is the fill, not the compiler. (The peak that `getrusage` tells
#: is no use: a child inherits its parent's.)
PEAK = """
from pathlib import Path
import fastinit

def resident(which):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(which)) * 1024

rng = fastinit.default_rng(0)
rng.{law}(size=1 << 16, dtype="{dtype}")
before = resident("VmRSS:")
out = rng.{law}(size={values}, dtype="{dtype}")
print(max(resident("VmHWM:") - before - out.nbytes, 0))
"""


def environment():
    """That of a new interpreter, which finds the fastinit that is imported here."""
    return os.environ | {"PYTHONPATH": str(Path(fastinit.__file__).parents[1])}


def run(code, cache=None):
    """Run code in a new interpreter; give back what it prints."""
    env = environment()
    if cache is not None:
        env["NUMBA_CACHE_DIR"] = str(cache)
    done = subprocess.run([sys.executable, "-c", code], env=env, check=True, capture_output=True, text=True)
    return done.stdout


def warm_first_fill(law, values):
    """A process that fills once with kernels from the cache (from the second time on)."""
    run(FIRST_FILL.format(law=law, values=values))


def cold_first_fill(law, values):
    """A process that has to compile the kernel first."""
    with tempfile.TemporaryDirectory() as cache:
        run(FIRST_FILL.format(law=law, values=values), cache)


def peak_over_output(law, values, dtype="float32"):
    """Bytes that a fill needs beyond its output."""
    if not Path("/proc/self/status").exists():
        raise Missing("resident memory is read from /proc")
    code = PEAK.format(law=law, values=values, dtype=dtype)
    run(code)  # so that the kernels are in the cache: a compiler's peak is no fill's
    return int(run(code))
