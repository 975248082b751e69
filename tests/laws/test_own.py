"""Laws of the user's own: their values, pieces, dtypes, pickles and threads; that they are sums too."""

import pickle
import threading

import numpy as np
import pytest
from scipy import stats

import fastinit as fi
from fastinit.arguments import dtypes
from fastinit.arithmetic import convert, exp, fma, log, real_of, select, sqrt
from fastinit.kernels import cpus, threads
from tests.conftest import DTYPES
from tests.laws.own import NARROW, scaled, triangular
from tests.repeats import mostly_at_night
from tests.statistics import follows
from tests.values.defined import require_same_bits

COMPUTED = {dtype: np.float64 if dtype == "float64" else np.float32 for dtype in DTYPES}


@fi.laws.law
def parity(w, loc=0.0):
    """0 or 1 after the lowest bit of the word, plus loc."""
    return convert(w & 1, real_of(w)) + loc


@fi.laws.law("exponential")
def rayleigh(e, scale=1.0):
    return sqrt(e + e) * scale


@fi.laws.law("exponential")
def pareto(e, shape, *, least=1.0):
    return exp(e / shape) * least


@fi.laws.law("u11_closed")
def cosine_like(x, loc=0.0, scale=1.0):
    return fma(x * abs(x), scale, loc)


@fi.laws.law("u01_open_closed")
def power(u, k=2.0):
    return exp(log(u) / k)


@fi.laws.law("normal")
def huber(z, at=1.0):
    """A normal whose excess beyond `at` is doubled."""
    return select(abs(z) > at, z + z - select(z > 0.0, at, -at), z)


@fi.laws.law("normal")
def many(z, a=1.0, b=0.5, c=0.25, d=0.125, e=1.0, f=2.0, g=3.0, h=4.0, i=5.0, j=6.0):
    """More numbers than stay in registers."""
    return ((((((((z * a + b) * c + d) + e) + f) + g) + h) + i) + j) * 0.125


