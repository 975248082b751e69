"""The dispatch mode that sends a thread's random fills to fastinit inside `fast_init` and `materialize`."""

from __future__ import annotations

import abc
import threading
from collections.abc import Callable
from typing import Any, Self

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from fastinit.generator import Generator
from fastinit.torch import fills
from fastinit.torch.filling import can_fill_in_place, fill_tensor, is_served
from fastinit.torch.fills import Fill
from fastinit.torch.generators import generator_of
from fastinit.torch.shards import local_part
from fastinit.torch.tensors import real_of, require_writable

aten = torch.ops.aten

#: In-place operations: the fill for their arguments after the tensor.
IN_PLACE: dict[Any, Callable[..., Fill]] = {
    aten.uniform_.default: lambda a=0.0, b=1.0: fills.uniform(a, b),
    aten.normal_.default: lambda mean=0.0, std=1.0: fills.normal(mean, std),
}

_RAND = (aten.rand.default, aten.rand.generator, aten.rand_like.default, aten.rand_like.generator)
_RANDN = (aten.randn.default, aten.randn.generator, aten.randn_like.default, aten.randn_like.generator)

#: Operations that make a tensor: its size, or the tensor that it is like, and the fill.
FACTORIES: dict[Any, Callable[..., tuple[Any, Fill]]] = {
    **dict.fromkeys(_RAND, lambda like: (like, fills.uniform(0.0, 1.0))),
    **dict.fromkeys(_RANDN, lambda like: (like, fills.normal(0.0, 1.0))),
    aten.normal.float_float: lambda mean, std, size: (size, fills.normal(mean, std)),
}


class _Stack(threading.local):
    def __init__(self) -> None:
        self.scopes: list[Scope] = []


_stack = _Stack()


def current() -> Scope | None:
    """The innermost scope that this thread is in."""
    return _stack.scopes[-1] if _stack.scopes else None


class Scope(TorchDispatchMode, abc.ABC):  # type: ignore[misc]
    """A `with` block in which this thread's random fills take their values from `generator`."""

    #: Whether fills of a tensor are the scope's.
    takes = staticmethod(can_fill_in_place)

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # else torch imports its compiler at the first operation, which takes a second

    @abc.abstractmethod
    def generator(self, tensor: torch.Tensor) -> Generator:
        """The Generator whose next call fills the tensor."""

    def fill(self, tensor: torch.Tensor, fill: Fill) -> None:
        """Fill a tensor that the scope takes."""
        fill_tensor(tensor, fill, self.generator(tensor))

    def run(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run an operation that is not a fill of this scope."""
        return func(*args, **kwargs)

    def __enter__(self) -> Self:
        _truncation.install()
        _stack.scopes.append(self)
        super().__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        try:
            super().__exit__(*error)
        finally:
            _stack.scopes = [scope for scope in _stack.scopes if scope is not self]
            _truncation.remove()

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        options = dict(kwargs or {})
        if func in IN_PLACE:
            tensor, *parameters = args
            if self.try_fill(tensor, IN_PLACE[func](*parameters), options.get("generator")):
                return tensor
        elif func in FACTORIES:
            tensor = self._try_make(*FACTORIES[func](*args), **options)
            if tensor is not None:
                return tensor
        return self.run(func, args, options)

    def try_fill(self, tensor: torch.Tensor, fill: Fill, generator: Any) -> bool:
        """Fill the tensor and return True, or return False for a tensor or parameters that are left to torch.

        `generator` is the caller's own, if there is one.
        """
        if not self.takes(tensor):
            return False
        try:
            fill.plan(real_of(local_part(tensor)))
        except (TypeError, ValueError):
            return False  # torch has errors of its own for such parameters, or values
        require_writable(tensor)
        if generator is None:
            self.fill(tensor, fill)
        else:
            fill_tensor(tensor, fill, generator_of(generator))
        return True

    def _try_make(self, like: Any, fill: Fill, generator: Any = None, **options: Any) -> torch.Tensor | None:
        is_like = isinstance(like, torch.Tensor)
        if not is_served(torch.device(options.get("device") or (like.device if is_like else "cpu"))):
            return None
        tensor = torch.empty_like(like, **options) if is_like else torch.empty(like, **options)
        return tensor if self.try_fill(tensor, fill, generator) else None


class _Truncation:
    """Makes `torch.nn.init.trunc_normal_` one truncated fill in threads that are in a scope.

    torch's own draws normal or uniform values and transforms them, and the mode would only see these draws. Many modules import
    `trunc_normal_` by name, so this replaces the function inside it, while any thread is in a scope.
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
        """Restore torch's function after the last scope. If somebody has wrapped ours, it stays, and calls torch's."""
        with self.lock:
            self.users -= 1
            if self.users == 0 and self.installed and getattr(torch.nn.init, self.NAME) == self.fill:
                setattr(torch.nn.init, self.NAME, self.original)
                self.installed = False

    def fill(self, tensor: Any, mean: Any, std: Any, a: Any, b: Any, generator: Any = None) -> Any:
        """Fill, with the signature of torch's inner function."""
        scope = current()
        if scope is not None and isinstance(tensor, torch.Tensor):
            with torch.no_grad():
                if scope.try_fill(tensor, fills.truncated_normal(mean, std, a, b), generator):
                    torch.autograd.graph.increment_version(tensor)
                    return tensor
        return self.original(tensor, mean, std, a, b, generator=generator)


_truncation = _Truncation()
