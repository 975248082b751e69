"""What every rank of a process group does for `test_processes.py`: save its part, load what other groups have saved."""

import itertools
import warnings
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs PyTorch")

import torch
import torch.distributed as dist
from torch.distributed import checkpoint as dcp
from torch.distributed.device_mesh import init_device_mesh

import fastinit.torch as ft
from fastinit.torch.checkpoints import distributed
from tests.torch.checkpoints.common import deferred, same
from tests.torch.filling.ranks import Constructed, parallel, sharded, whole

#: The sizes of the groups that save.
SAVING = (1, 2, 4)


def ways(world):
    """How to shard a model."""
    line = init_device_mesh("cpu", (world,), mesh_dim_names=("dp",))
    found = {
        "whole": lambda model: model,
        "fsdp": lambda model: sharded(model, line),
        "tensor parallel": lambda model: parallel(model, line),
    }
    if world == 4:
        grid = init_device_mesh("cpu", (2, 2), mesh_dim_names=("dp", "tp"))
        found["fsdp and tensor parallel"] = lambda model: sharded(parallel(model, grid["tp"]), grid["dp"])
    return found


def saved(world, folder):
    """Save a model for each way to shard it, which needs no more than its names; the files of each, or what went wrong."""
    files = {way: len(ft.save(shard(deferred(Constructed)), f"{folder}/{world} {way}")) for way, shard in ways(world).items()}
    made = ft.materialize(ways(world)["fsdp"](deferred(Constructed)))
    ft.save(made, f"{folder}/{world} made before")
    ft.save(deferred(Constructed), f"{folder}/{world}.safetensors")
    return files


def loaded(world, folder, expected):
    """Load all that is there, in turn into models of each way to shard them; the names of what differs."""
    found = {}
    paths = sorted(path for path in Path(folder).iterdir() if path.is_dir() and int(path.name.split()[0]) <= world)
    for path, (way, shard) in zip(paths, itertools.cycle(ways(world).items()), strict=False):
        torch.manual_seed(0)
        state = shard(Constructed()).state_dict()
        dcp.load(state, checkpoint_id=path)
        found[way, path.name] = [name for name in expected if not same(whole(state[name]), expected[name])]
    return found


def refusals(world, folder):
    """The errors of what no rank may write."""
    messages = []
    with ft.deferred(rng=None):
        unseeded = torch.nn.Linear(3, 3)
    tries = [
        lambda: ft.save(deferred(Constructed), f"{folder}/{world} whole"),
        lambda: ft.save(deferred(Constructed), f"{folder}/{world}.safetensors"),
    ]
    tries += [lambda: ft.save(unseeded, f"{folder}/unseeded")] if world > 1 else []
    for attempt in tries:
        try:
            attempt()
        except (OSError, ValueError) as error:
            messages.append(f"{type(error).__name__}: {error}")
    write = distributed.Pieces.write

    def failing(self, entry, index, out):
        if dist.get_rank() == world - 1:
            raise OSError(5, "the disk of one rank is broken")
        write(self, entry, index, out)

    distributed.Pieces.write = failing
    try:
        ft.save(deferred(Constructed), f"{folder}/failed")
    except OSError as error:
        messages.append(str(error))
    distributed.Pieces.write = write
    return messages


def run(rank, world, folder):
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    distributed.SLAB, distributed.FILE = 512, 1024  # several pieces and files from each rank
    store = dist.FileStore(f"{folder}/store-{world}", world)
    dist.init_process_group("gloo", store=store, rank=rank, world_size=world)
    expected = ft.materialize(deferred(Constructed)).state_dict()
    checkpoints = f"{folder}/checkpoints"
    results = {"saved": saved(world, checkpoints) if world in SAVING else {}}
    dist.barrier()
    results |= {"loaded": loaded(world, checkpoints, expected)}
    results |= {"refusals": refusals(world, checkpoints) if world in SAVING else None}
    torch.save(results, f"{folder}/results-{world}-{rank}.pt")
    dist.destroy_process_group()
