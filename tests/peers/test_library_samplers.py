"""The cases of `docs/libraries.md`: every sampler of the libraries has one, or a reason why not, and each draws its dtype."""

import importlib
import inspect
import re

import numpy as np
import pytest

pytest.importorskip("scipy", reason="the exact laws are SciPy's")

from docs.scripts.pages.libraries import __main__ as command
from docs.scripts.pages.libraries import exact, running
from fastinit.peers.libraries import installed
from tests.repeats import mostly_at_night

pytestmark = pytest.mark.filterwarnings("default")  # of the other libraries


def public(names):
    return {name for name in names if not name.startswith("_")}


def of_torch(torch):
    """Methods of tensors that take a generator, functions that do, and distributions."""
    takes = re.compile(r"generator\s*[:=]|Generator\?? generator")
    methods = {name for name in public(dir(torch.Tensor)) if takes.search(getattr(torch.Tensor, name).__doc__ or "")}
    words = ("rand", "poisson", "binomial", "bernoulli", "standard_gamma", "sample_dirichlet", "normal", "multinomial")
    others = (
        "random",
        "quasirandom",
        "set_flush_denormal",
        "_standard_gamma_grad",
        "poisson_nll_loss",
        "instance_norm",
        "group_norm",
    )
    functions = {name for name in dir(torch) if any(map(name.__contains__, words)) and name not in others}
    classes = inspect.getmembers(torch.distributions, inspect.isclass)
    laws = {name for name, each in classes if issubclass(each, torch.distributions.Distribution)}
    return methods | functions | laws


LISTS = {
    "numpy": lambda numpy: public(dir(numpy.random.Generator)),
    "torch": of_torch,
    "jax": lambda jax: public(dir(jax.random)),
    "tensorflow": lambda tf: public(dir(tf.random)) | public(dir(tf.random.Generator)),
}


def module_of(library):
    return importlib.import_module(f"docs.scripts.pages.libraries.of_{library}")


@pytest.mark.parametrize("library", LISTS)
def test_every_sampler_has_a_case_or_a_reason(library):
    there = LISTS[library](pytest.importorskip(library, reason=f"{library} is not installed"))
    module = module_of(library)
    tested = {re.match(r"\w+", case.call)[0] for case in module.CASES}
    assert there - tested - set(module.EXCEPTIONS) == set()
    assert set(module.EXCEPTIONS) - there == set(), "reasons for what is not there any more"
    assert set(module.EXCEPTIONS) & tested == set()
    assert all(module.EXCEPTIONS.values())


@pytest.mark.parametrize("library", LISTS)
def test_cases_are_different_and_have_a_law(library):
    cases = command.cases(library)
    assert len({case.title for case in cases}) == len(cases)
    for text in {case.distribution for case in cases[::9]}:
        assert exact.law("a case", text).reals


DRAWN = [(library, i) for library in LISTS for i in range(len(module_of(library).CASES))]


@pytest.mark.parametrize(("library", "i"), mostly_at_night(DRAWN, 40))
def test_a_case_draws_values_of_its_dtype(library, i):
    if not installed(library):
        pytest.skip(f"{library} is not installed")
    case = command.cases(library)[i]
    draw = running.values_of(case)
    first, second = draw(300), draw(300)
    assert first.shape == second.shape == (300,)
    assert case.dtype == "bool" or (first != second).any()
    np.testing.assert_array_equal(running.values_of(case)(300), first)
