"""One law a file: its arguments to numbers, its words to values, its test. No Numba and no LLVM here."""

from fastinit.distributions.bits import BITS
from fastinit.distributions.central import CENTRAL
from fastinit.distributions.law import Law
from fastinit.distributions.normal import NORMAL, NORMAL_WITHIN
from fastinit.distributions.tails import TAILS
from fastinit.distributions.uniform import UNIFORM, UNIFORM_WITHIN

#: The table of laws: one row each.
LAWS: dict[str, Law] = {law.name: law for law in (BITS, UNIFORM, UNIFORM_WITHIN, NORMAL, NORMAL_WITHIN, CENTRAL, TAILS)}
