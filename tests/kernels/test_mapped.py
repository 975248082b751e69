"""`mapped` runs a formula on arrays of any size and layout."""

import operator
import os
import subprocess
import sys

import numpy as np
import pytest

from fastinit.arithmetic.lanes import bitcast, convert, f32, f64
from fastinit.kernels.mapped import mapped
from tests.kernels.samples import require_same


# `mapped` itself
def tripled(x):
    return x * 3


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 1000])
@pytest.mark.parametrize("dtype", ["u1", "f4", "f8"])
def test_mapped_of_any_size(size, dtype):
    x = np.arange(size, dtype=dtype)
    kept = x.copy()
    require_same(mapped(tripled, x), x * x.dtype.type(3))
    require_same(x, kept)


def test_mapped_gives_what_the_function_returns():
    """One array for lanes, a tuple for a tuple, of whatever kinds."""
    x = np.arange(40, dtype="u4")
    several = mapped(lambda x: (x < 3, x + 1, convert(x, f64), bitcast(x, f32)), x)
    assert isinstance(several, tuple)
    for found, wanted in zip(several, ((x < 3).astype("u1"), x + np.uint32(1), x.astype("f8"), x.view("f4")), strict=True):
        require_same(found, wanted)
    alone = mapped(lambda x: (x + 1,), x)
    assert isinstance(alone, tuple)
    assert len(alone) == 1


def test_mapped_broadcasts():
    a, b = np.arange(6, dtype="f4")[:, None], np.arange(5, dtype="f4")[None, :]
    require_same(mapped(operator.sub, a, b), a - b)
    require_same(mapped(operator.sub, a, np.float32(2)), a - np.float32(2))
    require_same(mapped(operator.add, np.float32(1), np.float32(2)), np.asarray(np.float32(3)))
    with pytest.raises(ValueError, match="shape"):
        mapped(operator.add, np.zeros(3), np.zeros(4))


def test_mapped_of_other_layouts_and_lists():
    x = np.arange(60, dtype="f8").reshape(3, 4, 5)
    for view in (x[::2, ::-1], x.T, x[:, :0], x[..., 2]):
        require_same(mapped(tripled, view), view * 3)
    require_same(mapped(tripled, [0.5, 2.0]), np.array([1.5, 6.0]))


def test_mapped_of_mixed_kinds():
    x, n = np.float32([1.5, -2.5]), np.uint32([7, 9])
    require_same(mapped(lambda x, n: x * convert(n, f32), x, n), np.float32([10.5, -22.5]))


def test_conditions_come_as_uint8():
    x = np.float32([1, np.nan, 3])
    require_same(mapped(lambda x: x > 2, x), np.uint8([0, 0, 1]))


@pytest.mark.parametrize("dtype", ["f2", "i1", "i2", "?", "c8", "O", ">f4"])
def test_mapped_refuses_other_dtypes(dtype):
    """With a sentence that names the dtype and those that there are."""
    with pytest.raises((TypeError, ValueError), match="float64") as raised_here:
        mapped(tripled, np.zeros(3, dtype))
    assert any(name in str(raised_here.value) for name in (str(np.dtype(dtype)), np.dtype(dtype).name))


@pytest.mark.parametrize("made", [1.0, None, [1, 2]], ids=str)
def test_mapped_wants_lanes(made):
    with pytest.raises(TypeError, match=r"mapped|Lanes"):
        mapped(lambda x: made, np.zeros(3))


OTHER_WIDTH = """
import numpy as np
from fastinit.arithmetic import lanes
from fastinit.kernels.mapped import mapped
try:
    mapped(lambda w: lanes.bitcast(w, lanes.{there}), np.arange(3200, dtype={here!r}))
except TypeError as error:
    print(error)
"""


@pytest.mark.parametrize(("here", "there"), [("u8", "u32"), ("u4", "u64")])
def test_mapped_refuses_results_of_another_width(here, there):
    """In a process of its own: such a result would be written over what lies behind the output."""
    script, env = OTHER_WIDTH.format(here=here, there=there), {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=env, timeout=120)
    assert (done.returncode, f"Lanes({there}, " in done.stdout) == (0, True), done.stdout + done.stderr
