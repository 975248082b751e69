"""One law a file: its arguments to numbers, its words to values, its test. No Numba and no LLVM here."""

from fastinit.distributions.bits import BITS
from fastinit.distributions.central import CENTRAL
from fastinit.distributions.discrete import BERNOULLI, INTEGERS, RADEMACHER
from fastinit.distributions.exponential import EXPONENTIAL
from fastinit.distributions.gumbel import GUMBEL
from fastinit.distributions.law import Law
from fastinit.distributions.lognormal import LOGNORMAL
from fastinit.distributions.normal import NORMAL, NORMAL_WITHIN
from fastinit.distributions.symmetric import CAUCHY, LAPLACE, LOGISTIC
from fastinit.distributions.tails import TAILS
from fastinit.distributions.truncated_symmetric import SYMMETRIC
from fastinit.distributions.uniform import UNIFORM, UNIFORM_WITHIN

_WEIGHTS = (BITS, UNIFORM, UNIFORM_WITHIN, NORMAL, NORMAL_WITHIN, SYMMETRIC, CENTRAL, TAILS)
_CONTINUOUS = (EXPONENTIAL, LAPLACE, LOGISTIC, GUMBEL, CAUCHY, LOGNORMAL)
_DISCRETE = (RADEMACHER, BERNOULLI, INTEGERS)

#: The table of laws: one row each.
LAWS: dict[str, Law] = {law.name: law for law in (*_WEIGHTS, *_CONTINUOUS, *_DISCRETE)}
