"""The libraries that fastinit is compared with: their names, whether they are installed, their versions."""

from __future__ import annotations

from importlib import metadata
from importlib.util import find_spec

#: Titles by the name of the module.
TITLES = {
    "numpy": "NumPy",
    "torch": "torch",
    "jax": "JAX",
    "tensorflow": "TensorFlow",
    "keras": "Keras",
    "mkl_random": "mkl_random",
    "scipy": "SciPy",
    "randomgen": "randomgen",
}
#: Other names that people use on the command line.
ALIASES = {"mkl": "mkl_random", "tf": "tensorflow"}


class Missing(NotImplementedError):
    """A library, law or dtype that is not there. asv skips a benchmark whose setup raises NotImplementedError."""


def installed(module: str) -> bool:
    """Whether a module can be found, without importing it."""
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):  # sys.modules has None under this name, or a module without a specification
        return False


def version(module: str) -> str | None:
    """The version of the installed package that a module belongs to; the module is not imported."""
    packages = metadata.packages_distributions().get(module)
    return metadata.version(packages[0]) if packages else None
