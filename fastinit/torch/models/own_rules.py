"""The initialisation rules of a model's modules, in the order in which its constructor would have used them."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from torch import nn

#: Parts of a qualified name that wrappers add.
WRAPPERS = ("_orig_mod", "_checkpoint_wrapped_module")


class ModuleRule(NamedTuple):
    """A rule, its name, and the module that it initialises. `on_meta`: whether constructors run it on the meta device too."""

    module: nn.Module
    name: str
    run: Callable[[], Any]
    on_meta: bool = True


def without_wrappers(name: str) -> str:
    """A qualified name without the parts that wrappers add."""
    if not any(wrapper in name for wrapper in WRAPPERS):
        return name
    return ".".join(part for part in name.split(".") if part not in WRAPPERS)


def prefix_of(name: str) -> str:
    """What comes before the names of a module's tensors; nothing for the whole model, also in a wrapper."""
    clean = without_wrappers(name)
    return f"{clean}." if clean else ""


def module_names(model: nn.Module) -> dict[nn.Module, str]:
    """Each module's name, the first in alphabetical order if it has several."""
    names: dict[nn.Module, str] = {}
    for name, module in model.named_modules(remove_duplicate=False):
        names[module] = min(without_wrappers(name), names.get(module, without_wrappers(name)))
    return names


def is_hugging_face(module: nn.Module) -> bool:
    """Whether a module is a model of transformers, which is not imported for this question."""
    models = sys.modules.get("transformers.modeling_utils")  # loaded by all of its models; the package itself loads on demand
    return models is not None and isinstance(module, models.PreTrainedModel)


def tied_targets(model: nn.Module) -> set[str]:
    """Names that Hugging Face ties to another one, whose module's rule counts."""
    targets: set[str] = set()
    if "transformers" not in sys.modules:
        return targets
    for name, module in model.named_modules(remove_duplicate=False):
        if is_hugging_face(module):
            prefix = f"{name}." if name else ""
            targets.update(without_wrappers(prefix + key) for key in getattr(module, "all_tied_weights_keys", None) or {})
    return targets


@functools.cache
def _method_accepts(method: Any, count: int) -> bool:
    try:
        inspect.signature(method).bind(*range(count))
    except (TypeError, ValueError):
        return False
    return True


def _accepts(function: Any, *arguments: Any) -> bool:
    """Whether a function can be called with these arguments. Each method of a class is looked at once."""
    if not callable(function):
        return False
    method = getattr(function, "__func__", None)
    if method is None:
        return _method_accepts.__wrapped__(function, len(arguments))
    return _method_accepts(method, len(arguments) + 1)


def module_rules(model: nn.Module) -> Iterator[ModuleRule]:
    """Children before parents; of one module first `reset_parameters`, then `_init_weights`.

    In Hugging Face models, the `_init_weights` of the nearest such model above a module initialises it, once. Elsewhere
    `_init_weights` is taken for the argument of `self.apply` in a constructor, and initialises all modules below.
    """
    return _walk(model, None, set())


def _walk(module: nn.Module, inherited: Any, seen: set[nn.Module]) -> Iterator[ModuleRule]:
    if module in seen:
        return
    seen.add(module)
    is_wrapper = any(wrapper in module._modules for wrapper in WRAPPERS)  # it has the methods of what is inside
    init_weights: Any = None if is_wrapper else getattr(module, "_init_weights", None)
    inherited = init_weights if is_hugging_face(module) else inherited
    for child in module.children():
        yield from _walk(child, inherited, seen)
    if is_wrapper:
        return
    for name in ("reset_parameters", "_reset_parameters"):
        if _accepts(getattr(module, name, None)):
            yield ModuleRule(module, name, getattr(module, name))
            break
    if inherited is not None:
        yield ModuleRule(module, "_init_weights", functools.partial(inherited, module), on_meta=False)
    elif _accepts(init_weights, module):
        for below in _children_first(module, set()):
            yield ModuleRule(below, "_init_weights", functools.partial(init_weights, below))
    elif _accepts(init_weights):
        yield ModuleRule(module, "_init_weights", init_weights)


def _children_first(module: nn.Module, seen: set[nn.Module]) -> Iterator[nn.Module]:
    if module not in seen:
        seen.add(module)
        for child in module.children():
            yield from _children_first(child, seen)
        yield module
