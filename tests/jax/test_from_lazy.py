"""A lazy array as a `jax.Array`."""

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="JAX is not installed")

import fastinit as fi  # noqa: E402
import fastinit.jax as fj  # noqa: E402
from fastinit import laws  # noqa: E402
from tests.jax.test_sharded import finish, start  # noqa: E402


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16", "float8_e5m2"])
def test_values(dtype):
    lazy = fi.lazy(laws.normal(scale=0.02), (50, 40), 0, dtype=dtype)
    for each in (lazy, lazy.T, lazy.block(np.s_[::-3, 5])):
        array = fj.from_lazy(each)
        assert (array.dtype, array.shape) == (each.dtype, each.shape)
        np.testing.assert_array_equal(np.asarray(array), np.asarray(each))


SCRIPT = """
import numpy as np, jax
import fastinit as fi, fastinit.jax as fj
from jax.sharding import NamedSharding, PartitionSpec as P

shapes, read = [], fi.LazyArray.read

def reading(self, index=..., *, out=None):
    if out is not None:
        shapes.append(out.shape)
    return read(self, index, out=out)

fi.LazyArray.read = reading
mesh = jax.make_mesh((2, 4), ("x", "y"))
lazy = fi.lazy(fi.laws.rademacher(), (16, 24), 0, dtype="int8").T
for partition in (P("x", "y"), P("y"), P(None, "x"), P()):
    shapes.clear()
    array = fj.from_lazy(lazy, sharding=NamedSharding(mesh, partition))
    assert array.sharding.spec == partition
    assert (np.asarray(array) == np.asarray(lazy)).all()
    print(len(shapes), *set(shapes))
"""


def test_shardings_over_eight_devices():
    """Each block is read once, alone."""
    found = finish(start("-c", SCRIPT)).splitlines()
    assert found == ["8 (12, 4)", "4 (6, 16)", "2 (24, 8)", "1 (24, 16)"]


def test_inside_a_trace():
    lazy = fi.lazy(laws.normal(), (5, 3), 0)
    assert jax.eval_shape(lambda: fj.from_lazy(lazy)).shape == (5, 3)
    with pytest.raises(RuntimeError, match="cannot run inside a JAX trace"):
        jax.jit(lambda: fj.from_lazy(lazy))()


def test_errors():
    with pytest.raises(TypeError, match=r"lazy must be an array of fastinit.lazy; got ndarray"):
        fj.from_lazy(np.ones(3))
    with pytest.raises(TypeError, match="at most 32 bits unless jax_enable_x64 is set; got float64"):
        fj.from_lazy(fi.lazy(laws.normal(), 3, 0, dtype="float64"))
    with pytest.raises(TypeError, match="sharding must be"):
        fj.from_lazy(fi.lazy(laws.normal(), 3, 0), sharding="x")
