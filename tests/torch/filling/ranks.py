"""What every rank of a process group does for `test_shards.py`."""

import os

import pytest

pytest.importorskip("torch", reason="needs PyTorch")

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, Partial, Replicate, Shard, distribute_tensor
from torch.distributed.tensor.parallel import ColwiseParallel, RowwiseParallel, parallelize_module
from torch.distributed.tensor.placement_types import _StridedShard

import fastinit as fi
import fastinit.torch as ft
from tests.torch.common import on_meta

#: An odd matrix, fewer rows than ranks, one axis, a convolution's kernel.
SHAPES = {"matrix": (13, 10), "few": (2, 5), "vector": (11,), "kernel": (6, 3, 5)}
CALLS = {
    "uniform_": (-1.0, 1.0),
    "normal_": (0.5, 2.0),
    "trunc_normal_": (),
    "kaiming_uniform_": (),
    "orthogonal_": (),
    "sparse_": (0.4,),
    "eye_": (),
    "dirac_": (),
    "draw_": ("laplace(scale=0.1)",),
}
DIMENSIONS = {"kaiming_uniform_": (2, 3), "orthogonal_": (2, 3), "sparse_": (2,), "eye_": (2,), "dirac_": (3,)}


class Model(nn.Module):
    """Layers, one with rows that no world size divides, a tied weight, buffers, a rule of its own for one weight."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(21, 12)
        self.up = nn.Linear(12, 20)
        self.down = nn.Linear(20, 12)
        self.norm = nn.BatchNorm1d(12)
        self.head = nn.Linear(12, 21, bias=False)
        self.head.weight = self.embed.weight
        self.reset_parameters()

    def forward(self, x):
        return self.head(self.norm(self.down(self.up(self.embed(x)))))

    def reset_parameters(self):
        nn.init.trunc_normal_(self.down.weight, std=0.02)


def layouts(world):
    """Mesh shapes of the world, and the placements to try on each."""
    found = [((world,), (place,)) for place in (Shard(0), Shard(1), Replicate(), _StridedShard(0, split_factor=3))]
    if world == 4:
        pairs = [
            (Shard(0), Shard(1)),
            (Shard(1), Shard(0)),
            (Shard(0), Shard(0)),
            (Shard(1), Shard(1)),
            (Replicate(), Shard(0)),
            (_StridedShard(0, split_factor=2), Shard(0)),
            (_StridedShard(1, split_factor=2), Shard(1)),
        ]
        found += [((2, 2), pair) for pair in pairs]
    return found


def whole(tensor):
    return (tensor.full_tensor() if isinstance(tensor, DTensor) else tensor).detach().clone()


def fills(world):
    """The whole tensor for each name of `init`, shape, dtype and layout, and what the Generator draws next on this rank."""
    found = {}
    for mesh_shape, places in layouts(world):
        mesh = init_device_mesh("cpu", mesh_shape)
        for kind, shape in SHAPES.items():
            if any(not place.is_replicate() and place.dim >= len(shape) for place in places):
                continue
            for name, arguments in CALLS.items():
                for dtype in (torch.float32, torch.bfloat16):
                    if len(shape) not in DIMENSIONS.get(name, (1, 2, 3)):
                        continue
                    rng = fi.default_rng(7)
                    tensor = distribute_tensor(torch.zeros(shape, dtype=dtype), mesh, places, src_data_rank=None)
                    options = {} if name in ("eye_", "dirac_") else {"generator": rng}
                    result = getattr(ft.init, name)(tensor, *arguments, **options)
                    assert result is tensor
                    found[name, kind, str(dtype), mesh_shape, str(places)] = whole(tensor), float(rng.normal())
    return found


def sharded(model, mesh, **options):
    for layer in (model.up, model.down):
        fully_shard(layer, mesh=mesh, **options)
    fully_shard(model, mesh=mesh, **options)
    return model


def parallel(model, mesh):
    return parallelize_module(model, mesh, {"up": ColwiseParallel(), "down": RowwiseParallel()})


def models(world):
    """The whole state of a model for each way to shard it."""
    line = init_device_mesh("cpu", (world,), mesh_dim_names=("dp",))
    ways = {
        "alone": lambda: on_meta(Model),
        "fsdp": lambda: sharded(on_meta(Model), line),
        "fsdp by columns": lambda: sharded(on_meta(Model), line, shard_placement_fn=lambda p: Shard(p.ndim - 1)),
        "tensor parallel": lambda: parallel(on_meta(Model), line),
    }
    if world == 4:
        grid = init_device_mesh("cpu", (2, 2), mesh_dim_names=("dp", "tp"))
        ways["fsdp and tensor parallel"] = lambda: sharded(parallel(on_meta(Model), grid["tp"]), grid["dp"])
        ways["hybrid"] = lambda: sharded(on_meta(Model), grid)
    found = {}
    for way, make in ways.items():
        model = ft.materialize(make(), rng=3)
        assert model.head.weight is model.embed.weight, way
        assert not any(tensor.is_meta for tensor in [*model.parameters(), *model.buffers()]), way
        found[way] = {name: whole(tensor) for name, tensor in model.state_dict().items()}
        if "tensor" not in way:  # what the model computes with is what was filled
            found[way]["output"] = model.eval()(torch.arange(21)).detach()
    return found


class Constructed(Model):
    """A constructor that goes on after its layers: tokens, chains of steps, parts, copies, a clone, a computed buffer."""

    def __init__(self):
        super().__init__()
        self.token = nn.Parameter(torch.randn(13, 12) * 0.02 + torch.arange(12))
        self.gain = nn.Parameter(torch.ones(20) * 1e-6)
        self.chain = nn.Parameter(torch.empty(9, 12))
        self.again = nn.Linear(12, 20)
        self.square = nn.Parameter(nn.init.orthogonal_(torch.empty(9, 8)))
        self.joined = nn.Parameter(torch.cat([torch.randn(5, 8), torch.zeros(4, 8)]))
        self.register_buffer("table", torch.linspace(0, 1, 7).cumsum(0))
        with torch.no_grad():
            self.chain.uniform_(-0.9, 0.9).erfinv_().mul_(0.5).add_(1).clamp_(0.9, 1.1)
            self.up.weight[3:7].normal_(5)
            self.up.weight[:, 2:9:3] *= 2
            self.up.bias[::2] = 4
            self.embed.weight[5].zero_()
            self.down.weight.T[2:5].uniform_(7, 8)
            self.again.load_state_dict(self.up.state_dict())


def deferred(world):
    """The whole state of a model of a `deferred` block for each way to shard it."""
    line = init_device_mesh("cpu", (world,), mesh_dim_names=("dp",))

    def by_columns(parameter):
        return Shard(parameter.ndim - 1)

    ways = {
        "alone": lambda model: model,
        "fsdp": lambda model: sharded(model, line),
        "fsdp by columns": lambda model: sharded(model, line, shard_placement_fn=by_columns),
        "tensor parallel": lambda model: parallel(model, line),
    }
    if world == 4:
        grid = init_device_mesh("cpu", (2, 2), mesh_dim_names=("dp", "tp"))
        ways["fsdp and tensor parallel"] = lambda model: sharded(parallel(model, grid["tp"]), grid["dp"])
    found = {}
    for way, shard in ways.items():
        with ft.deferred(rng=3):
            model = Constructed()
        ft.materialize(shard(model))
        assert model.head.weight is model.embed.weight, way
        assert not any(tensor.is_meta for tensor in [*model.parameters(), *model.buffers()]), way
        found[way] = {name: whole(tensor) for name, tensor in model.state_dict().items()}
    return found


def blocks(world):
    """Sharded parameters of a real model filled again in a `fast_init` block."""
    model = sharded(Model(), init_device_mesh("cpu", (world,)))
    with ft.fast_init(rng=5):
        for parameter in model.parameters():
            nn.init.normal_(parameter)
        nn.init.trunc_normal_(model.up.weight, std=0.1)
        with torch.no_grad():
            model.down.weight.uniform_(-1, 1)
    return {name: whole(tensor) for name, tensor in model.state_dict().items()}


def noise(world):
    """Perturbed tensors for each layout and dtype, and the sharded parameters of a model."""
    found = {}
    for mesh_shape, places in layouts(world):
        mesh = init_device_mesh("cpu", mesh_shape)
        for dtype in (torch.float32, torch.bfloat16):
            whole_tensor = torch.linspace(-1, 1, 130).reshape(13, 10).to(dtype)
            tensor = distribute_tensor(whole_tensor, mesh, places, src_data_rank=None)
            ft.perturb({"w": tensor}, 9, 0.125)
            found[str(dtype), mesh_shape, str(places)] = whole(tensor)
    model = sharded(Model(), init_device_mesh("cpu", (world,)))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    ft.perturb(model, 9, 1.0)
    found["model"] = {name: whole(parameter) for name, parameter in model.named_parameters()}
    return found


def refusals(world):
    """Messages of the errors for what cannot be filled."""
    mesh = init_device_mesh("cpu", (world,))
    partial = DTensor.from_local(torch.zeros(4, 4), mesh, [Partial()])
    good = distribute_tensor(torch.zeros(4, 4), mesh, [Shard(0)])
    rng = fi.default_rng(0)
    tries = {
        "partial": lambda: ft.init.normal_(partial, generator=rng),
        "none": lambda: ft.init.normal_(good),
        "std": lambda: ft.init.normal_(good, std=-1, generator=rng),
        "orthogonal none": lambda: ft.init.orthogonal_(good),
        "deferred none": lambda: materialize_unseeded(mesh),
        "materialize none": lambda: ft.materialize(sharded(on_meta(Model), mesh), rng=None),
        "block none": lambda: fill_in_block(good),
        "perturb partial": lambda: ft.perturb({"a": good, "b": partial}, 0, 1.0),
    }
    messages = {}
    for name, call in tries.items():
        try:
            call()
        except ValueError as error:
            messages[name] = str(error)
    return messages, bool((whole(good) == 0).all()), float(rng.normal())


def materialize_unseeded(mesh):
    with ft.deferred(rng=None):
        model = Model()
    ft.materialize(sharded(model, mesh))


def fill_in_block(tensor):
    with ft.fast_init(rng=None):
        nn.init.normal_(tensor)


def run(rank, world, folder):
    os.environ.setdefault("MASTER_ADDR", "127.0.0.1")
    torch.set_num_threads(1)
    store = dist.FileStore(f"{folder}/store-{world}", world)
    dist.init_process_group("gloo", store=store, rank=rank, world_size=world)
    results = {"fills": fills(world), "models": models(world), "deferred": deferred(world)}
    results |= {"blocks": blocks(world), "noise": noise(world), "refusals": refusals(world)}
    torch.save(results, f"{folder}/results-{world}-{rank}.pt")
    dist.destroy_process_group()
