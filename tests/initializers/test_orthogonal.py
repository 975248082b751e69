"""Orthogonality in every dtype and shape, moments of the Haar measure, and the reflections applied one by one."""

import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import fastinit as fi
from fastinit.arguments import dtypes
from fastinit.initializers import delta_orthogonal, orthogonal, orthonormal
from tests.statistics import follows

FLOAT64 = dtypes.resolve("float64")


def defect(rows):
    """Largest deviation of W @ W.T from the identity, in float64."""
    w = np.asarray(rows, np.float64)
    return np.abs(w @ w.T - np.eye(len(w))).max()


def as_matrix(w, axis=0):
    """The matrix with its rows along the axis, transposed if it has more rows than columns."""
    matrix = np.moveaxis(w, axis, 0).reshape(w.shape[axis], -1)
    return matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T


# --- orthogonality ----------------------------------------------------------------------------------------------------

#: Half an ulp of an element, times the root of a row's length and some: what rounding the elements may do to a product.
WITHIN = {"float32": 1e-5, "float64": 1e-12, "float16": 2e-3, "bfloat16": 2e-2}
SHAPES = [((1, 1), 0), ((1, 9), 0), ((9, 1), 0), ((7, 7), 0), ((300, 130), 0), ((130, 300), -1), ((16, 8, 3, 3), 0)]
SHAPES += [((3, 3, 8, 16), -1), ((64, 2, 3), 0), ((5, 40, 6), 1), ((2, 5, 3), 1), ((257, 256), 1), ((129, 128, 2), 0)]


@pytest.mark.parametrize("dtype", WITHIN)
@pytest.mark.parametrize(("shape", "axis"), SHAPES)
def test_orthogonal(shape, axis, dtype):
    w = orthogonal(shape, axis=axis, rng=1, dtype=dtype)
    assert w.shape == shape
    assert defect(as_matrix(w, axis)) < WITHIN[dtype]
    doubled = orthogonal(shape, gain=2.0, axis=axis, rng=1, dtype=dtype)
    assert np.abs(doubled.astype(np.float64) - 2 * w.astype(np.float64)).max() <= 2**-24  # float16's subnormal numbers


@pytest.mark.parametrize(("dtype", "side"), [("float32", 2048), ("float64", 1024)])
def test_large(dtype, side):
    assert defect(orthogonal((side, side), rng=1, dtype=dtype)) < WITHIN[dtype]


def test_gain():
    assert (orthogonal((8, 8), gain=0.0, rng=1) == 0).all()
    assert np.isinf(orthogonal((1, 1), gain=1e6, rng=1, dtype="float16")).all()


# --- the product of reflections ---------------------------------------------------------------------------------------


def obvious(shape, child):
    """Q' of Q R = G by reflecting one by one in float64, from the same Gaussian numbers."""
    rows, columns = shape
    x = np.triu(child("reflectors").normal(size=shape, dtype="float64"))
    q, signs = np.eye(columns), np.ones(rows)
    for k in range(rows):
        length = np.linalg.norm(x[k])
        v = x[k].copy()
        v[k] += math.copysign(length, x[k, k])
        q = q @ (np.eye(columns) - 2 * np.outer(v, v) / (v @ v))
        signs[k] = -math.copysign(1, x[k, k])
    return (q[:, :rows] * signs).T


@pytest.mark.parametrize("shape", [(1, 1), (5, 5), (4, 11), (40, 40), (33, 70)])
@pytest.mark.parametrize("block", [1, 7, 128])
def test_blocks_are_the_reflections_one_by_one(monkeypatch, shape, block):
    monkeypatch.setattr(orthonormal, "REFLECTIONS", block)
    monkeypatch.setattr(orthonormal, "ROWS", 16)
    child = fi.default_rng(3).child
    matrix = orthonormal.orthonormal_rows(child, shape, FLOAT64)
    assert np.abs(matrix - obvious(shape, child)).max() < 1e-13


class Numbers:
    """A Generator whose normal values are all the same."""

    def __init__(self, value):
        self.value = value

    def __call__(self, name):
        return self

    def normal(self, size, dtype, index):
        return np.full(size, self.value, dtype)[index]


@pytest.mark.parametrize("value", [0.0, -0.0])
def test_a_vector_of_zeros_does_no_harm(value):
    assert defect(orthonormal.orthonormal_rows(Numbers(value), (5, 8), FLOAT64)) < 1e-12


# --- the Haar measure -------------------------------------------------------------------------------------------------

DRAWS = 4000


@pytest.fixture(
    scope="module", params=[(4, 4), *(pytest.param(shape, marks=pytest.mark.nightly) for shape in ((3, 7), (7, 3)))]
)
def sample(request):
    rng = fi.default_rng(17)
    return np.array([orthogonal(request.param, rng=rng, dtype="float64") for _ in range(DRAWS)])


