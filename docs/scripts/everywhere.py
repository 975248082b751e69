"""The table of hashes (`tests/definition/hashes.py`) made in every environment at hand, and compared.

    python docs/scripts/everywhere.py threads cpus       some of the groups below
    python docs/scripts/everywhere.py --small all        all of them, without the arrays that several threads fill

Ends with 1 if a hash differs, or an environment could not be had that was asked for by name. It needs fastinit's dependencies,
pip, and for some groups Debian's apt-get (`everywhere_roots.py`); no rights. What it fetches goes to `--work`, which may be
removed.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import everywhere_roots as roots

TREE = Path(__file__).resolve().parents[2]
NUMBA_OWN = ("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES", "NUMBA_NUM_THREADS", "PYTHONPATH", "PYTHONHOME")


class Environment(NamedTuple):
    """A name, how Python is started, arguments of `tests.definition.hashes`, variables, folders of modules."""

    name: str
    python: tuple[str, ...] = (sys.executable,)
    arguments: tuple[str, ...] = ()
    variables: dict[str, str] = {}  # noqa: RUF012 - never changed
    modules: tuple[str, ...] = ()


THIS = Environment("this Python")


def here(work):
    yield THIS


def thread_counts(work):
    for count in (1, 2, 7):
        yield Environment(f"{count} threads", variables={"NUMBA_NUM_THREADS": str(count)})


def chunks(work):
    """Every fill in parallel, in chunks that cross tiles, regions and pieces at odd places."""
    for chunk, segment in ((7000, 1 << 23), (1000, 33333), (65536, 8191)):
        arguments = ("--chunk", str(chunk), "--segment", str(segment))
        yield Environment(f"chunks of {chunk}, pieces of {segment}", arguments=arguments)


X86 = "+64bit,+cmov,+cx8,+cx16,+fxsr,+mmx,+sse,+sse2"
SSE4 = f"{X86},+sse3,+ssse3,+sse4.1,+sse4.2,+popcnt,+sahf"
AVX = f"{SSE4},+avx,+xsave"
AVX2 = f"{AVX},+avx2,+bmi,+bmi2,+f16c,+fma,+lzcnt,+movbe"
AVX512 = f"{AVX2},+avx512f,+avx512cd,+avx512bw,+avx512dq,+avx512vl"
#: Group of features, LLVM's CPU, its features, and the features of this machine that show whether its code can run here.
LEVELS = (
    ("SSE2", "generic", "", ""),
    ("AVX, neither fused multiply-add nor float16", "sandybridge", AVX, "avx"),
    ("AVX with float16", "ivybridge", f"{AVX},+f16c", "avx f16c"),
    ("AVX2", "haswell", AVX2, "avx2 fma f16c"),
    ("AVX-512", "skylake-avx512", AVX512, "avx512f avx512bw avx512dq avx512vl"),
)


def cpus(work):
    info = Path("/proc/cpuinfo")
    has = set(info.read_text().split()) if info.exists() else set()
    for name, cpu, features, needed in LEVELS if platform.machine() == "x86_64" else ():
        if set(needed.split()) <= has:
            yield Environment(name, variables={"NUMBA_CPU_NAME": cpu, "NUMBA_CPU_FEATURES": features})
        else:
            print(f"{name}: this CPU has no {needed}")


def options(work):
    """Numba's own switches, which may change the code of the loop but no value; names in the cache do not tell them apart."""
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
    """A virtual environment of an interpreter with these packages, made once."""
    folder = work / "venvs" / "-".join([Path(python).name, *packages]).replace("==", "")
    made = folder / "bin" / "python"
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        roots.run([python, "-m", "venv", folder])
        roots.run([made, "-m", "pip", "install", "-q", "--only-binary=:all:", *packages])
        (folder / "complete").touch()
    return (str(made),)


def _interpreters():
    """Each Python from 3.11 on that the shell finds, by version; those of pyenv too."""
    folders = [Path(folder) for folder in os.get_exec_path()]
    folders += sorted(Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob("versions/*/bin"))
    found = {}
    for minor in range(11, 30):
        for path in (folder / f"python3.{minor}" for folder in folders):
            works = path.exists() and not subprocess.run([path, "-c", "import venv, ensurepip"], capture_output=True).returncode
            if works:
                found[f"3.{minor}"] = str(path)
                break
    return found


def pythons(work):
    """The newest packages under each Python that is installed here."""
    for version, python in _interpreters().items():
        yield Environment(f"Python {version}, newest packages", _venv(python, ("numpy", "numba", "ml_dtypes"), work))


#: The oldest that `pyproject.toml` allows, for the oldest Python.
OLDEST = ("numpy==2.0.0", "numba==0.62.0", "ml_dtypes==0.5.0")


