"""Imports go downward only: a module may use what stands before it in the list."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import fastinit

PACKAGE = Path(fastinit.__file__).parent

#: From the bottom up: folders, and the modules of the root. A module may use its own folder and what stands before it.
ORDER = [
    "arguments",
    "arithmetic",
    "distributions",
    "laws",
    "kernels",
    "gpu",
    "dispatch",
    "stream",
    "generator",
    "progress",
    "initializers",
    "lazy_arrays",
    "__init__",
    "files",
    "safetensors",
    "torch",
    "jax",
    "keras",
    "dask",
    "peers",
    "bench",
    "check",
    "commands",
    "__main__",
]
#: These know nothing of one another.
BACKENDS = {"torch", "jax", "keras", "dask"}
#: Neither Numba nor LLVM.
WITHOUT_COMPILERS = {"arguments", "arithmetic", "distributions", "laws"}
#: The only ones of the kernels that import Numba: they are imported where it has to compile.
WITH_NUMBA = {"kernels.fill", "kernels.memory"}


def name_of(path, package):
    """`kernels.fill` for kernels/fill.py, `kernels` for kernels/__init__.py, `__init__` for the package's own."""
    parts = path.relative_to(package).with_suffix("").parts
    return ".".join(parts if len(parts) == 1 or parts[-1] != "__init__" else parts[:-1])


def modules(package):
    return {name_of(path, package): path for path in sorted(package.rglob("*.py"))}


def imported(path, package):
    """Full names of all that a file imports anywhere in it, with relative imports resolved."""
    here = [package.name, *path.relative_to(package).with_suffix("").parts]
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(here[: -node.level]) if node.level else ""
            full = ".".join(filter(None, (base, node.module)))
            yield from (f"{full}.{alias.name}" for alias in node.names)


def used_modules(path, package, known):
    """Those of the known modules that a file imports: `fastinit.kernels.rows.entry` counts as `kernels.rows`."""
    for full in imported(path, package):
        first, _, rest = full.partition(".")
        if first != package.name:
            continue
        while rest and rest not in known:
            rest = rest.rpartition(".")[0]
        yield rest or "__init__"


def place_of(name):
    """The entry of ORDER: a folder or a module of the root."""
    return name.partition(".")[0]


def is_above(place, other):
    """Whether a module of `place` may not use one of `other`."""
    return ORDER.index(other) >= ORDER.index(place) or {place, other} <= BACKENDS


def circles(uses):
    """The modules of each folder that import themselves by way of others, as sentences."""
    reached = {name: set(used) for name, used in uses.items()}
    for between in uses:  # Warshall's closure
        for name in uses:
            if between in reached[name]:
                reached[name] |= reached[between]
    return [f"{name} imports itself by way of others" for name in uses if name in reached[name]]


def compilers(path, package):
    return {full.partition(".")[0] for full in imported(path, package)} & {"numba", "llvmlite"}


def faults(package):
    """What is wrong with the imports of a package, as sentences."""
    found, inside, known = [], {}, modules(package)
    for name, path in known.items():
        place = place_of(name)
        if place not in ORDER:
            found.append(f"{name} has no place in ORDER of tests/house/test_layers.py")
            continue
        used = set(used_modules(path, package, known))
        inside[name] = {other for other in used if place_of(other) == place}
        for other in sorted(used - inside[name]):
            if place_of(other) in ORDER and is_above(place, place_of(other)):
                found.append(f"{name} imports {other}, which does not stand below it")
        if place in WITHOUT_COMPILERS and compilers(path, package):
            found.append(f"{name} imports {' and '.join(sorted(compilers(path, package)))}")
        if place == "kernels" and "numba" in compilers(path, package) and name not in WITH_NUMBA:
            found.append(f"{name} imports numba")
    return found + circles(inside)


def test_imports_go_downward():
    assert faults(PACKAGE) == []


def test_the_list_names_what_is_there_once():
    there = set(map(place_of, modules(PACKAGE)))
    assert sorted(ORDER) == sorted(there)


