"""What every rank of a process group does for the recipes: LoRA and Megatron-core under tensor parallelism."""

import importlib.util
import os
import sys
import warnings

import pytest

pytest.importorskip("torch", reason="needs PyTorch")

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import DTensor
from torch.distributed.tensor.parallel import ColwiseParallel, RowwiseParallel, parallelize_module

import fastinit as fi
import fastinit.torch as ft
from tests.torch.recipes.pages import recipe

INPUTS, RANK, OUTPUTS = 48, 8, 32

HAS_MEGATRON, HAS_DEEPSPEED = (importlib.util.find_spec(name) is not None for name in ("megatron", "deepspeed"))


def gathered(part, axis):
    """The whole of plain parts along an axis."""
    parts = [torch.empty_like(part) for _ in range(dist.get_world_size())]
    dist.all_gather(parts, part.detach().contiguous())
    return torch.cat(parts, axis)


class Adapted(nn.Module):
    """A linear layer with an adapter, as LoRA has it."""

    def __init__(self):
        super().__init__()
        self.base = nn.Linear(INPUTS, OUTPUTS)
        self.lora_A = nn.Linear(INPUTS, RANK, bias=False)
        self.lora_B = nn.Linear(RANK, OUTPUTS, bias=False)
        nn.init.kaiming_uniform_(self.lora_A.weight, a=5**0.5)
        nn.init.zeros_(self.lora_B.weight)


def adapters(world):
    """A and B of an adapter for each way to split it, made by the recipe; by a plain part; by `deferred`."""
    lora, rng, found = recipe("lora"), fi.default_rng(7), {}
    mesh = init_device_mesh("cpu", (world,))
    ways = {"rows": ColwiseParallel, "columns": RowwiseParallel}
    for axis, (way, style) in enumerate(ways.items()):
        with ft.deferred(rng=7):
            model = Adapted()
        plan = {"base": style(), "lora_A": style()}
        model = ft.materialize(parallelize_module(model, mesh, plan))
        assert isinstance(model.lora_A.weight, DTensor)
        found[f"deferred, {way}"] = model.lora_A.weight.full_tensor().detach()
        with torch.no_grad():
            model.lora_A.weight.zero_()
        lora.fill_dtensor(model.lora_A.weight, "lora_A.weight", rng)
        found[f"recipe, {way}"] = model.lora_A.weight.full_tensor().detach()
        shape = [RANK, INPUTS]
        shape[axis] //= world
        part = nn.Parameter(torch.zeros(shape))
        lora.fill_part(part, "lora_A.weight", rng, axis, dist.get_rank(), world)
        found[f"part, {way}"] = gathered(part, axis)
    return found


def megatron(world):
    """The whole matrices of a GPT of Megatron-core."""
    from megatron.core import parallel_state
    from megatron.core.models.gpt import GPTModel
    from megatron.core.models.gpt.gpt_layer_specs import get_gpt_layer_local_spec
    from megatron.core.transformer import TransformerConfig

    parallel_state.initialize_model_parallel(tensor_model_parallel_size=world)
    config = TransformerConfig(
        num_layers=2, hidden_size=16, num_attention_heads=4, ffn_hidden_size=32, use_cpu_initialization=True,
        tensor_model_parallel_size=world, gated_linear_unit=True, activation_func=nn.functional.silu, add_bias_linear=False,
    )  # fmt: skip
    model = GPTModel(config, get_gpt_layer_local_spec(), vocab_size=64, max_sequence_length=8)
    recipe("megatron").fill(model, config, fi.default_rng(3))
    found = {}
    for name, weight in model.named_parameters():
        if not getattr(weight, "tensor_model_parallel", False):
            found[name] = weight.detach()
            continue
        axis, stride = weight.partition_dim, weight.partition_stride
        halves = [gathered(half, axis) for half in weight.detach().chunk(stride, axis)]  # gate and up
        found[name] = torch.cat(halves, axis)
    parallel_state.destroy_model_parallel()
    return found


def deepspeed(world):
    """The whole weights of a model whose partitions DeepSpeed has distributed."""
    os.environ.update(DS_ACCELERATOR="cpu", LOCAL_RANK=str(dist.get_rank()))
    import deepspeed
    import deepspeed.comm.torch

    sys.modules["deepspeed.comm.torch"].build_shm_op = lambda: None  # a faster transport, which a compiler would have to make
    deepspeed.init_distributed("gloo")
    with deepspeed.zero.Init(config_dict_or_path={"zero_optimization": {"stage": 3}, "train_batch_size": world}):
        model = nn.Sequential(nn.Linear(5, 7), nn.Linear(7, 3))
    recipe("deepspeed").fill(model, fi.default_rng(3))
    found = {}
    for name, weight in model.named_parameters():
        with deepspeed.zero.GatheredParameters(weight):
            found[name] = weight.detach().clone()
    return found


def run(rank, world, folder):
    warnings.filterwarnings("ignore")
    os.environ.setdefault("MASTER_ADDR", "127.0.0.1")
    torch.set_num_threads(1)
    store = dist.FileStore(f"{folder}/store-{world}", world)
    dist.init_process_group("gloo", store=store, rank=rank, world_size=world)
    results = {"adapters": adapters(world), "megatron": megatron(world) if HAS_MEGATRON else {}}
    results |= {"deepspeed": deepspeed(world) if HAS_DEEPSPEED else {}}
    torch.save(results, f"{folder}/results-{world}-{rank}.pt")
    dist.destroy_process_group()
