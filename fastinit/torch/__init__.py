"""fastinit for PyTorch: `init` has the names of `torch.nn.init`, `fast_init` and `materialize` initialise whole models."""

try:
    import torch as _torch  # noqa: F401
except ImportError as error:
    raise ImportError("fastinit.torch needs PyTorch: pip install 'fastinit-kernels[torch]'") from error

from fastinit.torch import init
from fastinit.torch.fast_init import fast_init
from fastinit.torch.materialize import materialize

__all__ = ["fast_init", "init", "materialize"]
