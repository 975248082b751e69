"""The laws that are tested, without SciPy: names, bounds, and the numbers of a dtype that may appear."""

from __future__ import annotations

import math
from typing import NamedTuple

from fastinit.arguments import dtypes


class Law(NamedTuple):
    """A distribution: "uniform", "normal" (standard, between a and b) or "bits" (words as multiples of 2^-32)."""

    kind: str
    a: float = 0.0
    b: float = 1.0

    @property
    def method(self) -> str:
        """The name of the Generator's method."""
        if self.kind != "normal":
            return self.kind
        return "normal" if math.isinf(self.a) and math.isinf(self.b) else "truncated_normal"

    @property
    def arguments(self) -> tuple[float, ...]:
        """The positional arguments of the Generator's method."""
        return () if self.method in ("normal", "bits") else (self.a, self.b)

    @property
    def title(self) -> str:
        """For tables: `truncated_normal -2 2`."""
        if self.kind == "bits" or self.method == "normal" or (self.kind, self.a, self.b) == ("uniform", 0.0, 1.0):
            return self.method
        return f"{self.method} {self.a:g} {self.b:g}"

    def steps(self, real: dtypes.Real) -> int:
        """How many equally likely multiples a uniform number is taken from; 0 for a continuous law."""
        if self.kind == "bits":
            return 2**32
        return 0 if self.kind == "normal" else 2**24 if real.compute.itemsize == 4 else 2**53

    def ends(self, real: dtypes.Real) -> tuple[float, float]:
        """The least and the greatest number of the dtype that may appear."""
        if self.kind == "normal":
            return dtypes.at_least(self.a, real), dtypes.at_most(self.b, real)
        return dtypes.at_least(self.a, real), dtypes.below(self.b, real)


INF = math.inf
NORMAL = Law("normal", -INF, INF)
UNIFORM = Law("uniform")
BITS = Law("bits")

#: The laws of each distribution that fastinit is tested with: truncated normals for each way of making proposals.
LAWS = {
    "bits": (BITS,),
    "uniform": (UNIFORM, Law("uniform", -1.5, 2.5)),
    "normal": (NORMAL,),
    "truncated_normal": tuple(Law("normal", a, b) for a, b in ((-2.0, 2.0), (-3.0, 2.5), (0.0, INF), (2.0, INF), (3.0, 3.25))),
}
#: Those that other libraries are tested with.
PEER_LAWS = {**LAWS, "uniform": (UNIFORM,), "truncated_normal": (Law("normal", -2.0, 2.0), Law("normal", 1.0, INF))}
DTYPES = tuple(real.name for real in dtypes.REALS.values())
