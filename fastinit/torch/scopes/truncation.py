"""`torch.nn.init.trunc_normal_` as one truncated fill in threads that are in a scope.

torch's own draws normal or uniform values and transforms them, and a scope would only see these draws. Many modules import
`trunc_normal_` by name, so this replaces the function inside it.
"""

from __future__ import annotations

import functools
from typing import Any

import torch

from fastinit.torch.filling import fills
from fastinit.torch.scopes.replacement import Replacement
from fastinit.torch.scopes.stack import current, noting


def _fill(original: Any, tensor: Any, mean: Any, std: Any, a: Any, b: Any, generator: Any = None) -> Any:
    scope = (noting(tensor) or current()) if isinstance(tensor, torch.Tensor) else None
    if scope is not None:
        with torch.no_grad():
            if scope.try_fill(tensor, fills.truncated_normal(mean, std, a, b), generator):
                torch.autograd.graph.increment_version(tensor)
                return tensor
    return original(tensor, mean, std, a, b, generator=generator)


TRUNCATION = Replacement(torch.nn.init, "_no_grad_trunc_normal_", lambda original: functools.partial(_fill, original))
