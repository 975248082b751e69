"""A case: one call of a library's sampler, its dtype, and the exact distribution of what it returns."""

import zlib
from collections.abc import Callable
from typing import Any, NamedTuple

from fastinit.arguments import calls

DOUBLE = ("float64",)
FLOATS = ("float32", "float64")
SIXTEEN = ("float16", "bfloat16")
#: Makes what returns the next `count` values, from the call, the dtype and a seed.
Make = Callable[[calls.Call, str, int], Callable[[int], Any]]


class Case(NamedTuple):
    """`form` says how the call is written in the library; `distribution` is one of `scipy.stats`, or of `exact.py`."""

    library: str
    form: str
    call: str
    dtype: str
    distribution: str
    make: Make
    #: The values of one call, where more would take too much memory.
    most: int = 2**62

    @property
    def title(self):
        """The call and its dtype, as in the tables."""
        return f"{self.form.format(self.call)} {self.dtype}"

    @property
    def seed(self):
        """Its own for each case, whatever other cases there are."""
        return zlib.crc32(self.title.encode()) % 2**31

    def sampler(self):
        """What returns the next `count` values; it imports the library."""
        return self.make(calls.read(self.call, "the call", "gamma(2.0)"), self.dtype, self.seed)


def cases(library, form, make, dtypes, laws, most=2**62):
    """A case for each call and dtype; `laws` maps a call to its distribution."""
    return [
        Case(library, form, call, dtype, distribution, make, most) for call, distribution in laws.items() for dtype in dtypes
    ]
