"""Access to a tensor's memory that does not pass torch's dispatcher, while a Recorder is in use."""

from __future__ import annotations

import functools
from typing import Any

import torch

from fastinit.torch.recording.operations import replaced
from fastinit.torch.recording.steps import memory_of
from fastinit.torch.scopes.replacement import Replacement
from fastinit.torch.scopes.stack import current, noting

_Base = torch._C.TensorBase

#: Methods that only read.
READING = ("tolist", "__reduce_ex__")

#: The device of a tensor, whatever a Recorder tells.
true_device = _Base.device.__get__


def _recorder(tensor: torch.Tensor) -> Any:
    """The Recorder of this thread, if it notes what is done to the tensor."""
    recorder = noting(tensor)
    is_active = recorder is not None and not recorder.is_inside and torch._C._len_torch_dispatch_stack()
    return recorder if is_active and memory_of(tensor) is not None else None


def _is_meta(original: Any) -> property:
    """False for a tensor whose steps are noted: `torch.nn.init.orthogonal_` and others do nothing on the meta device."""
    return property(lambda tensor: bool(original.__get__(tensor)) and not _is_asked(tensor))


def _device(original: Any) -> property:
    """The CPU for a tensor whose steps are noted."""

    def device(tensor: torch.Tensor) -> torch.device:
        own: torch.device = original.__get__(tensor)
        return torch.device("cpu") if own.type == "meta" and _is_asked(tensor) else own

    return property(device)


def _is_asked(tensor: torch.Tensor) -> bool:
    recorder = _recorder(tensor)
    if recorder is not None:
        recorder.asked_for_memory()
    return recorder is not None


def _method(name: str, original: Any) -> Any:
    def method(self: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        recorder = _recorder(self)
        if recorder is None:
            return original(self, *args, **kwargs)
        with torch._C._DisableTorchDispatch():  # the Recorder would note what is done here
            return original(recorder.value(self) if name in READING else recorder.adopt(self), *args, **kwargs)

    return method


def _constructor(original: Any) -> Any:
    def real(tensor: torch.Tensor) -> torch.Tensor:
        recorder = _recorder(tensor)
        return tensor if recorder is None else recorder.value(tensor)  # type: ignore[no-any-return]

    def construct(data: Any, *args: Any, **kwargs: Any) -> torch.Tensor:
        if current() is not None and type(data) in (list, tuple):
            with torch._C._DisableTorchDispatch():
                data = replaced(data, torch.Tensor, real)
        result: torch.Tensor = original(data, *args, **kwargs)
        return result

    return construct


def _new_tensor(original: Any) -> Any:
    def new_tensor(self: torch.Tensor, data: Any, *, dtype: Any = None, device: Any = None, **options: Any) -> torch.Tensor:
        if _recorder(self) is None:
            return original(self, data, dtype=dtype, device=device, **options)  # type: ignore[no-any-return]
        return torch.tensor(data, dtype=dtype or self.dtype, device=device, **options)

    return new_tensor


#: Attributes of torch and torch.Tensor that are replaced while any thread records.
REPLACEMENTS = (
    Replacement(torch.Tensor, "is_meta", _is_meta),
    Replacement(torch.Tensor, "device", _device),
    *(
        Replacement(torch.Tensor, name, functools.partial(_method, name))
        for name in (*READING, "numpy", "data_ptr", "__dlpack__")
    ),
    Replacement(torch.Tensor, "new_tensor", _new_tensor),
    *(Replacement(torch, name, _constructor) for name in ("tensor", "as_tensor")),
)


def install() -> None:
    """Begin to record."""
    for replacement in REPLACEMENTS:
        replacement.install()


def remove() -> None:
    """End it."""
    for replacement in REPLACEMENTS:
        replacement.remove()
