"""Fill very large weight tensors with random values: fast, and the same bytes for the same seed everywhere."""

from fastinit import initializers
from fastinit.arguments.streams import STREAM_VERSION
from fastinit.generator import Generator, default_rng
from fastinit.initializers.tree import init_tree

__all__ = ["STREAM_VERSION", "Generator", "__version__", "default_rng", "init_tree", "initializers"]
__version__ = "0.1.0"
