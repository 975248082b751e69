"""Words to reals to stored bits, as plain Python over `Lanes`: no Numba and no LLVM here.

lanes -> philox -> reals -> elementary -> rounding.
"""
