"""Models of other libraries, in small configurations, by name."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from docs.scripts.models.zoo import of_diffusers, of_timm, of_torchvision, of_transformers

Build = Callable[[], nn.Module]

#: For each library its models' names, and a function that makes one.
LIBRARIES = {
    "timm": (of_timm.NAMES, of_timm.build),
    "torchvision": (of_torchvision.NAMES, of_torchvision.build),
    "diffusers": (of_diffusers.NAMES, of_diffusers.build),
    "transformers": (of_transformers.NAMES, of_transformers.build),
}
