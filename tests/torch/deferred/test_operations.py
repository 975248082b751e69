"""Whatever a constructor does to a tensor, `materialize` does to the values that the tensor then has."""

import copy
import io
import pickle

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs PyTorch")

import torch
from torch import nn

import fastinit.torch as ft
from tests.torch.deferred.common import built

pytestmark = pytest.mark.filterwarnings("default")  # torch's own, about its compiler


class Derived(nn.Module):
    """A random tensor, and what is made of a copy of it."""

    def __init__(self, make, dtype):
        super().__init__()
        base = torch.empty(12, 10, dtype=dtype).uniform_(-1, 1)
        self.register_buffer("base", base.clone())
        self.register_buffer("derived", make(base.clone()))


def in_place(change):
    """A function that changes a tensor, as one that returns it."""

    def changed(x):
        change(x)
        return x

    return changed


def assigned(x, place, value):
    x[place] = value
    return x


def into(x, out):
    torch.mul(x, 2, out=out)
    return out


def written_by_numpy(x):
    array = x.numpy()
    x.mul_(2)
    array[1] = 4
    return x.add_(1)


def gradient(x):
    parameter = nn.Parameter(x)
    (parameter**2).sum().backward()
    return parameter.grad


def saved(x):
    """As constructors do that read their weights from a file."""
    file = io.BytesIO()
    torch.save(x, file)
    file.seek(0)
    return torch.load(file)


DERIVED = {
    "places": in_place(lambda x: x.view(-1)[::2].fill_(3)),
    "transposed": in_place(lambda x: x.T.copy_(torch.arange(120.0).view(10, 12))),
    "diagonal": in_place(lambda x: x.diagonal().zero_()),
    "strided": in_place(lambda x: x.as_strided((3, 3), (20, 2), 1).mul_(5)),
    "windows": in_place(lambda x: x.unfold(0, 3, 3)[0].zero_()),
    "chunk": in_place(lambda x: x.chunk(3)[1].zero_()),
    "rows": lambda x: assigned(x, torch.tensor([1, 3]), 0.0),
    "mask": lambda x: assigned(x, x > 0, 0.0),
    "scattered": in_place(lambda x: x.scatter_(0, torch.zeros(1, 10, dtype=torch.long), 7.0)),
    "row to row": in_place(lambda x: x[0].add_(x[1])),
    "overlap": in_place(lambda x: x[1:].copy_(x[:-1].clone())),
    "several": in_place(lambda x: torch._foreach_mul_([x], 2.0)),
    "bits": in_place(lambda x: x.view(torch.int32).bitwise_and_(0x7FFFFFFF)),
    "half words": in_place(lambda x: x.view(torch.int16)[:, ::2].zero_()),
    "chosen": lambda x: x[x > 0],
    "sorted": lambda x: x.sort(0).values,
    "singular values": lambda x: torch.linalg.svd(x)[1],
    "mean": lambda x: x - x.mean().item(),
    "list": lambda x: torch.tensor(x.tolist()),
    "from an array": lambda x: torch.from_numpy(x.numpy() * 2),
    "to an array": lambda x: torch.tensor(np.asarray(x) + 1),
    "written by NumPy": written_by_numpy,
    "new_tensor": lambda x: x.new_tensor([1.0, 2.0]) * x[0, :2],
    "out": lambda x: into(x, torch.empty(12, 10)),
    "itself as out": lambda x: into(x, x),
    "complex": lambda x: torch.view_as_complex(x.view(12, 5, 2)).mul_(1j),
    "to 8 bits": lambda x: x.to(torch.float8_e4m3fn).float(),
    "data": lambda x: nn.Parameter(torch.zeros(3)).data.set_(x * 2),
    "resized": lambda x: x.resize_(5, 10),
    "gradient": gradient,
    "mapped": lambda x: torch.vmap(lambda row: row * 2)(x),
    "deepcopy": copy.deepcopy,
    "pickled": lambda x: pickle.loads(pickle.dumps(x)),
    "a pickled parameter": lambda x: pickle.loads(pickle.dumps(nn.Parameter(x))).detach() * 2,
    "saved": saved,
    "printed": lambda x: x * bool(repr(x)),
    "a condition": lambda x: x * 2 if torch.equal(x, x.clone()) else x,
}
COMPLEX = {
    "conjugate": lambda z: z.conj(),
    "resolved conjugate": lambda z: z.conj().resolve_conj(),
    "conjugate of a part": lambda z: z.conj()[3:, 1] * 2,
    "imaginary part of a conjugate": lambda z: z.conj().imag.clone(),
    "written through a conjugate": in_place(lambda z: z.conj().mul_(1j)),
    "real part": in_place(lambda z: z.real.zero_()),
}
CASES = {name: (make, torch.float32) for name, make in DERIVED.items()}
CASES |= {name: (make, torch.complex64) for name, make in COMPLEX.items()}


