"""`fastinit check` as a person runs it: its exit status, table, document and picture; and what its numbers rest on."""

import json
import math
import re
import struct

import numpy as np
import pytest

pytest.importorskip("scipy", reason="fastinit check needs SciPy")

from scipy import stats

from fastinit import dtypes
from fastinit.bench.measure import Missing
from fastinit.check import cells, command, counts, fits, laws, promises, running, samplers, session, verdict, words
from fastinit.check.laws import BITS, NORMAL, UNIFORM, Law
from fastinit.cli import main

SMALL = ("--samples", "65536")
REALS = list(dtypes.REALS.values())


def check(*arguments):
    return main(["check", *SMALL, *arguments])


@pytest.fixture(scope="module")
def few():
    """Less of what is tested of fastinit as a whole."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "_whole", lambda plan: [])
        yield


def test_a_good_verdict(monkeypatch, capsys):
    """All of it, for one law in one dtype: words and promises too."""
    monkeypatch.setattr(words, "STREAMS", 32)
    assert check("--dist", "normal", "--dtype", "float16", "--all") == 0
    out = capsys.readouterr().out
    assert re.search(r"^\| normal float16 +\| 6.55e4 \|", out, re.M)
    assert re.search(r"^GOOD: \d+ tests, of which one fails if its p is below \de-\d", out, re.M)
    for name in ("Kolmogorov-Smirnov", "attempts in turn", "Random123, counter 243f6a88", "normal float16, rounding"):
        assert name in out


def test_a_document(few, tmp_path, capsys):
    path = tmp_path / "check.json"
    assert check("--dist", "uniform,bits", "--dtype", "float32,float8_e5m2", "--json", str(path)) == 0
    document = json.loads(path.read_text())
    titles = [subject["subject"] for subject in document["subjects"]]
    assert titles[:2] == ["uniform float32", "uniform float8_e5m2"]
    assert titles[-1] == "bits uint32"
    assert document["good"] is True
    tests = [test for subject in document["subjects"] for test in subject["tests"]]
    assert document["tests"] == sum(test["counted"] for test in tests)
    assert document["threshold"] == pytest.approx(1e-3 / document["tests"])
    assert all(0 <= test["p"] <= 1 for test in tests)


def test_a_picture(few, tmp_path, capsys):
    pytest.importorskip("matplotlib", reason="--plot needs matplotlib")
    path = tmp_path / "check.png"
    assert check("--dist", "normal", "--dtype", "float32,bfloat16", "--plot", str(path)) == 0
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", data[16:24])
    assert width > 1000
    assert height > 400


@pytest.fixture
def broken(monkeypatch, few):
    """NumPy's place is taken by what a test puts there."""

    def put(make):
        monkeypatch.setitem(samplers.MAKERS, "numpy", lambda law, real, seed: make(law, real))

    return put


def test_a_bad_verdict(broken, tmp_path, capsys):
    broken(lambda law, real: lambda count: np.full(count, 0.25, real.dtype))
    path = tmp_path / "bad.json"
    assert check("--sampler", "numpy", "--dist", "uniform", "--dtype", "float64", "--json", str(path)) == 1
    out = capsys.readouterr().out
    assert re.search(r"^BAD, \d+ failed", out, re.M)
    assert "- FAIL uniform float64: Kolmogorov-Smirnov" in out
    assert json.loads(path.read_text())["good"] is False


def test_a_sampler_that_raises(broken, capsys):
    def draw(count):
        raise OverflowError("no\nluck")

    broken(lambda law, real: draw)
    assert check("--sampler", "numpy", "--dist", "normal", "--dtype", "float32") == 1
    assert "- FAIL normal float32: raises OverflowError: no luck" in capsys.readouterr().out


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_a_sampler_that_makes_no_numbers(broken, value, dtype, capsys):
    broken(lambda law, real: lambda count: np.full(count, value, real.dtype))
    assert check("--sampler", "numpy", "--dist", "normal", "--dtype", dtype) == 1
    assert "outside the bounds, or not finite: 65536" in capsys.readouterr().out


def test_what_a_library_lacks_is_said(few, capsys):
    assert check("--sampler", "numpy,scipy", "--dist", "truncated_normal,normal", "--dtype", "float16,float32") == 0
    out = capsys.readouterr().out
    assert "- not checked, since it has no truncated_normal: truncated_normal -2 2 float16" in out
    assert "Nothing was tested." in out


def test_a_right_peer_passes(few, capsys):
    assert check("--sampler", "numpy", "--dist", "uniform,normal,bits", "--dtype", "float32,float64") == 0


