"""What is collected, how long a run is, and kernels that are compiled once.

tests/definition       the stream format written again, slowly, and the table of hashes
tests/values           what comes out: known answers, the definition, every hash, other CPUs, the exact laws
tests/promise          README's eight promises, a file each
tests/kernels          the compiler's lanes, its formulas on NumPy arrays, CPU features, how to add a law
tests/generator        seeds, sizes, indices, `out`, errors, states: what a caller gives
tests/processes        the cache of compiled code, helper threads, forks: tests that start processes
tests/house            imports go downward, pages have their links, benchmarks run, a type checker sees the public API
tests/gpu              the device code for CUDA, run by a stand-in on the CPU
tests/nightly          forks, signals, guard pages, damaged caches, full disks, random arguments
all other folders      the folder of fastinit/ that has the same name

There are three lengths of run. `pytest` leaves out the tests marked `nightly`. `pytest -m nightly` runs those, with the usual
number of repetitions: `.ci/run` does both. `pytest -m '' --hypothesis-profile=nightly` runs everything with ten times as many
random arguments, drawn anew each time, and repeats what depends on chance hundreds of times (`tests/repeats.py`): some hours.
"""

import os
import subprocess
import sys
from importlib.util import find_spec

from hypothesis import HealthCheck, settings

settings.register_profile(
    "fixed", derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=False
)
settings.register_profile("nightly", settings.get_profile("fixed"), derandomize=False, print_blob=True)
settings.load_profile("fixed")

BACKENDS = [name for name in ("torch", "jax", "tensorflow") if find_spec(name)]

#: What each path needs.
NEEDS = {
    "fastinit/torch": ("torch",),
    "docs/index.md": ("torch", "scipy"),
    "docs/torch.md": ("torch",),
    "docs/torch-values.md": ("torch",),
    "docs/checkpoints.md": ("torch", "safetensors"),
    "docs/noise.md": ("torch",),
    "fastinit/jax": ("jax",),
    "docs/jax.md": ("jax", "flax"),
    "fastinit/keras": ("keras",),
    "docs/keras.md": ("keras",),
    "fastinit/dask": ("dask",),
    "docs/laws.md": ("torch", "jax", "dask"),
    "docs/lazy.md": ("torch", "dask"),
    "docs/scale.md": ("dask",),
    "docs/frameworks.md": ("torch", "jax", "keras", "dask", "safetensors"),
}

collect_ignore = [
    path for path, modules in NEEDS.items() if not all(map(find_spec, modules)) or ("keras" in modules and not BACKENDS)
]
collect_ignore.append("tests/house/typed.py")  # for a type checker: its wrong calls raise
if BACKENDS:
    os.environ.setdefault("KERAS_BACKEND", BACKENDS[0])

COMPILE = """
import sys
from fastinit.distributions import LAWS
from fastinit.distributions.sums import added
from fastinit.kernels import rows
if sys.argv[1] == "0":
    rows.loop()
plain = [(LAWS[law], dtype) for law, dtype in rows.ROWS]
sums = [(added(law), dtype) for law, dtype in plain if rows.STORAGE[dtype].format.decode]
for law, dtype in (plain + sums)[int(sys.argv[1]) :: 2]:
    rows.entry(law, dtype)
"""


def pytest_configure(config):
    """Compile all kernels before the workers of pytest-xdist start, which would each compile most of them."""
    if hasattr(config, "workerinput") or not config.getoption("numprocesses", None) or config.option.collectonly:
        return
    halves = [subprocess.Popen([sys.executable, "-c", COMPILE, half], cwd=config.rootpath) for half in "01"]
    codes = [process.wait() for process in halves]
    if any(codes):
        raise RuntimeError("the kernels do not compile: see above")
