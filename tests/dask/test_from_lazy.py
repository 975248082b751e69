"""A lazy array as a `dask.array`."""

import pickle

import numpy as np
import pytest

da = pytest.importorskip("dask.array", reason="Dask is not installed")

import fastinit as fi  # noqa: E402
import fastinit.dask as fd  # noqa: E402
from fastinit import laws  # noqa: E402
from fastinit.kernels import cpus  # noqa: E402


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("chunks", ["auto", 16, (40, -1), ((1, 39), (50, 0))])
@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
def test_values(dtype, chunks, scheduler):
    lazy = fi.lazy(laws.normal(scale=0.02), (50, 40), 0, dtype=dtype).T
    array = fd.from_lazy(lazy, chunks=chunks)
    assert (array.dtype, array.shape) == (lazy.dtype, lazy.shape)
    np.testing.assert_array_equal(array.compute(scheduler=scheduler), np.asarray(lazy))


def test_other_laws_blocks_and_arrays_without_axes():
    lazy = fi.lazy(laws.integers(1000), (30, 20, 10), 0).block(np.s_[::-3, 5])
    np.testing.assert_array_equal(fd.from_lazy(lazy, chunks=3).compute(), np.asarray(lazy))
    point = fi.lazy(laws.normal(), (), 0)
    assert fd.from_lazy(point).compute() == point[()]


def test_what_nobody_could_store():
    lazy = fi.lazy(laws.normal(), (2**20, 2**20), 0)
    array = fd.from_lazy(lazy, chunks=(2**12, 2**12))
    np.testing.assert_array_equal(array[-3:, -3:].compute(), lazy[-3:, -3:])
    assert len(pickle.dumps(array.blocks[0, 0].dask)) < 100_000


def test_keys_are_equal_for_equal_arrays():
    def name(seed=0, scale=1.0, chunks=2, dtype="float32", turned=False):
        lazy = fi.lazy(laws.normal(scale=scale), (4, 4), seed, dtype=dtype)
        return fd.from_lazy(lazy.T if turned else lazy, chunks=chunks).name

    names = [name(), name(1), name(scale=2.0), name(chunks=3), name(dtype="float64"), name(turned=True)]
    assert name() == names[0]
    assert len(set(names)) == len(names)


def test_a_task_of_many_has_one_thread(monkeypatch):
    found = []
    read = fi.LazyArray.read

    def reading(self, *arguments, **keywords):
        found.append(cpus.allowed())
        return read(self, *arguments, **keywords)

    array = fd.from_lazy(fi.lazy(laws.normal(), (8, 8), 0), chunks=4)
    monkeypatch.setattr(fi.LazyArray, "read", reading)
    array.compute(scheduler="threads")
    assert found == [1] * 4


def test_dask_takes_it_as_it_is_too():
    lazy = fi.lazy(laws.normal(), (8, 6), 0)
    np.testing.assert_array_equal(da.from_array(lazy, chunks=4).compute(), np.asarray(lazy))


def test_errors():
    lazy = fi.lazy(laws.normal(), (8, 6), 0)
    with pytest.raises(TypeError, match=r"lazy must be an array of fastinit.lazy; got ndarray"):
        fd.from_lazy(np.ones(3))
    with pytest.raises(ValueError, match="chunks must"):
        fd.from_lazy(lazy, chunks=(3, (2, 2)))