def test_the_parser_sees_the_imports():
    """So that an empty list of faults means something."""
    known = modules(PACKAGE)
    seen = {name: set(used_modules(path, PACKAGE, known)) for name, path in known.items()}
    assert {"arguments.blocks", "dispatch", "arguments.outputs", "distributions.normal", "arguments.seeds"} <= seen["generator"]
    assert {"arithmetic.lanes", "arithmetic.reals"} <= seen["arithmetic.elementary"]
    assert {"arguments.dtypes", "arithmetic.elementary", "distributions.law"} <= seen["distributions.normal"]
    assert {"arithmetic.rounding", "distributions", "kernels.fill", "kernels.tiles"} <= seen["kernels.rows"]
    assert "kernels.targets.llvm" in seen["kernels.targets.vectors"]
    assert {"generator", "arguments.seeds"} <= seen["__init__"]
    assert "commands.main" in seen["__main__"]
    assert {name for name, path in known.items() if "numba" in compilers(path, PACKAGE)} >= WITH_NUMBA


@pytest.fixture
def package(tmp_path):
    """A package of empty files, with a few modules in each folder."""
    package = tmp_path / "fastinit"
    files = ["arithmetic.lanes", "arithmetic.reals", "distributions.law", "distributions.normal", "arguments.checks"]
    files += ["arguments.dtypes", "arguments.seeds", "kernels.fill", "kernels.memory", "kernels.rows", "kernels.threads"]
    files += ["kernels.targets.llvm", "torch.init", "jax.keys", "bench.measure", "check.run", "commands.main"]
    files += [name for name in ORDER if (PACKAGE / f"{name}.py").exists()]
    for name in files:
        path = package / f"{name.replace('.', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    for folder in {path.parent for path in package.rglob("*.py")} | {package / "initializers"}:
        folder.mkdir(exist_ok=True)
        (folder / "__init__.py").touch()
    assert faults(package) == []
    return package


@pytest.mark.parametrize(
    ("name", "source", "fault"),
    [
        ("arguments/dtypes", "from fastinit.generator import Generator", "arguments.dtypes imports generator"),
        ("kernels/rows", "def f():\n    from ..dispatch import run", "kernels.rows imports dispatch"),
        ("arguments/checks", "from fastinit.arithmetic import lanes", "arguments.checks imports arithmetic.lanes"),
        ("arithmetic/lanes", "from fastinit.distributions.law import Law", "arithmetic.lanes imports distributions.law"),
        ("arithmetic/lanes", "from ..distributions import LAWS", "arithmetic.lanes imports distributions"),
        ("distributions/law", "def f():\n    from ..kernels import rows", "distributions.law imports kernels.rows"),
        ("distributions/__init__", "import fastinit.kernels.rows as r", "distributions imports kernels.rows"),
        ("kernels/rows", "from ..dispatch import run", "kernels.rows imports dispatch"),
        ("kernels/targets/llvm", "from fastinit import generator", "kernels.targets.llvm imports generator"),
        ("kernels/targets/llvm", "from ...dispatch import run", "kernels.targets.llvm imports dispatch"),
        ("kernels/rows", "import fastinit.kernels.rows", "kernels.rows imports itself"),
        ("arguments/seeds", "import fastinit", "arguments.seeds imports __init__"),
        ("arguments/seeds", "from fastinit import STREAM_VERSION", "arguments.seeds imports __init__"),
        ("generator", "if TYPE_CHECKING:\n    from fastinit.commands.main import main", "generator imports commands.main"),
        ("torch/init", "from fastinit.jax import keys", "torch.init imports jax.keys"),
        ("check/run", "from fastinit.commands import main", "check.run imports commands.main"),
        ("bench/measure", "from fastinit.check import run", "bench.measure imports check.run"),
        ("arguments/checks", "import numba", "arguments.checks imports numba"),
        ("arguments/__init__", "import llvmlite.binding as llvm", "arguments imports llvmlite"),
        ("arithmetic/lanes", "from llvmlite import ir", "arithmetic.lanes imports llvmlite"),
        ("arithmetic/reals", "def f():\n    import numba.core", "arithmetic.reals imports numba"),
        ("distributions/law", "from numba import njit\nimport llvmlite", "distributions.law imports llvmlite and numba"),
        ("kernels/threads", "from numba import njit", "kernels.threads imports numba"),
        ("kernels/rows", "def f():\n    import numba", "kernels.rows imports numba"),
        ("kernels/targets/llvm", "from numba.core import cgutils", "kernels.targets.llvm imports numba"),
        ("surprise", "", "surprise has no place in ORDER"),
        ("ideas/surprise", "", "ideas.surprise has no place in ORDER"),
        ("ideas/__init__", "", "ideas has no place in ORDER"),
    ],
)
def test_faults_are_found(package, name, source, fault):
    path = package / f"{name}.py"
    path.parent.mkdir(exist_ok=True)
    path.write_text(source)
    assert [sentence for sentence in faults(package) if sentence.startswith(fault)]


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("kernels/fill", "from numba import cfunc"),
        ("kernels/memory", "import numba, llvmlite"),
        ("kernels/targets/llvm", "from llvmlite import ir"),
        ("kernels/rows", "from fastinit.kernels import fill\nfrom fastinit.kernels.targets import llvm"),
        ("kernels/rows", "from fastinit.distributions import LAWS\nfrom fastinit.arithmetic.lanes import u32"),
        ("distributions/__init__", "from fastinit.distributions.law import Law"),
        (
            "distributions/normal",
            "import numpy as np\nfrom fastinit.arguments import dtypes\nfrom ..arguments.checks import number",
        ),
        ("dispatch", "from fastinit.kernels import rows"),
    ],
)
def test_what_is_allowed_is_no_fault(package, name, source):
    (package / f"{name}.py").write_text(source)
    assert faults(package) == []


