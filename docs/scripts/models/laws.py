"""Compare the laws of a model's tensors, made in two ways with several seeds each."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

#: Level of each Kolmogorov-Smirnov test. The trial makes some 40,000: one false alarm in 2,500 runs.
ALPHA = 1e-8

#: Most values of a tensor that a test takes.
MOST = 1 << 15

#: So many values of a large tensor may be the same for two seeds by chance: there are some 2^24 of each law.
CHANCE = 2

State = dict[str, "np.ndarray[Any, Any]"]


def state_of(model: torch.nn.Module) -> State:
    """Every parameter, buffer and tensor in a plain attribute, by name: its shape and dtype, and at most MOST of its values."""
    found = {**dict(model.named_parameters(remove_duplicate=False)), **dict(model.named_buffers(remove_duplicate=False))}
    for prefix, module in model.named_modules():
        found |= {f"{prefix}.{key}": value for key, value in vars(module).items() if isinstance(value, torch.Tensor)}
    return {f"{name} {tuple(each.shape)} {each.dtype}": _some(each.detach()) for name, each in found.items()}


def _some(tensor: torch.Tensor) -> Any:
    values = tensor.cpu().reshape(-1)[:: tensor.numel() // MOST + 1]
    return (values.float() if tensor.dtype in (torch.float16, torch.bfloat16) else values).clone().numpy()


def faults(plain: list[State], ours: list[State]) -> Iterator[str]:
    """What differs, as sentences: names, shapes, dtypes, constants, laws, which tensors are equal."""
    for name in sorted(plain[0].keys() ^ ours[0].keys()):
        yield f"{name} is in one of them only"
    for name in plain[0].keys() & ours[0].keys():
        if plain[0][name].size:
            yield from _values(name, np.stack([each[name] for each in plain]), np.stack([each[name] for each in ours]))
    if _equal(plain[0]) != _equal(ours[0]):
        different = _equal(plain[0]) ^ _equal(ours[0])
        yield f"other tensors are equal to one another: {sorted(map(sorted, different))[:2]}"


def _values(name: str, plain: Any, ours: Any) -> Iterator[str]:
    """Compare the values of a tensor; the first axis counts the seeds."""
    fixed = _same(plain)
    if fixed.sum() <= CHANCE < fixed.size / 500:
        fixed[:] = False
    if fixed.any() and not np.allclose(ours[:, fixed], plain[:, fixed][:1], rtol=1e-5, atol=1e-7, equal_nan=True):
        yield f"{name} has other constants"
    drawn = ~fixed
    if drawn.any() and _same(ours)[drawn].mean() > 0.5 and drawn.sum() > 3:
        yield f"{name} is constant where the constructor draws"
    elif drawn.any():
        distance, most = _kolmogorov_smirnov(*(_sample(each[:, drawn]) for each in (plain, ours)))
        if distance > most:
            yield f"{name} has another law: distance {distance:.3f} > {most:.3f}"


def _same(values: Any) -> Any:
    """Where all seeds have one value."""
    return ((values == values[0]) | (np.isnan(values) & np.isnan(values[0]) if values.dtype.kind == "f" else False)).all(0)


def _sample(values: Any) -> Any:
    return np.sort(values.reshape(-1).real.astype(np.float64))


def _kolmogorov_smirnov(first: Any, second: Any) -> tuple[float, float]:
    """The distance of two sorted samples, and the one that equal laws exceed with probability ALPHA at most."""
    every = np.concatenate([first, second])
    distances = np.searchsorted(first, every, "right") / first.size - np.searchsorted(second, every, "right") / second.size
    size = first.size * second.size / (first.size + second.size)
    return float(np.abs(distances).max()), math.sqrt(math.log(2 / ALPHA) / (2 * size))


def _equal(state: State) -> set[frozenset[str]]:
    """The groups of tensors with the same bytes, leaving out those of one value."""
    groups: dict[Any, set[str]] = {}
    for name, values in state.items():
        if values.size > 1 and (values != values.flat[0]).any():
            key = values.shape, hashlib.sha256(np.ascontiguousarray(values).tobytes()).digest()
            groups.setdefault(key, set()).add(name)
    return {frozenset(names) for names in groups.values() if len(names) > 1}
