"""The installed back-ends, and programs that run on one of them in a new process."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
BACKENDS = [name for name in ("torch", "jax", "tensorflow") if importlib.util.find_spec(name)]


def run(backend, *command, fails=False, **environment):
    """The stdout of a Python program, or its stderr if it should fail."""
    env = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(ROOT), **environment}
    done = subprocess.run([sys.executable, *command], env=env, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert (done.returncode != 0) == fails, done.stdout + done.stderr
    return done.stderr if fails else done.stdout
