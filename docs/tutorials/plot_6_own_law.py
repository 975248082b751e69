"""
A law of your own
=================

Write a distribution as a function of one random number, and draw it as fast as the built-in ones: in parallel, block by block,
in any dtype, and with the same bytes everywhere.
"""

# %%
# A function becomes a kernel
# ---------------------------
# ``@laws.law(source)`` says what the first parameter is: here a standard exponential number. The others are the parameters of
# the law. The function runs once to record its operations, which become a part of the loop that fills the memory. So it uses
# ``fastinit.arithmetic`` in place of ``math``.

import matplotlib.pyplot as plt
import numpy as np
from scipy import stats

import fastinit as fi
from fastinit import laws
from fastinit.arithmetic import exp, select, sqrt
from fastinit.check import assert_law


@laws.law("exponential")
def rayleigh(e, scale=1.0):
    """The length of a vector of two independent normal numbers."""
    return scale * sqrt(2.0 * e)


x = fi.default_rng(0).child("radii").draw(rayleigh(scale=2), size=2**20)
print(rayleigh, x.dtype, x[:4])

# %%
# All the rest comes with it: any block alone, other dtypes, and models as files.

block = fi.default_rng(0).child("radii").draw(rayleigh(scale=2), size=2**20, index=np.s_[5000:5004])
assert block.tobytes() == x[5000:5004].tobytes()
print(fi.default_rng(0).child("radii").draw(rayleigh(scale=2), size=4, dtype="bfloat16"))

# %%
# No condition on values
# ----------------------
# The operations must be the same for every value, so ``select`` stands for ``if``. A law that breaks this rule is refused where
# it is defined. The first line of the error, left out here, says in which file and line; then comes why:

try:

    @laws.law("normal")
    def half_normal(z):
        return z if z > 0 else -z

except TypeError as error:
    print("\n".join(str(error).splitlines()[1:]))


@laws.law("normal")
def spike(z, share=0.5):
    """Values near 0 become 0, so the weights are sparse; the quantile of the share is a parameter."""
    return select(abs(z) < share, 0.0, z)


@laws.law("normal")
def skewed(z, sigma=0.5):
    """A lognormal law, moved so that its mode is 0."""
    return exp(sigma * z) - exp(-sigma * sigma)


# %%
# Is it the law that you mean?
# ----------------------------
# Nothing but a test can tell. ``assert_law`` compares the values with an exact distribution: one of SciPy, or a function.

assert_law(x, stats.rayleigh(scale=2))

try:
    assert_law(x, stats.rayleigh(scale=2.02))
except AssertionError as error:
    print(str(error).splitlines()[0])

# %%
# What they look like
# -------------------

figure, grid = plt.subplots(1, 3, figsize=(9, 3), layout="constrained")
for axes, law in zip(grid, (rayleigh(scale=2), spike(), skewed()), strict=True):
    axes.hist(fi.default_rng(0).draw(law, size=2**20), bins=120, density=True, color="#56b4e9")
    axes.set(title=repr(law), xlabel="value")
at = np.linspace(0, 10, 200)
grid[0].plot(at, stats.rayleigh(scale=2).pdf(at), color="#22272b")
grid[0].set(ylabel="density")
plt.show()
