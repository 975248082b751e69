"""What `add=` promises beside the sums: refusals, threads, interruption, and what is lost when noise is taken away again."""

import threading

import ml_dtypes
import numpy as np
import pytest

import fastinit as fi
from fastinit import dispatch
from fastinit.arguments import dtypes
from fastinit.kernels import cpus, threads
from tests.conftest import DTYPES, label
from tests.generator.refusals import INF, NAN, refused
from tests.generator.test_add import CALLS, COMPUTED, LACKS, expected_sum, require_sums

METHODS = ("uniform", "normal", "truncated_normal")

# Refusals: nothing is written, no call is counted


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("add", [True, np.True_, 1, -0.5, 0])
def test_out_must_be_given(method, add):
    refused(TypeError, ["out must be given where add is", repr(add)], method, size=5, add=add)
    refused(TypeError, ["out must be given where add is"], "draw", fi.laws.laplace(), size=5, add=add)


@pytest.mark.parametrize("add", ["1", None, 1j, [1], (), np.array([1.0]), np.array(True), b"x", object], ids=label)
def test_a_factor_is_a_real_number(add):
    refused(TypeError, ["add must be True, False or a real number", "got"], "normal", out=np.ones(5, np.float32), add=add)


@pytest.mark.parametrize(("add", "words"), [(NAN, "add must not be NaN"), (10**400, "add must fit a double")])
def test_a_factor_that_is_no_double(add, words):
    refused(ValueError, [words], "normal", out=np.ones(5, np.float32), add=add)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float8_e4m3fn"])
@pytest.mark.parametrize("add", [INF, -INF, 1e39])
def test_a_factor_is_finite_in_the_computing_type(dtype, add):
    """float64 takes 1e39, the others compute in float32."""
    out = np.ones(5, dtypes.resolve(dtype).dtype)
    refused(ValueError, ["add must be finite", "3.40282e+38", dtype, repr(add)], "normal", out=out, add=add)
    if add == 1e39:
        assert np.isfinite(fi.default_rng(0).normal(out=np.ones(5), add=add)).all()


@pytest.mark.parametrize("dtype", fi.laws.integers(2).dtype_names)
def test_integers_are_not_added(dtype):
    out = np.full(9, 7, dtype)
    refused(TypeError, ["add must be False for integers", dtype], "draw", fi.laws.integers(3), out=out, add=True)
    refused(TypeError, ["add must be False for integers", dtype], "draw", fi.laws.bernoulli(), out=out, add=2)


def test_bool_is_not_added():
    refused(TypeError, ["add must be False", "bool"], "draw", fi.laws.bernoulli(), out=np.zeros(9, bool), add=True)


def test_bits_are_not_added():
    refused(TypeError, ["add"], "bits", out=np.zeros(9, np.uint32), add=True)


def test_a_wrong_law_is_found_before_anything_is_added():
    refused(ValueError, ["scale must be at least 0"], "normal", 0, -1, out=np.ones(5, np.float32), add=True)
    read_only = np.ones(5, np.float32)
    read_only.flags.writeable = False
    refused(ValueError, ["out must be writable"], "normal", out=read_only, add=True)


# Threads


@pytest.mark.parametrize(
    ("name", "dtype"), [("normal", "float32"), ("tails", "float32"), ("tails", "float64"), ("laplace", "bfloat16")]
)
def test_helpers_add_once(name, dtype, monkeypatch):
    """Many small chunks by four threads: each element gets its value once, also where a proposal was rejected."""
    monkeypatch.setattr(cpus, "allowed", lambda: 4)
    monkeypatch.setattr(threads, "PARALLEL_FROM", 1)
    monkeypatch.setattr(threads, "CHUNK", 1000)
    monkeypatch.setattr(threads, "GRAIN", 1)
    monkeypatch.setattr(dispatch, "SEGMENT", 20_000)
    old = fi.default_rng(9).uniform(-3, 3, 200_003, dtype=dtype)
    values = CALLS[name](fi.default_rng(2), size=old.shape, dtype=COMPUTED[dtype])
    for out in (old.copy(), np.repeat(old, 2)[::2]):
        CALLS[name](fi.default_rng(2), out=out, add=True)
        require_sums(out, expected_sum(old, values, dtype))


