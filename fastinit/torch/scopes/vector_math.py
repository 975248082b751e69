"""torch's vectorised functions, each called once by one thread, before a block needs them.

MKL chooses the code of such a function at its first call. If the first call of a process runs in several threads of torch, one
of them may take code of low accuracy, for that call alone: https://github.com/pytorch/pytorch/issues/188792.
"""

from __future__ import annotations

import functools

import torch
from torch.utils._python_dispatch import _disable_current_modes

#: What a constructor may compute values with.
FUNCTIONS = (
    torch.acos, torch.acosh, torch.asin, torch.asinh, torch.atan, torch.atanh, torch.cos, torch.cosh, torch.erf, torch.erfc,
    torch.erfinv, torch.exp, torch.expm1, torch.lgamma, torch.log, torch.log10, torch.log1p, torch.log2, torch.sin, torch.sinh,
    torch.sqrt, torch.tan, torch.tanh, torch.trunc,
)  # fmt: skip


@functools.cache
def settle() -> None:
    """Call each function with one number, which torch leaves to one thread."""
    with _disable_current_modes(), torch.no_grad():
        for dtype in (torch.float32, torch.float64):
            number = torch.full((1,), 0.5, dtype=dtype, device="cpu")
            for function in FUNCTIONS:
                function(number)
