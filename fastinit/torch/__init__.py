"""PyTorch: `init` as `torch.nn.init`; `fast_init`, `deferred`, `materialize` for models, `save` for checkpoints."""

try:
    import torch as _torch  # noqa: F401
except ImportError as error:
    raise ImportError("fastinit.torch needs PyTorch: pip install 'fastinit-kernels[torch]'") from error

from fastinit.torch import init
from fastinit.torch.checkpoints.saving import save
from fastinit.torch.construction import deferred
from fastinit.torch.initialization import fast_init
from fastinit.torch.lazy_weights import from_lazy, linear
from fastinit.torch.materialization import materialize
from fastinit.torch.perturbation import perturb

__all__ = ["deferred", "fast_init", "from_lazy", "init", "linear", "materialize", "perturb", "save"]
