"""Noise on the parameters of a model, each by its name: added, taken away again, never stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import numpy as np
import torch
from torch import nn

from fastinit.arguments import checks
from fastinit.arguments.dtypes import Real
from fastinit.distributions import sums
from fastinit.distributions.law import Plan
from fastinit.generator import Generator, default_rng
from fastinit.laws import normal
from fastinit.laws.distribution import Distribution, require
from fastinit.torch.filling.fills import as_torch_has
from fastinit.torch.filling.shards import local_part
from fastinit.torch.filling.tensors import array_of, real_of, require_writable
from fastinit.torch.filling.writing import fill_tensor, require_fillable
from fastinit.torch.inplace import writing
from fastinit.torch.models.own_rules import tied_targets, without_wrappers

Model = TypeVar("Model", bound="nn.Module | Mapping[str, torch.Tensor]")

STANDARD_NORMAL = normal()
#: Steps in which NumPy looks for an element that two views share.
MOST_WORK = 100_000


class Noise:
    """Values of a law that are added, times a factor: the plan for each dtype is made, and checked, once."""

    adds = True

    def __init__(self, law: Distribution, scale: float) -> None:
        self.law = law
        self.scale = scale
        self._plans: dict[str, Plan] = {}

    def plan(self, real: Real) -> Plan:
        """The plan of a sum for a dtype."""
        plan = self._plans.get(real.name)
        if plan is None:
            plan = self._plans[real.name] = self._sum(real)
        return plan

    def _sum(self, real: Real) -> Plan:
        values = sums.terms(real, True)
        if values.name not in self.law.dtype_names:
            raise TypeError(f"law must have values of {values.name}; got {self.law!r}, of {', '.join(self.law.dtype_names)}")
        factor = checks.finite("scale", self.scale, real)
        return sums.adding(self.law.plan(values), factor, real.name, real)

    def draw(self, rng: Generator, real: Real, size: Any = None, out: Any = None, index: Any = None) -> Any:
        """Add to `out` with one call of a Generator."""
        with as_torch_has():
            return rng._draw(self.plan(real), real.name, real.dtype, size, out, index)


def perturb(model: Model, rng: Any, scale: float, *, law: Distribution | None = None) -> Model:
    """Add `scale` times random values to parameters in place, each parameter's by its qualified name.

    The same `rng` and `-scale` take the same noise away again. Noise is made where it is added: there is no temporary.

    Parameters
    ----------
    model : torch.nn.Module or mapping of str to torch.Tensor
        A module stands for all its parameters. If some of them require a gradient and others do not, give a dict of those to
        perturb, such as `{name: p for name, p in model.named_parameters() if p.requires_grad}`. Tensors are float32, float64,
        float16 or bfloat16, on the CPU or an accelerator, with any strides, or DTensors of such parts.
    rng : int, sequence of int, numpy.random.SeedSequence or fastinit.Generator
        Decides the values: a seed, or the seed and path of a Generator, which does not advance.
    scale : float
        Factor of the values, finite, of any sign.
    law : fastinit.laws.Distribution, optional
        What to draw, such as `fastinit.laws.rademacher()`. None draws standard normals.

    Returns
    -------
    torch.nn.Module or mapping
        `model`.

    Raises
    ------
    TypeError, ValueError
        For a wrong argument, or a parameter that cannot be perturbed, such as two that are different views of the same
        memory; then nothing is written.
    RuntimeError
        For an inference tensor outside inference mode, as in torch.

    Notes
    -----
    The parameter `name` becomes what `rng.child(name).draw(law, out=parameter, add=scale)` makes of it: each sum
    w + scale * value is computed in float32 (float64 for float64) and rounded once to the dtype. Values depend on the seed, the
    path, the name, the element's index in the whole parameter, `law` and the computing type. They do not depend on the rest of
    the model, on threads, strides, device or shards. Parts of names that `torch.compile` and checkpoint wrappers add do not
    count. Parameters that are tied are perturbed once, by the first of their names in alphabetical order, as in `materialize`.

    Taking noise away restores most weights, not all bits of all weights: each sum is rounded. `docs/noise.md` has numbers, and
    ways to lose nothing.

    Use another seed or path than that of the weights: `materialize(model, rng=0)` draws a normal weight from the same
    `rng.child(name)`, so `perturb(model, 0, scale)` would add multiples of these very values.

    Autograd does not record the change, but a backward pass that saved the old values raises.

    Examples
    --------
    Two losses of a model, on both sides of where it is, along the noise of step 7:

    >>> import torch, fastinit as fi, fastinit.torch as ft
    >>> with ft.fast_init(rng=0):
    ...     model = torch.nn.Linear(10, 1)
    >>> before, rng = model.weight.clone(), fi.default_rng(1).child("step 7")
    >>> up = ft.perturb(model, rng, 0.01)(torch.ones(10)).item()
    >>> down = ft.perturb(model, rng, -0.02)(torch.ones(10)).item()
    >>> torch.allclose(ft.perturb(model, rng, 0.01).weight, before, atol=1e-7)
    True
    """
    generator = _generator(rng)
    noise = Noise(STANDARD_NORMAL if law is None else require(law), checks.number("scale", scale))
    named = _named(model)
    for name, parameter in named:
        _check(name, parameter, noise)
    untied = list(_untied(named))
    _refuse_overlaps([(name, local_part(parameter)) for name, parameter in untied])
    for name, parameter in untied:
        with writing(parameter):
            fill_tensor(parameter, noise, generator.child(name))
    return model


def _generator(rng: Any) -> Generator:
    """The Generator of a seed. Neither None nor a torch.Generator would give the same noise again."""
    wanted = "rng must be a fastinit.Generator or a seed (an int or a sequence of ints), so that the noise can be drawn again"
    if rng is None:
        raise TypeError(f"{wanted}; got None")
    try:
        return default_rng(rng)
    except TypeError:
        raise TypeError(f"{wanted}; got {type(rng).__name__} {rng!r}") from None
    except ValueError:
        raise ValueError(f"rng must hold non-negative integers; got {rng!r}") from None


def _named(model: Any) -> list[tuple[str, Any]]:
    """The tensors to perturb with all their names, the one that decides first."""
    targets: set[str] = set()
    if isinstance(model, nn.Module):
        named = list(model.named_parameters(remove_duplicate=False))
        _refuse_partly_frozen(named)
        targets = tied_targets(model)
    elif isinstance(model, Mapping):
        named = list(model.items())
    else:
        raise TypeError(f"model must be a torch.nn.Module or a mapping of names to tensors; got {type(model).__name__}")
    for name, tensor in named:
        if not isinstance(name, str) or not isinstance(tensor, torch.Tensor):
            raise TypeError(f"model must map names to tensors; got {name!r}: {type(tensor).__name__}")
    plain = [(without_wrappers(name), tensor) for name, tensor in named]
    return sorted(plain, key=lambda pair: (pair[0] in targets, pair[0]))


def _refuse_partly_frozen(named: list[tuple[str, Any]]) -> None:
    frozen = [name for name, parameter in named if not parameter.requires_grad]
    if 0 < len(frozen) < len(named):
        raise ValueError(
            f"model must not be partly frozen; got parameters that require no gradient ({_some(frozen)}) beside others. "
            "Give a dict of those to perturb, such as {name: p for name, p in model.named_parameters() if p.requires_grad}"
        )


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _check(name: str, parameter: torch.Tensor, noise: Noise) -> None:
    """Raise if `fill_tensor` would."""
    try:
        require_fillable(parameter)
        require_writable(parameter)
        noise.plan(real_of(local_part(parameter)))
    except (TypeError, ValueError, RuntimeError) as error:
        raise type(error)(f"{error} (parameter {name!r})") from None


def _untied(named: list[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Those of the tensors that have elements, each memory once."""
    seen = set()
    for name, tensor in named:
        part = local_part(tensor)
        memory = (part.data_ptr(), part.shape, part.stride(), part.dtype)
        if part.numel() and memory not in seen:
            seen.add(memory)
            yield name, tensor


def _refuse_overlaps(untied: list[tuple[str, torch.Tensor]]) -> None:
    """Refuse views of one memory that differ: an element of several would get the noise of each."""
    parts = sorted(((part.data_ptr(), name, part) for name, part in untied), key=lambda each: each[0])
    before: list[tuple[int, str, torch.Tensor]] = []
    for begin, name, part in parts:
        before = [each for each in before if each[0] > begin]
        for _, other, tensor in before:
            if _share(tensor, part):
                raise ValueError(f"model must not hold different views of one memory; {other} and {name} overlap")
        places = sum((size - 1) * stride for size, stride in zip(part.shape, part.stride(), strict=True))
        before.append((begin + (places + 1) * part.element_size(), name, part))


def _share(one: torch.Tensor, two: torch.Tensor) -> bool:
    try:
        return np.shares_memory(array_of(one), array_of(two), max_work=MOST_WORK)  # type: ignore[arg-type]
    except np.exceptions.TooHardError:
        return True
