"""Models of initial weights as safetensors files, written in place: `fill`. The format's own package is not needed."""

from fastinit.safetensors.rules import DEFAULT, DEFAULT_RULES
from fastinit.safetensors.writing import Written, fill

__all__ = ["DEFAULT", "DEFAULT_RULES", "Written", "fill"]
