"""
A first matrix
==============

Fill a truncated-normal matrix of 1 GiB, time the fill and describe the matrix: `python examples/first_matrix.py`.
"""

import time

import numpy as np

import fastinit as fi


def main() -> None:
    """Fill, time and describe one weight matrix."""
    rng = fi.default_rng(0)
    weights = np.ones((16384, 16384), np.float32)  # writes every page, so only the fill is timed
    fi.default_rng(1).truncated_normal(size=1 << 20)  # compiles the kernel, or loads it from the cache
    start = time.perf_counter()
    rng.child("layers.0.attn.wq").truncated_normal(-2, 2, scale=0.02, size=weights.shape, out=weights)
    seconds = time.perf_counter() - start
    print(f"filled      {weights.shape[0]} x {weights.shape[1]} {weights.dtype}, {weights.nbytes / 2**30:.2f} GiB")
    print(f"in          {seconds * 1e3:.0f} ms, {weights.nbytes / seconds / 1e9:.1f} GB/s")
    print(f"mean        {weights.mean(dtype=np.float64):+.2e}   (expected: 0)")
    print(f"deviation   {weights.std(dtype=np.float64):.6f}   (expected: {0.02 * fi.initializers.truncated_std(-2, 2):.6f})")
    print(f"bounds      [{weights.min():.6f}, {weights.max():.6f}]   (expected: [-0.04, 0.04])")


if __name__ == "__main__":
    main()
