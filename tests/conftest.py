"""One table of what a Generator can draw, and what tests of several folders need."""

import math
import re
import subprocess

import pytest

from fastinit import laws

DTYPES = ("float32", "float64", "float16", "bfloat16", "float8_e4m3fn", "float8_e5m2")

#: A method of Generator and arguments for each kernel: `tests/promise/test_1_pure_function.py` checks that none is missing.
DRAWS = {
    "bits": ("bits", ()),
    "uniform": ("uniform", (-1.5, 2.5)),
    "normal": ("normal", (0.5, 2.0)),
    "central": ("truncated_normal", (-2.0, 2.0, 0.5, 2.0)),
    "symmetric": ("truncated_normal", (-2.0, 2.0, 0.0, 2.0)),
    "two-sided": ("truncated_normal", (-3.0, 2.5, 0.5, 2.0)),
    "folded": ("truncated_normal", (-math.inf, 0.0, 0.5, 2.0)),
    "flat": ("truncated_normal", (0.1, 0.5, 0.5, 2.0)),
    "tail": ("truncated_normal", (2.0, math.inf, 0.5, 2.0)),
    "mirrored tail": ("truncated_normal", (-4.0, -2.0, 0.5, 2.0)),
}
#: The same for the laws of `fastinit.laws` that no method draws.
LAW_DRAWS = {
    law.name: ("draw", (law,))
    for law in (
        laws.exponential(0.5),
        laws.laplace(0.5, 2.0),
        laws.logistic(0.5, 2.0),
        laws.gumbel(0.5, 2.0),
        laws.cauchy(0.5, 2.0),
        laws.lognormal(0.5, 1.0),
        laws.rademacher(),
        laws.bernoulli(0.3),
        laws.integers(17, 113),
    )
}
LAW_ROWS = [(name, dtype) for name, (_, (law,)) in LAW_DRAWS.items() for dtype in law.dtype_names]
#: Some of them for the tests of all that a call may be given: both words, and integers of different widths.
SOME_LAW_ROWS = [
    ("laplace", "float32"),
    ("lognormal", "float64"),
    ("bernoulli", "bool"),
    ("integers", "int16"),
    ("integers", "uint64"),
]
ROWS = [(name, dtype) for name in DRAWS for dtype in (("uint32",) if name == "bits" else DTYPES)] + SOME_LAW_ROWS


def draw(rng, name, dtype, **keywords):
    """What `rng` gives for a row of the table."""
    method, parameters = DRAWS.get(name) or LAW_DRAWS[name]
    if method != "bits":
        keywords["dtype"] = dtype
    return getattr(rng, method)(*parameters, **keywords)


def label(value):
    """An argument in a test's name: `repr` without addresses, which would differ between the processes of one run."""
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 4 MiB."""
    where = tmp_path / "disk"
    where.mkdir()
    try:
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", where], capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("there is no `mount` here")
    if mounted.returncode:
        pytest.skip(f"mounting is not permitted: {mounted.stderr.strip()}")
    yield where
    subprocess.run(["umount", where], check=True)
