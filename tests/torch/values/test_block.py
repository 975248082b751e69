"""The block `fast_init(values="torch")`: its arguments, its generator, what may be done in it."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs PyTorch")

import torch
from torch import nn

import fastinit as fi
import fastinit.torch as ft
from fastinit.torch.values import proof
from tests.torch.values.common import assert_as_torch, assert_same


def test_seeding_in_the_block(manner):
    def call():
        values = [torch.randn(140_000)]
        torch.manual_seed(77)
        values.append(torch.randn(140_000))
        state = torch.get_rng_state()
        with torch.random.fork_rng(devices=[]):
            values.append(torch.rand(140_000))
            torch.seed()
        torch.set_rng_state(state)
        return [*values, torch.rand(140_000), torch.default_generator.manual_seed(3).initial_seed(), torch.randn(140_001)]

    assert_as_torch(call)


def test_a_generator_that_a_call_is_given_decides(manner):
    def call():
        own = torch.Generator().manual_seed(4)
        values = [
            torch.randn(140_000, generator=own),
            nn.init.trunc_normal_(torch.empty(140_000), generator=own),
            torch.rand(140_000),
            torch.randperm(50, generator=own),
            nn.init.kaiming_uniform_(torch.empty(90, 100), generator=own),
        ]
        return [*values, own.get_state()]

    assert_as_torch(call)


def test_a_generator_that_the_block_is_given_stands_in_for_the_default_one(manner):
    before = torch.get_rng_state()
    own, twin = (torch.Generator().manual_seed(4) for _ in range(2))
    with ft.fast_init(own, values="torch") as used:
        assert used is own
        got = [torch.randn(140_000), torch.randperm(99), torch.rand(140_000)]
    expected = [f(n, generator=twin) for f, n in ((torch.randn, 140_000), (torch.randperm, 99), (torch.rand, 140_000))]
    assert_same(got, expected)
    assert torch.equal(own.get_state(), twin.get_state())
    assert torch.equal(torch.get_rng_state(), before)
    with pytest.raises(ValueError, match="probability"), ft.fast_init(own, values="torch"):
        nn.functional.dropout(torch.rand(3), 2.0)
    torch.rand(3, generator=twin)
    assert torch.equal(own.get_state(), twin.get_state()), "it moves on even if the block fails"
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("rng", [None, torch.default_generator])
def test_the_default_generator(rng):
    with ft.fast_init(rng, values="torch") as used:
        assert used is torch.default_generator


@pytest.mark.parametrize("rng", [0, 5, [1, 2], np.random.SeedSequence(1), fi.default_rng(3), "torch", 1.5])
def test_only_torchs_generators_give_torchs_values(rng):
    with pytest.raises(TypeError, match=r"rng must be a torch.Generator or None with values='torch', .*; got "):
        ft.fast_init(rng, values="torch")


@pytest.mark.parametrize(("values", "error"), [("numpy", ValueError), ("", ValueError), (None, TypeError), (1, TypeError)])
def test_wrong_values(values, error):
    message = f"values must be one of 'fastinit', 'torch'; got {values!r}"
    with pytest.raises(error, match=message):
        ft.fast_init(0, values)
    if values is not None:
        tensor = torch.zeros(5)
        with pytest.raises(error, match=message):
            ft.init.normal_(tensor, values=values)
        assert not tensor.any()


INIT = {
    "uniform_": (-1.0, 2.0),
    "normal_": (0.1, 0.2),
    "trunc_normal_": (0.0, 0.02, -0.04, 0.04),
    "xavier_uniform_": (2.0,),
    "xavier_normal_": (2.0,),
    "kaiming_uniform_": (1.0, "fan_out", "leaky_relu"),
    "kaiming_normal_": (0.0, "fan_in", "relu"),
    "orthogonal_": (2.0,),
    "sparse_": (0.3, 0.5),
}


@pytest.mark.parametrize("name", INIT)
def test_the_functions_of_init(name):
    def torchs(generator=None):
        return getattr(nn.init, name)(torch.empty(90, 110), *INIT[name], generator=generator)

    def ours(**more):
        return getattr(ft.init, name)(torch.empty(90, 110), *INIT[name], **more)

    def seeded(call, *generator, **more):
        torch.manual_seed(1)  # sparse_ draws from the default generator, whatever it is given
        return call(*generator, **more)

    with torch.random.fork_rng(devices=[]):
        expected = seeded(torchs)
        assert_same(seeded(ours, values="torch"), expected)
        with ft.fast_init(values="torch"):
            assert_same(seeded(ours), expected)
        given = [torch.Generator().manual_seed(2) for _ in range(2)]
        assert_same(seeded(ours, generator=given[0], values="torch"), seeded(torchs, given[1]))
        assert torch.equal(given[0].get_state(), given[1].get_state())
    own = ours(generator=3)
    with ft.fast_init(values="torch"):
        assert_same(ours(generator=3), own)
        assert_same(ours(generator=3, values="fastinit"), own)
        for generator in (3, fi.default_rng(3)):
            with pytest.raises(TypeError, match=r"generator must be a torch.Generator or None with values='torch'"):
                ours(generator=generator, values="torch")


def test_blocks_nest_and_the_innermost_counts():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(6)
        plain = [torch.randn(140_000), torch.randn(7), torch.randn(140_000), torch.randperm(9)]
        with ft.fast_init(rng=2):
            own = torch.randn(140_000)
        torch.manual_seed(6)
        with ft.fast_init(rng=2):
            with ft.fast_init(values="torch"):
                got = [torch.randn(140_000), torch.randn(7)]
            assert_same(torch.randn(140_000), own)
            with ft.fast_init(values="torch"):
                got += [torch.randn(140_000), torch.randperm(9)]
        assert_same(got, plain)
        torch.manual_seed(6)
        with ft.fast_init(values="torch"):
            with ft.fast_init(rng=2):
                assert_same(torch.randn(140_000), own)
            assert_same(torch.randn(140_000), plain[0])


def test_an_unseen_copy_of_trunc_normal_is_torchs(manner):
    """Built of uniform_ and erfinv_: fastinit's own block makes one truncated fill of it; here it stays what it is."""

    def call():
        tensor = torch.empty(100, 100)
        with torch.no_grad():
            tensor.uniform_(-0.9545, 0.9545)
            tensor.erfinv_()
            tensor.mul_(0.02 * 2**0.5)
            tensor.clamp_(min=-0.04, max=0.04)
        return tensor

    assert_as_torch(call)


