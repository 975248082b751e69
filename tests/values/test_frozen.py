"""Values frozen as stream version 1: they may change only with a new version, never by accident.

`python -m tests.values.test_frozen` prints the table anew.
"""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fastinit as fi
from tests.conftest import DTYPES

TABLE = Path(__file__).with_name("frozen.json")
SIZE = 3 * 8192 + 77  # more than two regions of the loop and a ragged end
INF = float("inf")


def draws(dtype):
    """Name and array of every sampler, with parameters that reach every method and both sides."""
    rng = fi.default_rng(20261124).child("frozen")
    options = {"size": SIZE, "dtype": dtype}
    yield "uniform 0 1", rng.uniform(**options)
    yield "uniform -0.3 0.7", rng.uniform(-0.3, 0.7, **options)
    yield "normal 0 1", rng.normal(**options)
    yield "normal 3 0.02", rng.normal(3, 0.02, **options)
    for a, b in [(-2, 2), (-3, 3), (-1, 1), (0, INF), (0.5, INF), (-INF, 0.3), (8, INF), (-INF, -30), (1, 1.5), (3, 3.000001)]:
        yield f"truncated {a} {b}", rng.truncated_normal(a, b, **options)
    yield "truncated -2 2, 0.1 0.02", rng.truncated_normal(-2, 2, 0.1, 0.02, **options)
    yield "truncated absolute", rng.truncated_normal(-0.01, 0.05, 0.01, 0.02, units="absolute", **options)


def digest(array):
    return hashlib.sha256(array.tobytes()).hexdigest()[:32]


def table():
    rows = {f"{dtype}: {name}": digest(x) for dtype in DTYPES for name, x in draws(dtype)}
    rows["bits"] = digest(fi.default_rng(20261124).bits(SIZE))
    return rows


def test_first_words_and_values():
    """A few in the open, for a reader and for other implementations."""
    rng = fi.default_rng(0)
    assert [f"{w:08x}" for w in rng.bits(4)] == json.loads(TABLE.read_text())["first words"]
    x = rng.normal(size=4)
    assert [float(v).hex() for v in x] == json.loads(TABLE.read_text())["first normals"]


def test_table():
    frozen = json.loads(TABLE.read_text())
    assert frozen["stream_version"] == fi.STREAM_VERSION
    assert table() == frozen["rows"]


CPUS = {
    "SSE2": ("generic", ""),
    "AVX2": (
        "haswell",
        "+avx2,+avx,+fma,+f16c,+bmi,+bmi2,+popcnt,+lzcnt,+sse4.2,+sse4.1,+ssse3,+sse3,+sse2,+64bit,+cx16,+cmov,+fxsr",
    ),
}


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the other code paths are those of x86")
@pytest.mark.parametrize("level", CPUS)
def test_other_instruction_sets(level, tmp_path):
    """The same values from code without AVX-512, and from code without fused multiply-add or float16 conversion."""
    name, features = CPUS[level]
    script = (
        "import json, sys; from tests.values.test_frozen import draws, digest\n"
        "rows = {f'{d}: {n}': digest(x) for d in sys.argv[1:] for n, x in draws(d)}; print(json.dumps(rows))"
    )
    env = {**os.environ, "NUMBA_CPU_NAME": name, "NUMBA_CPU_FEATURES": features}
    command = [sys.executable, "-c", script, *(["float32", "float16"] if level == "SSE2" else ["float32", "float64"])]
    done = subprocess.run(command, env=env, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    frozen = json.loads(TABLE.read_text())["rows"]
    rows = json.loads(done.stdout)
    assert rows == {name: frozen[name] for name in rows}


def main():
    rng = fi.default_rng(0)
    first = {"first words": [f"{w:08x}" for w in rng.bits(4)], "first normals": [float(v).hex() for v in rng.normal(size=4)]}
    print(json.dumps({"stream_version": fi.STREAM_VERSION, **first, "rows": table()}, indent=1))


if __name__ == "__main__":
    np.seterr(all="raise")
    main()
