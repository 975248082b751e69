"""Arguments at the ends of their types: indices of small NumPy integers, subclasses of arrays, gains and bounds far from 1."""

import math

import numpy as np
import pytest

import fastinit as fi
from fastinit import initializers
from fastinit.arguments import outputs
from fastinit.initializers import keywords
from tests.initializers.table import CALLS, RANDOM, call
from tests.initializers.test_errors import refused

#: Axes that are longer than an int8 counts.
LONG = {"eye": (300, 290), "dirac": (300, 300, 3), "sparse": (300, 5), "delta_orthogonal": (3, 4, 300)}


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int16])
@pytest.mark.parametrize("name", LONG)
def test_an_index_of_a_small_numpy_integer(name, kind):
    shape, more = LONG[name], {"groups": 1, "layout": "out_in"} if name == "dirac" else {}
    more = more | ({"layout": "in_out"} if name == "delta_orthogonal" else {})
    for axis, n in enumerate(shape):
        i = 1 if n < 200 else 100
        index = (slice(None),) * axis
        found = call(name, shape, rng=7, index=(*index, kind(i)), **more)
        assert found.tobytes() == call(name, shape, rng=7, index=(*index, i), **more).tobytes()
    if kind is not np.uint8:
        found = call(name, shape, rng=7, index=kind(-1), **more)
        assert found.tobytes() == call(name, shape, rng=7, index=-1, **more).tobytes()


class Strange(np.ndarray):
    """A subclass whose items and attributes are not those of an array."""

    def __getitem__(self, index):
        raise AssertionError("a fill must not ask a subclass")

    __setitem__ = __getitem__


@pytest.mark.parametrize("name", CALLS)
def test_out_of_a_subclass(name):
    whole = call(name, rng=7)
    memory = np.full(whole.shape, 77, np.float32)
    out = memory.view(Strange)
    assert call(name, rng=7, out=out) is out
    assert memory.tobytes() == whole.tobytes()


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
@pytest.mark.parametrize("name", [name for name in CALLS if len(CALLS[name][0]) == 2])
def test_out_of_numpy_s_matrix(name, monkeypatch):
    """Its rows are matrices again, so an array of many pieces could not be cut into them."""
    monkeypatch.setattr(outputs, "PIECE", 8)
    monkeypatch.setattr(keywords, "TEMPORARY_PIECE", 8)
    out = np.matrix(np.full(CALLS[name][0], 77, np.float32))
    assert call(name, rng=7, out=out) is out
    assert out.tobytes() == call(name, rng=7).tobytes()


# --- variances out of range -------------------------------------------------------------------------------------------

#: The argument of each that is too small, and one that is too large.
OUT_OF_RANGE = {
    "xavier_uniform": ("gain", (1e-160, 1e-170, 1e160)),
    "xavier_normal": ("gain", (1e-160, 5e-324, 1e160)),
    "he_uniform": ("a", (1e155, -1e160)),
    "he_normal": ("a", (1e155, math.inf)),
    "variance_scaling": ("scale", (5e-324, 2.0**-1022, 1.7e308)),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", OUT_OF_RANGE)
def test_a_variance_that_float64_does_not_hold_is_refused(name, dtype):
    """Its root would be wrong, or 0: the error names the argument and the range."""
    argument, values = OUT_OF_RANGE[name]
    for value in values:
        words = (
            f"{argument} must be 0 or leave a variance from 2.22507e-308 to ",
            f"got {argument}={value!r}",
            dtype,
            "fan_in=2",
        )
        refused(ValueError, words, name, (2, 2), dtype=dtype, **{argument: value})


@pytest.mark.parametrize("distribution", ["uniform", "normal", "truncated_normal"])
def test_the_range_of_variances(distribution):
    """Both ends of float64's: the deviation is right there."""
    for scale in (2.0**-1010, 5e307):
        w = initializers.variance_scaling((1, 4096), scale=scale, distribution=distribution, dtype="float64", rng=1)
        assert abs(float((w / math.sqrt(scale / 4096)).std()) - 1) < 0.1
    words = ("scale must be 0 or leave a variance", "to 5.99231e+307 for float64")
    refused(ValueError, words, "variance_scaling", (1, 1), scale=1e308, distribution=distribution, dtype="float64")


def test_the_smallest_gains_keep_their_bound():
    for gain in (2.0**-510, 1e-150):
        w = initializers.xavier_uniform((3, 3), gain=gain, dtype="float64", rng=1)
        assert 0.1 < abs(w / gain).max() <= 1


@pytest.mark.parametrize("bounds", [(1e300, math.inf), (1e30, 1e30 * (1 + 1e-9)), (-math.inf, -1e300), (1e30, 2e30)])
def test_bounds_that_leave_no_values_are_named(bounds):
    refused(
        ValueError, ("bounds must leave values that float32 holds", repr(bounds)), "variance_scaling", (3, 3), bounds=bounds
    )  # fmt: skip


def test_other_errors_of_a_truncated_rule_do_not_name_the_bounds():
    with pytest.raises(ValueError, match=r"^out must have shape \(3, 3\)"):
        initializers.variance_scaling((3, 3), out=np.zeros((2, 2), np.float32))


def test_a_deviation_beyond_the_dtype_names_the_scale():
    words = ("scale must leave a deviation of at most 8.50706e+37 for float32; got 2.1",)
    refused(ValueError, words, "residual_normal", (3, 3), n_layers=1, scale=3e38)
    refused(ValueError, words, "residual_normal", (3, 3), n_layers=1, scale=3e38, truncated=True)


# --- what the caller made NumPy raise ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RANDOM)
def test_numpy_s_error_state_does_not_matter(name):
    small = {"gain": 1e-40} if "gain" in CALLS[name][1] or name == "xavier_normal" else {}
    for dtype in ("float32", "float16"):
        whole = call(name, rng=7, dtype=dtype, **small)
        with np.errstate(all="raise"):
            assert call(name, rng=7, dtype=dtype, **small).tobytes() == whole.tobytes()


# --- sizes and integers beyond all use --------------------------------------------------------------------------------

HUGE = 10**5000


@pytest.mark.parametrize("shape", [2**62, (2**31, 2**31), (0, 2**62)])
def test_a_shape_that_numpy_has_no_array_of(shape):
    words = ("shape must give an array of less than 2^63 bytes, not counting axes of length 0; got shape (", "of float32")
    for name in ("zeros", "ones", "normal", "small_random"):
        refused(ValueError, words, name, shape)


def test_integers_too_long_to_print():
    refused(ValueError, ("shape must stay below 2^63 elements; got an int of 16610 bits",), "zeros", HUGE)
    refused(ValueError, ("shape", "a tuple with an int too long to print"), "zeros", (2, HUGE))
    refused(ValueError, ("value must fit a double", "an int of 16610 bits"), "constant", 3, value=HUGE)
    refused(ValueError, ("dim must be at least 1 and below 2^63", "16610 bits"), "small_init", (3, 3), dim=HUGE)
    refused(ValueError, ("in_axis must be in [-2, 2)", "16610 bits"), "lecun_normal", (3, 3), in_axis=HUGE, out_axis=1)
    refused(TypeError, ("mode must be one of", "16610 bits"), "he_normal", (3, 3), mode=HUGE)
    refused(TypeError, ("write loc=an int of 16610 bits",), "normal", 3, HUGE)
    refused(IndexError, ("index must be in [-3, 3)", "16610 bits"), "zeros", 3, index=HUGE)
    with pytest.raises(TypeError, match=r"a: spec must hold .*; got a tuple with an int too long to print"):
        fi.init_tree({"a": (HUGE,)})
