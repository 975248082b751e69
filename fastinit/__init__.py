"""Fill very large weight tensors with random values: fast, and the same bytes for the same seed everywhere."""

from typing import TYPE_CHECKING

from fastinit import initializers, laws
from fastinit.arguments.seeds import STREAM_VERSION
from fastinit.generator import Generator, default_rng
from fastinit.initializers.tree import init_tree
from fastinit.lazy_arrays.array import LazyArray, lazy

__all__ = [
    "STREAM_VERSION",
    "Generator",
    "LazyArray",
    "__version__",
    "default_rng",
    "init_tree",
    "initializers",
    "laws",
    "lazy",
]
__version__ = "0.1.0"

if not TYPE_CHECKING:  # a type checker would take it for leave to read any attribute

    def __getattr__(name: str) -> object:
        if name in ("seed", "bits", "uniform", "normal", "truncated_normal"):
            raise AttributeError(
                f"fastinit has no {name!r}: write fastinit.default_rng(seed){'' if name == 'seed' else '.' + name + '(...)'}"
            )
        if name in laws.__all__:
            raise AttributeError(f"fastinit has no {name!r}: write fastinit.laws.{name}")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
