"""Imports go downward only: a module may use what stands before it in the list."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import fastinit

PACKAGE = Path(fastinit.__file__).parent

#: From the bottom up. A new module gets its place here.
ORDER = [
    "dtypes",
    "streams",
    "blocks",
    "fans",
    "outputs",
    "proposals",
    "parameters",
    "truncation",
    "kernels",  # the package itself, which holds a docstring
    "kernels.lanes",
    "kernels.shuffles",
    "kernels.memory",
    "kernels.philox",
    "kernels.reals",
    "kernels.box_muller",
    "kernels.plain",
    "kernels.truncated",
    "kernels.rounding",
    "kernels.fill",
    "kernels.rows",
    "kernels.threads",
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
    "stream_command",
    "cli",
    "__main__",
]
WITHOUT_NUMBA = ["dtypes", "streams", "blocks", "fans", "outputs", "proposals", "parameters", "truncation"]


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


def used_modules(path, package):
    """The modules of the package that a file imports: `fastinit.kernels.rows.kernel` counts as `kernels.rows`."""
    known = modules(package)
    for full in imported(path, package):
        first, _, rest = full.partition(".")
        if first != package.name:
            continue
        while rest and rest not in known:
            rest = rest.rpartition(".")[0]
        yield rest or "__init__"


def faults(package):
    """What is wrong with the imports of a package, as sentences."""
    found = []
    for name, path in modules(package).items():
        if name not in ORDER:
            found.append(f"{name} has no place in ORDER of tests/test_layers.py")
            continue
        for used in used_modules(path, package):
            if used in ORDER and ORDER.index(used) >= ORDER.index(name):
                found.append(f"{name} imports {used}, which does not stand below it")
    for name in WITHOUT_NUMBA:
        path = modules(package).get(name)
        if path and any(full.partition(".")[0] in ("numba", "llvmlite") for full in imported(path, package)):
            found.append(f"{name} imports numba")
    return found


def test_imports_go_downward():
    assert faults(PACKAGE) == []


def test_the_list_names_existing_modules_once():
    assert len(set(ORDER)) == len(ORDER)
    assert [name for name in ORDER if name not in modules(PACKAGE)] == []


def test_the_parser_sees_the_imports():
    """So that an empty list of faults means something."""
    seen = {name: set(used_modules(path, PACKAGE)) for name, path in modules(PACKAGE).items()}
    assert {"blocks", "dispatch", "dtypes", "outputs", "parameters", "streams"} <= seen["generator"]
    assert {"kernels.plain", "kernels.truncated", "kernels.fill"} <= seen["kernels.rows"]
    assert {"generator", "streams"} <= seen["__init__"]
    assert "cli" in seen["__main__"]


@pytest.mark.parametrize(
    ("name", "source", "fault"),
    [
        ("dtypes", "from fastinit.generator import Generator", "dtypes imports generator"),
        ("dtypes", "from fastinit import streams", "dtypes imports streams"),
        ("blocks", "def f():\n    from .dispatch import run", "blocks imports dispatch"),
        ("kernels/fill", "from . import rows", "kernels.fill imports kernels.rows"),
        ("kernels/lanes", "from ..dispatch import run", "kernels.lanes imports dispatch"),
        ("kernels/lanes", "import fastinit.kernels.rows as r", "kernels.lanes imports kernels.rows"),
        ("streams", "import fastinit", "streams imports __init__"),
        ("streams", "from fastinit import STREAM_VERSION", "streams imports __init__"),
        ("generator", "if TYPE_CHECKING:\n    from fastinit.cli import main", "generator imports cli"),
        ("outputs", "import numba", "outputs imports numba"),
        ("parameters", "from numba import njit", "parameters imports numba"),
        ("streams", "from llvmlite import ir", "streams imports numba"),
        ("surprise", "", "surprise has no place in ORDER"),
        ("kernels/surprise", "", "kernels.surprise has no place in ORDER"),
    ],
)
def test_faults_are_found(tmp_path, name, source, fault):
    package = tmp_path / "fastinit"
    (package / "kernels").mkdir(parents=True)
    for known in ORDER:
        path = package / ("kernels/__init__.py" if known == "kernels" else known.replace(".", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    assert faults(package) == []
    (package / f"{name}.py").write_text(source)
    assert [sentence for sentence in faults(package) if sentence.startswith(fault)]


def run(script):
    env = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_import_is_light():
    """`import fastinit` loads nothing that is optional and that Numba does not load anyway (SciPy, where it is there)."""
    script = """
import sys
import ml_dtypes, numba, numpy
before = set(sys.modules)
import fastinit
print(*sorted(set(sys.modules) - before))
"""
    loaded = run(script).split()
    assert "fastinit.generator" in loaded
    heavy = {"torch", "jax", "tensorflow", "keras", "dask", "safetensors", "scipy", "tqdm", "psutil", "hypothesis", "pytest"}
    assert [name for name in loaded if name.partition(".")[0] in heavy] == []
    assert {"fastinit.cli", "fastinit.files", "fastinit.report", "fastinit.terminal"}.isdisjoint(loaded)


def test_import_compiles_and_starts_nothing():
    """No kernel, no thread, and Numba's threading layer is not chosen yet."""
    script = """
import threading
import fastinit
import numba
from fastinit.kernels.rows import kernel
assert kernel.cache_info().currsize == 0
assert threading.active_count() == 1
try:
    numba.threading_layer()
except ValueError:
    print("not chosen")
"""
    assert run(script) == "not chosen"
