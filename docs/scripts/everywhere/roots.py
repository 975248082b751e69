"""Other systems, each in a folder: Debian packages and wheels, unpacked without root, and the command that starts Python there.

Packages come from the Debian mirror of this machine's apt, wheels from the index of its pip.
"""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

CPUS = {"amd64": "x86_64", "arm64": "aarch64", "ppc64el": "ppc64le"}
WHEELS = ("numpy", "numba", "ml_dtypes")


class Root(NamedTuple):
    """A Debian suite for an architecture, with the newest wheels, or with Debian's own NumPy and Numba."""

    architecture: str
    suite: str
    python: str
    wheels: bool = True

    @property
    def name(self) -> str:
        return f"{self.architecture}-{self.suite}-python{self.python}" + ("" if self.wheels else "-debian")

    @property
    def packages(self) -> list[str]:
        own = [] if self.wheels else ["python3-minimal", "python3-numpy", "python3-numba", "python3-ml-dtypes"]
        return [f"python{self.python}-minimal", f"libpython{self.python}-stdlib", "libstdc++6", "libgomp1", "zlib1g", *own]


def run(command, **options):
    """Run a command and return its output; if it fails, the error contains the output."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stdout[-1500:]}{done.stderr[-1500:]}")
    return done.stdout


def mirror():
    """The address of this machine's Debian mirror, and the keys that it is signed with."""
    if shutil.which("apt-get") is None:
        raise RuntimeError("this group needs apt-get, that is, a Debian system")
    lines = run(
        ["apt-get", "indextargets", "--format", "$(ORIGIN)|$(REPO_URI)|$(SIGNED_BY)", "Created-By: Packages"]
    ).splitlines()
    mirrors = [line.split("|") for line in lines if line.startswith("Debian|") and "security" not in line]
    if not mirrors:
        raise RuntimeError("apt-get has no Debian mirror; `apt-get update` may help")
    return mirrors[0][1], mirrors[0][2]


def _apt(folder, root):
    """The command of a separate apt for another architecture and suite; it leaves the machine's own apt alone."""
    address, keys = mirror()
    folder.mkdir(parents=True, exist_ok=True)
    for part in ("lists/partial", "cache/archives/partial", "etc"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    (folder / "status").touch()
    signed = f"[signed-by={keys}] " if keys.startswith("/") else ""
    (folder / "sources.list").write_text(f"deb {signed}{address} {root.suite} main\n")
    settings = {
        "APT::Architecture": root.architecture,
        "APT::Architectures": root.architecture,
        "APT::Sandbox::User": "",
        "Dir::Etc::sourcelist": folder / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::preferencesparts": folder / "etc",
        "Dir::State": folder,
        "Dir::State::lists": folder / "lists",
        "Dir::State::status": folder / "status",
        "Dir::Cache": folder / "cache",
        "Debug::NoLocking": "1",
    }
    return ["apt-get", "-q", *(part for name, value in settings.items() for part in ("-o", f"{name}={value}"))]


def build(root, work):
    """Unpack a root below `work`, once, and return its folder."""
    folder = work / "roots" / root.name
    if (folder / "complete").exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    apt = _apt(work / "apt" / f"{root.architecture}-{root.suite}", root)
    run([*apt, "update"])
    run([*apt, "install", "--yes", "--download-only", "--no-install-recommends", *root.packages])
    folder.mkdir(parents=True)
    _unpack(work / "apt" / f"{root.architecture}-{root.suite}" / "cache" / "archives", folder)
    if root.wheels:
        _wheels(root, folder / "site")
    (folder / "complete").touch()
    return folder


def _unpack(archives, folder):
    """Unpack packages, without running their scripts."""
    for archive in sorted(archives.glob("*.deb")):
        run(["dpkg-deb", "-x", archive, folder])
    for name in ("lib", "lib64"):  # the loader's path is /lib; newer systems keep everything below /usr
        if not (folder / name).exists() and (folder / "usr" / name).exists():
            (folder / name).symlink_to(Path("usr") / name)
    for library in [*folder.glob("usr/lib/*/blas/*.so.*"), *folder.glob("usr/lib/*/lapack/*.so.*")]:
        if not (library.parents[1] / library.name).exists():  # the scripts of the package would choose one of several
            (library.parents[1] / library.name).symlink_to(Path(library.parent.name) / library.name)


def _wheels(root, site):
    """Install wheels for another machine."""
    cpu = CPUS[root.architecture]
    platforms = [f"--platform=manylinux{tag}_{cpu}" for tag in ("2014", "_2_17", "_2_24", "_2_27", "_2_28", "_2_31", "_2_34")]
    # pip checks requires-python against the Python that runs it; the names of the wheels are enough
    version = [f"--python-version={root.python}", "--ignore-requires-python"]
    run([sys.executable, "-m", "pip", "install", "-q", "--only-binary=:all:", *version, *platforms, "--target", site, *WHEELS])


def emulator(root, work):
    """The emulator for a root's programs, or None if the machine runs them itself."""
    cpu = CPUS[root.architecture]
    if cpu == platform.machine():
        return None
    program = shutil.which(f"qemu-{cpu}") or shutil.which(f"qemu-{cpu}-static")
    return Path(program) if program else _fetched_emulator(cpu, work)


def _fetched_emulator(cpu, work):
    """The emulator from a package of this machine's system, unpacked."""
    folder = work / "qemu"
    program = folder / "usr" / "bin" / f"qemu-{cpu}-static"
    if not program.exists():
        folder.mkdir(parents=True, exist_ok=True)
        run(["apt-get", "-q", "download", "qemu-user-static"], cwd=folder)
        for archive in folder.glob("*.deb"):
            run(["dpkg-deb", "-x", archive, folder])
    return program


def command(root, folder, work, model=""):
    """The command that starts Python in the root, and its folders of modules."""
    program = folder / "usr" / "bin" / f"python{root.python}"
    qemu = emulator(root, work)
    if qemu:
        start = [qemu, *(["-cpu", model] if model else []), "-L", folder, program]
    else:
        loader = next(folder.glob("usr/lib*/**/ld-linux*.so.*"))
        libraries = [folder / "usr" / "lib" / f"{CPUS[root.architecture]}-linux-gnu", folder / "usr" / "lib"]
        start = [loader, "--library-path", ":".join(map(str, libraries)), program]
    modules = [folder / "site"] if root.wheels else [folder / "usr" / "lib" / "python3" / "dist-packages"]
    return [str(part) for part in start], [str(path) for path in modules]
