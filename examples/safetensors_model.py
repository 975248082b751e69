"""
A model as safetensors files
============================

Write initial weights as a safetensors file, then the same model in shards: `python examples/safetensors_model.py`.
"""

import tempfile
import time
from pathlib import Path

import numpy as np

import fastinit as fi
from fastinit.safetensors import fill

SPEC = Path(__file__).with_name("spec.json")
NAME, SHAPE = "model.layers.0.mlp.up_proj.weight", (4096, 1024)


def report(written, start: float) -> None:
    for path in written.files:
        print(f"{path.name:<34}{path.stat().st_size:>12,} bytes")
    print(f"{written.tensors} tensors, {written.parameters:,} parameters in {time.perf_counter() - start:.2f} s")


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        start = time.perf_counter()
        whole = fill(directory / "whole.safetensors", SPEC, seed=0)
        report(whole, start)

        start = time.perf_counter()  # names, shapes and dtypes of another file, whose values are not read
        rules = {"*.o_proj.weight": "residual_normal(n_layers=1)", "*.down_proj.weight": "residual_normal(n_layers=1)"}
        parts = fill(directory / "model.safetensors", like=whole.files[0], seed=0, rules=rules, max_shard_size="30MB")
        report(parts, start)

        rng = fi.default_rng(0).child(NAME)
        weight = fi.initializers.truncated_normal(SHAPE, scale=0.02, rng=rng, dtype="bfloat16")
        same = all(weight.tobytes() in b"".join(path.read_bytes() for path in made.files) for made in (whole, parts))
        print(f"{NAME}: deviation {weight.astype(np.float32).std():.5f}, the NumPy call's bytes in both: {same}")


if __name__ == "__main__":
    main()
