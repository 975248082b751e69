"""`fast_init`: which calls it takes over, what numbers them, and that everything is as before when it ends."""

import math
import subprocess
import sys
import threading

import pytest

pytest.importorskip("torch", reason="needs PyTorch")

import numpy as np
import torch
from scipy import stats
from torch import nn

import fastinit as fi
import fastinit.torch as ft
from tests import statistics
from tests.torch.common import chance


def erfinv_trunc_normal_(tensor, mean=0.0, std=1.0, a=-2.0, b=2.0):
    """The way to a truncated normal that many projects carry a copy of."""
    low, high = ((1 + math.erf((x - mean) / std / math.sqrt(2))) / 2 for x in (a, b))
    with torch.no_grad():
        tensor.uniform_(2 * low - 1, 2 * high - 1)
        return tensor.erfinv_().mul_(std * math.sqrt(2)).add_(mean).clamp_(min=a, max=b)


def engine(method, *arguments, size, dtype="float32", **more):
    return lambda rng: getattr(rng, method)(*arguments, size=size, dtype=dtype, **more)


#: Calls that a constructor may make, and the engine's call that they become.
COVERED = {
    "Tensor.uniform_": (lambda: torch.empty(5, 3).uniform_(-1, 2), engine("uniform", -1, 2, size=(5, 3))),
    "Tensor.normal_": (lambda: torch.empty(5, 3).normal_(1, 2), engine("normal", 1, 2, size=(5, 3))),
    "defaults": (lambda: torch.empty(5).normal_(), engine("normal", size=5)),
    "init.uniform_": (lambda: nn.init.uniform_(torch.empty(5, 3), b=4.0), engine("uniform", 0, 4, size=(5, 3))),
    "init.normal_": (lambda: nn.init.normal_(torch.empty(5), std=0.02), engine("normal", 0, 0.02, size=5)),
    "init.trunc_normal_": (
        lambda: nn.init.trunc_normal_(torch.empty(500), std=0.5, a=-1, b=2),
        engine("truncated_normal", -1, 2, 0, 0.5, size=500, units="absolute"),
    ),
    "init.xavier_normal_": (lambda: nn.init.xavier_normal_(torch.empty(6, 2)), engine("normal", 0, 0.5, size=(6, 2))),
    "torch.rand": (lambda: torch.rand(4, 2), engine("uniform", size=(4, 2))),
    "torch.randn": (lambda: torch.randn(4, 2), engine("normal", size=(4, 2))),
    "dtype": (lambda: torch.randn(9, dtype=torch.bfloat16), engine("normal", size=9, dtype="bfloat16")),
    "float64": (lambda: torch.rand((9,), dtype=torch.float64), engine("uniform", size=9, dtype="float64")),
    "rand_like": (lambda: torch.rand_like(torch.zeros(4, 2)), engine("uniform", size=(4, 2))),
    "randn_like": (lambda: torch.randn_like(torch.zeros(4, 2).T), engine("normal", size=(2, 4))),
    "torch.normal": (lambda: torch.normal(1.0, 2.0, (4, 2)), engine("normal", 1, 2, size=(4, 2))),
    "requires_grad": (lambda: torch.randn(3, requires_grad=True).detach(), engine("normal", size=3)),
    "out": (lambda: torch.randn(7, out=torch.empty(7)), engine("normal", size=7)),
    "rand out": (lambda: torch.rand(7, out=torch.empty(7)), engine("uniform", size=7)),
    "normal out": (lambda: torch.normal(1.0, 2.0, (7,), out=torch.empty(7)), engine("normal", 1, 2, size=7)),
    "functional": (lambda: torch.func.functionalize(lambda: torch.empty(7).normal_())(), engine("normal", size=7)),
    "vmap": (
        lambda: torch.vmap(lambda x: x + torch.randn(3), randomness="different")(torch.zeros(2, 3)),
        engine("normal", size=(2, 3)),
    ),
    "a slice": (lambda: torch.zeros(9, 9)[::2, 3:5].normal_(), engine("normal", size=(5, 2))),
}


@pytest.mark.parametrize("name", COVERED)
def test_calls_become_the_engines(name):
    call, expected = COVERED[name]
    with ft.fast_init(rng=6):
        got = call()
    drawn = expected(fi.default_rng(6))
    assert np.array_equal(got.double().numpy(), drawn.astype(np.float64))
    assert not np.array_equal(call().double().numpy(), drawn.astype(np.float64)), "outside the block torch is torch again"