@pytest.mark.parametrize(
    ("name", "dtype", "count", "threads", "expected"),
    [
        ("uniform_", torch.float32, 1 << 16, 1, True),
        ("uniform_", torch.float64, (1 << 16) - 1, 2, False),
        ("normal_", torch.bfloat16, 1 << 17, 1, True),
        ("normal_", torch.float64, 1 << 21, 2, True),
        ("normal_", torch.float64, 1 << 21, 1, False),
        ("normal_", torch.float64, 1 << 20, 2, False),
    ],
)
def test_torch_makes_what_it_makes_faster(name, dtype, count, threads, expected, monkeypatch):
    """Small fills; and normal values of float64 in one thread, which come from the C library either way."""
    made = []
    kind = name.removesuffix("_")
    monkeypatch.setitem(proof.KINDS, kind, proof.KINDS[kind]._replace(make=lambda *_: made.append(1) or _refuse()))
    monkeypatch.setattr(proof, "proven", lambda *_: "any")
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.random.fork_rng(devices=[]), ft.fast_init(values="torch"):
            if expected:
                with pytest.raises(ZeroDivisionError):
                    getattr(torch.empty(count, dtype=dtype), name)()
            else:
                getattr(torch.empty(count, dtype=dtype), name)()
    finally:
        torch.set_num_threads(before)
    assert bool(made) == expected


def _refuse():
    raise ZeroDivisionError


@pytest.mark.nightly
def test_fake_tensors_stay_fake():
    from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode

    before = torch.get_rng_state()
    with FakeTensorMode(), ft.fast_init(values="torch"):
        fakes = [nn.Linear(100, 100).weight.data, torch.randn(140_000), torch.empty(140_000).normal_()]
    assert all(isinstance(fake, FakeTensor) for fake in fakes)
    assert torch.equal(torch.get_rng_state(), before)


def test_materialize_is_as_ever():
    """It names its values by parameters, whatever block it runs in."""

    def model():
        with torch.device("meta"):
            return nn.Linear(100, 100)

    with ft.fast_init(values="torch"):
        got = ft.materialize(model(), rng=1, progress=False)
    assert_same(list(got.parameters()), list(ft.materialize(model(), rng=1, progress=False).parameters()))
