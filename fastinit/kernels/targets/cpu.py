"""What a trace for a CPU may depend on."""

from __future__ import annotations

from typing import NamedTuple


class Cpu(NamedTuple):
    """What the instructions depend on; features as LLVM names them ("+avx512f")."""

    architecture: str
    features: frozenset[str]

    @property
    def converts_half(self) -> bool:
        """Whether it converts float32 to float16 itself: F16C on x86; always on AArch64."""
        return self.architecture in ("aarch64", "arm64") or "+f16c" in self.features

    @property
    def has_avx512(self) -> bool:
        """Whether there are 32 registers of 512 bits."""
        return "+avx512f" in self.features