def test_calls_are_numbered():
    own = fi.default_rng(1)
    with ft.fast_init(rng=1) as rng:
        for call, expected in COVERED.values():
            assert np.array_equal(call().double().numpy(), expected(own).astype(np.float64))
        assert rng.state == own.state
    shared = fi.default_rng(1)
    with ft.fast_init(rng=shared):
        torch.rand(3)
    with ft.fast_init(rng=shared):
        torch.rand(3)
    assert shared.state["calls"] == 2


def test_fake_tensors_stay_fake():
    from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode

    with FakeTensorMode(), ft.fast_init(rng=0) as rng:
        layer = nn.Linear(3, 3)
        fakes = [layer.weight.data, torch.randn(3), torch.empty(3).normal_()]
    assert all(isinstance(fake, FakeTensor) for fake in fakes)
    assert rng.state["calls"] == 0


def test_torchs_errors_are_torchs():
    with ft.fast_init(rng=0) as rng:
        with pytest.raises(RuntimeError, match="normal expects std >= 0"):
            torch.empty(3).normal_(0, -1)
        with pytest.raises(RuntimeError, match="leaf Variable that requires grad"):
            nn.Parameter(torch.empty(3)).normal_()
        with torch.inference_mode():
            tensor = torch.empty(3)
        for fill in (nn.init.normal_, nn.init.trunc_normal_):
            with pytest.raises(RuntimeError, match="inference"):
                fill(tensor)
    assert rng.state["calls"] == 0


def test_autograd_sees_the_fills():
    for fill in (nn.init.normal_, nn.init.trunc_normal_):
        weight = nn.Parameter(torch.ones(3))
        loss = weight.square().sum()
        with ft.fast_init(rng=0):
            fill(weight)
        assert weight.is_leaf
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            loss.backward()


def test_a_generator_given_to_a_call_decides():
    with ft.fast_init(rng=0) as rng:
        first, second = torch.Generator().manual_seed(2), torch.Generator().manual_seed(2)
        x = torch.randn(5, generator=first)
        y = nn.init.trunc_normal_(torch.empty(5), generator=first)
        assert not torch.equal(first.get_state(), second.get_state())
        assert torch.equal(torch.randn(5, generator=second), x)
        assert torch.equal(nn.init.trunc_normal_(torch.empty(5), generator=second), y)
        assert rng.state["calls"] == 0
    assert torch.equal(ft.init.normal_(torch.empty(5), generator=torch.Generator().manual_seed(2)), x)


def test_our_own_names_follow_the_block():
    own = fi.default_rng(4)
    with ft.fast_init(rng=4) as rng:
        x = ft.init.normal_(torch.empty(5))
        ft.init.orthogonal_(torch.empty(5, 5))
        y = ft.init.normal_(torch.empty(5), generator=9)
    assert np.array_equal(x.numpy(), own.normal(size=5))
    assert np.array_equal(y.numpy(), fi.default_rng(9).normal(size=5))
    assert rng.state["calls"] == 2


def test_copies_of_trunc_normal_stay_right():
    with ft.fast_init(rng=0):
        x = erfinv_trunc_normal_(torch.empty(50_000), std=0.02, a=-0.04, b=0.04)
    statistics.follows(x.numpy(), stats.truncnorm(-2, 2, 0, 0.02), "a copy built of uniform_ and erfinv_")


