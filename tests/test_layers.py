"""Imports go downward only: a module may use what stands before it in the list."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import fastinit

PACKAGE = Path(fastinit.__file__).parent

#: From the bottom up: modules, and rooms (a folder with all in it). A new module of the root gets its place here.
ORDER = [
    "dtypes",
    "streams",
    "blocks",
    "fans",
    "outputs",
    "truncation",
    "arguments",
    "arithmetic",
    "distributions",
    "kernels",
    "dispatch",
    "generator",
    "calls",
    "initializers.common",
    "initializers.constants",
    "initializers.samplers",
    "initializers.sparsity",
    "initializers.orthonormal",
    "initializers.depth",
    "initializers.scaling",
    "initializers.rules",
    "initializers.inputs",
    "initializers",
    "terminal",
    "trees",
    "__init__",
    "dask.threads",
    "dask.chunks",
    "dask.lazy",
    "dask",
    "files",
    "slabs",
    "npy",
    "safetensors.layout",
    "safetensors.scanning",
    "safetensors.sources",
    "safetensors.rules",
    "safetensors.shards",
    "safetensors.drawing",
    "safetensors.writing",
    "safetensors",
    "fill_command",
    "report",
    "torch.tensors",
    "torch.laws",
    "torch.sources",
    "torch.shards",
    "torch.filling",
    "torch.inplace",
    "torch.structured",
    "torch.init",
    "torch.modes",
    "torch.fast_init",
    "torch.rules",
    "torch.naming",
    "torch.materialize",
    "torch",
    "jax.keys",
    "jax.tracing",
    "jax.arrays",
    "jax.initializers",
    "jax",
    "keras.seeds",
    "keras.tensors",
    "keras.base",
    "keras.initializers",
    "keras",
    "bench",
    "bench.measure",
    "bench.peers",
    "bench.worker",
    "bench.workers",
    "bench.session",
    "bench.machine",
    "bench.table",
    "bench.plot",
    "bench.command",
    "check",
    "check.command",
    "check.laws",
    "check.samplers",
    "check.cells",
    "check.counts",
    "check.fits",
    "check.order",
    "check.words",
    "check.promises",
    "check.session",
    "check.verdict",
    "check.plot",
    "check.running",
    "explain_command",
    "stream_command",
    "cli",
    "__main__",
]
#: Their modules may import each other in any order, but not in a circle.
ROOMS = ("arguments", "arithmetic", "distributions", "kernels")
#: Neither Numba nor LLVM.
WITHOUT_COMPILERS = {"dtypes", "streams", "blocks", "fans", "outputs", "truncation", "arguments", "arithmetic", "distributions"}
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
    """The entry of ORDER: the room of a module that is in one, else the module itself."""
    room = name.partition(".")[0]
    return room if room in ROOMS else name


def circles(uses):
    """The modules of each room that import themselves by way of others, as sentences."""
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
            found.append(f"{name} has no place in ORDER of tests/test_layers.py")
            continue
        used = set(used_modules(path, package, known))
        inside[name] = {other for other in used if place_of(other) == place and place in ROOMS}
        for other in sorted(used - inside[name]):
            if place_of(other) in ORDER and ORDER.index(place_of(other)) >= ORDER.index(place):
                found.append(f"{name} imports {other}, which does not stand below it")
        if place in WITHOUT_COMPILERS and compilers(path, package):
            found.append(f"{name} imports {' and '.join(sorted(compilers(path, package)))}")
        if place == "kernels" and "numba" in compilers(path, package) and name not in WITH_NUMBA:
            found.append(f"{name} imports numba")
    return found + circles(inside)


def test_imports_go_downward():
    assert faults(PACKAGE) == []


def test_the_list_names_existing_modules_once():
    assert len(set(ORDER)) == len(ORDER)
    assert [name for name in ORDER if name not in modules(PACKAGE)] == []
    assert [name for name in (*ROOMS, *WITHOUT_COMPILERS) if name not in ORDER] == []
    assert [room for room in ROOMS if not (PACKAGE / room).is_dir()] == []


def test_the_parser_sees_the_imports():
    """So that an empty list of faults means something."""
    known = modules(PACKAGE)
    seen = {name: set(used_modules(path, PACKAGE, known)) for name, path in known.items()}
    assert {"blocks", "dispatch", "dtypes", "outputs", "distributions.normal", "streams"} <= seen["generator"]
    assert {"arithmetic.lanes", "arithmetic.reals"} <= seen["arithmetic.elementary"]
    assert {"dtypes", "arguments.checks", "arithmetic.elementary", "distributions.law"} <= seen["distributions.normal"]
    assert {"arithmetic.rounding", "distributions", "kernels.fill", "kernels.tiles"} <= seen["kernels.rows"]
    assert "kernels.targets.llvm" in seen["kernels.targets.vectors"]
    assert {"generator", "streams"} <= seen["__init__"]
    assert "cli" in seen["__main__"]
    assert {name for name, path in known.items() if "numba" in compilers(path, PACKAGE)} >= WITH_NUMBA


@pytest.fixture
def package(tmp_path):
    """A package of empty files, with a few modules in each room."""
    package = tmp_path / "fastinit"
    inside = ["arithmetic.lanes", "arithmetic.reals", "distributions.law", "distributions.normal", "arguments.checks"]
    inside += ["kernels.fill", "kernels.memory", "kernels.rows", "kernels.threads", "kernels.targets", "kernels.targets.llvm"]
    folders = {"kernels.targets", *ROOMS}
    for known in [*ORDER, *inside]:
        path = package / (known.replace(".", "/") + ("/__init__.py" if known in folders else ".py"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    assert faults(package) == []
    return package


@pytest.mark.parametrize(
    ("name", "source", "fault"),
    [
        ("dtypes", "from fastinit.generator import Generator", "dtypes imports generator"),
        ("dtypes", "from fastinit import streams", "dtypes imports streams"),
        ("blocks", "def f():\n    from .dispatch import run", "blocks imports dispatch"),
        ("dtypes", "from fastinit.arguments.checks import number", "dtypes imports arguments.checks"),
        ("arguments/checks", "from fastinit.arithmetic import lanes", "arguments.checks imports arithmetic.lanes"),
        ("arithmetic/lanes", "from fastinit.distributions.law import Law", "arithmetic.lanes imports distributions.law"),
        ("arithmetic/lanes", "from ..distributions import LAWS", "arithmetic.lanes imports distributions"),
        ("distributions/law", "def f():\n    from ..kernels import rows", "distributions.law imports kernels.rows"),
        ("distributions/__init__", "import fastinit.kernels.rows as r", "distributions imports kernels.rows"),
        ("kernels/rows", "from ..dispatch import run", "kernels.rows imports dispatch"),
        ("kernels/targets/llvm", "from fastinit import generator", "kernels.targets.llvm imports generator"),
        ("kernels/targets/llvm", "from ...dispatch import run", "kernels.targets.llvm imports dispatch"),
        ("kernels/rows", "import fastinit.kernels.rows", "kernels.rows imports itself"),
        ("streams", "import fastinit", "streams imports __init__"),
        ("streams", "from fastinit import STREAM_VERSION", "streams imports __init__"),
        ("generator", "if TYPE_CHECKING:\n    from fastinit.cli import main", "generator imports cli"),
        ("outputs", "import numba", "outputs imports numba"),
        ("truncation", "from numba import njit", "truncation imports numba"),
        ("streams", "from llvmlite import ir", "streams imports llvmlite"),
        ("arguments/checks", "import numba", "arguments.checks imports numba"),
        ("arguments/__init__", "import llvmlite.binding as llvm", "arguments imports llvmlite"),
        ("arithmetic/lanes", "from llvmlite import ir", "arithmetic.lanes imports llvmlite"),
        ("arithmetic/reals", "def f():\n    import numba.core", "arithmetic.reals imports numba"),
        ("distributions/law", "from numba import njit\nimport llvmlite", "distributions.law imports llvmlite and numba"),
        ("kernels/threads", "from numba import njit", "kernels.threads imports numba"),
        ("kernels/rows", "def f():\n    import numba", "kernels.rows imports numba"),
        ("kernels/targets/llvm", "from numba.core import cgutils", "kernels.targets.llvm imports numba"),
        ("surprise", "", "surprise has no place in ORDER"),
        ("initializers/surprise", "", "initializers.surprise has no place in ORDER"),
        ("ideas/surprise", "", "ideas.surprise has no place in ORDER"),
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
        ("distributions/normal", "import numpy as np\nfrom fastinit import dtypes\nfrom ..arguments.checks import number"),
        ("dispatch", "from fastinit.kernels import rows"),
    ],
)
def test_what_is_allowed_is_no_fault(package, name, source):
    (package / f"{name}.py").write_text(source)
    assert faults(package) == []


def test_circles_in_a_room_are_found(package):
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
    unwanted = {"cli", "files", "report", "terminal", "kernels.fill", "kernels.memory", "kernels.tiles", "kernels.explain"}
    assert {f"fastinit.{name}" for name in unwanted}.isdisjoint(loaded)


FILL = """
import sys
import fastinit
from fastinit.kernels import cache
for dtype in ("float32", "float64"):
    fastinit.default_rng(0).normal(size=10, dtype=dtype)
    fastinit.default_rng(0).truncated_normal(size=1 << 17, dtype=dtype)
print(len(cache.COMPILED), *sorted({name.partition(".")[0] for name in sys.modules} & {"numba", "llvmlite"}))
"""


def test_numba_is_imported_only_to_compile(tmp_path):
    """The first process compiles the loop and four rows; to the next one, which reads them, Numba could be missing."""
    first, second = (run(FILL, NUMBA_CACHE_DIR=str(tmp_path), NUMBA_NUM_THREADS="2") for _ in range(2))
    assert first == "5 llvmlite numba"
    assert second == "0 llvmlite"


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
