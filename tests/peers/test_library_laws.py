"""The tests behind `docs/libraries.md`: right samplers pass, broken ones fail, and the page says which.

Seeds are fixed. A right sampler fails once in 1,000 seeds; each fault fails by far more than chance.
"""

import json
import re

import numpy as np
import pytest

pytest.importorskip("scipy", reason="the exact laws are SciPy's")

from docs.scripts.pages.libraries import __main__ as command
from docs.scripts.pages.libraries import exact, page, running
from docs.scripts.pages.libraries.case import Case
from tests.repeats import mostly_at_night

N = 1 << 18


def normal(rng, count):
    return rng.standard_normal(count)


def cauchy(rng, count):
    return rng.standard_cauchy(count)


def half(rng, count):
    return rng.beta(0.5, 3, count)


def rare(rng, count):
    return rng.geometric(1e-6, count)


#: A law, its dtype, a right sampler, a broken one, and a test that finds the fault.
KINDS = {
    "continuous": ("norm()", "float64", normal, lambda rng, n: 1.01 * normal(rng, n), "moments"),
    "rounded": ("norm()", "bfloat16", normal, lambda rng, n: np.float16(normal(rng, n)), "chi2"),
    "heavy tail": ("cauchy()", "float64", cauchy, lambda rng, n: np.clip(cauchy(rng, n), -1e3, 1e3), "tails"),
    "bounds": ("beta(0.5, 3)", "float64", half, lambda rng, n: np.where(half(rng, n) < 1e-9, 0, half(rng, n)), "bounds"),
    "points": (
        "binom(20, 0.3)",
        "int64",
        lambda rng, n: rng.binomial(20, 0.3, n),
        lambda rng, n: rng.binomial(21, 0.3, n),
        "chi2",
    ),
    "one point": (
        "geom(0.3)",
        "int64",
        lambda rng, n: rng.geometric(0.3, n),
        lambda rng, n: rng.geometric(0.3, n) - 1,
        "bounds",
    ),
    "many points": ("geom(1e-6)", "int64", rare, lambda rng, n: np.ceil(1.02 * rare(rng, n)), "moments"),
    "steps": ("geom(1e-6)", "int64", rare, lambda rng, n: rare(rng, n) & ~255, "chi2"),
    "zipf": (
        "zipf(1.5)",
        "int64",
        lambda rng, n: rng.zipf(1.5, n),
        lambda rng, n: np.minimum(rng.zipf(1.5, n), 10**6),
        "tails",
    ),
}


def case_of(kind, broken):
    distribution, dtype, right, wrong, _ = KINDS[kind]
    draw = wrong if broken else right

    def make(call, name, seed):
        rng = np.random.default_rng(seed)
        kind_of = running.dtypes.resolve(name, running.dtypes.ALL_NAMES).dtype
        return lambda count: draw(rng, count).astype(kind_of)

    return Case("numpy", "mine.{}", "sampler()", dtype, distribution, make)


@pytest.mark.parametrize("kind", mostly_at_night(KINDS, 2))
def test_a_right_sampler_passes_and_a_broken_one_fails(kind):
    right = running.summary(running.rows_of(case_of(kind, False), N), N)
    least = 1e-3 / right["tests"]
    assert page.failures(right, least) == []
    broken = running.summary(running.rows_of(case_of(kind, True), N), N)
    assert KINDS[kind][-1] in {row[0] for row in page.failures(broken, least)}


def test_values_of_another_dtype_are_an_error():
    case = case_of("points", False)._replace(make=lambda call, name, seed: np.zeros)
    with pytest.raises(TypeError, match=r"mine\.sampler\(\) int64 returns float64"):
        running.rows_of(case, N)


def test_a_case_is_drawn_in_several_calls_if_it_needs_much_memory():
    asked = []

    def make(call, name, seed):
        return lambda count: asked.append(count) or np.arange(count)

    case = case_of("points", False)._replace(make=make, most=1000)
    assert len(running.values_of(case)(2500)) == 2500
    assert asked == [1000, 1000, 500]


# Distributions that SciPy does not have


def integral(density, low, high):
    from mpmath import mp

    with mp.workdps(30):
        return float(mp.quad(density, mp.linspace(low, high, 9)))


