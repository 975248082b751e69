"""Other systems in a folder: packages of Debian and wheels, unpacked without being root, and how Python is started there.

What is fetched comes by `apt-get` from the mirror that this machine's own apt uses, and by `pip` from its own index.
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
    """Debian packages of a suite for an architecture; the wheels are the index's newest unless `debian` brings its own."""

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
    """Run a command; what it says goes into the error if it fails."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stdout[-1500:]}{done.stderr[-1500:]}")
    return done.stdout


def mirror():
    """Where this machine gets Debian from, and the keys that it trusts for that."""
    if shutil.which("apt-get") is None:
        raise RuntimeError("apt-get is not here: it takes a Debian system to fetch another one's packages")
    lines = run(
        ["apt-get", "indextargets", "--format", "$(ORIGIN)|$(REPO_URI)|$(SIGNED_BY)", "Created-By: Packages"]
    ).splitlines()
    found = [line.split("|") for line in lines if line.startswith("Debian|") and "security" not in line]
    if not found:
        raise RuntimeError("apt-get knows no mirror of Debian; `apt-get update` may help")
    return found[0][1], found[0][2]


def _apt(folder, root):
    """An apt of its own: another architecture and suite, no package installed, nothing of the machine's touched."""
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
    """Unpack a root below `work`, once; return its folder."""
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
    for archive in sorted(archives.glob("*.deb")):
        run(["dpkg-deb", "-x", archive, folder])
    for name in ("lib", "lib64"):  # the loader's path is /lib; newer systems have everything below /usr
        if not (folder / name).exists() and (folder / "usr" / name).exists():
            (folder / name).symlink_to(Path("usr") / name)
    for library in [*folder.glob("usr/lib/*/blas/*.so.*"), *folder.glob("usr/lib/*/lapack/*.so.*")]:
        if not (library.parents[1] / library.name).exists():  # the package's own scripts would choose among several
            (library.parents[1] / library.name).symlink_to(Path(library.parent.name) / library.name)


def _wheels(root, site):
    cpu = CPUS[root.architecture]
    platforms = [f"--platform=manylinux{tag}_{cpu}" for tag in ("2014", "_2_17", "_2_24", "_2_27", "_2_28", "_2_31", "_2_34")]
    # pip compares a package's own demand with the Python that runs pip; the wheels' names say what they are for
    version = [f"--python-version={root.python}", "--ignore-requires-python"]
    run([sys.executable, "-m", "pip", "install", "-q", "--only-binary=:all:", *version, *platforms, "--target", site, *WHEELS])


def emulator(root, work):
    """The program that runs the root's programs here: none for its own kind of machine."""
    cpu = CPUS[root.architecture]
    if cpu == platform.machine():
        return None
    found = shutil.which(f"qemu-{cpu}") or shutil.which(f"qemu-{cpu}-static")
    return Path(found) if found else _fetched_emulator(cpu, work)


def _fetched_emulator(cpu, work):
    """From the packages of this machine's own system, unpacked."""
    folder = work / "qemu"
    program = folder / "usr" / "bin" / f"qemu-{cpu}-static"
    if not program.exists():
        folder.mkdir(parents=True, exist_ok=True)
        run(["apt-get", "-q", "download", "qemu-user-static"], cwd=folder)
        for archive in folder.glob("*.deb"):
            run(["dpkg-deb", "-x", archive, folder])
    return program


def command(root, folder, work, model=""):
    """How Python is started in the root, and the folders that it looks for modules in."""
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
