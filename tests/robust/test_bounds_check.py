"""The kernels compiled with Numba's bounds checks give the same bytes.

The checks see indices into arrays and tuples: here the table of axes, the place, the stream. Loads and stores at plain
addresses, which is how `out` and the scratch memory are reached, they do not see: `test_guard_pages.py` does.
"""

import numpy as np

from tests.conftest import ROWS
from tests.robust.common import environment, python, times

SCRIPT = """
import hashlib, sys
import numpy as np
import fastinit as fi
from tests.conftest import ROWS, draw
for row in [row for row in ROWS if " ".join(row) in sys.argv[1].split(",")]:
    found = hashlib.sha256()
    for size, index in [(70_000, None), ((9, 10, 11), np.s_[1:, ::2, ::-1]), ((3, 4, 5, 6, 7), np.s_[::2, 1:, :, 2, ::3])]:
        found.update(draw(fi.default_rng(3), *row, size=size, index=index).tobytes())
    out = np.zeros((40, 30, 20), draw(fi.default_rng(3), *row).dtype).transpose(1, 2, 0)[::-1]
    found.update(draw(fi.default_rng(3), *row, out=out).tobytes())
    print(*row, found.hexdigest())
"""


def test_bounds_checks_find_nothing(tmp_path):
    rows = ROWS if times(0, 1) else [("normal", "float32"), ("tail", "bfloat16")]
    wanted = ",".join(" ".join(row) for row in rows)
    checked = python(SCRIPT, wanted, env=environment(NUMBA_BOUNDSCHECK="1", NUMBA_CACHE_DIR=str(tmp_path)), timeout=3000)
    assert checked == python(SCRIPT, wanted)
    assert len(checked.splitlines()) == len(rows)


SEEN = """
import numpy as np
from numba import njit
@njit(["float64(float64[:], int64)"])
def at(x, i):
    return x[i]
try:
    at(np.zeros(3), 5)
except IndexError:
    print("seen")
"""


def test_bounds_checks_work():
    assert python(SEEN, env=environment(NUMBA_BOUNDSCHECK="1")) == "seen\n"
    assert np.zeros(3).size == 3
