"""Which of the allowed words is probably meant by a wrong one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

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


def hint(word: str, allowed: Iterable[str]) -> str:
    """The end of an error message: which of the allowed words is probably meant, if any."""
    words = list(allowed)
    near = [MEANINGS[word]] if MEANINGS.get(word) in words else difflib.get_close_matches(word, words, 1, 0.5)
    return f"; did you mean {near[0]}?" if near else ""
