"""The ends of error messages: what was got, and which of the allowed words is probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

#: Words of other libraries, and the word that is meant here.
MEANINGS = {
    "gaussian": "normal",
    "randn": "normal",
    "trunc_normal": "truncated_normal",
    "rand": "uniform",
    "randint": "integers",
    "log_normal": "lognormal",
    "half": "float16",
    "float": "float32",
    "double": "float64",
    "fp8": "float8_e4m3fn",
    "--std": "--scale",
    "--stddev": "--scale",
    "--sigma": "--scale",
    "--mean": "--loc",
    "--size": "--shape",
    "--min": "--low",
    "--max": "--high",
    "--overwrite": "--force",
}


def shown(value: Any) -> str:
    """The value as an error message shows it; Python refuses to print integers of more than 4,300 digits."""
    try:
        return repr(value)
    except ValueError:
        number = isinstance(value, int)
        return f"an int of {value.bit_length()} bits" if number else f"a {type(value).__name__} with an int too long to print"


def hint(word: str, allowed: Iterable[str]) -> str:
    """The end of an error message: which of the allowed words is probably meant, if any."""
    words = list(allowed)
    near = [MEANINGS[word]] if MEANINGS.get(word) in words else difflib.get_close_matches(word, words, 1, 0.5)
    return f"; did you mean {near[0]}?" if near else ""
