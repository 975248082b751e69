"""The site's reference has every public name. Sphinx is not needed for that."""

import importlib
import inspect
import re
import sys
from importlib.util import find_spec
from operator import attrgetter
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs/api").glob("*.md"))

#: Packages with public names, and what each needs.
PACKAGES = {
    "fastinit": None,
    "fastinit.arithmetic": None,
    "fastinit.initializers": None,
    "fastinit.laws": None,
    "fastinit.safetensors": None,
    "fastinit.check": "scipy",
    "fastinit.torch": "torch",
    "fastinit.jax": "jax",
    "fastinit.keras": "keras",
    "fastinit.dask": "dask",
}


def public_names(package):
    """The full names in a package's `__all__`, those of the modules that it names, and the public members of root classes."""
    for name in package.__all__:
        value = getattr(package, name)
        if isinstance(value, ModuleType):
            if value.__name__ not in PACKAGES:
                yield from public_names(value)
        elif name != "__version__":
            yield f"{package.__name__}.{name}"
            if inspect.isclass(value) and package.__name__ == "fastinit":
                yield from (f"fastinit.{name}.{member}" for member in dir(value) if not member.startswith("_"))


def listed_names(page):
    """The full names in the tables of a page of the reference."""
    module = ""
    for line in page.splitlines():
        if line.startswith((".. currentmodule:: ", ".. module:: ")):
            module = line.split()[-1]
        elif re.fullmatch(r"   [\w.]+", line):
            yield f"{module}.{line.strip()}"


def pages():
    """All names that the reference lists."""
    return {name for page in PAGES for name in listed_names(page.read_text())}


def without_page(package, listed):
    """Public names of a package that the reference does not have. The page of a module leads to all of its `__all__`."""
    modules = listed & set(sys.modules)
    return [name for name in public_names(package) if name not in listed and name.rpartition(".")[0] not in modules]


def imported(name):
    if PACKAGES[name] and not find_spec(PACKAGES[name]):
        pytest.skip(f"needs {PACKAGES[name]}")
    return importlib.import_module(name)


@pytest.mark.parametrize("name", PACKAGES)
def test_every_public_name_has_a_page(name):
    assert without_page(imported(name), pages()) == []


def test_every_package_with_public_names_is_known():
    packages = {path.parent.name for path in (ROOT / "fastinit").glob("*/__init__.py") if "\n__all__ = " in path.read_text()}
    packages |= {"keras"}  # which takes its names from a module
    assert {f"fastinit.{name}" for name in packages} | {"fastinit"} == set(PACKAGES)


def test_a_new_name_is_found(monkeypatch):
    package = importlib.import_module("fastinit.laws")
    monkeypatch.setattr(package, "surprise", lambda: None, raising=False)
    monkeypatch.setattr(package, "__all__", [*package.__all__, "surprise"])
    assert without_page(package, pages()) == ["fastinit.laws.surprise"]


def test_a_new_method_is_found(monkeypatch):
    package = importlib.import_module("fastinit")
    monkeypatch.setattr(package.LazyArray, "surprise", lambda self: None, raising=False)
    assert without_page(package, pages()) == ["fastinit.LazyArray.surprise"]


def test_no_page_is_left_over():
    """Of the modules that are imported here, each name that is listed exists."""
    for name in pages() - set(PACKAGES):
        module = max((known for known in PACKAGES if name.startswith(f"{known}.")), key=len)
        if PACKAGES[module] is None:
            attrgetter(name.removeprefix(f"{module}."))(importlib.import_module(module))