def test_eight_threads_add_to_parts_of_one_array():
    """Each adds its own slice of one call; together they are the whole call."""
    shape, parts = (64, 5000), [slice(8 * i, 8 * i + 8) for i in range(8)]
    whole = np.ones(shape, np.float32)
    fi.default_rng(2).truncated_normal(0.5, INF, out=whole, add=-0.5)
    out, start = np.ones(shape, np.float32), threading.Barrier(8)

    def work(part):
        start.wait()
        fi.default_rng(2).truncated_normal(0.5, INF, size=shape, index=part, out=out[part], add=-0.5)

    workers = [threading.Thread(target=work, args=(part,)) for part in parts]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    assert np.array_equal(out, whole)


# Interruption


@pytest.mark.parametrize(("name", "dtype"), [("normal", "float32"), ("tails", "float64"), ("constant", "bfloat16")])
def test_an_interrupted_call_leaves_old_values_and_sums(name, dtype, monkeypatch):
    """Nothing else: no element is added to twice, or half. The call counts."""
    monkeypatch.setattr(dispatch, "SEGMENT", 5000)
    monkeypatch.setattr(cpus, "allowed", lambda: 1)
    old = fi.default_rng(9).uniform(-3, 3, 100_000, dtype=dtype)
    values = CALLS[name](fi.default_rng(2), size=old.shape, dtype=COMPUTED[dtype])
    new, looks, right = expected_sum(old, values, dtype), [], dispatch._in_pieces

    def stopped(fill_part, total, piece):
        def part(begin, end):
            looks.append(begin)
            if len(looks) > 2:
                raise KeyboardInterrupt
            fill_part(begin, end)

        right(part, total, piece)

    monkeypatch.setattr(dispatch, "_in_pieces", stopped)
    rng, out = fi.default_rng(2), old.copy()
    with pytest.raises(KeyboardInterrupt):
        CALLS[name](rng, out=out, add=True)
    done = looks[2]
    assert 0 < done < old.size
    require_sums(out[:done], new[:done])
    assert np.array_equal(out[done:], old[done:])
    assert rng.state["calls"] == 1


# Taking away


def half_step(x, dtype):
    """Half the distance of neighbouring numbers of the dtype at each x: the most that one rounding changes it by."""
    info = ml_dtypes.finfo(dtypes.resolve(dtype).dtype)
    exponent = np.maximum(np.frexp(np.abs(x))[1] - 1, int(info.minexp))
    return np.ldexp(1.0, exponent - int(info.nmant) - 1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["normal", "laplace", "tails", "uniform"])
def test_what_is_lost_is_two_roundings(name, dtype):
    """After add=True and add=-1.0, a weight differs by at most the rounding of the sum and that of the difference.

    Each of them is half a step of the dtype, and half a step of float32 (of float64, for float64) before it.
    """
    old = fi.default_rng(9).normal(0, 1, 100_000, dtype=dtype)
    out = old.copy()
    CALLS[name](fi.default_rng(2), out=out, add=True)
    between = out.astype(float)
    CALLS[name](fi.default_rng(2), out=out, add=-1.0)
    computed = "float64" if dtype == "float64" else "float32"
    steps = [half_step(x, dtype) for x in (between, out.astype(float))]
    if dtype != computed:
        steps += [half_step(x, computed) for x in (between, out.astype(float))]
    lost = np.abs(out.astype(float) - old.astype(float))
    assert (lost <= sum(steps)).all()
    assert (lost > 0).any()


def test_small_noise_is_lost_in_bfloat16():
    """Noise below half a step does not arrive: a weight of 1 does not change by 0.001."""
    out = np.ones(1000, ml_dtypes.bfloat16)
    fi.default_rng(2).uniform(0.0005, 0.001, out=out, add=True)
    assert (out == 1).all()


def test_a_weight_is_restored_without_loss_by_drawing_it_again():
    rng = fi.default_rng(4)
    w = rng.child("w").normal(0, 0.02, 5000, dtype="bfloat16")
    before = w.copy()
    rng.child("noise").normal(0, 0.01, out=w, add=True)
    rng.child("w").normal(0, 0.02, out=w)
    assert w.tobytes() == before.tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
def test_no_kernel_adds_more_than_it_draws(dtype):
    """Adding to 0 in float32 and float64 gives the values themselves; elsewhere the rounded ones, without bounds' help."""
    for name, call in CALLS.items():
        if dtype in LACKS.get(name, ()) or name == "bernoulli":
            continue
        out = call(fi.default_rng(2), out=np.zeros(500, dtypes.resolve(dtype).dtype), add=True)
        with np.errstate(all="ignore"):
            wanted = call(fi.default_rng(2), size=500, dtype=COMPUTED[dtype]).astype(out.dtype)
        require_sums(out, wanted + np.zeros_like(wanted))