class Net(nn.Module):
    """A bit of everything that constructors do."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.rnn = nn.LSTM(8, 16)
        self.attention = nn.MultiheadAttention(16, 4)
        self.norm = nn.BatchNorm1d(16)
        self.embed = nn.Embedding(50, 16, padding_idx=3)
        self.position = nn.Parameter(torch.randn(1, 50, 16) * 0.02)
        self.scale = nn.Parameter(1e-6 * torch.ones(16))
        self.head = nn.Linear(16, 50)
        nn.init.trunc_normal_(self.head.weight, std=0.02)
        nn.init.orthogonal_(self.rnn.weight_hh_l0)
        self.head.bias.data.uniform_(-1, 1)


def test_constructors_give_reproducible_models_like_torchs():
    torch.manual_seed(0)
    plain = Net().state_dict()
    with ft.fast_init(rng=0):
        model = Net().state_dict()
    with ft.fast_init(rng=0):
        again = Net().state_dict()
    with ft.fast_init(rng=1):
        other = Net().state_dict()
    assert list(model) == list(plain)
    for name, tensor in model.items():
        assert torch.equal(tensor, again[name])
        constant = len(plain[name].unique()) == 1
        assert torch.equal(tensor, plain[name]) if constant else not torch.equal(tensor, other[name]), name
        if not constant and tensor.numel() > 300:
            assert tensor.std().item() == pytest.approx(plain[name].std().item(), rel=chance(tensor)), name
    assert not model["embed.weight"][3].any()
    rnn = model["rnn.weight_hh_l0"]
    assert torch.allclose(rnn.T @ rnn, torch.eye(16), atol=1e-5)
    first = fi.default_rng(0).uniform(-(27**-0.5), 27**-0.5, size=(8, 3, 3, 3))
    assert np.allclose(model["conv.weight"].numpy(), first, rtol=1e-6)


def test_blocks_nest():
    outer, inner = fi.default_rng(1), fi.default_rng(2)
    with ft.fast_init(rng=1):
        assert np.array_equal(torch.rand(3).numpy(), outer.uniform(size=3))
        with ft.fast_init(rng=2):
            assert np.array_equal(torch.rand(3).numpy(), inner.uniform(size=3))
            nn.init.trunc_normal_(torch.empty(3))
        x = nn.init.trunc_normal_(torch.empty(3))
    assert np.array_equal(x.numpy(), outer.truncated_normal(-2, 2, size=3, units="absolute"))


def test_blocks_may_end_in_any_order():
    """As they do in generator functions that are suspended."""
    original = nn.init._no_grad_trunc_normal_
    first, second = ft.fast_init(rng=1), ft.fast_init(rng=2)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert np.array_equal(torch.rand(3).numpy(), fi.default_rng(2).uniform(size=3))
    second.__exit__(None, None, None)
    generator = torch.get_rng_state()
    torch.rand(3)
    assert not torch.equal(torch.get_rng_state(), generator)
    assert nn.init._no_grad_trunc_normal_ is original


def test_everything_is_restored_after_an_error():
    original = nn.init._no_grad_trunc_normal_

    def constructor(depth):
        with ft.fast_init(rng=depth):
            assert nn.init._no_grad_trunc_normal_ is not original
            if depth:
                constructor(depth - 1)
            raise KeyError

    with pytest.raises(KeyError):
        constructor(2)
    assert nn.init._no_grad_trunc_normal_ is original


def test_threads_have_blocks_of_their_own():
    """Eight threads build in blocks at once, four without one: each gets what it would get alone."""
    barrier = threading.Barrier(12)
    found = {}

    def build(number):
        barrier.wait()
        if number < 8:
            with ft.fast_init(rng=number):
                found[number] = [(nn.init.trunc_normal_(torch.empty(200)), nn.Linear(20, 20).weight) for _ in range(20)]
        else:
            generator = torch.Generator().manual_seed(number)
            found[number] = [nn.init.trunc_normal_(torch.empty(200), generator=generator) for _ in range(20)]

    threads = [threading.Thread(target=build, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(8):
        rng = fi.default_rng(number)
        for x, weight in found[number]:
            assert np.array_equal(x.numpy(), rng.truncated_normal(-2, 2, size=200, units="absolute"))
            assert np.allclose(weight.detach().numpy(), rng.uniform(-(20**-0.5), 20**-0.5, size=(20, 20)), rtol=1e-6)
            rng.uniform(size=20)
    for number in range(8, 12):
        generator = torch.Generator().manual_seed(number)
        for x in found[number]:
            assert torch.equal(x, nn.init.trunc_normal_(torch.empty(200), generator=generator))


def test_seeds():
    with torch.random.fork_rng():
        torch.manual_seed(1)
        with ft.fast_init(rng=None):
            x = torch.rand(3)
        with ft.fast_init(rng=None):
            assert not torch.equal(torch.rand(3), x)
        torch.manual_seed(1)
        with ft.fast_init(rng=None):
            assert torch.equal(torch.rand(3), x)
    with pytest.raises(TypeError, match=r"^rng must be a fastinit\.Generator"), ft.fast_init(rng="0"):
        pass
    with pytest.raises(ValueError, match=r"^rng must hold non-negative"), ft.fast_init(rng=-1):
        pass


def test_a_block_loads_no_compiler():
    """`torch._dynamo` takes a second, which is what a whole model takes."""
    script = """
import sys, torch
import fastinit.torch as ft
with ft.fast_init(rng=0):
    torch.nn.Linear(3, 3)
print("torch._dynamo" in sys.modules, "torch.distributed.tensor" in sys.modules, "transformers" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.stdout.split() == ["False"] * 3, done.stderr
