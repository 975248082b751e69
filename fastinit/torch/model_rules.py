"""The initialisation rules that a model brings along, in the order in which its constructor would have used them."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from torch import nn

#: Parts of a qualified name that wrappers add and that do not belong to the model.
WRAPPERS = ("_orig_mod", "_checkpoint_wrapped_module")


class Rule(NamedTuple):
    """A rule, and the module that it is for."""

    module: nn.Module
    run: Callable[[], Any]


def clean(name: str) -> str:
    """A qualified name without what wrappers add."""
    return ".".join(part for part in name.split(".") if part not in WRAPPERS)


def module_names(model: nn.Module) -> dict[nn.Module, str]:
    """Each module's name; the first in alphabetical order where it has several."""
    names: dict[nn.Module, str] = {}
    for name, module in model.named_modules(remove_duplicate=False):
        names[module] = min(clean(name), names.get(module, clean(name)))
    return names


def is_pretrained(module: nn.Module) -> bool:
    """Whether a module is a Hugging Face model, which only is possible once somebody has imported them."""
    transformers = sys.modules.get("transformers")
    return transformers is not None and isinstance(module, transformers.PreTrainedModel)


def tied_targets(model: nn.Module) -> set[str]:
    """Names that Hugging Face ties to another one, whose module's rule is the one that counts."""
    found: set[str] = set()
    for name, module in model.named_modules(remove_duplicate=False):
        if is_pretrained(module):
            prefix = f"{name}." if name else ""
            found.update(clean(prefix + target) for target in getattr(module, "all_tied_weights_keys", None) or {})
    return found


def _takes(function: Any, *arguments: Any) -> bool:
    if not callable(function):
        return False
    try:
        inspect.signature(function).bind(*arguments)
    except (TypeError, ValueError):
        return False
    return True


def rules_of(model: nn.Module) -> Iterator[Rule]:
    """Children before parents; of one module first `reset_parameters`, then `_init_weights`.

    In Hugging Face models the `_init_weights` of the nearest model above a module serves it, once. Elsewhere it is taken for
    what a constructor hands to `self.apply`, and serves all modules below.
    """
    return _walk(model, None, set())


def _walk(module: nn.Module, inherited: Any, seen: set[nn.Module]) -> Iterator[Rule]:
    if module in seen:
        return
    seen.add(module)
    rule: Any = getattr(module, "_init_weights", None)
    pretrained = rule if is_pretrained(module) else inherited
    for child in module.children():
        yield from _walk(child, pretrained, seen)
    for name in ("reset_parameters", "_reset_parameters"):
        if _takes(getattr(module, name, None)):
            yield Rule(module, getattr(module, name))
            break
    if pretrained is not None:
        yield Rule(module, functools.partial(pretrained, module))
    elif _takes(rule, module):
        for below in _children_first(module, set()):
            yield Rule(below, functools.partial(rule, below))
    elif _takes(rule):
        yield Rule(module, rule)


def _children_first(module: nn.Module, seen: set[nn.Module]) -> Iterator[nn.Module]:
    if module not in seen:
        seen.add(module)
        for child in module.children():
            yield from _children_first(child, seen)
        yield module
