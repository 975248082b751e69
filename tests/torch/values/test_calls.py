"""Every call that torch's weights come from, with and without the block: the same bits, and the same state after it."""

import math

import pytest

pytest.importorskip("torch", reason="needs PyTorch")

import torch
from torch import nn

import fastinit.torch as ft
from tests.torch.values.common import DTYPES, assert_as_torch
from tests.torch.values.conftest import MANNERS

SIZES = [0, *range(1, 41), 47, 48, 49, 623, 624, 625, 1247, 1249, 3743, 3744, 3745, 7500, 8191, 8192, 8193, 20011]
FEW = [0, 1, 15, 16, 17, 33, 48, 625, 8193]
LARGE = [100_003, 131_072, 1_000_000, 1_048_577]


def nothing(seed=5):
    torch.manual_seed(seed)


def in_a_block(seed=5):
    torch.manual_seed(seed)
    torch.rand(301)


def at_the_end_of_a_block(seed=5):
    torch.manual_seed(seed)
    torch.rand(624)


def with_a_cached_normal(seed=5):
    torch.manual_seed(seed)
    torch.empty(3).normal_()


STATES = {f.__name__: f for f in (nothing, in_a_block, at_the_end_of_a_block, with_a_cached_normal)}

#: Calls with a size and a dtype.
CALLS = {
    "uniform_": lambda n, dtype: torch.empty(n, dtype=dtype).uniform_(),
    "uniform_ of a range": lambda n, dtype: torch.empty(n, dtype=dtype).uniform_(-0.3, 0.7),
    "uniform_ below 0": lambda n, dtype: torch.empty(n, dtype=dtype).uniform_(-1e-3, 0),
    "uniform_ of subnormals": lambda n, dtype: torch.empty(n, dtype=dtype).uniform_(-1e-7, 0),
    "uniform_ of a point": lambda n, dtype: torch.empty(n, dtype=dtype).uniform_(0.1, 0.1),
    "uniform_ of 256 steps": lambda n, dtype: torch.empty(n, dtype=dtype).uniform_(128, 129),
    "normal_": lambda n, dtype: torch.empty(n, dtype=dtype).normal_(),
    "normal_ of parameters": lambda n, dtype: torch.empty(n, dtype=dtype).normal_(0.1, 0.02),
    "normal_ without spread": lambda n, dtype: torch.empty(n, dtype=dtype).normal_(-3, 0),
    "rand": lambda n, dtype: torch.rand(n, dtype=dtype),
    "randn": lambda n, dtype: torch.randn((n,), dtype=dtype),
    "rand_like": lambda n, dtype: torch.rand_like(torch.zeros(n, dtype=dtype)),
    "randn_like": lambda n, dtype: torch.randn_like(torch.zeros(n, dtype=dtype)),
    "torch.normal": lambda n, dtype: torch.normal(1.0, 2.0, (n,), dtype=dtype),
    "trunc_normal_": lambda n, dtype: nn.init.trunc_normal_(torch.empty(n, dtype=dtype)),
    "trunc_normal_ of weights": lambda n, dtype: nn.init.trunc_normal_(torch.empty(n, dtype=dtype), 0, 0.02, -0.04, 0.04),
    "trunc_normal_ of a half": lambda n, dtype: nn.init.trunc_normal_(torch.empty(n, dtype=dtype), a=0.0, b=math.inf),
    "trunc_normal_ up to 0": lambda n, dtype: nn.init.trunc_normal_(torch.empty(n, dtype=dtype), a=-5.0, b=-1e-60),
    "trunc_normal_ of zeros": lambda n, dtype: nn.init.trunc_normal_(torch.empty(n, dtype=dtype), 0, 2e-8, 0.0, 1.0),
    "trunc_normal_ by uniform values": lambda n, dtype: nn.init.trunc_normal_(torch.empty(n, dtype=dtype), a=1.0, b=1.5),
    "trunc_normal_ that keeps all": lambda n, dtype: nn.init.trunc_normal_(torch.empty(n, dtype=dtype), a=-9.0, b=9.0),
    "kaiming_uniform_": lambda n, dtype: nn.init.kaiming_uniform_(torch.empty(7, n + 1, dtype=dtype), a=math.sqrt(5)),
    "kaiming_normal_": lambda n, dtype: nn.init.kaiming_normal_(torch.empty(n + 1, 3, dtype=dtype), mode="fan_out"),
    "xavier_uniform_": lambda n, dtype: nn.init.xavier_uniform_(torch.empty(n + 1, 2, dtype=dtype)),
    "xavier_normal_": lambda n, dtype: nn.init.xavier_normal_(torch.empty(n + 1, 2, 3, dtype=dtype), gain=2.0),
}


