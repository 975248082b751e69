"""Scripts in processes of their own."""

import hashlib
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import fastinit as fi

ROOT = Path(fi.__file__).parents[1]
LAYERS = ("omp", "workqueue", "tbb")

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")


def digest(seed=1, size=1 << 17):
    return hashlib.sha256(fi.default_rng(seed).normal(size=size).tobytes()).hexdigest()


def environment(layer=None, **more):
    """The environment of a script. A layer is for Numba's own parallel functions; `python` skips where there is none."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]), **more}
    if layer is None:
        return env
    env |= {"NUMBA_THREADING_LAYER": layer, "NUMBA_NUM_THREADS": "2"}
    if layer == "tbb":  # PyPI's wheel lays the library where the loader does not look
        folder = sysconfig.get_path("data") + "/lib"
        env["LD_LIBRARY_PATH"] = os.pathsep.join(filter(None, [folder, env.get("LD_LIBRARY_PATH")]))
    return env


def python(script, *arguments, env=None, timeout=1200, prefix=(), allowed=None, **options):
    """What a script prints; that it ends well, and says nothing on stderr but lines that have `allowed` in them."""
    command = [*prefix, sys.executable, "-c", script] if isinstance(script, str) else [*prefix, sys.executable, str(script)]
    command += map(str, arguments)
    done = subprocess.run(command, env=env or environment(), capture_output=True, text=True, timeout=timeout, **options)
    if "No threading layer could be loaded" in done.stderr:
        pytest.skip("this Numba has no such threading layer")
    assert done.returncode == 0, f"exit status {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    said = [line for line in done.stderr.splitlines() if allowed is None or allowed not in line]
    assert not said, "\n".join(said)[-4000:]
    return done.stdout