def oldest(work):
    version, python = next(iter(_interpreters().items()))
    yield Environment(f"Python {version}, oldest packages", _venv(python, OLDEST, work))


def _in_root(root, name, work, model="", **variables):
    folder = roots.build(root, work)
    start, modules = roots.command(root, folder, work, model)
    return Environment(name, tuple(start), variables=variables, modules=tuple(modules))


def newer(work):
    """Pythons of Debian's development suite, for those that this machine does not have."""
    own = {cpu: name for name, cpu in roots.CPUS.items()}[platform.machine()]
    for version in ("3.14", "3.15"):
        yield _in_root(roots.Root(own, "sid", version), f"Python {version} of Debian", work)


def aarch64(work):
    """Emulated unless it is what this machine is: for the first CPU there was, and for one with scalable vectors."""
    root = roots.Root("arm64", "trixie", "3.13")
    yield _in_root(root, "AArch64, NEON", work, NUMBA_CPU_NAME="generic", NUMBA_CPU_FEATURES="+neon")
    scalable = {"NUMBA_CPU_NAME": "neoverse-v1", "NUMBA_CPU_FEATURES": "+neon,+sve,+fullfp16"}
    yield _in_root(root, "AArch64, SVE", work, "max", **scalable)


def ppc64le(work):
    """Emulated; no wheels are made for it, so Debian's own NumPy and Numba."""
    root = roots.Root("ppc64el", "sid", "3.14", wheels=False)
    yield _in_root(root, "POWER, little-endian", work, NUMBA_CPU_NAME="pwr8", NUMBA_CPU_FEATURES="")


def floats(work):
    """What another library may do to the calling thread: flush subnormal numbers to 0, round in another direction."""
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


def check(environment, given):
    """Make the table in one environment; return what there is to say, and whether all is as it was."""
    variables = {name: value for name, value in os.environ.items() if name not in NUMBA_OWN}
    variables |= {"NUMBA_CACHE_DIR": str(given.work / "cache"), "NUMBA_NUM_THREADS": "2", "PYTHONUNBUFFERED": "1"}
    variables |= environment.variables | {"PYTHONPATH": os.pathsep.join([str(TREE), *environment.modules])}
    command = [*environment.python, "-m", "tests.definition.hashes", *environment.arguments, *given.passed_on]
    started = time.monotonic()
    try:
        done = subprocess.run(
            command, cwd=TREE, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=given.timeout
        )
        printed, code = done.stdout, done.returncode
    except subprocess.TimeoutExpired as late:
        printed, code = (late.stdout or b"").decode() + f"stopped after {given.timeout:.0f} s\n", 1
    given.log.joinpath(environment.name.replace(" ", "-").replace("/", "-") + ".log").write_text(printed)
    lines = [line for line in printed.splitlines() if line]
    last = [line for line in lines if " hashes made" in line] or lines[-1:] or ["printed nothing"]
    if given.show or environment == THIS:
        print(printed)
    return f"{last[-1]}; exit code {code}, {time.monotonic() - started:.0f} s", code == 0


def arguments(argv):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("groups", nargs="+", choices=[*GROUPS, "all"], metavar="GROUP", help=", ".join([*GROUPS, "all"]))
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "fastinit-everywhere", help="folder to keep")
    parser.add_argument("--timeout", type=float, default=7200, help="seconds for one environment")
    parser.add_argument("--show", action="store_true", help="print every hash of every environment, not only of this Python")
    parser.add_argument("--small", action="store_true", help="only arrays below the size from which threads are used")
    parser.add_argument("--match", metavar="TEXT", help="only labels with this text in them")
    parser.add_argument("--dtypes", help="only these, separated by commas")
    given = parser.parse_args(argv)
    given.work = given.work.resolve()
    given.log = given.work / "logs"
    given.log.mkdir(parents=True, exist_ok=True)
    values = {"--match": given.match, "--dtypes": given.dtypes}
    given.passed_on = [part for name, value in values.items() if value for part in (name, value)]
    given.passed_on += ["--small"] if given.small else []
    return given


def main(argv=None):
    given = arguments(argv)
    wanted = list(GROUPS) if "all" in given.groups else given.groups
    fine = True
    for group in wanted:
        try:
            for environment in GROUPS[group](given.work):
                said, same = check(environment, given)
                fine &= same
                print(f"{'same' if same else 'DIFFERENT'}  {environment.name}: {said}", flush=True)
        except (RuntimeError, OSError) as error:  # no network, no Debian, no such interpreter
            fine &= "all" in given.groups
            print(f"not had  {group}: {error}", flush=True)
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