def assert_sizes(name, dtype, sizes):
    """A call with each size, the generators in different states."""
    for number, n in enumerate(sizes):
        prepare = list(STATES.values())[number % len(STATES)]
        assert_as_torch(lambda n=n: CALLS[name](n, dtype), lambda prepare=prepare, n=n: prepare(n))


#: Each call with each dtype, and with each way to make it; each dtype in each of these ways.
WAYS = [(name, dtype, MANNERS[(i + j) % 3]) for i, name in enumerate(CALLS) for j, dtype in enumerate(DTYPES)]


@pytest.mark.parametrize(("name", "dtype", "manner"), WAYS, indirect=["manner"], ids=str)
def test_calls(name, dtype, manner):
    assert_sizes(name, dtype, {"served": FEW, "threads": [20011], "usual": [133_001]}[manner])


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", ["uniform_", "normal_", "trunc_normal_"])
def test_sizes(name, dtype, served):
    assert_sizes(name, dtype, SIZES)
    assert {size for _, size in served} == {size for size in SIZES if size >= 16}


@pytest.mark.nightly
@pytest.mark.parametrize(("name", "dtype", "manner"), WAYS, indirect=["manner"], ids=str)
def test_large_calls(name, dtype, manner):
    assert_sizes(name, dtype, LARGE)


@pytest.mark.nightly
@pytest.mark.parametrize("name", ["uniform_", "normal_", "trunc_normal_"])
def test_very_large_calls(name):
    """Several threads and writes past the caches, without being forced to."""
    tensor = torch.ones(20_000_003)
    assert_as_torch(lambda: getattr(nn.init, name)(tensor).clone())


@pytest.mark.parametrize("seed", [0, 1, 2**31, 2**32 - 1, 2**32, 2**63 - 1])
def test_seeds(seed, manner):
    assert_as_torch(lambda: [torch.randn(140_001), torch.rand(140_001)], lambda: torch.manual_seed(seed))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_one_call_goes_on_where_the_last_one_ended(dtype, manner):
    """Small and large calls of all kinds, torch's and ours mixed."""

    def call():
        values = []
        for n in (3, 140_000, 5, 625, 16, 17, 1, 8200, 33):
            for name in ("normal_", "uniform_", "trunc_normal_"):
                values.append(CALLS[name](n, dtype))
            values += [torch.randint(0, 10, (n,)), torch.randperm(n)]
        return values

    assert_as_torch(call)


#: Memory that is no plain run of values.
LAYOUTS = {
    "transposed": lambda: torch.zeros(130, 70).T,
    "a slice": lambda: torch.zeros(200, 200)[::2, 3:150],
    "rows": lambda: torch.zeros(200, 200)[20:150],
    "channels last": lambda: torch.zeros(8, 6, 15, 15).to(memory_format=torch.channels_last),
    "one column": lambda: torch.zeros(140_000, 2)[:, 1],
    "expanded": lambda: torch.zeros(1, 1).expand(1, 1),
}


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(layout, dtype, manner):
    for fill in (torch.Tensor.uniform_, torch.Tensor.normal_, nn.init.trunc_normal_):
        assert_as_torch(lambda fill=fill: fill(LAYOUTS[layout]().to(dtype)))


