"""Lazy arrays have the NumPy call's bytes, whatever the chunks and the scheduler."""

import doctest
import inspect
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("dask.array", reason="needs dask.array")

import dask
import dask.array as da
import ml_dtypes
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import fastinit as fi
import fastinit.dask as fd
from tests.conftest import DTYPES
from tests.initializers.table import ALIASES, CALLS

ROOT = Path(fi.__file__).parents[1]
SERVED = {**{name: row for name, row in CALLS.items() if "orthogonal" not in name}, "bits": ((24, 18), {})}
SHAPE = (11, 7)


def numpy_call(name, rng, **more):
    shape, own = SERVED[name]
    if name == "bits":
        return rng.bits(shape)
    return getattr(fi.initializers, name)(shape, rng=rng, **own, **more)


def lazy_call(name, rng, **more):
    shape, own = SERVED[name]
    return getattr(fd, name)(shape, rng=rng, **own, **more)


def same(lazy, whole, **how):
    """Whether the computed array has the dtype, shape and bytes of another."""
    found = lazy.compute(**how)
    assert isinstance(found, np.ndarray)
    assert (found.dtype, found.shape) == (whole.dtype, whole.shape) == (lazy.dtype, lazy.shape)
    return found.tobytes() == whole.tobytes()


# --- bytes ------------------------------------------------------------------------------------------------------------


def test_every_initialiser_is_served_or_said_not_to_be():
    assert set(fd.BY_NAME) == {*SERVED, *ALIASES}
    assert set(fi.initializers.BY_NAME) - set(fd.BY_NAME) == {"orthogonal", "delta_orthogonal"}
    for name in fd.BY_NAME:
        assert getattr(fd, name) is fd.BY_NAME[name]
        assert name in fd.__all__


@pytest.mark.parametrize("name", fd.BY_NAME)
def test_documentation(name):
    function = fd.BY_NAME[name]
    assert function.__name__ == name
    assert {"chunks", "rng"} <= set(inspect.signature(function).parameters)
    example = doctest.DocTestParser().get_doctest(function.__doc__, {}, name, None, None)
    assert doctest.DocTestRunner().run(example) == (0, 3)


@pytest.mark.parametrize("chunks", [-1, 5, 1, "100 B", "auto"])
@pytest.mark.parametrize("name", SERVED)
def test_the_bytes_are_the_numpy_call_s(name, chunks):
    if chunks == 1 and len(SERVED[name][0]) > 2:
        chunks = (3, 1, 1, 4)
    assert same(lazy_call(name, 7, chunks=chunks), numpy_call(name, fi.default_rng(7)), scheduler="sync")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scheduler", ["sync", "threads"])
def test_dtypes_and_schedulers(dtype, scheduler):
    lazy = fd.truncated_normal(SHAPE, scale=0.02, dtype=dtype, rng=1, chunks=(4, 3))
    whole = fi.default_rng(1).truncated_normal(-2, 2, 0.0, 0.02, SHAPE, dtype=dtype)
    assert lazy._meta.dtype == whole.dtype
    assert same(lazy, whole, scheduler=scheduler)


def test_the_first_call_of_a_generator_is_its_method_s():
    for chunks in (2, 5, -1):
        lazy = fd.normal((9, 4), rng=0, chunks=chunks)
        assert same(lazy, fi.default_rng(0).normal(size=(9, 4)))


@settings(max_examples=40)
@given(st.data())
def test_any_chunks_of_any_shape(data):
    shape = tuple(data.draw(st.lists(st.integers(0, 7), max_size=4), label="shape"))
    cuts = [data.draw(st.lists(st.booleans(), min_size=max(n - 1, 0), max_size=max(n - 1, 0))) for n in shape]
    chunks = []
    for n, cut in zip(shape, cuts, strict=True):
        edges = [0, *(i + 1 for i, here in enumerate(cut) if here), n]
        chunks.append(tuple(np.diff(edges).tolist()))
    lazy = fd.normal(shape, rng=3, chunks=tuple(chunks))
    assert lazy.chunks == tuple(chunks)
    assert same(lazy, np.asarray(fi.default_rng(3).normal(size=shape)), scheduler="sync")


@pytest.mark.parametrize("shape", [(), 0, (0, 5), (5, 0), (3, 0, 2), 1, [2, 3], np.array([2, 3]), np.int64(4)], ids=repr)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_unusual_shapes(shape, dtype):
    whole = np.asarray(fi.default_rng(0).normal(size=shape, dtype=dtype))
    assert same(fd.normal(shape, rng=0, dtype=dtype), whole)
    assert same(fd.normal(shape, rng=0, dtype=dtype, chunks=2), whole)


