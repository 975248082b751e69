"""What a caller gives, checked and made into numbers. No Numba and no LLVM here."""
