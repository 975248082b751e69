"""`perturb`: which noise is added to which parameter, with one rounding, and what is left when it is taken away."""

import tracemalloc
from fractions import Fraction

import pytest

pytest.importorskip("torch", reason="needs PyTorch")

import ml_dtypes
import numpy as np
import torch
from torch import nn
from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import checkpoint_wrapper
from torch.utils._python_dispatch import TorchDispatchMode

import fastinit as fi
import fastinit.torch as ft
from fastinit.generator import one_call
from fastinit.laws import normal
from fastinit.torch.filling import writing
from fastinit.torch.perturbation import Noise
from tests.torch.common import DTYPES, Tied
from tests.torch.noise import SCALE, model_of, state


def rounded(numbers, dtype):
    """Exact numbers, rounded to the type that sums are computed in, then to the dtype."""
    if dtype is torch.float64:
        return torch.tensor([float(number) for number in numbers], dtype=dtype)
    # float() rounds to 53 bits first, which matters to one number in 2^29
    return torch.tensor([float(number) for number in numbers], dtype=torch.float64).float().to(dtype)


def values(rng, shape, dtype, law=None):
    """The values that are added, before they are rounded to the tensor's dtype."""
    computed = "float64" if dtype is torch.float64 else "float32"
    return rng.draw(law or normal(), size=tuple(shape), dtype=computed)


def expected(before, rng, scale, law=None):
    """Each sum exactly, rounded as documented."""
    factor = Fraction(scale if before.dtype is torch.float64 else float(np.float32(scale)))
    noise = values(rng, before.shape, before.dtype, law).ravel().tolist()
    sums = [Fraction(w) + factor * Fraction(z) for w, z in zip(before.double().flatten().tolist(), noise, strict=True)]
    return rounded(sums, before.dtype).reshape(before.shape)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_each_parameter_gets_the_noise_of_its_name_with_one_rounding(dtype):
    model = model_of(dtype)
    before = state(model)
    assert ft.perturb(model, 5, SCALE) is model
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, expected(before[name], fi.default_rng(5).child(name), SCALE)), name
        assert not torch.equal(parameter, before[name])
    for name, buffer in model.named_buffers():
        assert torch.equal(buffer, before[name]), f"the buffer {name} is no parameter"


def test_seeds_and_generators_are_the_same_and_none_advances():
    rng, weights = fi.default_rng([3, 4]), []
    for seed in ([3, 4], (3, 4), np.random.SeedSequence([3, 4]), rng, rng):
        weights.append(ft.perturb(model_of(), seed, SCALE)[0].weight)
    assert all(torch.equal(weight, weights[0]) for weight in weights)
    assert rng.state == fi.default_rng([3, 4]).state
    assert not torch.equal(ft.perturb(model_of(), rng.child("step 1"), SCALE)[0].weight, weights[0])


def test_noise_is_independent_between_parameters_and_steps():
    """Each parameter seeded alike would get the same noise. Two of 2^20 normals correlate by 0.001: six times that."""
    tensors = {name: torch.zeros(1 << 20) for name in ("layers.0.weight", "layers.1.weight", "layers.0.bias")}
    noise = list(ft.perturb(tensors, 0, 1.0).values())
    noise += [ft.perturb({"layers.0.weight": torch.zeros(1 << 20)}, fi.default_rng(0).child(f"step {i}"), 1.0) for i in (0, 1)]
    rows = [each if isinstance(each, torch.Tensor) else each["layers.0.weight"] for each in noise]
    correlations = torch.corrcoef(torch.stack(rows)) - torch.eye(5)
    assert correlations.abs().max() < 6 / 1024