@pytest.mark.parametrize(
    "index",
    [np.s_[3], np.s_[2:5], np.s_[..., -1], np.s_[::-3, 1:6:2], np.s_[4:5, 2], np.s_[[5, 1, 1]], np.s_[None, 2:2]],
    ids=repr,
)
def test_slices(index):
    whole = fi.default_rng(2).uniform(-1, 1, SHAPE)
    assert same(fd.uniform(SHAPE, low=-1, high=1, rng=2, chunks=(3, 4))[index], np.asarray(whole[index]))


def test_rechunked_and_reduced():
    lazy = fd.normal((40, 30), rng=5, dtype="float64", chunks=(7, 11))
    whole = fi.default_rng(5).normal(size=(40, 30), dtype="float64")
    assert same(lazy.rechunk((13, 4)), whole)
    assert same(lazy.T.rechunk(9), whole.T)
    assert np.allclose(lazy.mean(axis=0).compute(), whole.mean(axis=0))
    assert same(da.concatenate([lazy, lazy * 2]), np.concatenate([whole, whole * 2]))


@pytest.mark.filterwarnings("default")  # zarr's own
def test_stores(tmp_path):
    pytest.importorskip("zarr", reason="needs zarr")
    lazy = fd.he_normal((50, 20), rng=5, chunks=(7, 11))
    whole = fi.initializers.he_normal((50, 20), rng=5)
    lazy.rechunk((25, 10)).to_zarr(tmp_path / "zarr")
    assert same(da.from_zarr(tmp_path / "zarr"), whole)
    da.to_npy_stack(tmp_path / "stack", lazy.rechunk((9, 20)), axis=0)
    assert same(da.from_npy_stack(tmp_path / "stack"), whole)
    half = fd.normal(100, dtype="bfloat16", rng=0, chunks=30)
    half.view("uint16").rechunk(20).to_zarr(tmp_path / "words")
    assert same(da.from_zarr(tmp_path / "words").view(ml_dtypes.bfloat16), fi.default_rng(0).normal(size=100, dtype="bfloat16"))
    out = np.zeros(100, ml_dtypes.bfloat16)
    half.store(out)
    assert out.tobytes() == fi.default_rng(0).normal(size=100, dtype="bfloat16").tobytes()


# --- what the graph holds ---------------------------------------------------------------------------------------------


def drawn_chunks(monkeypatch, lazy):
    """The bounds of the chunks that are drawn."""
    seen = []
    source = fd.arrays.FUNCTIONS["normal"]

    def noting(*arguments, index, **keywords):
        seen.append(tuple((part.start, part.stop) for part in index[:-1]))
        return source(*arguments, index=index, **keywords)

    monkeypatch.setitem(fd.arrays.FUNCTIONS, "normal", noting)
    lazy.compute(scheduler="sync")
    return sorted(seen)


def test_a_slice_computes_the_chunks_that_it_touches(monkeypatch):
    lazy = fd.normal((100, 100), rng=0, chunks=(10, 50))
    assert drawn_chunks(monkeypatch, lazy[25:35, 60]) == [((20, 30), (50, 100)), ((30, 40), (50, 100))]


def test_a_corner_of_an_array_that_nobody_could_store():
    lazy = fd.normal((2**30, 2**20), rng=0)
    assert np.prod(lazy.numblocks, dtype=float) > 1e7
    assert same(lazy[-1, -3:], fi.default_rng(0).normal(size=(2**30, 2**20), index=np.s_[-1, -3:]))


@pytest.mark.parametrize("name", SERVED)
def test_tasks_are_small(name):
    rng = fi.default_rng(list(range(1000))).child("a name")  # what a big seed weighs is no task's burden
    lazy = lazy_call(name, rng, chunks=3)
    tasks = dict(lazy.__dask_graph__())
    assert len(tasks) == lazy.npartitions
    assert max(len(pickle.dumps(task)) for task in tasks.values()) < 1000
    many = fd.normal((10**9,), rng=rng, chunks=10**6)
    assert len(pickle.dumps(many)) < 10_000 + 10 * 1000


