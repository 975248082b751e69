"""Rules by patterns: which initialiser fills the tensors whose names match."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from typing import Any

from fastinit.initializers.rules import TensorRule, parse

#: The rule of a tensor that no pattern matches.
DEFAULT = "truncated_normal(scale=0.02)"

#: The rules of a specification without rules: biases 0 and norms 1, as nearly all models begin.
DEFAULT_RULES = {
    "*.bias": "zeros",
    "bias": "zeros",
    "*running_mean": "zeros",
    "*running_var": "ones",
    "*num_batches_tracked": "zeros",
    "*[Nn]orm*": "ones",
    "*.ln_*": "ones",
    "ln_*": "ones",
}


def _row(pattern: Any, rule: Any) -> tuple[str, TensorRule]:
    if not isinstance(pattern, str):
        raise TypeError(f"rules must have patterns of type str; got {pattern!r}")
    try:
        return pattern, parse(rule)
    except (TypeError, ValueError) as error:
        raise type(error)(f"rules: {pattern!r}: {error}") from None


class Rules:
    """Patterns and their rules, from one or more mappings; the first pattern that matches a name counts."""

    def __init__(self, *rows: Mapping[str, Any], default: Any = DEFAULT) -> None:
        self.rows = [_row(pattern, rule) for part in rows for pattern, rule in part.items()]
        try:
            self.default = parse(default)
        except (TypeError, ValueError) as error:
            raise type(error)(f"default: {error}") from None
        self.used: set[str] = set()

    def choose(self, name: str) -> TensorRule:
        """The rule of a name: that of the first pattern that equals it or matches it as in a shell."""
        for pattern, rule in self.rows:
            if pattern == name or fnmatch.fnmatchcase(name, pattern):
                self.used.add(pattern)
                return rule
        return self.default
