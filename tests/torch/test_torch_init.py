"""`fastinit.torch.init` beside `torch.nn.init`: signatures, values, statistics, autograd, errors."""

import inspect
import math
import warnings

import pytest

pytest.importorskip("torch", reason="needs PyTorch")

import numpy as np
import torch
from scipy import stats

import fastinit as fi
import fastinit.torch as ft
from tests import statistics
from tests.torch.common import DTYPES

#: Arguments after the tensor for every name that draws, and a shape it takes.
RANDOM = {
    "uniform_": (-0.5, 2.0),
    "normal_": (0.5, 2.0),
    "trunc_normal_": (0.5, 2.0, -1.0, 3.0),
    "xavier_uniform_": (1.5,),
    "xavier_normal_": (1.5,),
    "kaiming_uniform_": (0.1, "fan_out"),
    "kaiming_normal_": (0.1, "fan_out", "leaky_relu"),
    "orthogonal_": (1.5,),
    "sparse_": (0.3,),
}
FIXED = {"constant_": (0.3,), "ones_": (), "zeros_": (), "eye_": (), "dirac_": (3,)}


def call(name, tensor, generator=None):
    return getattr(ft.init, name)(tensor, *RANDOM[name], generator=generator)


def test_every_name_has_torchs_signature():
    names = {name for name in torch.nn.init.__all__ if name.endswith("_")} | {"calculate_gain"}
    assert set(ft.init.__all__) == names | {"draw_"}
    for name in names:
        ours, theirs = (
            [(p.name, p.default, p.kind) for p in inspect.signature(getattr(module, name)).parameters.values()]
            for module in (ft.init, torch.nn.init)
        )
        more = [("values", None, inspect.Parameter.KEYWORD_ONLY)] if name in RANDOM else []
        assert ours == theirs + more, name


def laws(name, tensor, mean_and_std=(0.5, 2.0)):
    """The SciPy law that torch documents for RANDOM's arguments."""
    fan_in, fan_out = torch.nn.init._calculate_fan_in_and_fan_out(tensor)
    xavier = 1.5 * math.sqrt(2 / (fan_in + fan_out))
    kaiming = math.sqrt(2 / (1 + 0.1**2) / fan_out)
    return {
        "uniform_": stats.uniform(-0.5, 2.5),
        "normal_": stats.norm(0.5, 2.0),
        "trunc_normal_": stats.truncnorm(-0.75, 1.25, 0.5, 2.0),
        "xavier_uniform_": stats.uniform(-math.sqrt(3) * xavier, 2 * math.sqrt(3) * xavier),
        "xavier_normal_": stats.norm(0, xavier),
        "kaiming_uniform_": stats.uniform(-math.sqrt(3) * kaiming, 2 * math.sqrt(3) * kaiming),
        "kaiming_normal_": stats.norm(0, kaiming),
    }[name]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", [name for name in RANDOM if name not in ("orthogonal_", "sparse_")])
def test_values_follow_the_law_that_torch_documents(name, dtype):
    tensor = torch.zeros(37, 20, 3, 5, dtype=dtype)
    assert call(name, tensor, generator=11) is tensor
    statistics.follows(tensor.numpy().ravel(), laws(name, tensor), f"{name} {dtype}")


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", RANDOM)
def test_strided_tensors_get_the_values_of_contiguous_ones(name, dtype):
    plain = call(name, torch.zeros(12, 10, dtype=dtype), generator=3)
    assert plain.dtype == dtype
    assert plain.any()
    base = torch.full((10, 40), 7.0, dtype=dtype)
    view = base[:, 1:37:3].T
    call(name, view, generator=3)
    assert torch.equal(view, plain)
    untouched = torch.ones(40, dtype=torch.bool)
    untouched[1:37:3] = False
    assert (base[:, untouched] == 7).all()


def test_values_are_the_engines():
    """Not frozen here: compared with a Generator's own calls."""
    for dtype, numpy_dtype in zip(DTYPES, ("float32", "float64", "float16", "bfloat16"), strict=True):
        rng, own = fi.default_rng(4), fi.default_rng(4)
        for name, method, arguments in (
            ("uniform_", "uniform", (-0.5, 2.0)),
            ("normal_", "normal", (0.5, 2.0)),
        ):
            tensor = getattr(ft.init, name)(torch.empty(5, 7, dtype=dtype), *arguments, generator=rng)
            expected = getattr(own, method)(*arguments, size=(5, 7), dtype=numpy_dtype)
            assert np.array_equal(tensor.double().numpy(), expected.astype(np.float64))
    scalar = ft.init.normal_(torch.empty(()), generator=2)
    assert scalar.shape == ()
    assert scalar.item() == fi.default_rng(2).normal()


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_truncation_is_absolute_and_holds_in_every_dtype(dtype):
    tensor = ft.init.trunc_normal_(torch.empty(20_000, dtype=dtype), std=0.02, a=-0.03, b=0.05, generator=0)
    low, high = torch.tensor([-0.03, 0.05], dtype=torch.float64)
    assert low <= tensor.double().min() <= -0.029
    assert 0.045 <= tensor.double().max() <= high
    wide = ft.init.trunc_normal_(torch.empty(20_000, dtype=dtype), std=0.02, generator=0)
    assert 0.06 < wide.abs().max() < 0.2, "bounds of +-2 are values, far outside, not deviations"


