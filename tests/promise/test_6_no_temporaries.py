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

name, dtype, layout, add = sys.argv[1:]
add = add == "added"
width = np.dtype(getattr(ml_dtypes, dtype, dtype))
shape = (1 << 28) // (8192 * width.itemsize), 8192
out = np.empty(shape[::-1], width).T if layout == "transposed" else np.empty(shape, width)
if layout == "strided":
    out = out[:, ::2]
out.fill(1)
rng = fi.default_rng(0)
draw(rng, name, dtype, size=(16, 8192), out=out[:16] if layout == "whole" else None)  # compiles, starts the threads
draw(rng, name, dtype, out=out[:16], add=add)
before = kibibytes("VmHWM")
assert before - kibibytes("VmRSS") < 4096, "the peak lies behind us: nothing could be seen"
draw(rng, name, dtype, out=out, add=add)
print(kibibytes("VmHWM") - before, out.nbytes // 1024)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system has no /proc/self/status to read the peak from")
@pytest.mark.parametrize(
    ("name", "dtype", "layout", "add"),
    [
        ("normal", "float32", "whole", "written"),
        ("central", "bfloat16", "whole", "written"),
        ("tail", "float64", "transposed", "written"),
        ("uniform", "float32", "strided", "written"),
        ("normal", "bfloat16", "whole", "added"),
    ],
)
def test_peak_memory(name, dtype, layout, add):
    grown, filled = map(int, python(PEAK, name, dtype, layout, add).split())
    assert filled >= 128 * 1024
    assert grown < 4 * 1024, f"{grown} KiB more than the output"