@pytest.mark.parametrize(
    "law", [fi.laws.rademacher(), fi.laws.laplace(scale=2.0), fi.laws.uniform(-1, 1), normal(0.5, 0.0)], ids=str
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_other_laws(law, dtype):
    weight = nn.Parameter(torch.linspace(-1, 1, 77).to(dtype))
    before = weight.detach().clone()
    ft.perturb({"w": weight}, 1, -SCALE, law=law)
    assert torch.equal(weight, expected(before, fi.default_rng(1).child("w"), -SCALE, law))


def test_the_steps_of_mezo():
    """+1, -2 and +1 times the noise are the sums that they say, each rounded once."""
    model = model_of(torch.bfloat16)
    weight, rng = model[0].weight, fi.default_rng(8)
    for factor in (SCALE, -2 * SCALE, SCALE):
        before = weight.detach().clone()
        ft.perturb(model, rng, factor)
        assert torch.equal(weight, expected(before, rng.child("0.weight"), factor))


@pytest.mark.parametrize("order", [("embed", "head"), ("head", "embed")])
def test_tied_parameters_are_perturbed_once(order):
    model = Tied(*order)
    before = model.embed.weight.detach().clone()
    ft.perturb(model, 0, SCALE)
    assert torch.equal(model.head.weight, expected(before, fi.default_rng(0).child("embed.weight"), SCALE))


def test_two_parameters_of_one_memory_are_perturbed_once():
    weight = torch.zeros(3, 4)
    model = nn.ModuleDict({"b": nn.Linear(4, 3, bias=False), "a": nn.Linear(4, 3, bias=False)})
    for layer in model.values():
        layer.weight = nn.Parameter(weight)
    ft.perturb(model, 0, 1.0)
    assert np.array_equal(weight.numpy(), fi.default_rng(0).child("a.weight").normal(size=(3, 4)))


def test_names_are_those_of_materialize_in_hugging_face_models():
    transformers = pytest.importorskip("transformers", reason="needs transformers")
    config = transformers.GPT2Config(n_layer=1, n_embd=8, n_head=2, vocab_size=11, n_positions=5)
    with torch.device("meta"):
        model = transformers.GPT2LMHeadModel(config)
    ft.materialize(model, rng=0)
    before = model.lm_head.weight.detach().clone()
    ft.perturb(model, 1, SCALE)
    assert torch.equal(model.lm_head.weight, expected(before, fi.default_rng(1).child("transformer.wte.weight"), SCALE))


def test_wrappers_do_not_count():
    plain, wrapped = model_of(), model_of()
    wrapped[0] = checkpoint_wrapper(wrapped[0])
    ft.perturb(plain, 0, SCALE)
    ft.perturb(wrapped, 0, SCALE)
    ft.perturb({f"_orig_mod.{name}": parameter for name, parameter in plain.named_parameters()}, 1, SCALE)
    ft.perturb(wrapped, 1, SCALE)
    assert all(torch.equal(x, y) for x, y in zip(plain.parameters(), wrapped.parameters(), strict=True))


def test_any_layout():
    base = torch.zeros(10, 30)
    tensors = {"strided": base[::2, 3:20].T, "empty": torch.zeros(0, 3), "scalar": torch.zeros(()), "one": torch.zeros(1)}
    ft.perturb(tensors, 0, 1.0)
    for name, tensor in tensors.items():
        assert np.array_equal(tensor.numpy(), fi.default_rng(0).child(name).normal(size=tuple(tensor.shape))), name
    assert (base[1::2] == 0).all()


def test_autograd_sees_a_change_and_records_none():
    layer = nn.Linear(4, 4)
    out = layer(torch.ones(2, 4)).square().sum()
    versions = [parameter._version for parameter in layer.parameters()]
    ft.perturb(layer, 0, SCALE)
    assert all(parameter.is_leaf and parameter.grad is None for parameter in layer.parameters())
    assert [parameter._version for parameter in layer.parameters()] == [version + 1 for version in versions]
    hidden = torch.tanh(nn.Linear(4, 4)(torch.ones(2, 4)))
    saved = (hidden.exp() * layer.weight[0]).sum()
    ft.perturb(layer, 0, SCALE)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        saved.backward()
    del out


class Large(TorchDispatchMode):
    """Notes the sizes of tensors that operations return."""

    def __init__(self):
        super().__init__()
        self.sizes = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        if isinstance(result, torch.Tensor) and result.numel() and not any(result is argument for argument in args):
            self.sizes.append(result.nbytes)
        return result


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_there_is_no_temporary(dtype):
    """Neither torch nor NumPy allocates; `tests/promise` looks at the kernels."""
    weight = torch.ones(1 << 22, dtype=dtype)
    ft.perturb({"w": weight}, 0, SCALE)
    tracemalloc.start()
    with Large() as torch_made:
        ft.perturb({"w": weight}, 0, SCALE)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert torch_made.sizes == []
    assert peak < 1 << 16


def spacing(tensor):
    """The distance from each number to the next one away from zero, in double."""
    array = tensor.float().numpy() if tensor.dtype is not torch.float64 else tensor.numpy()
    kind = {torch.bfloat16: ml_dtypes.bfloat16, torch.float16: np.float16}.get(tensor.dtype, array.dtype)
    return torch.from_numpy(np.spacing(abs(array.astype(kind))).astype(np.float64))


@pytest.mark.parametrize("ratio", [1e-3, 0.1, 1.0, 30.0])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_what_is_left_when_noise_is_taken_away(dtype, ratio):
    """Half a step at the perturbed weight and at the restored one; and 1 + |noise| / |weight| steps, as docs/noise.md says."""
    weight = torch.from_numpy(fi.default_rng(2).normal(0, 0.02, size=1 << 16)).to(dtype)
    before = weight.clone()
    noise = 0.02 * ratio * torch.from_numpy(values(fi.default_rng(3).child("w"), weight.shape, dtype)).double()
    ft.perturb({"w": weight}, 3, 0.02 * ratio)
    halves = spacing(weight) / 2
    ft.perturb({"w": weight}, 3, -0.02 * ratio)
    lost = (weight.double() - before.double()).abs()
    slack = 1 + 2**-20 if dtype in (torch.float32, torch.float64) else 1 + 2**-6  # 16 bits: the float32 sum is rounded too
    assert (lost <= (halves + spacing(weight) / 2) * slack).all()
    assert (lost <= (1 + (noise / before.double()).abs()) * spacing(before) * (1 + 2**-6)).all()
    if ratio < 0.01:
        assert (lost > 0).double().mean() < 0.01


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("nbytes", [8, 200, 1 << 20])
def test_through_a_buffer_as_on_an_accelerator(dtype, nbytes):
    tensor = torch.linspace(-1, 1, 91).reshape(13, 7).to(dtype)
    direct = tensor.clone()
    ft.perturb({"w": direct}, 5, SCALE)
    call, whole = one_call(fi.default_rng(5).child("w")), tuple(slice(0, n) for n in tensor.shape)
    writing.stage(tensor, torch.empty(nbytes, dtype=torch.uint8), Noise(normal(), SCALE), call, (13, 7), whole)
    assert torch.equal(tensor, direct)