@pytest.mark.parametrize(("rows", "columns"), [(20, 7), (7, 20), (12, 12)])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_orthogonal(rows, columns, dtype):
    wide = ft.init.orthogonal_(torch.empty(rows, columns, 1, dtype=dtype), gain=-2, generator=5)[..., 0].double()
    product = wide @ wide.T if rows < columns else wide.T @ wide
    limit = {torch.float32: 1e-5, torch.float64: 1e-12, torch.float16: 4e-2, torch.bfloat16: 2e-1}[dtype]
    assert (product - 4 * torch.eye(len(product))).abs().max() < limit


@pytest.mark.parametrize("sparsity", [0.0, 0.07, 0.3, 1.0])
def test_sparse_has_torchs_number_of_zeros_in_every_column(sparsity):
    tensor = ft.init.sparse_(torch.empty(100, 300), sparsity, std=2.0, generator=1)
    zeros = torch.nn.init.sparse_(torch.empty(100, 3), sparsity).eq(0).sum(0)
    assert (tensor.eq(0).sum(0) == zeros[0]).all()
    if sparsity == 0.3:
        statistics.follows(tensor[tensor != 0].numpy(), stats.norm(0, 2), "sparse")
        counts = tensor.eq(0).sum(1).numpy()  # hypergeometric in each column: variance 300 * 0.3 * 0.7 a row
        statistics.require(stats.chi2.sf(((counts - 90) ** 2 / 63).sum() * 100 / 99, 99), "rows of zeros")
    assert not torch.equal(tensor, ft.init.sparse_(torch.empty(100, 300), sparsity, std=2.0, generator=2)) or sparsity == 1


@pytest.mark.parametrize("name", FIXED)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_names_without_chance_give_torchs_values(name, dtype):
    shape = (6, 4, 3) if name == "dirac_" else (6, 4)
    ours = getattr(ft.init, name)(torch.full(shape, 9.0, dtype=dtype), *FIXED[name])
    assert torch.equal(ours, getattr(torch.nn.init, name)(torch.empty(shape, dtype=dtype), *FIXED[name]))


def test_a_torch_generator_decides_and_advances():
    first, second = torch.Generator().manual_seed(8), torch.Generator().manual_seed(8)
    x, y = (call("normal_", torch.empty(9), generator=first) for _ in range(2))
    assert not torch.equal(x, y)
    assert torch.equal(x, call("normal_", torch.empty(9), generator=second))
    assert not torch.equal(first.get_state(), second.get_state())
    second.set_state(first.get_state())
    assert torch.equal(*(call("normal_", torch.empty(9), generator=g) for g in (first, second)))


def test_no_generator_means_torchs_default_one():
    before = torch.random.get_rng_state()
    try:
        torch.manual_seed(5)
        x, y = (call("uniform_", torch.empty(9)) for _ in range(2))
        torch.manual_seed(5)
        assert torch.equal(call("uniform_", torch.empty(9)), x)
        assert torch.equal(call("uniform_", torch.empty(9)), y)
        assert not torch.equal(x, y)
    finally:
        torch.random.set_rng_state(before)


@pytest.mark.parametrize("name", RANDOM)
def test_autograd_sees_a_write(name):
    weight = torch.nn.Parameter(torch.ones(4, 4))
    loss = (weight.square() * 2).sum()
    version = weight._version
    assert call(name, weight, generator=0) is weight
    assert weight._version > version
    assert weight.requires_grad
    assert weight.is_leaf
    assert weight.grad_fn is None
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()
    view = torch.ones(3, 4, 4)
    version = view._version
    call(name, view[1], generator=0)
    assert view._version > version, "a view shares its base's counter"
    assert (view[0] == 1).all()


@pytest.mark.parametrize("name", [*RANDOM, *FIXED])
def test_inference_tensors_are_as_torch_has_them(name):
    arguments = {**RANDOM, **FIXED}[name]
    with torch.inference_mode():
        tensor = torch.zeros((6, 4, 3) if name == "dirac_" else (6, 4))
        getattr(ft.init, name)(tensor, *arguments)
    for module in (ft.init, torch.nn.init):
        with pytest.raises(RuntimeError, match="inference"):
            getattr(module, name)(tensor, *arguments)


@pytest.mark.parametrize("name", [*RANDOM, *FIXED])
def test_meta_tensors_stay(name):
    tensor = torch.empty((6, 4, 3) if name == "dirac_" else (6, 4), device="meta")
    generator = torch.Generator().manual_seed(0)
    state = generator.get_state()
    options = {"generator": generator} if name in RANDOM else {}
    assert getattr(ft.init, name)(tensor, *{**RANDOM, **FIXED}[name], **options) is tensor
    assert torch.equal(generator.get_state(), state)


def test_tensors_without_elements():
    for name in ("kaiming_uniform_", "kaiming_normal_"):
        with pytest.warns(UserWarning, match="Initializing zero-element tensors is a no-op"):
            call(name, torch.empty(0, 3))
    for name in ("uniform_", "normal_", "trunc_normal_", "xavier_normal_", "orthogonal_", "sparse_"):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert call(name, torch.empty(0, 3), generator=0).shape == (0, 3)
            assert call(name, torch.empty(3, 0), generator=0).shape == (3, 0)


def test_storage_stays_resizable():
    """`Tensor.numpy` would forbid it for good, which breaks FSDP."""
    for dtype in DTYPES:
        tensor = ft.init.normal_(torch.empty(8, dtype=dtype))
        assert tensor.untyped_storage().resizable()
        tensor.resize_(100)
