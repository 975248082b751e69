"""The scope that notes operations on tensors without memory instead of doing them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

from fastinit.torch.filling.tensors import REALS
from fastinit.torch.recording import folding
from fastinit.torch.recording.at_once import AtOnce
from fastinit.torch.recording.notes import is_meta, like, require_strided
from fastinit.torch.recording.operations import (
    CONSTANTS,
    EMPTY,
    FACTORIES,
    FILLS,
    Operation,
    aten,
    call,
    describe,
    replaced,
    tensors_in,
)
from fastinit.torch.recording.steps import Memory, Ref, Step, memory_of, refs_in
from fastinit.torch.scopes.chains import STEPS
from fastinit.torch.scopes.random_operations import IN_PLACE

META, CPU = torch.device("meta"), torch.device("cpu")

#: Arguments about where a tensor is.
PLACES = ("device", "pin_memory")


class Recorder(AtOnce):
    """In the block, new tensors are on the meta device, and what is done to them is noted."""

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        self.is_inside, before = True, self.is_inside
        try:
            return self._dispatch(func, args, dict(kwargs or {}))
        finally:
            self.is_inside = before

    def _dispatch(self, func: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        if func in IN_PLACE:
            tensor, *parameters = args
            if self.try_fill(tensor, IN_PLACE[func](*parameters), options.get("generator"), func=func, args=args):
                return tensor
        elif func in FILLS and is_meta(args[0]):
            if self.may_write(args[0]):
                ref = self.ref(args[0])
                self.add(
                    Step(func, (ref, *args[1:]), {}, (ref,), constant=FILLS[func](*args), overwrites=True, label=self.label)
                )
            return args[0]
        operation = describe(func)
        if operation.is_view:
            return self._moved(func, args, options)
        written = self._written(operation, args, options)
        if not all(map(self.may_write, written)):
            return args[0]
        if not operation.has_device and not operation.is_random and not any(map(is_meta, _tensors(args, options))):
            return func(*args, **options)
        if operation.needs_values or options.get("generator") is not None or not all(map(is_meta, written)):
            return self._do(func, operation, args, options, written)
        return self._note(func, operation, args, options, written)

    def _moved(self, func: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """Do what changes no value. Memory that is there is noted with the values that it has."""
        if func is aten.lift_fresh.default and not is_meta(args[0]):
            return self.literal(args[0])
        if func is aten.set_.source_Storage_storage_offset and is_meta(args[0]) and args[1].device.type != "meta":
            tensor, storage, *geometry = args
            count = storage.nbytes() // tensor.dtype.itemsize
            values = torch.empty(0, dtype=tensor.dtype, device=storage.device).set_(storage, 0, (count,), (1,))
            return func(tensor, self.literal(values.cpu()).untyped_storage(), *geometry)
        return func(*args, **options)

    def _note(
        self, func: Any, operation: Operation, args: tuple[Any, ...], options: dict[str, Any], written: list[torch.Tensor]
    ) -> Any:
        noted = (
            self.noted(args, written),
            {name: self.noted(each, written) for name, each in options.items() if name not in PLACES},
        )
        targets = tuple(map(self.ref, written))
        try:
            result = _on_meta(func, operation, args, options)
        except NotImplementedError:  # torch cannot tell the result's shape
            return self._do(func, operation, args, options, written)
        step = Step(
            func, *noted, targets, constant=CONSTANTS[func](*args) if func in CONSTANTS else None,
            is_random=operation.is_random, is_pointwise=operation.is_pointwise and not operation.is_out,
            overwrites=operation.overwrites or (operation.is_out and _is_apart(targets[0], noted)),
            rng=self.rng, draw=self.draw() if operation.is_random else None, label=self.label,
        )  # fmt: skip
        if targets:
            folding.fold(step)
            self.add(step)
        for index, each in enumerate(tensors_in((result,))):
            require_strided(each)
            if is_meta(each) and memory_of(each) is None:
                self._made(step, each, index)
        return result

    def _made(self, step: Step, tensor: torch.Tensor, index: int) -> None:
        """Note the result of a step: memory that is filled afterwards, or that the step makes."""
        func = step.func
        is_fill = func in FACTORIES and tensor.dtype in REALS
        memory = self.kept(Memory(tensor, None if is_fill or func in EMPTY or func in CONSTANTS else step, index))
        if is_fill:
            self.note_fill(tensor, FACTORIES[func](*step.args), func, (tensor,), step.draw)
        elif func in CONSTANTS:
            ref = self.ref(tensor)
            memory.steps.append(Step(func, (ref,), {}, (ref,), constant=step.constant, overwrites=True, label=self.label))

    @staticmethod
    def _written(operation: Operation, args: tuple[Any, ...], options: dict[str, Any]) -> list[torch.Tensor]:
        return list(tensors_in(args[i] if i < len(args) else options.get(name) for i, name in operation.written))

    def _do(
        self, func: Any, operation: Operation, args: tuple[Any, ...], options: dict[str, Any], written: list[torch.Tensor]
    ) -> Any:
        """Do an operation now, with the values that its arguments have."""
        changed = {id(each): (each, self.adopt(each)) for each in written if is_meta(each)}

        def real(each: torch.Tensor) -> torch.Tensor:
            return changed[id(each)][1] if id(each) in changed else self.value(each) if is_meta(each) else each

        options = {**options, "device": CPU} if operation.has_device else options
        with torch.no_grad():
            result = call(func, args, options, torch.Tensor, real)
        for target in (self.ref(each) for each, _ in changed.values()):
            memory = target.memory
            memory.unset = memory.unset and not (operation.overwrites and target.is_whole)
        back = {id(value): each for each, value in changed.values()}
        return replaced(result, torch.Tensor, lambda each: back[id(each)] if id(each) in back else self.literal(each))


def _on_meta(func: Any, operation: Operation, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Run an operation without values, for its result's shape and for torch's errors."""
    numbers = (*args[1:], *options.values())
    is_certain = func in STEPS and args[0].dtype in REALS and all(map(_is_number, numbers))
    if is_certain and (numbers or func is not aten.clamp_.default):
        return args[0]  # no error is possible, and torch's own way takes a millisecond of Python
    if operation.has_device:
        options = {name: each for name, each in options.items() if name != "pin_memory"} | {"device": META}
    return call(func, args, options, torch.Tensor, lambda each: each if is_meta(each) else like(each))


def _is_apart(out: Ref, noted: tuple[Any, dict[str, Any]]) -> bool:
    """Whether an operation takes nothing from the memory of its argument `out`."""
    args, options = noted
    others = (*refs_in(args), *refs_in(each for name, each in options.items() if name != "out"))
    return all(each.memory is not out.memory for each in others)


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


def _tensors(args: Iterable[Any], options: dict[str, Any]) -> Iterable[torch.Tensor]:
    yield from tensors_in(args)
    yield from tensors_in(options.values())
