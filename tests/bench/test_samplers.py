"""The samplers of other libraries draw what their `Method` says: law, dtype, bounds, seed."""

import math
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

import fastinit
from fastinit.arguments import dtypes
from fastinit.bench import samplers as bench
from fastinit.bench import stores
from fastinit.check.run import SAMPLERS
from fastinit.peers import libraries, samplers, tensors
from fastinit.peers.interface import LAWS, MORE, Request
from fastinit.peers.libraries import ALIASES, TITLES, Missing, installed
from fastinit.peers.samplers import METHODS, find, make
from tests.statistics import follows

REPOSITORY = Path(fastinit.__file__).parents[1]
DRAWN = [method for method in METHODS if method.law in (*LAWS, *MORE)]
EXACT = {
    "uniform": stats.uniform(), "normal": stats.norm(), "truncated_normal": stats.truncnorm(-2, 2),
    "exponential": stats.expon(), "laplace": stats.laplace(), "logistic": stats.logistic(), "gumbel": stats.gumbel_r(),
    "cauchy": stats.cauchy(), "lognormal": stats.lognorm(1), "rademacher": stats.rv_discrete(values=([-1, 1], [0.5, 0.5])),
    "bernoulli": stats.bernoulli(0.3), "integers": stats.randint(0, 100),
}  # fmt: skip
CONTINUOUS = set(EXACT) - {"rademacher", "bernoulli", "integers"}
COUNT = 20_000

#: Draws from all samplers of a library, in a process of its own: they change settings of the whole process.
DRAW = """
import sys
from pathlib import Path
import numpy as np
from fastinit.arguments import dtypes
from fastinit.peers.interface import Request
from fastinit.peers.libraries import Missing
from fastinit.peers.samplers import METHODS, make

library, directory, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
for method in METHODS:
    for dtype in method.dtypes if method.library == library else ():
        try:
            sampler = make(library, Request(method.law, dtype, threads=2))
        except Missing as missing:
            Path(f"{directory}/{method.law} {dtype}.txt").write_text(str(missing))
            continue
        out = np.zeros(count, dtypes.resolve(dtype, dtypes.ALL_NAMES).dtype)
        if method.fills:
            sampler.fill(sampler.view(out))
        assert (sampler.fill is not None) == method.fills
        first, second = (sampler.array(sampler.draw(count)) for _ in range(2))
        again = make(library, Request(method.law, dtype))
        other = make(library, Request(method.law, dtype, seed=7))
        np.savez(
            f"{directory}/{method.law} {dtype}.npz", dtype=str(first.dtype), first=first.astype(float),
            second=second.astype(float), filled=out.astype(float), again=again.array(again.draw(count)).astype(float),
            other=other.array(other.draw(count)).astype(float),
        )
"""


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """The folder of a library's arrays, which are drawn when they are first asked for."""
    done = {}

    def of(library):
        if not installed(library):
            pytest.skip(f"{library} is not installed")
        if library not in done:
            done[library] = tmp_path_factory.mktemp(library)
            env = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
            command = [sys.executable, "-c", DRAW, library, str(done[library]), str(COUNT)]
            result = subprocess.run(command, env=env, capture_output=True, text=True, timeout=500)
            assert result.returncode == 0, result.stderr
        return done[library]

    return of


@pytest.mark.parametrize("method", DRAWN, ids=lambda method: method.label)
def test_samplers_draw_their_law(drawn, method):
    """Rounding to 16 bits is no defect of the law, and JAX draws its bfloat16 normals from 128 numbers: only moments there."""
    directory, law = drawn(method.library), EXACT[method.law]
    for dtype in method.dtypes:
        if (directory / f"{method.law} {dtype}.txt").exists():
            reason = (directory / f"{method.law} {dtype}.txt").read_text()
            assert method.library == "torch_func"
            assert reason.startswith("has no kernels for CPUs in torch ")
            pytest.skip(f"torch.func {reason}")
        loaded = np.load(directory / f"{method.law} {dtype}.npz")
        assert str(loaded["dtype"]) == dtype
        for name in ("first", "second", *(["filled"] if method.fills else [])):
            x = loaded[name]
            assert x.shape == (COUNT,)
            low, high = law.support()
            assert low <= x.min()
            assert x.max() <= high
            if dtype in ("float32", "float64") and method.law in CONTINUOUS:
                follows(x, law, f"{method.label} {dtype} {name}")
            # Five standard errors, and as much as the coarsest rounding may shift them: by the median where there is no mean.
            assert abs((x <= law.median()).mean() - law.cdf(law.median())) < 5 * 0.5 / math.sqrt(COUNT) + 0.02
            # JAX makes bfloat16 values of 128 uniform numbers: tails are cut, and the 0 among them becomes a logistic -87.
            coarse = method.library == "jax" and dtype == "bfloat16" and method.law in MORE
            if method.law not in ("cauchy", "lognormal") and not coarse:
                kurtosis = float(law.stats(moments="k"))
                assert abs(x.mean() - law.mean()) < 5 * law.std() / math.sqrt(COUNT) + 0.02
                assert abs(x.std() / law.std() - 1) < 5 * math.sqrt((kurtosis + 2) / 4 / COUNT) + 0.02
        alike = 0.1 if method.law in CONTINUOUS else 0.7
        assert (loaded["first"] == loaded["second"]).mean() < alike
        assert (loaded["again"] == loaded["other"]).mean() < alike
        np.testing.assert_array_equal(loaded["filled" if method.fills else "first"], loaded["again"])