#: Every source, and a law with its arguments.
LAWS = {
    "words": parity(0.5),
    "exponential": rayleigh(2.0),
    "two parameters": pareto(3.0, least=0.5),
    "u11_closed": cosine_like(1.0, 2.0),
    "u01_open_closed": power(3.0),
    "u01_closed_open": triangular(2.0, 0.25),
    "normal": huber(0.75),
    "many": many(),
}
#: Each law in both computing types and in one narrow dtype, which is that of two laws.
PAIRS = [(name, dtype) for name in LAWS for dtype in ("float32", "float64")]
PAIRS += [(name, DTYPES[2 + i // 2]) for i, name in enumerate(LAWS)]
#: What SciPy says of them.
KNOWN = {
    "exponential": stats.rayleigh(scale=2.0),
    "two parameters": stats.pareto(3.0, scale=0.5),
    "u01_open_closed": stats.beta(3.0, 1.0),
    "u01_closed_open": stats.triang(0.25, 0, 2.0),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", KNOWN)
def test_the_distribution(name, dtype):
    """Kolmogorov-Smirnov at the level of `tests/statistics.py`."""
    follows(fi.default_rng(301).draw(LAWS[name], 100_000, dtype=dtype), KNOWN[name], f"{LAWS[name]}, {dtype}")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_words_are_those_of_bits(dtype):
    """The words of 32 bits are the words of `bits`; the first one of a pair is the low half of 64 bits."""
    lowest = fi.default_rng(3).bits(640) & 1
    if dtype == "float64":
        lowest = lowest.reshape(-1, 2, 16, 2)[..., 0].ravel()
    assert np.array_equal(fi.default_rng(3).draw(parity(0.5), lowest.size, dtype=dtype), lowest + 0.5)


def test_normals_are_those_of_normal():
    for dtype in ("float32", "float64", "float16"):
        z = fi.default_rng(3).normal(size=999, dtype=COMPUTED[dtype])
        found = fi.default_rng(3).draw(scaled(3.0), 999, dtype=dtype)
        with np.errstate(over="ignore"):
            require_same_bits(found, (z * COMPUTED[dtype](3)).astype(found.dtype))


def test_parameters_have_their_names():
    """By position, by name in any order, and for a law of a pair of words too: the methods' own values."""

    @fi.laws.law("normal")
    def line(z, loc, scale=1.0, *, factor=1.0):
        return fma(z, scale * factor, loc)

    @fi.laws.law("exponential")
    def delayed(e, *, scale, by=0.0):
        return e * scale - by

    wanted = fi.default_rng(3).normal(0.25, 2.0, 999)
    for law in (line(0.25, 2.0), line(scale=2.0, loc=0.25), line(0.25, factor=2.0), line(0.25, 4.0, factor=0.5)):
        require_same_bits(fi.default_rng(3).draw(law, 999), wanted)
    found = fi.default_rng(3).draw(delayed(by=0.0, scale=0.5), 999)
    require_same_bits(found, fi.default_rng(3).draw(fi.laws.exponential(0.5), 999))


def test_parameters_may_have_any_name():
    """Also those that fastinit's own functions use."""

    @fi.laws.law("normal")
    def line(z, x=0.0, self=1.0, cls=0.0, p=0.0, arguments=0.0, named=0.0, name=0.0):
        return fma(z, self, x) + (cls + p + arguments + named + name)

    for law in (line(0.25, 2.0), line(self=2.0, x=0.25), fi.laws.law("normal")(line.__wrapped__)(x=0.25, self=2)):
        require_same_bits(fi.default_rng(3).draw(law, 999), fi.default_rng(3).normal(0.25, 2.0, 999))


@pytest.mark.parametrize(("name", "dtype"), mostly_at_night(PAIRS, 3))
def test_pieces_and_layouts(name, dtype):
    """Any block is that of the whole, wherever it is stored; narrow dtypes are the rounded float32 values."""
    law, shape = LAWS[name], (23, 301)
    whole = fi.default_rng(4).draw(law, shape, dtype=dtype)
    if dtype not in ("float32", "float64"):
        with np.errstate(over="ignore"):
            require_same_bits(whole.ravel(), fi.default_rng(4).draw(law, shape).astype(whole.dtype).ravel())
    for index in (np.s_[5], np.s_[::-2, ::3], np.s_[3:9, 100:140], (22, 300)):
        assert np.array_equal(fi.default_rng(4).draw(law, shape, dtype=dtype, index=index), whole[index], equal_nan=True)
    out = np.zeros((46, 903), whole.dtype)[::-2, ::3]
    assert fi.default_rng(4).draw(law, out=out) is out
    assert np.array_equal(out, whole, equal_nan=True)


@pytest.mark.parametrize("name", LAWS)
def test_threads(name, monkeypatch):
    monkeypatch.setattr(threads, "PARALLEL_FROM", 1 << 62)
    alone = fi.default_rng(5).draw(LAWS[name], 100_003)
    monkeypatch.setattr(threads, "PARALLEL_FROM", 1)
    monkeypatch.setattr(threads, "CHUNK", 500)
    monkeypatch.setattr(threads, "GRAIN", 1)
    monkeypatch.setattr(cpus, "allowed", lambda: 4)
    assert fi.default_rng(5).draw(LAWS[name], 100_003).tobytes() == alone.tobytes()


@pytest.mark.parametrize(("name", "dtype"), mostly_at_night(PAIRS, 4))
def test_sums(name, dtype):
    old = fi.default_rng(9).uniform(-3, 3, 5000, dtype=dtype)
    out, values = old.copy(), fi.default_rng(5).draw(LAWS[name], 5000, dtype=COMPUTED[dtype])
    fi.default_rng(5).draw(LAWS[name], out=out, add=True)
    require_same_bits(out, (old.astype(COMPUTED[dtype]) + values).astype(old.dtype))


def test_a_first_use_by_eight_threads():
    """The kernel is compiled once, and each thread has the values."""

    @fi.laws.law("exponential")
    def fresh(e, scale=1.0):
        return e * scale + 0.123

    law, start, found = fresh(2.0), threading.Barrier(8), []

    def work():
        start.wait()
        found.append(fi.default_rng(6).draw(law, 3000).tobytes())

    workers = [threading.Thread(target=work) for _ in range(8)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    assert len(found) == 8
    assert set(found) == {fi.default_rng(6).draw(law, 3000).tobytes()}


# Distributions


def test_equal_laws_are_equal_keys():
    assert rayleigh(2) == rayleigh(scale=2.0) != rayleigh(3)
    assert hash(rayleigh(2)) == hash(rayleigh(2.0))
    assert rayleigh() == rayleigh(1.0)
    assert rayleigh(2.0) != fi.laws.exponential(2.0)
    assert fi.laws.laplace(0, 1) == fi.laws.laplace() != fi.laws.logistic()
    assert len({fi.laws.normal(), fi.laws.normal(0, 1), fi.laws.normal(0, 2)}) == 2


def test_they_say_what_they_are():
    assert repr(pareto(3, least=2)) == "pareto(shape=3, least=2)"
    assert repr(pareto) == "<law pareto(shape, *, least=1.0)>"
    assert (rayleigh.__name__, parity.__doc__.split()[0], rayleigh(2).name) == ("rayleigh", "0", "rayleigh")
    assert rayleigh(2.0).arguments == {"scale": 2.0}
    assert rayleigh(2.0).dtype_names == DTYPES


@pytest.mark.parametrize(
    "law",
    [NARROW, scaled(2.0), triangular(1, 0.1), fi.laws.laplace(1, 2), fi.laws.integers(3, 9), fi.laws.bernoulli(0.25)],
    ids=str,
)
def test_pickles(law):
    again = pickle.loads(pickle.dumps(law))
    assert again == law
    assert repr(again) == repr(law)
    assert len(pickle.dumps(law)) < 400
    assert fi.default_rng(1).draw(again, 100).tobytes() == fi.default_rng(1).draw(law, 100).tobytes()


def test_numpy_numbers_are_arguments():
    law = rayleigh(np.float32(0.5))
    assert law == rayleigh(0.5)
    assert law == rayleigh(np.array(0.5))
    assert isinstance(law.arguments["scale"], float)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"scale": "2"}, TypeError, "scale must be a real number"),
        ({"scale": True}, TypeError, "scale must be a real number"),
        ({"scale": float("nan")}, ValueError, "scale must not be NaN"),
        ({"scale": float("inf")}, ValueError, "scale must be finite"),
        ({"scale": 10**400}, ValueError, "scale must fit a double"),
        ({"loc": 1.0}, TypeError, r"rayleigh: got an unexpected keyword argument 'loc'; its parameters are \(scale=1.0\)"),
    ],
)
def test_wrong_arguments(arguments, error, words):
    with pytest.raises(error, match=words):
        rayleigh(**arguments)


def test_what_float32_cannot_hold_is_found_when_it_is_drawn():
    law = rayleigh(1e39)
    rng = fi.default_rng(0)
    assert rng.draw(law, 10, dtype="float64").min() > 0
    with pytest.raises(ValueError, match=r"scale must be finite and at most 3.40282e\+38.*bfloat16"):
        rng.draw(law, 10, dtype="bfloat16")
    assert rng.state["calls"] == 1


@pytest.mark.parametrize("dtype", mostly_at_night(DTYPES, 3))
def test_a_law_is_as_one_built_in(dtype):
    """The same formula, once by each way, to the last bit."""

    @fi.laws.law("exponential")
    def own(e, scale=1.0):
        return e * scale

    for size in (1, 777, 70_000):
        mine = fi.default_rng(7).draw(own(0.3), size, dtype=dtype)
        assert mine.tobytes() == fi.default_rng(7).draw(fi.laws.exponential(0.3), size, dtype=dtype).tobytes()
        assert mine.dtype == dtypes.resolve(dtype).dtype
