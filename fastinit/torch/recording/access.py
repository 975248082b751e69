"""Access to a tensor's memory that does not pass torch's dispatcher, while a Recorder is in use."""

from __future__ import annotations

import threading
from typing import Any

import torch

from fastinit.torch.recording.operations import replaced
from fastinit.torch.recording.steps import memory_of
from fastinit.torch.scopes.stack import current

_Base = torch._C.TensorBase

#: Methods that only read.
READING = ("tolist", "__reduce_ex__")

#: The device of a tensor, whatever a Recorder tells.
true_device = _Base.device.__get__


def _recorder(tensor: torch.Tensor) -> Any:
    """The Recorder of this thread, if it notes what is done to the tensor."""
    scope = current()
    is_recorder = hasattr(scope, "adopt") and not scope.is_inside and torch._C._len_torch_dispatch_stack()
    is_noted = is_recorder and true_device(tensor).type == "meta" and memory_of(tensor) is not None
    return scope if is_noted else None


def _is_meta(tensor: torch.Tensor) -> bool:
    """False for a tensor whose steps are noted: `torch.nn.init.orthogonal_` and others do nothing on the meta device."""
    return bool(_Base.is_meta.__get__(tensor)) and not _is_asked(tensor)


def _device(tensor: torch.Tensor) -> torch.device:
    """The CPU for a tensor whose steps are noted."""
    own = true_device(tensor)
    return torch.device("cpu") if own.type == "meta" and _is_asked(tensor) else own


def _is_asked(tensor: torch.Tensor) -> bool:
    recorder = _recorder(tensor)
    if recorder is not None:
        recorder.asked_for_memory()
    return recorder is not None


def _method(name: str) -> Any:
    original = getattr(torch.Tensor, name)

    def method(self: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        recorder = _recorder(self)
        if recorder is None:
            return original(self, *args, **kwargs)
        with torch._C._DisableTorchDispatch():  # the Recorder would note what is done here
            return original(recorder.value(self) if name in READING else recorder.adopt(self), *args, **kwargs)

    return method


def _constructor(name: str) -> Any:
    original = getattr(torch, name)

    def construct(data: Any, *args: Any, **kwargs: Any) -> torch.Tensor:
        scope = current()
        if hasattr(scope, "adopt") and type(data) in (list, tuple):
            with torch._C._DisableTorchDispatch():
                data = replaced(data, torch.Tensor, lambda each: each if _recorder(each) is None else scope.value(each))
        result: torch.Tensor = original(data, *args, **kwargs)
        return result

    return construct


def _new_tensor(original: Any) -> Any:
    def new_tensor(self: torch.Tensor, data: Any, *, dtype: Any = None, device: Any = None, **options: Any) -> torch.Tensor:
        if _recorder(self) is None:
            return original(self, data, dtype=dtype, device=device, **options)  # type: ignore[no-any-return]
        return torch.tensor(data, dtype=dtype or self.dtype, device=device, **options)

    return new_tensor


class _Access:
    """Replaces attributes of torch and torch.Tensor while any thread records."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.users = 0
        self.replacements = {
            (torch.Tensor, "is_meta"): property(_is_meta),
            (torch.Tensor, "device"): property(_device),
            **{(torch.Tensor, name): _method(name) for name in (*READING, "numpy", "data_ptr", "__dlpack__")},
            (torch.Tensor, "new_tensor"): _new_tensor(_Base.new_tensor),
            **{(torch, name): _constructor(name) for name in ("tensor", "as_tensor")},
        }
        self.originals = {place: vars(place[0])[place[1]] for place in self.replacements if place[1] in vars(place[0])}

    def install(self) -> None:
        with self.lock:
            self.users += 1
            if self.users == 1:
                for (owner, name), replacement in self.replacements.items():
                    setattr(owner, name, replacement)

    def remove(self) -> None:
        with self.lock:
            self.users -= 1
            if self.users == 0:
                for place in self.replacements:
                    if place in self.originals:
                        setattr(*place, self.originals[place])
                    else:
                        delattr(*place)


_access = _Access()
install, remove = _access.install, _access.remove