def test_bounds_of_ones_own(few, capsys):
    assert check("--a", "-inf", "--b", "-1.5", "--dtype", "float32,float8_e4m3fn") == 0
    assert "truncated_normal -inf -1.5 float32" in capsys.readouterr().out
    assert check("--a", "3", "--b", "3.25", "--dtype", "float8_e5m2") == 0  # one number lies there


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--samples", "1000"), "from 65536"),
        (("--samples", "1e99"), "from 65536"),
        (("--samples", "many"), "from 65536"),
        (("--sampler", "excel"), "must be of fastinit, numpy"),
        (("--dist", "cauchy"), "must be of bits, uniform"),
        (("--dtype", "int8"), "must be of float32"),
    ],
)
def test_arguments_that_the_parser_refuses(arguments, complaint, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["check", *arguments])
    assert stopped.value.code == 2
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--a", "2", "--b", "2"), "a must be less than b"),
        (("--a", "nan"), "a must be less than b"),
        (("--a", "38"), "within 37 deviations"),
        (("--a", "1", "--b", "1.0001"), "0.001 apart"),
        (("--a", "1", "--dist", "normal"), "not for --dist normal"),
        (("--seed", "-1"), "--seed: must be from 0"),
        (("--plot", "x.bmp"), "--plot: must end in"),
    ],
)
def test_arguments_that_do_not_go_together(arguments, complaint, capsys):
    assert main(["check", *arguments]) == 2
    assert complaint in capsys.readouterr().err


def test_without_scipy(monkeypatch, capsys):
    monkeypatch.setattr(command, "installed", lambda module: module != "scipy")
    assert main(["check"]) == 2
    assert "pip install 'fastinit[check]'" in capsys.readouterr().err


def test_a_file_that_cannot_be_written(tmp_path, capsys):
    assert main(["check", "--json", str(tmp_path / "none" / "x.json")]) == 1


def test_names_are_those_of_the_table():
    assert tuple(samplers.MAKERS) == command.SAMPLERS
    assert set(command.ALIASES.values()) < set(command.SAMPLERS)
    with pytest.raises(Missing, match="has no bits"):
        samplers.MAKERS["scipy"](BITS, dtypes.resolve("float64"), 0)


# What the numbers rest on


@pytest.mark.parametrize("dtype", [real.name for real in REALS if real.dtype.itemsize <= 2])
def test_cells_of_a_uniform_are_counts(dtype):
    """Every one of the 2^24 float32 values, rounded by `ml_dtypes` or NumPy and kept below 1."""
    real = dtypes.resolve(dtype)
    x = (np.arange(2**24, dtype=np.float32) * np.float32(2**-24)).astype(real.dtype)
    low, high = UNIFORM.ends(real)
    x = np.clip(x.astype(np.float64), low, high)
    own = cells.cells(UNIFORM, real)
    values, expected = np.unique(x, return_counts=True)
    assert np.array_equal(own.values[own.mass > 0], values)
    assert np.array_equal(own.mass[own.mass > 0] * 2**24, expected)


@pytest.mark.parametrize("real", REALS, ids=lambda real: real.name)
@pytest.mark.parametrize(
    "law", [law for group in running.LAWS.values() for law in group if law != BITS], ids=lambda law: law.title
)
def test_cells_share_the_mass(law, real):
    own = cells.cells(law, real)
    assert own.mass.sum() == pytest.approx(1, abs=1e-12)
    assert (own.mass >= 0).all()
    assert len(own.mass) == len(own.edges) + 1
    if not cells.is_small(real):
        assert len(own.mass) == cells.BINS
        assert own.mass.max() * cells.BINS < 1.1
        assert own.mass.min() * cells.BINS > 0.9


@pytest.mark.parametrize("law", [NORMAL, Law("normal", 2.0, math.inf)], ids=lambda law: law.title)
def test_values_find_their_bins(law):
    """By the guide and a few steps, as by a search among all."""
    real = dtypes.resolve("float32")
    x = laws.base(law).rvs(200_000, random_state=np.random.default_rng(1)).astype(np.float32)
    starts = cells.cells(law, real).starts[:-1]
    x = np.concatenate([x, starts, np.nextafter(starts, np.float32(-9)), np.float32([2.0, 9.0])])
    summary = counts.summarise(law, real, [x])
    inside = x[(x >= law.a) & (x <= law.b)]
    expected = np.bincount(np.searchsorted(starts, inside, side="right"), minlength=cells.BINS)
    assert np.array_equal(summary.counts, expected)
    y = (inside.astype(np.float64) - laws.moments(law, real).mean) / laws.moments(law, real).deviation
    assert summary.sums == pytest.approx([np.sum(y**k) for k in range(1, 9)], rel=1e-9)


def test_moments_of_a_normal():
    found = laws.moments(NORMAL, dtypes.resolve("float64"))
    double_factorials = [math.prod(range(k - 1, 0, -2)) if k % 2 == 0 else 0 for k in range(17)]
    assert found.standard[:17] == pytest.approx(double_factorials, rel=1e-10, abs=1e-6)
    law = stats.truncnorm(2, math.inf)
    mine = laws.moments(Law("normal", 2.0, math.inf), dtypes.resolve("float64"))
    assert (mine.mean, mine.deviation) == pytest.approx((law.mean(), law.std()), rel=1e-10)


