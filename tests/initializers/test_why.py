"""The claims of docs/why.md against the script that computes them; the tables of the page are the script's."""

import math
import re
from pathlib import Path

import pytest

from docs.scripts.pages import why

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def zero():
    return why.zero_weights()


@pytest.fixture(scope="module")
def layer():
    return why.one_layer()


@pytest.fixture(scope="module")
def deep():
    return why.many_layers()


@pytest.fixture(scope="module")
def sigma():
    return why.two_sigma()


# --- zeros ------------------------------------------------------------------------------------------------------------


def test_with_zero_weights_only_the_last_layer_receives_a_gradient(zero):
    *before, last, units = zero["zeros, sigmoid"]
    assert before == [0, 0, 0]
    assert last > 1e-3
    assert units == 1


def test_with_zero_weights_and_tanh_not_even_the_last_layers_weights_do(zero):
    assert zero["zeros, tanh"] == [0, 0, 0, 0, 1]
    x, y = why.data(why.fi.default_rng(0))
    sizes = list(zip(why.SIZES[1:], why.SIZES[:-1], strict=True))
    by_biases = why.gradients([why.np.zeros(s) for s in sizes], [why.np.zeros(s[0]) for s in sizes], x, y, why.tanh)[1]
    assert [bool(g.any()) for g in by_biases] == [False, False, False, True]


def test_equal_weights_stay_equal(zero):
    *gradients, units = zero["all 0.1, tanh"]
    assert min(gradients) > 1e-3
    assert units == 1


@pytest.mark.parametrize("start", ["small random, tanh", "Xavier, tanh"])
def test_randomness_breaks_the_symmetry(zero, start):
    *gradients, units = zero[start]
    assert min(gradients) > 0
    assert units == 30


def test_small_values_get_small_gradients(zero):
    assert 100 * zero["small random, tanh"][0] < zero["Xavier, tanh"][0]


def test_gradients_are_those_of_the_error():
    """Against finite differences, so that the claims are about gradients."""
    rng = why.fi.default_rng(5)
    x, y = why.data(rng)
    sizes = list(zip(why.SIZES[1:], why.SIZES[:-1], strict=True))
    for activation in why.SLOPES:
        weights = [why.init.he_normal(s, rng=rng, dtype="float64") for s in sizes]
        biases = [rng.normal(size=s[0], dtype="float64") for s in sizes]

        def error(activation=activation, weights=weights, biases=biases):
            h = x
            for k, (w, b) in enumerate(zip(weights, biases, strict=True)):
                h = h @ w.T + b if k == len(weights) - 1 else activation(h @ w.T + b)
            return ((h - y) ** 2).mean()

        by_weights, by_biases = why.gradients(weights, biases, x, y, activation)
        for arrays, slopes in ((weights, by_weights), (biases, by_biases)):
            for array, slope in zip(arrays, slopes, strict=True):
                place = (1,) * array.ndim
                array[place] += 1e-6
                above = error()
                array[place] -= 2e-6
                below = error()
                array[place] += 1e-6
                assert math.isclose((above - below) / 2e-6, slope[place], rel_tol=1e-3, abs_tol=1e-8)


# --- one layer, many layers -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rule", "variance"), [(0, 1 / 3), (1, 1), (2, 2)])
def test_one_layer(layer, rule, variance):
    """The 2^20 sums share 256 inputs of n values each, so their variance is known only to a few hundredths."""
    name = list(why.LAYER_RULES)[rule]
    for n in why.INPUTS:
        mean, estimate = layer[name, n]
        error = math.sqrt(2 / (256 * n)) + math.sqrt(2 / 2**20)
        assert mean < 5 * math.sqrt(variance / 256 / min(n, 256))
        assert abs(estimate - variance) < 5 * variance * error


@pytest.mark.nightly
def test_glorot_and_he_keep_what_small_values_lose(deep):
    """He's mean square is a product of fifty factors of error sqrt(5 / 1024): e^0.5 for one network, e^0.25 for four."""
    assert math.exp(-1.25) < deep["He, relu"][-1] < math.exp(1.25)
    settled = deep["Xavier, gain 5/3, tanh"]
    assert 0.3 < settled[-1] < 0.5
    assert abs(settled[-1] / settled[24] - 1) < 0.1
    assert 0.005 < deep["Xavier, tanh"][-1] < 0.05
    assert deep["small random, tanh"][-1] < 1e-40
    assert deep["small random, relu"][-1] < 1e-55


@pytest.mark.nightly
def test_a_factor_to_the_fiftieth_power(deep):
    assert abs(math.log2(deep["Xavier, relu"][-1]) + 50) < 2
    assert deep["U[-1/sqrt(n), 1/sqrt(n)], tanh"][-1] < 3.0**-50
    assert all(a > 9 * b for name in ("tanh", "relu") for a, b in zip(*2 * [deep[f"small random, {name}"]][1:], strict=False))


# --- two sigma --------------------------------------------------------------------------------------------------------


@pytest.mark.nightly
def test_two_sigma(sigma):
    outside, left, largest, error = sigma[2.0]
    assert 1 / 25 < outside < 1 / 20
    assert math.isclose(left**2, 0.774, abs_tol=5e-4)
    assert 2.26 < largest <= 2 / left < 2.274
    assert sigma[math.inf][3] > 2 * error
    assert sigma[1.0][0] > 0.3
    assert sigma[3.0][0] < 0.003
    assert 3.0 < sigma[3.0][2] < 3.05
    assert all(row[2] <= bound / row[1] * (1 + 1e-6) for bound, row in sigma.items())
    assert 0.774**50 < 3e-6


# --- the text ---------------------------------------------------------------------------------------------------------


def cells(block):
    return [cell.strip() for line in block.splitlines() for cell in line.strip("|").split("|")]


def agree(text, computed):
    """The same words, or numbers within 5 % or two units of the last digit of the text."""
    try:
        a, b = (float(cell.rstrip("%")) for cell in (text, computed))
    except ValueError:
        return text == computed
    digits = text.partition("e")[0].partition(".")[2]
    unit = 10.0 ** (-len(digits.rstrip("%"))) if "e" not in text else 0.0
    return abs(a - b) <= max(0.05 * abs(b), 2 * unit if b else 0.0)


@pytest.mark.nightly
def test_the_tables_are_the_scripts(zero, layer, deep, sigma):
    text = (DOCS / "why.md").read_text()
    for name, block in why.tables(zero, layer, deep, sigma):
        table = re.search(f"<!-- {name} -->\n\n(.*?)\n\n<!-- end of {name} -->", text, re.DOTALL)
        pairs = list(zip(cells(table.group(1)), cells(block), strict=True))
        assert len(pairs) > 20
        differ = [pair for pair in pairs if not agree(*pair)]
        assert differ == [], f"{name}: run `python -m docs.scripts.pages.why` to write the tables anew"


def test_the_pictures_are_there():
    for name in re.findall(r"\]\((figures/[^)]*)\)", (DOCS / "why.md").read_text()):
        assert (DOCS / name).read_text().startswith("<?xml")


def test_differences_in_the_tables_are_found():
    assert agree("0.33", "0.333")
    assert agree("1.6e-05", "1.62e-05")
    assert agree("4.55%", "4.56%")
    assert agree("30", "30")
    assert not agree("0.33", "0.36")
    assert not agree("1.6e-05", "1.8e-05")
    assert not agree("0.01", "0")
    assert not agree("Xavier", "He")
