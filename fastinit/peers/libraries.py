"""The libraries that fastinit is compared with, and those of its extras: names, whether they are installed, versions."""

from __future__ import annotations

from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

#: Titles by the name of the module.
TITLES = {
    "numpy": "NumPy",
    "torch": "torch",
    "torch_func": "torch.func",
    "jax": "JAX",
    "tensorflow": "TensorFlow",
    "keras": "Keras",
    "mkl_random": "mkl_random",
    "scipy": "SciPy",
    "randomgen": "randomgen",
    "randompack": "randompack",
}
#: The package that each extra installs.
EXTRAS = {
    "cli": "tqdm",
    "plot": "matplotlib",
    "check": "scipy",
    "lazy": "threadpoolctl",
    "torch": "torch",
    "jax": "jax",
    "keras": "keras",
    "dask": "dask",
}
#: Samplers that only some versions of a module have: the module, and the file in it.
PARTS = {"torch_func": ("torch", "func/_random.py")}
#: Other names that people use on the command line.
ALIASES = {"mkl": "mkl_random", "tf": "tensorflow"}


class Missing(NotImplementedError):
    """A library, law or dtype that is not there. asv skips a benchmark whose setup raises NotImplementedError."""


class NotInstalled(ImportError):
    """A library that an option or a function needs."""


def need(extra: str, user: str) -> None:
    """Raise NotInstalled, which says how to install it, unless the package of an extra that `user` needs is there."""
    library = EXTRAS[extra]
    if not installed(library):
        title = TITLES.get(library, library)
        raise NotInstalled(f"{user} needs {title}, which is not installed: pip install 'fastinit-kernels[{extra}]'")


def installed(library: str) -> bool:
    """Whether a library can be found, without importing it."""
    module, file = PARTS.get(library, (library, ""))
    try:
        found = find_spec(module)
    except (ImportError, ValueError):  # sys.modules has None under this name, or a module without a specification
        return False
    folders = [] if found is None else found.submodule_search_locations or []
    return found is not None and (not file or any(Path(folder, file).exists() for folder in folders))


def version(library: str) -> str | None:
    """The version of the installed package that a library belongs to; nothing is imported."""
    packages = metadata.packages_distributions().get(PARTS.get(library, (library, ""))[0])
    return metadata.version(packages[0]) if packages else None
