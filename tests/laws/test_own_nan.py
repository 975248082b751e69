"""NaN that a law of one's own makes: each dtype stores its own NaN, whatever the machine and its conversions are."""

import hashlib

import numpy as np
import pytest

import fastinit as fi
from fastinit.arithmetic import sqrt
from fastinit.kernels.rows import STORAGE
from fastinit.kernels.targets.cpu import Cpu
from tests.processes.scripts import environment, python
from tests.values.defined import UNSIGNED, require_same_bits

SHORT = ("float16", "bfloat16", "float8_e4m3fn", "float8_e5m2")


def new():
    """A law of its own, and so kernels of its own: NaN for half of all normals."""

    @fi.laws.law("normal")
    def root(z, scale=1.0):
        return sqrt(z) * scale

    return root()


ROOT = new()


def require_nan(got, dtype):
    """What float32 has where it is a number, and the bits of the dtype's NaN elsewhere."""
    wanted = fi.default_rng(3).draw(ROOT, got.size)
    is_nan = np.isnan(wanted)
    assert 0.4 < is_nan.mean() < 0.6
    require_same_bits(got[~is_nan], wanted[~is_nan].astype(got.dtype))
    assert set(got[is_nan].view(UNSIGNED[got.itemsize]).tolist()) == {STORAGE[dtype].format.nan}


@pytest.mark.parametrize("converts", [True, False])
@pytest.mark.parametrize("dtype", SHORT)
def test_every_narrow_dtype_stores_its_nan(monkeypatch, dtype, converts):
    """Contiguous and strided; also on a CPU that lacks conversions of float16."""
    law = ROOT
    if not converts:
        monkeypatch.setattr(Cpu, "converts_half", False)
        law = new()
    require_nan(fi.default_rng(3).draw(law, 999, dtype=dtype), dtype)
    require_nan(fi.default_rng(3).draw(law, 1998, dtype=dtype, index=np.s_[:999]), dtype)
    out = np.zeros(1998, fi.default_rng(3).uniform(dtype=dtype, size=1).dtype)[::2]
    require_nan(fi.default_rng(3).draw(law, out=out), dtype)


@pytest.mark.parametrize("dtype", SHORT)
def test_sums_with_nan(dtype):
    out = np.zeros(999, fi.default_rng(3).uniform(dtype=dtype, size=1).dtype)
    require_nan(fi.default_rng(3).draw(ROOT, out=out, add=True), dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_wide_dtypes_store_nan(dtype):
    x = fi.default_rng(3).draw(ROOT, 999, dtype=dtype)
    assert np.array_equal(np.isnan(x), fi.default_rng(3).normal(size=999, dtype=dtype) < 0)


@pytest.mark.parametrize("dtype", ["float16", "float8_e5m2"])
def test_products_have_nan(dtype):
    """They take the values as float32."""
    whole = fi.default_rng(3).draw(ROOT, (40, 3), dtype=dtype).astype(np.float32)
    product = fi.lazy(ROOT, (40, 3), fi.default_rng(3), dtype=dtype) @ np.ones(3, np.float32)
    wanted = whole @ np.ones(3, np.float32)
    assert 0 < np.isnan(wanted).sum() < 40
    np.testing.assert_allclose(product, wanted, rtol=1e-5)


ELSEWHERE = """
import hashlib
import fastinit as fi
from tests.laws.test_own_nan import ROOT, SHORT
from fastinit.kernels import machine
assert machine.host().cpu == "generic"
for dtype in SHORT:
    print(hashlib.sha256(fi.default_rng(3).draw(ROOT, 999, dtype=dtype).tobytes()).hexdigest())
"""


@pytest.mark.nightly
def test_the_plainest_cpu_stores_the_same():
    found = python(ELSEWHERE, env=environment(NUMBA_CPU_NAME="generic", NUMBA_CPU_FEATURES="")).split()
    here = [fi.default_rng(3).draw(ROOT, 999, dtype=dtype).tobytes() for dtype in SHORT]
    assert found == [hashlib.sha256(values).hexdigest() for values in here]
