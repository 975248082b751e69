"""What `fastinit.torch.init` refuses: the error names the argument, nothing is written, no generator advances."""

import re
import subprocess
import sys

import pytest

pytest.importorskip("torch", reason="needs PyTorch")

import torch
import torch.utils._python_dispatch

import fastinit as fi
import fastinit.torch as ft

init = ft.init

#: Name, arguments after a 4 x 4 tensor, the error, and how its message starts.
REFUSED = [
    ("uniform_", (2.0, 1.0), ValueError, "a must be at most b; got a=2.0, b=1.0"),
    ("uniform_", (float("nan"), 1.0), ValueError, "a must not be NaN"),
    ("uniform_", (0.0, float("inf")), ValueError, "b must be finite"),
    ("uniform_", (-3e38, 3e38), ValueError, "b - a must be finite"),
    ("uniform_", ("0", 1.0), TypeError, "a must be a real number"),
    ("normal_", (0.0, -1.0), ValueError, "std must be at least 0"),
    ("normal_", (float("inf"),), ValueError, "mean must be finite"),
    ("normal_", (0.0, 1j), TypeError, "std must be a real number"),
    ("trunc_normal_", (0.0, 1.0, 2.0, -2.0), ValueError, "a must be less than b"),
    ("trunc_normal_", (0.0, 0.0, 1.0, 2.0), ValueError, "mean must lie in [a, b] where std is 0; got mean=0.0, a=1.0, b=2.0"),
    ("trunc_normal_", (0.0, 1.0, 1 + 1e-9, 1 + 2e-9), ValueError, "a and b must have a float32 between them"),
    ("xavier_uniform_", (-1.0,), ValueError, "gain must be finite and at least 0"),
    ("xavier_normal_", ("1",), TypeError, "gain must be a real number"),
    ("kaiming_uniform_", (0, "fan"), ValueError, "mode must be one of 'fan_in', 'fan_out'"),
    ("kaiming_normal_", (0, None), TypeError, "mode must be one of 'fan_in', 'fan_out'"),
    ("kaiming_normal_", (0, "fan_in", "swish"), ValueError, "Unsupported nonlinearity swish"),
    ("orthogonal_", (float("inf"),), ValueError, "gain must be finite"),
    ("sparse_", (1.5,), ValueError, "sparsity must be in [0, 1]"),
    ("sparse_", (0.5, -1.0), ValueError, "std must be at least 0"),
]


@pytest.mark.parametrize(("name", "arguments", "error", "message"), REFUSED)
def test_wrong_values(name, arguments, error, message):
    for generator in (fi.default_rng(0), torch.Generator().manual_seed(0)):
        is_torch = isinstance(generator, torch.Generator)
        before = generator.get_state() if is_torch else generator.state
        tensor = torch.full((4, 4), 7.0)
        version = tensor._version
        with pytest.raises(error, match="^" + re.escape(message)):
            getattr(init, name)(tensor, *arguments, generator=generator)
        assert (tensor == 7).all()
        assert tensor._version == version
        assert torch.equal(generator.get_state(), before) if is_torch else generator.state == before


def wrapped():
    class Wrapped(torch.Tensor):
        @classmethod
        def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
            return func(*args, **(kwargs or {}))

    return Wrapped._make_wrapper_subclass(Wrapped, (3, 3))


TENSORS = {
    "an array": (lambda: [[1.0]], "tensor must be a torch.Tensor; got list"),
    "integers": (lambda: torch.zeros(3, 3, dtype=torch.int32), "tensor must have one of the dtypes"),
    "complex": (lambda: torch.zeros(3, 3, dtype=torch.complex64), "tensor must have one of the dtypes"),
    "8 bits": (lambda: torch.zeros(3, 3, dtype=torch.float8_e5m2), "tensor must have one of the dtypes"),
    "sparse": (lambda: torch.eye(3).to_sparse(), "tensor must be a dense tensor"),
    "pending sign": (lambda: torch.zeros(3, 3, dtype=torch.complex64).conj().imag, "tensor must be a dense tensor"),
    "wrapper": (wrapped, "tensor must be a dense tensor"),
}


@pytest.mark.parametrize("name", ["uniform_", "normal_", "trunc_normal_", "xavier_normal_", "kaiming_uniform_"])
@pytest.mark.parametrize("kind", TENSORS)
def test_tensors_that_cannot_be_filled(name, kind):
    make, message = TENSORS[kind]
    generator = torch.Generator().manual_seed(0)
    before = generator.get_state()
    with pytest.raises(TypeError, match="^" + message):
        getattr(init, name)(make(), generator=generator)
    assert torch.equal(generator.get_state(), before)


def test_a_function_transform_is_refused():
    with pytest.raises(TypeError, match="tensor must have memory of its own"):
        torch.func.vmap(lambda x: init.normal_(x, generator=0))(torch.zeros(2, 3))


@pytest.mark.parametrize("name", ["uniform_", "normal_", "trunc_normal_", "orthogonal_"])
def test_overlapping_memory(name):
    row = torch.zeros(4)
    for tensor in (row.expand(3, 4), torch.zeros(6).as_strided((3, 3), (1, 1))):
        with pytest.raises(ValueError, match="tensor must not overlap itself"):
            getattr(init, name)(tensor, generator=0)
        assert not tensor.any()
    with pytest.raises(RuntimeError):
        torch.nn.init.uniform_(row.expand(3, 4))


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("xavier_uniform_", (3,), "tensor must have at least 2 dimensions"),
        ("kaiming_normal_", (3,), "tensor must have at least 2 dimensions"),
        ("orthogonal_", (3,), "tensor must have at least 2 dimensions"),
        ("eye_", (3, 3, 3), "tensor must have 2 dimensions; got 3"),
        ("dirac_", (3, 3), "tensor must have 3 or 4 or 5 dimensions; got 2"),
    ],
)
def test_wrong_dimensions(name, shape, message):
    with pytest.raises(ValueError, match="^" + message):
        getattr(init, name)(torch.zeros(shape))
    with pytest.raises(ValueError, match="dimensions"):
        getattr(torch.nn.init, name)(torch.zeros(shape))
    with pytest.raises(ValueError, match="tensor must have 2 dimensions; got 1"):
        init.sparse_(torch.zeros(3), 0.5)


@pytest.mark.parametrize("generator", ["0", 1.5, object()])
def test_wrong_generators(generator):
    with pytest.raises(TypeError, match=r"^generator must be a fastinit\.Generator, a torch\.Generator, a seed"):
        init.normal_(torch.zeros(3), generator=generator)
    with pytest.raises(ValueError, match=r"^generator must hold non-negative integers"):
        init.normal_(torch.zeros(3), generator=-1)


def test_without_torch_the_error_names_the_extra():
    script = """
import sys
sys.modules["torch"] = None
import fastinit
assert not any(name.startswith("fastinit.torch") for name in sys.modules)
try:
    import fastinit.torch
except ImportError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "pip install 'fastinit-kernels[torch]'" in done.stdout
