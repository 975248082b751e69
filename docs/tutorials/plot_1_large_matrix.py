"""
A large matrix
==============

Fill a weight matrix, fill a part of it alone, and see that neither threads nor the shape of the memory change a value. The
matrix has 64 MiB here; with ``ROWS = 2**20`` it has 16 GiB.
"""

# %%
# The first fill
# --------------
# A Generator is made from a seed. A child with a name is a stream of its own, so a weight depends on the seed and on its name,
# and not on the weights that were drawn before it. The first fill of all compiles its kernel, in about two seconds; later
# processes load it from a cache. So one small fill comes first, to leave that out of the time.

import time

import matplotlib.pyplot as plt
import numba
import numpy as np

import fastinit as fi

ROWS, COLUMNS, NAME = 2**12, 2**12, "layers.0.attn.wq"

weights = np.ones((ROWS, COLUMNS), np.float32)  # the system gives the memory now, not while the fill is timed
fi.default_rng(1).truncated_normal(size=10)

start = time.perf_counter()
fi.default_rng(0).child(NAME).truncated_normal(-2, 2, scale=0.02, size=weights.shape, out=weights)
seconds = time.perf_counter() - start
print(f"{weights.nbytes / 2**20:.0f} MiB in {seconds * 1e3:.0f} ms: {weights.nbytes / seconds / 1e9:.1f} GB/s")

# %%
# A block alone
# -------------
# ``index=`` draws any part of the whole array: rows, columns, a stride, one element. ``size`` stays the shape of the whole. The
# cost is that of the part, and the bytes are those of the whole.

block = np.s_[1000:1064, ::128]
part = fi.default_rng(0).child(NAME).truncated_normal(-2, 2, scale=0.02, size=weights.shape, index=block)
assert part.tobytes() == weights[block].tobytes()
print(part.shape, "the same bytes")

# %%
# So a matrix that no machine can hold is no obstacle, as long as nobody asks for all of it:

corner = fi.default_rng(0).child("huge").normal(size=(2**31, 2**31), index=np.s_[-1, -3:])
print(corner, "of", 4 * 2**62 // 2**60, "EiB")

# %%
# Threads
# -------
# ``numba.set_num_threads`` sets how many threads a fill uses at most. The values are the same with any number of them, also
# where the memory lies in another order.

most = numba.get_num_threads()
for threads in sorted({1, most}):
    numba.set_num_threads(threads)
    again = np.zeros((COLUMNS, ROWS), np.float32).T  # columns lie one after the other
    start = time.perf_counter()
    fi.default_rng(0).child(NAME).truncated_normal(-2, 2, scale=0.02, size=weights.shape, out=again)
    assert np.array_equal(again, weights)
    print(f"{threads} threads: {time.perf_counter() - start:.3f} s, the same values")

# %%
# What came out
# -------------
# The bounds hold for every value: no weight lies outside two deviations. The deviation after truncation is 0.88 of ``scale``;
# ``fi.initializers.truncated_normal(..., corrected=True)`` makes up for it.

low, high = weights.min(), weights.max()
print(f"from {low:.6f} to {high:.6f}, mean {weights.mean(dtype=np.float64):+.1e}")
print(f"deviation {weights.std(dtype=np.float64):.6f}, expected {0.02 * fi.initializers.truncated_std(-2, 2):.6f}")

figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.2), layout="constrained")
left.hist(weights.ravel(), bins=100, density=True, color="#0072b2")
left.set(xlabel="weight", ylabel="density", title=f"all {weights.size:,} weights")
image = right.imshow(weights[:48, :48], cmap="cividis")
right.set(title="the first 48 rows and columns")
figure.colorbar(image, ax=right)
plt.show()