@pytest.mark.parametrize("library", ["numpy", "randomgen"])
def test_words(library):
    if not installed(library):
        pytest.skip(f"{library} is not installed")
    words = make(library, Request("bits", "uint32", 3)).draw(COUNT)
    assert words.dtype == np.uint32
    follows(words * 2.0**-32, stats.uniform(), library)


@pytest.mark.parametrize("library", ["torch", "jax", "scipy"])
def test_bounds(library):
    if not installed(library):
        pytest.skip(f"{library} is not installed")
    dtype = "float64" if library == "scipy" else "float32"
    sampler = make(library, Request("truncated_normal", dtype, given=(-0.5, 1.5)))
    x = sampler.array(sampler.draw(COUNT))
    assert x.dtype == dtypes.resolve(dtype).dtype
    follows(x, stats.truncnorm(-0.5, 1.5), library)


def test_every_law_and_library_has_one_method_or_a_reason(monkeypatch):
    monkeypatch.setattr(samplers, "installed", lambda module: True)
    for library in TITLES:
        for law in ("bits", *LAWS, *MORE):
            methods = [method for method in METHODS if (method.library, method.law) == (library, law)]
            assert len(methods) <= 1
            if not methods:
                with pytest.raises(Missing, match=f"has no {law}"):
                    find(library, law, "float64")
    assert find("torch", "normal", "bfloat16").label == "torch normal_"
    with pytest.raises(Missing, match="makes float32 and float64 only"):
        find("numpy", "normal", "bfloat16")
    with pytest.raises(Missing, match="makes float64 only"):
        find("scipy", "truncated_normal", "float32")
    with pytest.raises(Missing, match="no other bounds than -2 and 2"):
        make("tensorflow", Request("truncated_normal", "float32", given=(0.0, 1.0)))


def test_torch_func_fills_where_torch_has_kernels(monkeypatch):
    """torch 2.13 has them for CUDA devices only, so another function of torch stands in for them."""
    torch = pytest.importorskip("torch", reason="torch is not installed")
    keyed = SimpleNamespace(
        key=lambda seed: [seed],
        fold_in=lambda key, call: [*key, call],
        normal_=lambda key, out: out.normal_(generator=torch.Generator().manual_seed(1000 * key[0] + key[1])),
    )
    modules = {"torch": torch, "torch.func._random": keyed}
    monkeypatch.setattr(tensors, "import_module", modules.__getitem__)
    one, same, other = (tensors.torch_func("normal_", Request("normal", "bfloat16", seed)) for seed in (1, 1, 2))
    first, second = one.array(one.draw(COUNT)), one.array(one.draw(COUNT))
    np.testing.assert_array_equal(first, same.array(same.draw(COUNT)))
    assert (first == second).mean() < 0.1
    assert (first == other.array(other.draw(COUNT))).mean() < 0.1
    out = np.zeros(COUNT, first.dtype)
    same.fill(same.view(out))
    np.testing.assert_array_equal(out, second)


def test_names():
    assert set(ALIASES.values()) < set(TITLES)
    assert set(bench.PEERS) == {*TITLES} - {"keras"}
    assert tuple(SAMPLERS) == ("fastinit", *TITLES)
    assert {method.library for method in METHODS} == set(TITLES)


def test_a_part_of_a_library_is_there_if_its_file_is(tmp_path, monkeypatch):
    monkeypatch.setattr(
        libraries, "PARTS", {"part": ("a_module_for_this_test", "inner/file.py"), "none": ("no_such_module", "x")}
    )
    monkeypatch.syspath_prepend(tmp_path)
    package = tmp_path / "a_module_for_this_test"
    (package / "inner").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    assert not installed("part")
    (package / "inner/file.py").touch()
    assert installed("part")
    assert not installed("none")


def test_what_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "randomgen", None)
    assert not installed("randomgen")
    assert not installed("a_module_that_nobody_has")
    with pytest.raises(Missing, match="is not installed"):
        make("randomgen", Request("normal", "float32"))


@pytest.mark.parametrize("buffer", ["touched", "fresh"])
@pytest.mark.parametrize("library", ["store", "nontemporal", "fastinit", "numpy"])
def test_a_call_fills_the_buffer_that_is_asked_for(library, buffer):
    call, values = bench.ready(library, bench.Job("uniform", 1003, "float64", buffer, 1))
    first, second = np.asarray(call()), np.asarray(call())
    many = stores.passes(8 * 1003) if library in bench.STORES and buffer == "touched" else 1
    assert (values, first.size) == (1003 * many, 1003)
    assert (many > 10_000) == (many > 1)
    assert np.shares_memory(first, second) == (buffer == "touched")
    assert first.dtype == np.float64


def test_scipy_makes_fewer_values(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.stats", stats)
    assert bench.ready("scipy", bench.Job("truncated_normal", 2**21, "float64", "touched", 1))[1] == 2**20