def test_moments_of_haar(sample):
    """E w = 0, E w^2 = 1/n, E w^4 = 3 / (n (n + 2)); E w_ij^2 w_kl^2 in one row, in one column, and in neither."""
    n = max(sample.shape[1:])
    error = 5 / math.sqrt(DRAWS)
    assert np.abs(sample.mean(axis=0)).max() < error * math.sqrt(1 / n)
    squares = sample**2
    fourth = 3 / (n * (n + 2))
    assert np.abs(squares.mean(axis=0) - 1 / n).max() < error * math.sqrt(fourth - 1 / n**2)
    eighth = 105 / (n * (n + 2) * (n + 4) * (n + 6))
    assert np.abs((squares**2).mean(axis=0) - fourth).max() < error * math.sqrt(eighth - fourth**2)
    in_line = 1 / (n * (n + 2))
    across = (n + 1) / (n * (n - 1) * (n + 2))
    for other, expected in (((0, 1), in_line), ((1, 0), in_line), ((1, 1), across)):
        products = squares[:, 0, 0] * squares[:, *other]
        assert abs(products.mean() - expected) < error * products.std(), other


def test_an_element_follows_its_law(sample):
    """An entry of a unit vector uniform on the sphere in n dimensions: (1 + w) / 2 is Beta((n - 1) / 2, (n - 1) / 2)."""
    n = max(sample.shape[1:])
    law = stats.beta((n - 1) / 2, (n - 1) / 2, -1, 2)
    for i in range(sample.shape[1]):
        for j in range(sample.shape[2]):
            follows(sample[:, i, j], law, f"element {i}, {j}")


def test_determinant_and_trace_of_a_square():
    """Both signs of the determinant are equally likely; the trace has mean 0, variance 1 and fourth moment 3."""
    rng = fi.default_rng(23)
    squares = np.array([orthogonal((5, 5), rng=rng, dtype="float64") for _ in range(DRAWS)])
    positive = (np.linalg.det(squares) > 0).mean()
    assert abs(positive - 0.5) < 5 * 0.5 / math.sqrt(DRAWS)
    trace = np.trace(squares, axis1=1, axis2=2)
    assert abs(trace.mean()) < 5 / math.sqrt(DRAWS)
    assert abs((trace**2).mean() - 1) < 5 * math.sqrt(2 / DRAWS)
    assert abs((trace**4).mean() - 3) < 5 * math.sqrt((105 - 9) / DRAWS)


def test_wrong_signs_are_found():
    """The tests above can fail: the signs of LAPACK's QR are not those of the Haar measure."""
    rng = fi.default_rng(23)
    wrong = np.array([np.linalg.qr(rng.normal(size=(5, 5), dtype="float64"))[0] for _ in range(DRAWS)])
    assert abs(np.trace(wrong, axis1=1, axis2=2).mean()) > 5 / math.sqrt(DRAWS)


# --- cost and machines ------------------------------------------------------------------------------------------------

PEAK = """
from pathlib import Path
import numpy as np
import fastinit as fi

def resident(which):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(which)) * 1024

fi.initializers.orthogonal((512, 512), rng=0)
before = resident("VmRSS:")
w = fi.initializers.orthogonal((3072, 3072), rng=0)
print((resident("VmHWM:") - before) / w.nbytes)
"""

VALUES = """
import sys
import numpy as np
import fastinit as fi
sys.stdout.buffer.write(fi.initializers.orthogonal((600, 500), rng=0, dtype=sys.argv[1]).tobytes())
"""


def run(code, *arguments, **environment):
    env = {**os.environ, "PYTHONPATH": str(Path(fi.__file__).parents[1]), **environment}
    return subprocess.run([sys.executable, "-c", code, *arguments], env=env, check=True, capture_output=True).stdout


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="resident memory is read from /proc")
def test_memory_stays_below_three_matrices():
    assert float(run(PEAK)) < 2.9


@pytest.mark.nightly
@pytest.mark.parametrize(("dtype", "within"), [("float32", 1e-5), ("float64", 1e-13)])
def test_values_agree_whatever_the_number_of_threads(dtype, within):
    """Only to rounding, because the matrix product comes from a BLAS library."""
    one, two = (np.frombuffer(run(VALUES, dtype, OPENBLAS_NUM_THREADS=n, MKL_NUM_THREADS=n), dtype) for n in "12")
    assert np.abs(one - two).max() < within


# --- convolutions -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", WITHIN)
@pytest.mark.parametrize("shape", [(3, 4, 6), (2, 5, 5), (3, 4, 2, 8), (1, 1, 3, 3), (3, 2, 5, 3, 7)])
def test_delta_orthogonal(shape, dtype):
    w = delta_orthogonal(shape, rng=2, dtype=dtype)
    centre = tuple((n - 1) // 2 for n in shape[:-2])
    assert defect(w[centre]) < WITHIN[dtype]
    rest = w.copy()
    rest[centre] = 0
    assert (rest == 0).all()
    turned = delta_orthogonal((shape[-1], shape[-2], *shape[:-2]), layout="out_in", rng=2, dtype=dtype)
    assert (turned == np.moveaxis(w, (-1, -2), (0, 1))).all()
    fourfold = delta_orthogonal(shape, gain=4.0, rng=2, dtype=dtype)
    assert np.abs(fourfold.astype(np.float64) - 4 * w.astype(np.float64)).max() <= 2**-23
