"""Values of the initialisers without randomness."""

import math

import numpy as np
import pytest

import fastinit as fi
from fastinit import initializers


def test_constants():
    assert (initializers.zeros((2, 3)) == 0).all()
    assert not np.signbit(initializers.constant((2, 3), value=-0.0)).any()
    assert (initializers.ones(4, dtype="bfloat16") == 1).all()
    assert (initializers.constant((2, 3), value=0.1, dtype="float16") == np.float16(0.1)).all()
    assert initializers.constant((), value=2.0).shape == ()
    assert initializers.constant(3, value=1e6, dtype="float16").tolist() == [math.inf] * 3
    assert (initializers.zeros((2**40, 2**20), index=np.s_[-1, -5:]) == 0).all()


def test_eye():
    for shape in ((1, 1), (5, 5), (3, 8), (8, 3)):
        assert (initializers.eye(shape) == np.eye(*shape)).all()
    assert (initializers.identity((4, 4), gain=2.5) == 2.5 * np.eye(4)).all()
    huge = initializers.eye((2**31, 2**31), index=np.s_[2**30 : 2**30 + 3, 2**30 - 1 : 2**30 + 2])
    assert (huge == np.eye(3, k=1)).all()


def obvious_dirac(shape, groups):
    w = np.zeros(shape, np.float32)
    per_group = shape[0] // groups
    for group in range(groups):
        for i in range(min(per_group, shape[1])):
            w[(group * per_group + i, i, *(n // 2 for n in shape[2:]))] = 1
    return w


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("shape", [(4, 4, 3), (8, 3, 2), (4, 9, 1), (8, 2, 3, 4), (4, 2, 3, 3, 3), (4, 2, 1, 2, 3, 4)])
def test_dirac(shape, groups):
    expected = obvious_dirac(shape, groups)
    assert (initializers.dirac(shape, groups=groups) == expected).all()
    turned = np.moveaxis(expected, (0, 1), (-1, -2))
    assert (initializers.dirac(turned.shape, groups=groups, layout="in_out") == turned).all()


def test_dirac_passes_its_input_on():
    w = initializers.dirac((3, 3, 5))
    x = fi.default_rng(0).normal(size=(3, 20))
    y = np.array([sum(np.convolve(x[i], w[o, i, ::-1], "same") for i in range(3)) for o in range(3)])
    assert np.array_equal(y, x)