@pytest.mark.parametrize("name", CASES)
def test_what_is_made_of_a_tensor(name):
    make, dtype = CASES[name]
    model = built(lambda: Derived(make, dtype))
    expected = make(model.base.clone())
    assert model.base.std() > 0.1
    assert model.derived.dtype == expected.dtype
    assert model.derived.stride() == expected.stride()
    assert torch.equal(model.derived, expected)


@pytest.mark.parametrize("change", [lambda x: x.mul_(torch.zeros(4)), lambda x: x.clamp_(), lambda x: x.copy_(torch.zeros(5))])
def test_a_wrong_step_is_an_error_at_once(change):
    with ft.deferred(0), pytest.raises((RuntimeError, ValueError)):  # ValueError: by torch's code for the meta device
        change(torch.zeros(3))


def test_a_block_inside_decides_its_fills():
    def parts():
        with ft.fast_init(3):
            return nn.Linear(40, 40), torch.randperm(9)

    with ft.deferred(0):
        outer, (inner, order) = nn.Linear(4, 4), parts()
        inner.order = order
        with pytest.raises(RuntimeError, match="must not be used in a deferred block"), ft.fast_init(values="torch"):
            torch.rand(3)
    ft.materialize(inner)
    expected, _ = parts()
    assert torch.equal(inner.weight, expected.weight)
    assert torch.equal(inner.bias, expected.bias)
    assert sorted(inner.order.tolist()) == list(range(9))
    assert torch.equal(ft.materialize(outer).weight, built(lambda: nn.Linear(4, 4)).weight)


def test_a_block_inside_makes_what_it_makes_alone():
    """Functions that do nothing on the meta device, those of `init`, and values that are needed at once."""

    def parts():
        model = nn.ParameterDict({name: torch.zeros(6, 6) for name in ("cut", "square", "own", "turned", "read")})
        with ft.fast_init(3):
            nn.init.trunc_normal_(model["cut"], std=0.5)
            nn.init.orthogonal_(model["square"])
            ft.init.normal_(model["own"])
            ft.init.orthogonal_(model["turned"])
            nn.init.normal_(model["read"])
            read = model["read"].tolist(), model["read"].sum().item(), model["read"].detach().numpy().copy()
        return model, read

    with ft.deferred(0):
        model, (rows, total, array) = parts()
    ft.materialize(model)
    expected, _ = parts()
    for name, tensor in expected.items():
        assert torch.equal(model[name], tensor), name
    assert torch.equal(torch.tensor(rows), expected["read"])
    assert np.array_equal(array, expected["read"].detach().numpy())
    assert total == pytest.approx(expected["read"].sum().item(), abs=1e-4)


def test_wrappers_of_the_whole_model_have_no_name():
    compiled = built(lambda: torch.compile(nn.Linear(4, 4)))
    assert torch.equal(compiled._orig_mod.weight, built(lambda: nn.Linear(4, 4)).weight)
    with torch.device("meta"):
        compiled = torch.compile(nn.Linear(4, 4))
    _, report = ft.materialize(compiled, 0, report=True)
    assert report["weight"].endswith("by reset_parameters of ''")
    assert list(report) == ["bias", "weight"]
    assert torch.equal(compiled._orig_mod.weight, built(lambda: nn.Linear(4, 4)).weight)