def densities():
    """A law's text, its density, where that begins, and a place."""
    from mpmath import mp

    def vonmises(x):
        return mp.exp(4 * mp.cos(x)) / (2 * mp.pi * mp.besseli(0, 4))

    def maxwell(x):
        return x * x * mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)

    yield "vonmises(4)", vonmises, -mp.pi, -0.7
    yield "kumaraswamy(2, 3)", lambda x: 6 * x * (1 - x**2) ** 2, 0, 0.3
    yield "continuous_bernoulli(0.1)", lambda x: 0.1**x * 0.9 ** (1 - x) * mp.log(9) / mp.mpf("0.8"), 0, 0.6
    yield "double_sided_maxwell(0, 1)", maxwell, -40, -1.3


@pytest.mark.parametrize("k", range(4))
def test_own_distributions_are_the_integrals_of_their_densities(k):
    text, density, low, at = list(densities())[k]
    base = exact.law("a law", text).base()
    assert float(base.cdf(at)) == pytest.approx(integral(density, low, at), rel=1e-13)
    assert float(base.cdf(at) + base.sf(at)) == pytest.approx(1, rel=1e-15)


def test_scipy_is_right_where_a_library_is_blamed():
    from mpmath import betainc, exp, gammainc, log, loggamma, mp, mpf

    with mp.workdps(30):
        tiny = float(np.finfo(np.float32).tiny)
        assert exact.stats.gamma(0.05).cdf(tiny) == pytest.approx(float(gammainc(0.05, 0, tiny, regularized=True)), rel=1e-13)
        assert exact.stats.beta(0.1, 0.7).cdf(1e-40) == pytest.approx(
            float(betainc(0.1, 0.7, 0, 1e-40, regularized=True)), rel=1e-13
        )
        for k in (999000, 1000000, 1002500):
            chance = exp(k * log(mpf(10**6)) - 10**6 - loggamma(k + 1))
            assert exact.stats.poisson(1e6).pmf(k) == pytest.approx(float(chance), rel=1e-8)


def test_zipf_adds_up():
    base, scipy_s = exact.zipf(4), exact.stats.zipf(4)
    k = np.arange(1, 200)
    assert base.pmf(k) == pytest.approx(scipy_s.pmf(k), rel=1e-13)
    assert base.cdf(k) == pytest.approx(np.cumsum(scipy_s.pmf(k)), rel=1e-13)


# The page


def test_results_are_kept_and_the_page_is_made_of_them(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(running, "RESULTS", tmp_path / "results")
    cases = [case_of("points", False)._replace(call=f"right({i})") for i in range(2)]
    cases.append(case_of("points", True)._replace(call="wrong()"))
    running.run("numpy", cases, N)
    assert json.loads((tmp_path / "results/numpy.json").read_text())["versions"]["numpy"] == np.__version__
    assert running.missing("numpy", cases, N) == []
    assert running.missing("numpy", cases, N + 1) == cases
    (tmp_path / page.PAGE).write_text("A\n<!-- numpy -->\n<!-- end of numpy -->\nB\n")
    page.write({"numpy": cases}, tmp_path)
    written = (tmp_path / page.PAGE).read_text()
    assert "3 of 3 cases were run, with 262,144 values" in written
    assert "2 good, 1 bad." in written
    assert re.search(r"^\| `mine\.right\(0\)` \| `binom\(20, 0\.3\)` \| 0\.\d\d \(int64\) \|$", written, re.M)
    assert re.search(r"^\| `mine\.wrong\(\)` .*BAD: .*chi-squared", written, re.M)
    assert re.search(r"^- `mine\.wrong\(\) int64`: ", written, re.M)
    assert capsys.readouterr().out.count("262,144 values") == 3


def test_the_page_has_the_marks_and_the_command_its_arguments(monkeypatch, capsys):
    written = []
    monkeypatch.setattr(command.page, "write", written.append)
    monkeypatch.setattr(command.running, "run", lambda library, cases, size: written.append((library, len(cases), size)))
    command.main(["--library", "numpy", "--case", "rng.poisson(10)", "--samples", "65536", "--again"])
    assert written[0] == ("numpy", 1, 65536)
    text = (page.DOCS / page.PAGE).read_text()
    for library in command.LIBRARIES:
        assert text.count(f"<!-- {library} -->") == text.count(f"<!-- end of {library} -->") == 1