#: Calls that torch makes itself.
OTHERS = {
    "randperm": lambda: torch.randperm(10_000),
    "randint": lambda: torch.randint(0, 99, (10_000,)),
    "multinomial": lambda: torch.multinomial(torch.ones(100), 50),
    "dropout": lambda: nn.functional.dropout(torch.ones(10_000), 0.5),
    "bernoulli": lambda: torch.empty(10_000).bernoulli_(0.3),
    "exponential": lambda: torch.empty(10_000).exponential_(),
    "cauchy": lambda: torch.empty(10_000).cauchy_(),
    "complex": lambda: torch.randn(10_000, dtype=torch.complex64),
    "tensor parameters": lambda: torch.normal(torch.zeros(10_000), torch.ones(10_000)),
    "orthogonal_": lambda: nn.init.orthogonal_(torch.empty(100, 120)),
    "sparse_": lambda: nn.init.sparse_(torch.empty(100, 120), 0.3),
    "out": lambda: torch.randn(10_000, out=torch.empty(10_000)),
    "infinite": lambda: torch.empty(10_000).normal_(0, math.inf),
    "meta": lambda: torch.randn(10_000, device="meta").shape,
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_torch_makes_itself(name, manner):
    assert_as_torch(lambda: [torch.rand(140_000), OTHERS[name](), torch.rand(140_000)])


def test_which_fills_are_made_here(served):
    with ft.fast_init(values="torch"):
        for dtype in DTYPES:
            torch.rand(100, dtype=dtype)
            nn.init.kaiming_normal_(torch.empty(10, 10, dtype=dtype))
            nn.init.trunc_normal_(torch.empty(100, dtype=dtype))
        torch.randn(15)
        torch.zeros(10, 10).T.normal_()
        torch.empty(100).normal_(0, math.inf)
        nn.init.trunc_normal_(torch.empty(100), a=1.0, b=1.5)
    kinds = {kind: [fill for fill, _ in served].count(kind) for kind in ("uniform", "normal", "truncated_normal")}
    assert kinds["truncated_normal"] == 3
    assert kinds["uniform"] >= 4 + 4, "trunc_normal_ with few values between its bounds draws uniform ones, which are made here"
    assert kinds["normal"] > 4, "trunc_normal_ of float64 draws normal ones, which are made here"


def test_torchs_errors_are_torchs():
    for call in (
        lambda: torch.empty(140_000).normal_(0, -1),
        lambda: torch.empty(140_000).uniform_(2, 1),
        lambda: torch.empty(140_000, dtype=torch.float16).uniform_(0, 1e6),
        lambda: nn.Parameter(torch.empty(140_000)).normal_(),
        lambda: torch.empty(140_000).normal_(0, "1"),
    ):
        errors = []
        for block in (torch.no_grad(), ft.fast_init(values="torch")):
            with pytest.raises(Exception) as raised, torch.enable_grad(), block, torch.enable_grad():  # noqa: PT011
                call()
            errors.append((type(raised.value), str(raised.value)))
        assert errors[0] == errors[1]


@pytest.mark.parametrize("name", ["normal_", "uniform_"])
def test_signs_of_zero(name, manner):
    """Parameters that are equal but not the same have values of their own, in either order."""
    for zeros in ((0.0, 0.0), (-0.0, 0.0), (0, 0), (0.0, -0.0), (-0.0, -0.0), (0.0, 0.0)):
        for n in (5, 140_001):
            assert_as_torch(lambda n=n, zeros=zeros: getattr(torch.empty(n), name)(*zeros))


def test_inference_tensors_are_refused():
    with torch.inference_mode():
        tensor = torch.zeros(140_000)
    with ft.fast_init(values="torch"), pytest.raises(RuntimeError, match="inference"):
        nn.init.normal_(tensor)
    assert not tensor.any()


def test_autograd_sees_the_fills():
    for fill in (nn.init.normal_, nn.init.trunc_normal_):
        weight = nn.Parameter(torch.ones(140_000))
        loss = weight.square().sum()
        with ft.fast_init(values="torch"):
            fill(weight)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            loss.backward()