def test_keys_are_the_arguments_own():
    rng = fi.default_rng(5)
    lazy = fd.normal(SHAPE, rng=5, chunks=4)
    assert fd.normal(SHAPE, loc=0.0, scale=1.0, rng=rng, chunks=(4, 4), dtype=np.float32).name == lazy.name
    assert fd.normal(list(SHAPE), rng=fi.default_rng(5), chunks={0: 4, 1: 4}).name == lazy.name
    assert fd.glorot_normal(SHAPE, rng=1).name == fd.xavier_normal(SHAPE, rng=1).name
    others = [
        fd.normal(SHAPE, rng=rng, chunks=4),  # its second call
        fd.normal(SHAPE, rng=6, chunks=4),
        fd.normal(SHAPE, rng=5, chunks=5),
        fd.normal((7, 11), rng=5, chunks=4),
        fd.normal(SHAPE, loc=1.0, rng=5, chunks=4),
        fd.normal(SHAPE, rng=5, chunks=4, dtype="float16"),
        fd.normal(SHAPE, rng=fi.default_rng(5).child("x"), chunks=4),
        fd.small_random(SHAPE, scale=1.0, rng=5, chunks=4),
        fd.normal(SHAPE, chunks=4),
        fd.normal(SHAPE, chunks=4),
    ]
    assert len({lazy.name, *(other.name for other in others)}) == 1 + len(others)


def test_keys_are_the_same_in_another_process():
    code = "import fastinit.dask as fd; print(fd.truncated_normal((5, 6), scale=0.5, rng=[1, 2], chunks=(2, 3)).name)"
    names = set()
    for seed in ("1", "2"):
        env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed}
        names.add(
            subprocess.run([sys.executable, "-c", code], env=env, check=True, capture_output=True, text=True).stdout.strip()
        )
    assert names == {fd.truncated_normal((5, 6), scale=0.5, rng=[1, 2], chunks=(2, 3)).name}


def test_generators_have_tokens():
    with dask.config.set({"tokenize.ensure-deterministic": True}):
        tokens = [dask.base.tokenize(rng) for rng in (fi.default_rng(0), fi.default_rng(0), fi.default_rng(1))]
        rng = fi.default_rng(0)
        rng.normal()
        tokens.append(dask.base.tokenize(rng))
    assert tokens[0] == tokens[1]
    assert len(set(tokens)) == 3


# --- calls ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SERVED)
def test_building_takes_the_calls_of_the_numpy_function(name):
    lazily, eagerly = fi.default_rng(9).child("w"), fi.default_rng(9).child("w")
    lazy = [lazy_call(name, lazily, chunks=7) for _ in range(2)]
    whole = [numpy_call(name, eagerly) for _ in range(2)]
    assert lazily.state == eagerly.state
    lazily.normal()
    for _ in range(2):
        assert all(same(*pair, scheduler="sync") for pair in zip(lazy, whole, strict=True))
    assert lazily.state["calls"] == eagerly.state["calls"] + 1


def test_pickled_generators_and_lazy_arrays_keep_their_call():
    rng = fi.default_rng(1)
    rng.bits(3)
    lazy = fd.normal(SHAPE, rng=pickle.loads(pickle.dumps(rng.child("x"))), chunks=4)
    again = pickle.loads(pickle.dumps(lazy))
    assert again.name == lazy.name
    assert same(again, rng.child("x").normal(size=SHAPE))
    task = dask.delayed(lambda generator: generator.normal(size=3))(rng)
    expected = pickle.loads(pickle.dumps(rng)).normal(size=3)
    assert task.compute(scheduler="processes", num_workers=1).tobytes() == expected.tobytes()


def test_calls_beyond_2_to_the_32():
    rng, twin = fi.default_rng(1), fi.default_rng(1)
    rng.state = twin.state = {**rng.state, "calls": 2**40 + 5}
    assert same(fd.uniform(SHAPE, rng=rng, chunks=4), twin.uniform(size=SHAPE))


def test_arguments_are_the_array_s_own():
    bounds, scale = [-1.0, 1.5], np.array(2.0)
    lazy = fd.variance_scaling((20, 10), scale=scale, bounds=bounds, rng=0, chunks=6)
    whole = fi.initializers.variance_scaling((20, 10), scale=2.0, bounds=(-1.0, 1.5), rng=0)
    bounds[0], scale[...] = -0.1, 9.0
    assert same(lazy, whole)


def test_no_seed_is_drawn_once():
    lazy = fd.normal(SHAPE, chunks=4)
    assert same(lazy, lazy.compute())
    assert not np.array_equal(lazy.compute(), fd.normal(SHAPE, chunks=4).compute())


def test_another_stream_version_is_refused():
    recipe = fd.arrays.Recipe("normal", (3,), {}, (0, 1, 2), version=fi.STREAM_VERSION + 1)
    with pytest.raises(RuntimeError, match="stream version"):
        recipe((slice(0, 3),))
