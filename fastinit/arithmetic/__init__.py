"""Words to reals to stored bits, as plain Python over `Lanes`: no Numba and no LLVM here.

lanes -> philox -> reals -> elementary -> rounding. The names below are what a law may use; `docs/laws.md` explains them.
"""

from fastinit.arithmetic.elementary import exp, log
from fastinit.arithmetic.lanes import Lanes, bitcast, convert, fma, maximum, minimum, select, sqrt
from fastinit.arithmetic.reals import real_of

__all__ = ["Lanes", "bitcast", "convert", "exp", "fma", "log", "maximum", "minimum", "real_of", "select", "sqrt"]
