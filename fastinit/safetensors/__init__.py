"""Models of initial weights as safetensors files: `fill` writes them in place, without the `safetensors` package."""

from fastinit.safetensors.rules import DEFAULT, DEFAULT_RULES
from fastinit.safetensors.writing import Written, fill

__all__ = ["DEFAULT", "DEFAULT_RULES", "Written", "fill"]
