"""fastinit for PyTorch: `init` is as `torch.nn.init`; `fast_init`, `deferred` and `materialize` initialise whole models."""

try:
    import torch as _torch  # noqa: F401
except ImportError as error:
    raise ImportError("fastinit.torch needs PyTorch: pip install 'fastinit-kernels[torch]'") from error

from fastinit.torch import init
from fastinit.torch.construction import deferred
from fastinit.torch.fast_init import fast_init
from fastinit.torch.lazy_weights import from_lazy, linear
from fastinit.torch.materialization import materialize
from fastinit.torch.perturbation import perturb

__all__ = ["deferred", "fast_init", "from_lazy", "init", "linear", "materialize", "perturb"]