@pytest.mark.parametrize("statistic", [0.3, 1.0, 2.492, 3.878, 8.0, 14.0])
def test_anderson_darling(statistic):
    """Against J. P. Imhof's inversion (1961, equation 3.2) for the sum of squares with weights 1 / (j (j + 1))."""
    j = np.arange(1, 3001)
    weights = 1 / (j * (j + 1))
    u = np.linspace(1e-9, 600, 60_001)
    angle, size = np.full(u.shape, -0.5 * statistic * u), np.zeros(u.shape)
    for weight in weights:
        angle += 0.5 * np.arctan(weight * u)
        size += 0.25 * np.log1p((weight * u) ** 2)
    angle += 0.5 * u / (len(j) + 1)  # the weights left out, which are small enough to count by their sum
    p = 0.5 + np.trapezoid(np.sin(angle) / (u * np.exp(size)), u) / np.pi
    assert fits.anderson_darling_sf(statistic) == pytest.approx(p, rel=0.06 if statistic > 12 else 1e-3, abs=1e-8)


def test_anderson_darling_goes_on_far_out():
    near, far = fits.anderson_darling_sf(11.99), fits.anderson_darling_sf(12.01)
    assert far < near
    assert far == pytest.approx(near, rel=0.06)
    assert fits.anderson_darling_sf(0.01) == 1.0
    assert fits.anderson_darling_sf(500.0) < 1e-200
    assert fits.anderson_darling_sf(1e6) == 0.0


def test_p_values_are_fair():
    """Of NumPy's normals: as many of 900 p-values of continuous statistics below each level as there should be."""
    real, seeds = dtypes.resolve("float64"), range(150)
    p = []
    for seed in seeds:
        x = np.random.default_rng(seed).standard_normal(1 << 16)
        rows = fits.rows(counts.summarise(NORMAL, real, [x]), NORMAL, real, x)
        p += [row.p for row in rows if row.group in ("chi2", "KS", "AD") or row.name in ("moment 1", "moment 2", "moment 3")]
    p = np.array(p)
    assert len(p) == 900
    for level in (0.5, 0.1, 0.01):
        seen = (p < level).sum()
        # statistics of one sample know of one another: three times the variance of independent ones, at 4.5 deviations
        assert abs(seen - level * len(p)) < 4.5 * math.sqrt(3 * level * (1 - level) * len(p))


def rows_of(*ps):
    rows = tuple(fits.Row("KS", f"test {i}", 0.0, p) for i, p in enumerate(ps))
    return session.Result(session.subject("numpy", NORMAL, REALS[0]), 10, 0.0, rows)


def test_the_verdict_counts_its_tests():
    assert verdict.judge([rows_of(2e-4, 0.5, 0.5, 0.5)]).failed[0][1].p == 2e-4
    assert verdict.judge([rows_of(3e-4, 0.5, 0.5, 0.5)]).good
    many = verdict.judge([rows_of(2e-4, *[0.5] * 9)])
    assert (many.good, many.tests, many.threshold) == (True, 10, 1e-4)
    assert not verdict.judge([rows_of(math.nan, *[0.5] * 9)]).good


def test_what_leaves_no_chance_is_not_counted():
    found = verdict.judge([rows_of(0.5)._replace(rows=(fits.exact("bounds", "x", 1), fits.exact("bounds", "y", 0)))])
    assert (found.tests, [row.name for _, row in found.failed]) == (0, ["x"])


def test_right_verdicts_999_times_of_1000():
    """Uniform p-values: of 20,000 verdicts on 300 tests each, as many bad as alpha says, at 4.5 deviations."""
    p = np.random.default_rng(2).random((20_000, 300)).min(1)
    bad = (p < verdict.judge([rows_of(*[0.5] * 300)]).threshold).sum()
    assert abs(bad - 20) < 4.5 * math.sqrt(20)


def test_a_broken_promise_is_found(monkeypatch):
    law, real = NORMAL, dtypes.resolve("bfloat16")
    assert [row.p for row in promises.of(law, real, 1)] == [1.0] * 5
    right = promises.Draw.__call__

    def wrong(self, index=None, out=None, real=None):
        x = right(self, index, out, real)
        if index is not None or out is not None or real is not None:
            x.reshape(-1)[-1:] += 1
        return x

    monkeypatch.setattr(promises.Draw, "__call__", wrong)
    found = {row.name.split(", ")[1].split(":")[0]: row.p for row in promises.of(law, real, 1)}
    assert found == {"one thread": 1.0, "pieces": 0.0, "slices": 0.0, "layouts": 0.0, "rounding": 0.0}