def test_circles_in_a_folder_are_found(package):
    (package / "kernels/rows.py").write_text("def f():\n    from fastinit.kernels import fill")
    (package / "kernels/fill.py").write_text("from fastinit.kernels.targets.llvm import store")
    assert faults(package) == []
    (package / "kernels/targets/llvm.py").write_text("from ..rows import row")
    names = ("kernels.fill", "kernels.rows", "kernels.targets.llvm")
    assert faults(package) == [f"{name} imports itself by way of others" for name in names]


def run(script, **variables):
    env = {**os.environ, "PYTHONPATH": str(PACKAGE.parent), **variables}
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_import_is_light():
    """`import fastinit` loads no compiler of Python and nothing that is optional."""
    script = """
import sys
import ml_dtypes, numpy
before = set(sys.modules)
import fastinit
print(*sorted(set(sys.modules) - before))
"""
    loaded = run(script).split()
    assert "fastinit.generator" in loaded
    heavy = {
        "torch",
        "jax",
        "tensorflow",
        "keras",
        "dask",
        "safetensors",
        "scipy",
        "tqdm",
        "psutil",
        "hypothesis",
        "pytest",
        "numba",
    }
    assert [name for name in loaded if name.partition(".")[0] in heavy] == []
    unwanted = {"commands", "files", "progress", "kernels.fill", "kernels.memory", "kernels.tiles", "kernels.explain", "gpu"}
    assert {f"fastinit.{name}" for name in unwanted}.isdisjoint(loaded)


def test_import_compiles_and_starts_nothing():
    """No code is made or read, no thread starts, and Numba's threading layer is not chosen."""
    script = """
import threading
import fastinit
from fastinit.kernels import cache, rows
assert rows.loop.cache_info().currsize == rows.entry.cache_info().currsize == 0
assert not cache.COMPILED
assert threading.active_count() == 1
import numba
try:
    numba.threading_layer()
except ValueError:
    print("not chosen")
"""
    assert run(script) == "not chosen"
