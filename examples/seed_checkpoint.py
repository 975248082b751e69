"""
A seed checkpoint without a GPU
===============================

Write the first weights of a model as a checkpoint: `python examples/seed_checkpoint.py FOLDER`, or by several processes:

`torchrun --nproc-per-node 2 examples/seed_checkpoint.py FOLDER`.
"""

import os
import sys

import torch
from torch import distributed, nn

import fastinit.torch as ft


def build(width: int = 256, depth: int = 4) -> nn.Module:
    layer = nn.TransformerEncoderLayer(width, 4, 4 * width, batch_first=True)
    return nn.TransformerEncoder(layer, depth)


def main(folder: str) -> None:
    is_group = "RANK" in os.environ  # torchrun sets it
    if is_group:
        distributed.init_process_group("gloo")
    with ft.deferred(rng=0):
        model = build().to(torch.bfloat16)
    files = ft.save(model, folder)
    if not is_group or distributed.get_rank() == 0:
        print(f"{sum(file.stat().st_size for file in files) / 1e6:.1f} MB in {len(files)} files of {folder}")
    if is_group:
        distributed.destroy_process_group()


if __name__ == "__main__":
    main(*sys.argv[1:])
