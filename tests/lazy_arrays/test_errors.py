"""What a lazy array refuses, and what it says then. A call that is refused takes no call of the Generator."""

import numpy as np
import pytest

import fastinit as fi
from fastinit import laws

W = fi.lazy(laws.normal(), (4, 6), 0)


@pytest.mark.parametrize(
    ("arguments", "keywords", "error", "message"),
    [
        ((laws.normal, (4, 6)), {}, TypeError, r"law must be a Distribution.*; write normal\(\.\.\.\)"),
        (("normal", (4, 6)), {}, TypeError, "law must be a Distribution"),
        ((laws.normal(), (4, -6)), {}, ValueError, "shape must not be negative"),
        ((laws.normal(), (4, 6.0)), {}, TypeError, "shape must be an int or a sequence of ints"),
        ((laws.normal(), (2**40, 2**40)), {}, ValueError, "shape must stay below"),
        ((laws.normal(), (4, 6)), {"dtype": "int8"}, TypeError, "dtype must be one of float32"),
        ((laws.rademacher(), (4, 6)), {"dtype": "uint8"}, TypeError, "dtype must be one of"),
        (
            (laws.integers(1000), (4, 6)),
            {"dtype": "int8"},
            ValueError,
            "must leave integers from -128 to 127 for int8",
        ),
    ],
)
def test_making_one(arguments, keywords, error, message):
    rng = fi.default_rng(0)
    with pytest.raises(error, match=message):
        fi.lazy(*arguments, rng, **keywords)
    assert rng.state["calls"] == 0


@pytest.mark.parametrize("seed", [-1, "0", 0.5, np.random.default_rng(0)])
def test_seeds(seed):
    with pytest.raises((TypeError, ValueError), match=r"^rng must"):
        fi.lazy(laws.normal(), 3, seed)


@pytest.mark.parametrize(
    ("index", "error"),
    [(4, IndexError), ((0, -7), IndexError), ((0, 0, 0), ValueError), (None, TypeError), ([0, 1], TypeError), (True, TypeError),
     (0.0, TypeError), ("a", TypeError), ((..., ...), ValueError), (np.ones((4, 6), bool), TypeError), (slice(0.5), TypeError)],
)  # fmt: skip
def test_indices(index, error):
    for access in (W.__getitem__, W.block, W.read):
        with pytest.raises(error, match="index must"):
            access(index)


OTHER_ARITHMETIC = {
    "add": lambda: W + 1,
    "subtract": lambda: np.ones((4, 6)) - W,
    "multiply": lambda: 2 * W,
    "negative": lambda: -W,
    "exp": lambda: np.exp(W),
    "equal": lambda: np.ones((4, 6)) == W,
    "less": lambda: W < 0,
    "maximum": lambda: np.maximum.accumulate(W),
    "matmul": lambda: W @ W.T,
    "copysign": lambda: np.copysign(np.ones((4, 6)), W, out=np.ones((4, 6))),
}


@pytest.mark.parametrize("name", OTHER_ARITHMETIC)
def test_other_arithmetic(name):
    with pytest.raises(TypeError, match=rf"got numpy\.{name}: numpy\.asarray\(W\) draws it whole"):
        OTHER_ARITHMETIC[name]()


@pytest.mark.parametrize(
    ("product", "error", "message"),
    [
        (lambda: W @ np.ones(4), ValueError, r"beside \(4, 6\), as in numpy.matmul; got \(4,\)"),
        (lambda: np.ones((3, 6)) @ W, ValueError, r"beside \(4, 6\), as in numpy.matmul; got \(3, 6\)"),
        (lambda: W @ np.ones((4, 6)), ValueError, r"got \(4, 6\)"),
        (lambda: fi.lazy(laws.normal(), (2, 4, 6), 0) @ np.ones((3, 6, 1)), ValueError, r"got \(3, 6, 1\)"),
        (lambda: W @ 2, ValueError, r"must have axes for @; got shapes \(\) and \(4, 6\)"),
        (lambda: fi.lazy(laws.normal(), (), 0) @ np.ones(3), ValueError, "must have axes"),
        (lambda: W @ np.array(["a"] * 6), TypeError, "x must hold numbers for a product with float32; got dtype <U1"),
        (lambda: W @ np.array([None] * 6), TypeError, "got dtype object"),
        (lambda: W @ np.zeros(6, "m8[s]"), TypeError, "x must hold numbers"),
        (lambda: np.matmul(W, np.ones(6), out=np.ones(3)), ValueError, r"out must have shape \(4,\)"),
        (lambda: np.matmul(W, np.ones(6), dtype="float32"), TypeError, "no other arithmetic"),
        (lambda: np.matmul(np.ones((6, 4)), np.ones((4, 6)), out=W), TypeError, "no other arithmetic"),
    ],
)
def test_operands(product, error, message):
    with pytest.raises(error, match=message):
        product()


def test_it_cannot_be_changed():
    with pytest.raises(TypeError, match="does not support item assignment"):
        W[0] = 1
    with pytest.raises(AttributeError):
        W.shape = (6, 4)
    with pytest.raises(AttributeError):
        W.name = "projection"


def test_blocks_that_numpy_has_no_array_of():
    lazy = fi.lazy(laws.normal(), (1, 2**62), 0)
    for index in (..., np.s_[0:0]):
        with pytest.raises(
            ValueError, match=r"index must give an array of less than 2\^63 bytes, .*; got shape \([01], 46116860"
        ):
            lazy[index]
    with pytest.raises(ValueError, match="x must give an array of less than"):
        fi.lazy(laws.normal(), (2**62, 1), 0) @ np.ones((1, 3), np.float32)


def test_more_than_memory_is_numpy_s_error():
    with pytest.raises(MemoryError, match=r"Unable to allocate 4\.00 PiB for an array with shape \(33554432, 33554432\)"):
        np.asarray(fi.lazy(laws.normal(), (2**25, 2**25), 0))
