"""No temporaries: a fill needs the output and a few MiB."""

from pathlib import Path

import pytest

from tests.processes.scripts import python

PEAK = """
import re, sys
import numpy as np
import ml_dtypes
import fastinit as fi
from tests.conftest import draw

def kibibytes(entry):
    with open("/proc/self/status") as status:
        return int(re.search(entry + r":\\s+(\\d+) kB", status.read())[1])

name, dtype, layout = sys.argv[1:]
width = np.dtype(getattr(ml_dtypes, dtype, dtype))
shape = (1 << 28) // (8192 * width.itemsize), 8192
out = np.empty(shape[::-1], width).T if layout == "transposed" else np.empty(shape, width)
if layout == "strided":
    out = out[:, ::2]
out.fill(1)
rng = fi.default_rng(0)
draw(rng, name, dtype, size=(16, 8192), out=out[:16] if layout == "whole" else None)  # compiles, starts the threads
draw(rng, name, dtype, out=out[:16])
before = kibibytes("VmHWM")
assert before - kibibytes("VmRSS") < 4096, "the peak lies behind us: nothing could be seen"
draw(rng, name, dtype, out=out)
print(kibibytes("VmHWM") - before, out.nbytes // 1024)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system has no /proc/self/status to read the peak from")
@pytest.mark.parametrize(
    ("name", "dtype", "layout"),
    [
        ("normal", "float32", "whole"),
        ("central", "bfloat16", "whole"),
        ("tail", "float64", "transposed"),
        ("uniform", "float32", "strided"),
    ],
)
def test_peak_memory(name, dtype, layout):
    grown, filled = map(int, python(PEAK, name, dtype, layout).split())
    assert filled >= 128 * 1024
    assert grown < 16 * 1024, f"{grown} KiB more than the output"
