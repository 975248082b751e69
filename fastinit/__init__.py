"""Fill very large weight tensors with random values: fast, and the same bytes for the same seed everywhere."""

from fastinit.generator import Generator, default_rng
from fastinit.streams import STREAM_VERSION

__all__ = ["STREAM_VERSION", "Generator", "__version__", "default_rng"]
__version__ = "0.1.0"
