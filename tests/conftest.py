"""One table of what a Generator can draw."""

import math
import re

DTYPES = ("float32", "float64", "float16", "bfloat16", "float8_e4m3fn", "float8_e5m2")

#: A method of Generator and arguments for each kernel: `tests/promise/test_1_pure_function.py` checks that none is missing.
DRAWS = {
    "bits": ("bits", ()),
    "uniform": ("uniform", (-1.5, 2.5)),
    "normal": ("normal", (0.5, 2.0)),
    "central": ("truncated_normal", (-2.0, 2.0, 0.5, 2.0)),
    "two-sided": ("truncated_normal", (-3.0, 2.5, 0.5, 2.0)),
    "folded": ("truncated_normal", (-math.inf, 0.0, 0.5, 2.0)),
    "flat": ("truncated_normal", (0.1, 0.5, 0.5, 2.0)),
    "tail": ("truncated_normal", (2.0, math.inf, 0.5, 2.0)),
    "mirrored tail": ("truncated_normal", (-4.0, -2.0, 0.5, 2.0)),
}
ROWS = [(name, dtype) for name in DRAWS for dtype in (("uint32",) if name == "bits" else DTYPES)]


def draw(rng, name, dtype, **keywords):
    """What `rng` gives for a row of the table."""
    method, parameters = DRAWS[name]
    if method != "bits":
        keywords["dtype"] = dtype
    return getattr(rng, method)(*parameters, **keywords)


def label(value):
    """An argument in a test's name: `repr` without addresses, which would differ between the processes of one run."""
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))
