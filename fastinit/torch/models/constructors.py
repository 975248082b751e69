"""What a constructor did to its parameters beyond the rules that can be run again."""

from __future__ import annotations

import ast
import functools
import inspect
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from torch import nn

from fastinit.torch.models.own_rules import is_hugging_face

#: Names of rules: methods that a constructor runs, and that can be run again.
RULES = ("reset_parameters", "_reset_parameters", "_init_weights")

#: A write through one of these leaves no trace on the meta device: `weight.data.zero_()`, or functions that do nothing there.
TRACELESS = frozenset({"data", "trunc_normal_", "_no_grad_trunc_normal_", "orthogonal_", "sparse_", "dirac_", "set_"})

#: Make a tensor that is not on the meta device, whatever the default device.
UNINITIALISED = re.compile(r"^(Float|Double|Half|BFloat16|)Tensor$")

#: Any write, and copies of modules.
WRITES = re.compile(r"^(?!requires_grad_$|share_memory_$|to_$|__)[a-z]\w*[a-z0-9]_$|^deepcopy$|^_get_clones$")

FOREIGN = frozenset({"torch", "numpy", *sys.stdlib_module_names})


def is_foreign(function: Any) -> bool:
    """Whether a function or class belongs to Python, NumPy, torch or the common part of transformers: its code is not read."""
    package, _, rest = (getattr(function, "__module__", None) or "builtins").partition(".")
    return package in FOREIGN or (package == "transformers" and not rest.startswith("models."))


@functools.cache
def names_in(function: FunctionType) -> frozenset[str]:
    """The names of globals and attributes in a function's code."""

    def codes(code: CodeType) -> Iterator[CodeType]:
        yield code
        for each in code.co_consts:
            if isinstance(each, CodeType):
                yield from codes(each)

    return frozenset(name for code in codes(function.__code__) for name in code.co_names)


def plain_function(value: Any) -> FunctionType | None:
    """The function behind a method, a static method or a decorator."""
    value = inspect.unwrap(value) if callable(value) else getattr(value, "__func__", None)
    value = value.__func__ if isinstance(value, MethodType) else value
    return value if isinstance(value, FunctionType) and not is_foreign(value) else None


class Reader:
    """Reads the code that a model's constructors can reach, without running it."""

    def __init__(self, classes: Iterable[type]) -> None:
        self.methods: dict[str, set[FunctionType]] = {}
        for base in {base for cls in classes for base in cls.__mro__ if not is_foreign(base)}:
            for name, value in vars(base).items():
                function = plain_function(value)
                if function is not None:
                    self.methods.setdefault(name, set()).add(function)

    def names(self, functions: Iterable[FunctionType], skipped: tuple[str, ...] = ()) -> frozenset[str]:
        """All names in these functions and in what they call. Methods with a skipped name are not read."""
        seen: set[FunctionType] = set()
        waiting, found = list(functions), set[str]()
        while waiting:
            function = waiting.pop()
            if function in seen:
                continue
            seen.add(function)
            names = names_in(function)
            found |= names
            for name in names.difference(skipped):
                waiting.extend(self._called(function, name, names))
        return frozenset(found)

    def _called(self, function: FunctionType, name: str, names: frozenset[str]) -> Iterator[FunctionType]:
        value = function.__globals__.get(name)
        if isinstance(value, ModuleType) and not value.__name__.startswith(("torch", "numpy")):
            yield from filter(None, (plain_function(vars(value).get(each)) for each in names))
        elif value is not None and not isinstance(value, type):
            yield from filter(None, [plain_function(value)])
        if name not in ("__init__", "forward"):
            yield from self.methods.get(name, ())


def initialisers(cls: type) -> list[FunctionType]:
    """The constructors of a class and its bases."""
    return [function for base in cls.__mro__ if (function := plain_function(vars(base).get("__init__"))) is not None]


def ends_with_apply(cls: type) -> bool:
    """Whether the constructor ends with `self.apply(self._init_weights)`."""
    try:
        (definition,) = ast.parse(textwrap.dedent(inspect.getsource(cls.__init__))).body  # type: ignore[misc]
        last = ast.unparse(definition.body[-1])  # type: ignore[attr-defined]
    except (OSError, TypeError, SyntaxError, ValueError):
        return False
    return last == "self.apply(self._init_weights)"


class Constructors:
    """Finds modules whose constructors may have written what the rules do not write."""

    def __init__(self, model: nn.Module, sharded: bool) -> None:
        self.reader = Reader({type(module) for module in model.modules()})
        self.pattern = WRITES if sharded else None
        self._reasons: dict[type, str | None] = {}
        self._names: dict[type, frozenset[str]] = {}

    def reason(self, module: nn.Module) -> str | None:
        """Why a module's constructor may have given its parameters other values than the rules; None if it did not."""
        cls = type(module)
        if cls not in self._reasons:
            self._reasons[cls] = self._find_in_torch(module) if is_foreign(cls) else self._find(module)
        return self._reasons[cls]

    def _find_in_torch(self, module: nn.Module) -> str | None:
        copies = self.pattern is not None and isinstance(module, nn.TransformerEncoder | nn.TransformerDecoder)
        return f"the constructor of {type(module).__name__} copies a layer" if copies else None

    def _find(self, module: nn.Module) -> str | None:
        cls, own = type(module), self._constructor(type(module))
        hidden = self._hidden(own)
        if hidden:
            return f"the constructor of {cls.__name__} uses {hidden[0]}"
        for name in RULES:
            rule = plain_function(getattr(cls, name, None))
            if rule is None or (name == "_init_weights" and is_hugging_face(module)):
                continue
            is_run = name in own if name != "_init_weights" else ends_with_apply(cls)
            if not is_run and self._hidden(self.reader.names([rule])):
                return f"{name} of {cls.__name__} may not be what its constructor ends with"
        if is_hugging_face(module) and "post_init" not in own:
            return f"the constructor of {cls.__name__} does not run post_init"
        return None

    def makes_uninitialised(self, module: nn.Module) -> bool:
        """Whether a module's constructor makes tensors that ignore the meta device and have no values."""
        return not is_foreign(type(module)) and any(map(UNINITIALISED.match, self._constructor(type(module))))

    def _constructor(self, cls: type) -> frozenset[str]:
        if cls not in self._names:
            self._names[cls] = self.reader.names(initialisers(cls), RULES)
        return self._names[cls]

    def _hidden(self, names: frozenset[str]) -> list[str]:
        """The names that write without a trace."""
        return sorted(name for name in names if name in TRACELESS or (self.pattern is not None and self.pattern.match(name)))
