"""What a block does to its thread: a dispatch mode of torch hands random fills to it, below autograd."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from fastinit.generator import Generator
from fastinit.torch import fills as laws
from fastinit.torch import generators as sources
from fastinit.torch.filling import fill, held, is_served
from fastinit.torch.fills import Law
from fastinit.torch.tensors import dtype_of, require_writable, written

aten = torch.ops.aten

#: In-place fills: the law that the arguments after the tensor name.
FILLS: dict[Any, Callable[..., Law]] = {
    aten.uniform_.default: lambda a=0.0, b=1.0: laws.uniform(a, b),
    aten.normal_.default: lambda mean=0.0, std=1.0: laws.normal(mean, std),
}


def _uniform(size: Any) -> tuple[Any, Law]:
    return size, laws.uniform(0.0, 1.0)


def _normal(size: Any) -> tuple[Any, Law]:
    return size, laws.normal(0.0, 1.0)


#: Functions that make a tensor: its size, or the tensor it is like, and the law.
FACTORIES: dict[Any, Callable[..., tuple[Any, Law]]] = {
    aten.rand.default: _uniform,
    aten.rand.generator: _uniform,
    aten.rand_like.default: _uniform,
    aten.rand_like.generator: _uniform,
    aten.randn.default: _normal,
    aten.randn.generator: _normal,
    aten.randn_like.default: _normal,
    aten.randn_like.generator: _normal,
    aten.normal.float_float: lambda mean, std, size: (size, laws.normal(mean, std)),
}


class FillMode(TorchDispatchMode):  # type: ignore[misc]
    """Hands the random fills of its thread to `fill`, and everything else to `other`."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # else torch imports its compiler at the first operation, which takes a second

    def takes(self, tensor: Any) -> bool:
        """Whether fills of a tensor are the block's."""
        return is_served(tensor)

    def fill(self, tensor: torch.Tensor, law: Law) -> None:
        """Fill a tensor that is taken, by a law that has been checked."""
        raise AssertionError("each mode has its own")  # pragma: no cover

    def generator(self, tensor: torch.Tensor) -> Generator:
        """The Generator whose next call fills the tensor."""
        raise AssertionError("each mode has its own")  # pragma: no cover

    def other(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Carry out an operation that is torch's."""
        return func(*args, **kwargs)

    def __enter__(self) -> FillMode:
        _truncation.install()
        sources.enter(self)
        super().__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        try:
            super().__exit__(*error)
        finally:
            sources.leave(self)
            _truncation.remove()

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        options = dict(kwargs or {})
        if func in FILLS:
            tensor, *parameters = args
            if self.serve(tensor, FILLS[func](*parameters), options.get("generator")):
                return tensor
        elif func in FACTORIES:
            made = self._make(*FACTORIES[func](*args), options)
            if made is not None:
                return made
        return self.other(func, args, options)

    def serve(self, tensor: torch.Tensor, law: Law, generator: Any) -> bool:
        """Fill the tensor, unless it or the law is torch's matter; a generator of the caller's own decides its values."""
        if not self.takes(tensor):
            return False
        try:
            law.check(dtype_of(held(tensor)))
        except (TypeError, ValueError):
            return False  # torch has its own words, or values, for such arguments
        require_writable(tensor)
        if generator is None:
            self.fill(tensor, law)
        else:
            fill(tensor, law, sources.generator_of(generator))
        return True

    def _make(self, like: Any, law: Law, options: dict[str, Any]) -> torch.Tensor | None:
        generator = options.get("generator")
        options = {name: value for name, value in options.items() if name != "generator"}
        device = like.device if isinstance(like, torch.Tensor) else torch.device("cpu")
        if torch.device(options.get("device") or device).type != "cpu":
            return None
        made = torch.empty_like(like, **options) if isinstance(like, torch.Tensor) else torch.empty(like, **options)
        return made if self.serve(made, law, generator) else None


class _Truncation:
    """Makes `torch.nn.init.trunc_normal_` one truncated fill, in threads that are in a block.

    The mode would only see the normal and uniform fills that it redraws with. The public function is bound by name in many
    modules; all of these call the inner one, which is replaced while any thread is in a block.
    """

    NAME = "_no_grad_trunc_normal_"

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.users = 0
        self.installed = False
        self.original: Any = None

    def install(self) -> None:
        with self.lock:
            self.users += 1
            if not self.installed and hasattr(torch.nn.init, self.NAME):
                self.original = getattr(torch.nn.init, self.NAME)
                setattr(torch.nn.init, self.NAME, self.fill)
                self.installed = True

    def remove(self) -> None:
        """Put torch's own back behind the last block, unless somebody has wrapped ours: then it stays, and does nothing."""
        with self.lock:
            self.users -= 1
            if self.users == 0 and self.installed and getattr(torch.nn.init, self.NAME) == self.fill:
                setattr(torch.nn.init, self.NAME, self.original)
                self.installed = False

    def fill(self, tensor: Any, mean: Any, std: Any, a: Any, b: Any, generator: Any = None) -> Any:
        """torch's inner function, with its signature."""
        mode = sources.current()
        if isinstance(mode, FillMode) and isinstance(tensor, torch.Tensor):
            with torch.no_grad():
                if mode.serve(tensor, laws.truncated_normal(mean, std, a, b), generator):
                    written(tensor)
                    return tensor
        return self.original(tensor, mean, std, a, b, generator=generator)


_truncation = _Truncation()
