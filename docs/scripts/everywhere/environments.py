"""Environments in which the table of hashes is made, by group."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from docs.scripts.everywhere import roots


class Environment(NamedTuple):
    """A name, the command that starts Python, arguments of `tests.definition.hashes`, variables, folders of modules."""

    name: str
    python: tuple[str, ...] = (sys.executable,)
    arguments: tuple[str, ...] = ()
    variables: dict[str, str] = {}  # noqa: RUF012 - never changed
    modules: tuple[str, ...] = ()


THIS = Environment("this Python")


def here(work):
    """The Python that runs this script."""
    yield THIS


def thread_counts(work):
    """Other numbers of threads."""
    for count in (1, 2, 7):
        yield Environment(f"{count} threads", variables={"NUMBA_NUM_THREADS": str(count)})


def chunks(work):
    """Every fill in parallel, in chunks whose ends lie inside tiles, regions and pieces."""
    for chunk, segment in ((7000, 1 << 23), (1000, 33333), (65536, 8191)):
        arguments = ("--chunk", str(chunk), "--segment", str(segment))
        yield Environment(f"chunks of {chunk}, pieces of {segment}", arguments=arguments)


X86 = "+64bit,+cmov,+cx8,+cx16,+fxsr,+mmx,+sse,+sse2"
SSE4 = f"{X86},+sse3,+ssse3,+sse4.1,+sse4.2,+popcnt,+sahf"
AVX = f"{SSE4},+avx,+xsave"
AVX2 = f"{AVX},+avx2,+bmi,+bmi2,+f16c,+fma,+lzcnt,+movbe"
AVX512 = f"{AVX2},+avx512f,+avx512cd,+avx512bw,+avx512dq,+avx512vl"
#: A name, LLVM's CPU, its features, and the features that this machine must have to run the code.
LEVELS = (
    ("SSE2", "generic", "", ""),
    ("AVX, neither fused multiply-add nor float16", "sandybridge", AVX, "avx"),
    ("AVX with float16", "ivybridge", f"{AVX},+f16c", "avx f16c"),
    ("AVX2", "haswell", AVX2, "avx2 fma f16c"),
    ("AVX-512", "skylake-avx512", AVX512, "avx512f avx512bw avx512dq avx512vl"),
)


def cpus(work):
    """Code for older x86 CPUs."""
    if platform.machine() not in ("x86_64", "AMD64"):
        raise RuntimeError(f"this group needs an x86-64 CPU; this one is {platform.machine()}")
    info = Path("/proc/cpuinfo")
    has = set(info.read_text().split()) if info.exists() else set()
    for name, cpu, features, needed in LEVELS:
        if set(needed.split()) <= has:
            yield Environment(name, variables={"NUMBA_CPU_NAME": cpu, "NUMBA_CPU_FEATURES": features})
    if missing := [name for name, _, _, needed in LEVELS if not set(needed.split()) <= has]:
        raise RuntimeError(f"this CPU cannot run the code for {'; '.join(missing)}")  # after the others


def options(work):
    """Numba's switches may change the code, but no value. Names in the cache ignore them, so each gets its own cache."""
    for switch in (
        "NUMBA_BOUNDSCHECK=1",
        "NUMBA_LOOP_VECTORIZE=0",
        "NUMBA_SLP_VECTORIZE=1",
        "NUMBA_OPT=1",
        "NUMBA_ENABLE_AVX=0",
    ):
        name, _, value = switch.partition("=")
        yield Environment(switch, variables={name: value, "NUMBA_CACHE_DIR": str(work / "caches" / switch)})


def _venv(python, packages, work):
    """The Python of a virtual environment with these packages, which is made once."""
    folder = work / "venvs" / "-".join([Path(python).name, *packages]).replace("==", "")
    created = folder / "bin" / "python"
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        roots.run([python, "-m", "venv", folder])
        roots.run([created, "-m", "pip", "install", "-q", "--only-binary=:all:", *packages])
        (folder / "complete").touch()
    return (str(created),)


def _interpreters():
    """Pythons from 3.11 on, by version: those on PATH and those of pyenv."""
    folders = [Path(folder) for folder in os.get_exec_path()]
    folders += sorted(Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob("versions/*/bin"))
    pythons_found = {}
    for minor in range(11, 30):
        for path in (folder / f"python3.{minor}" for folder in folders):
            works = path.exists() and not subprocess.run([path, "-c", "import venv, ensurepip"], capture_output=True).returncode
            if works:
                pythons_found[f"3.{minor}"] = str(path)
                break
    return pythons_found


def pythons(work):
    """The newest packages, with each Python that is installed."""
    for version, python in _interpreters().items():
        yield Environment(f"Python {version}, newest packages", _venv(python, ("numpy", "numba", "ml_dtypes"), work))


#: The oldest packages that `pyproject.toml` allows, for the oldest Python.
OLDEST = ("numpy==2.0.0", "numba==0.62.0", "ml_dtypes==0.5.0")


def oldest(work):
    """The oldest packages, with the oldest Python."""
    version, python = next(iter(_interpreters().items()))
    yield Environment(f"Python {version}, oldest packages", _venv(python, OLDEST, work))


def _in_root(root, name, work, model="", **variables):
    folder = roots.build(root, work)
    start, modules = roots.command(root, folder, work, model)
    return Environment(name, tuple(start), variables=variables, modules=tuple(modules))


def newer(work):
    """Newer Pythons, from Debian's development suite."""
    own = {cpu: name for name, cpu in roots.CPUS.items()}.get(platform.machine())
    if own is None:
        raise RuntimeError(f"this group needs Debian on {', '.join(roots.CPUS.values())}; this is {platform.machine()}")
    for version in ("3.14", "3.15"):
        yield _in_root(roots.Root(own, "sid", version), f"Python {version} of Debian", work)


def aarch64(work):
    """AArch64 code for the oldest CPU and for one with scalable vectors; emulated on other machines."""
    root = roots.Root("arm64", "trixie", "3.13")
    yield _in_root(root, "AArch64, NEON", work, NUMBA_CPU_NAME="generic", NUMBA_CPU_FEATURES="+neon")
    scalable = {"NUMBA_CPU_NAME": "neoverse-v1", "NUMBA_CPU_FEATURES": "+neon,+sve,+fullfp16"}
    yield _in_root(root, "AArch64, SVE", work, "max", **scalable)


def ppc64le(work):
    """POWER, emulated, with Debian's NumPy and Numba, because PyPI has no wheels."""
    root = roots.Root("ppc64el", "sid", "3.14", wheels=False)
    yield _in_root(root, "POWER, little-endian", work, NUMBA_CPU_NAME="pwr8", NUMBA_CPU_FEATURES="")


def floats(work):
    """Floating-point states that a library may set: subnormal numbers flushed to 0, another rounding direction."""
    for state in ("flush", "up", "down", "zero"):
        yield Environment(f"floating-point state: {state}", arguments=("--float-state", state))


GROUPS = {
    "here": here,
    "threads": thread_counts,
    "chunks": chunks,
    "cpus": cpus,
    "options": options,
    "floats": floats,
    "pythons": pythons,
    "oldest": oldest,
    "newer": newer,
    "aarch64": aarch64,
    "ppc64le": ppc64le,
}
