"""Arrays that are not stored, for torch: as a tensor, and as the frozen weight of a linear layer."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch

from fastinit.arguments.dtypes import Real
from fastinit.distributions.law import Plan
from fastinit.generator import Generator, default_rng
from fastinit.lazy_arrays.array import LazyArray, require_lazy
from fastinit.torch.filling.fills import as_torch_has
from fastinit.torch.filling.tensors import REALS
from fastinit.torch.filling.writing import fill_tensor, require_device
from fastinit.torch.scopes.compiler import uncompiled

#: Bytes of a tile on an accelerator.
TILE = 64 << 20


class Values(NamedTuple):
    """What `fill_tensor` takes to fill a tensor with a lazy array's values."""

    lazy: LazyArray

    @property
    def adds(self) -> bool:
        """It overwrites."""
        return False

    def plan(self, real: Real) -> Plan:
        """The plan for a dtype."""
        return self.lazy.law.plan(real)

    def draw(self, rng: Generator, real: Real, size: Any = None, out: Any = None, index: Any = None) -> Any:
        """Draw a block, from the array's own call."""
        with as_torch_has():
            return self.lazy.read(... if index is None else index, out=out)


def from_lazy(lazy: LazyArray, *, device: Any = None) -> torch.Tensor:
    """Draw a lazy array into a new tensor.

    Parameters
    ----------
    lazy : fastinit.LazyArray
        The array, or a block of one.
    device : torch.device, str or None
        Where the tensor is to be: the CPU or an accelerator. None means torch's default device.

    Returns
    -------
    torch.Tensor
        Contiguous, with the values of `numpy.asarray(lazy)`.

    Raises
    ------
    TypeError, ValueError
        If `lazy` is no lazy array, or if torch lacks its dtype; or if `device` is none of these.

    Examples
    --------
    >>> import numpy as np, fastinit as fi, fastinit.torch as ft
    >>> w = fi.lazy(fi.laws.normal(), (4, 3), rng=0)
    >>> bool((ft.from_lazy(w).numpy() == np.asarray(w)).all())
    True
    """
    dtype = getattr(torch, require_lazy(lazy).dtype.name, None)
    if not isinstance(dtype, torch.dtype):
        raise TypeError(f"lazy must have a dtype that torch has; got {lazy.dtype}")
    place = require_device(torch.get_default_device() if device is None else device)
    if dtype in REALS:
        tensor = torch.empty(lazy.shape, dtype=dtype, device=place)
        fill_tensor(tensor, Values(lazy), default_rng(0))
        return tensor
    values = lazy.read(out=np.empty(lazy.shape, lazy.dtype)).view(f"u{lazy.dtype.itemsize}")
    return torch.from_numpy(values).view(dtype).to(place)


@uncompiled
def linear(input: torch.Tensor, lazy: LazyArray, bias: torch.Tensor | None = None) -> torch.Tensor:
    """Apply a linear layer whose weight is not stored, as `torch.nn.functional.linear` has it.

    Parameters
    ----------
    input : torch.Tensor
        Of shape [..., inputs], float32, float64, float16 or bfloat16.
    lazy : fastinit.LazyArray
        The weight, of shape [outputs, inputs] and a dtype of reals.
    bias : torch.Tensor, optional
        Of shape [outputs], and one of these dtypes.

    Returns
    -------
    torch.Tensor
        `input @ lazy.T + bias`, of shape [..., outputs] and the dtype of `input`. It is computed in float32 (float64 for
        float64) and rounded once.

    Raises
    ------
    TypeError, ValueError
        For a wrong argument.

    Notes
    -----
    The gradient flows to `input` and `bias`; the weight is frozen. The backward pass draws the weight again, so that neither
    pass holds more of it than tiles: 2 MiB of float32 per thread on the CPU, 64 MiB elsewhere. Derivatives of any order exist.

    Examples
    --------
    >>> import torch, fastinit as fi, fastinit.torch as ft
    >>> w = fi.lazy(fi.laws.normal(scale=0.02), (300, 200), rng=0)
    >>> x = torch.ones(5, 200, requires_grad=True)
    >>> y = ft.linear(x, w)
    >>> torch.allclose(y, torch.nn.functional.linear(x, ft.from_lazy(w)), atol=1e-5)
    True
    >>> y.sum().backward()
    >>> torch.allclose(x.grad[0], ft.from_lazy(w).sum(0), atol=1e-5)
    True
    """
    if require_lazy(lazy).ndim != 2 or lazy.dtype.name not in {real.name for real in REALS.values()}:
        raise ValueError(f"lazy must be a matrix of reals that torch has; got {lazy!r}")
    if not isinstance(input, torch.Tensor) or input.dtype not in REALS:
        raise TypeError(f"input must be a tensor of float32, float64, float16 or bfloat16; got {_kind(input)}")
    if not input.ndim or input.shape[-1] != lazy.shape[1]:
        raise ValueError(f"input must have shape [..., {lazy.shape[1]}] for a weight of {lazy.shape}; got {tuple(input.shape)}")
    if bias is not None:
        _require_bias(bias, lazy.shape[0])
    wide = torch.float64 if input.dtype == torch.float64 else torch.float32
    product: torch.Tensor = _Linear.apply(input.to(wide), lazy)
    return (product if bias is None else product + bias.to(wide)).to(input.dtype)


def _require_bias(bias: Any, outputs: int) -> None:
    if not isinstance(bias, torch.Tensor) or bias.dtype not in REALS:
        raise TypeError(f"bias must be a tensor of float32, float64, float16 or bfloat16, or None; got {_kind(bias)}")
    if tuple(bias.shape) != (outputs,):
        raise ValueError(f"bias must have shape ({outputs},) for a weight of {outputs} outputs; got {tuple(bias.shape)}")


def _kind(value: Any) -> str:
    return str(value.dtype) if isinstance(value, torch.Tensor) else type(value).__name__


class _Linear(torch.autograd.Function):  # type: ignore[misc]
    """The product of float32 or float64 with a frozen weight; its derivative is the product with the weight transposed."""

    @staticmethod
    def forward(ctx: Any, input: torch.Tensor, lazy: LazyArray) -> torch.Tensor:
        ctx.lazy = lazy
        rows = input.detach().reshape(-1, input.shape[-1])
        product = on_host(rows, lazy) if input.device.type == "cpu" else by_tiles(rows, lazy)
        return product.reshape(*input.shape[:-1], lazy.shape[0])

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        return linear(gradients[0], ctx.lazy.T), None


def on_host(rows: torch.Tensor, lazy: LazyArray) -> torch.Tensor:
    """Multiply in the memory of the host, as NumPy does."""
    with as_torch_has():
        return torch.from_numpy(rows.numpy() @ lazy.T)


def by_tiles(rows: torch.Tensor, lazy: LazyArray) -> torch.Tensor:
    """Multiply by tiles of whole rows of the weight, each drawn on the device or copied to it."""
    outputs, inputs = lazy.shape
    height = max(TILE // max(inputs * rows.itemsize, 1), 1)
    product = rows.new_empty(rows.shape[0], outputs)
    for begin in range(0, outputs, height):
        tile = from_lazy(lazy.block(slice(begin, begin + height)), device=rows.device)
        product[:, begin : begin + height] = rows @ tile.to(rows.dtype).T
    return product
