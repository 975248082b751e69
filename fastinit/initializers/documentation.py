"""The docstring sections that all initialisers share."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from fastinit.arguments import docstrings

#: What a block costs: the block, all rows of its columns, or the whole array.
BlockCost = Literal["block", "columns", "whole"]

#: Entries for parameters that several initialisers have; a name without a text is part of the entry before it.
PARAMETERS = {
    "shape": """\
shape : int or sequence of int
    Shape of the whole array.
""",
    "gain": """\
gain : float
    Factor on the standard deviation, finite, at least 0.
""",
    "mode": """\
mode : {"fan_in", "fan_out", "fan_avg", "fan_geo_avg"}
    What n is: the inputs of one output, the outputs of one input, their mean, or their geometric mean. With "fan_in", values
    keep their variance on the way forward; with "fan_out", gradients on the way back.
""",
    "a": """\
a : float
    Slope of leaky_relu below 0; 0, the default, makes it relu.
""",
    "nonlinearity": """\
nonlinearity : str
    The nonlinearity after the layer, one of those that `gain` knows.
""",
    "dim": """\
dim : int
    Width of the model (the length of a token's vector), at least 1.
""",
    "n_layers": """\
n_layers : int
    Number of the model's blocks, at least 1.
""",
    "truncated": """\
truncated : bool
    False draws from the normal distribution. True truncates it at two standard deviations, and widens it first so that the
    standard deviation after truncation is the same.
""",
    "layout": """\
layout : {"out_in", "in_out", "depthwise"}
    Order of the axes, without those of `batch_axis`: [out, in, *kernel] (torch), [*kernel, in, out] (Keras, JAX), or
    [*kernel, channels, multiplier] (depthwise in Keras), where each channel is a layer of its own with one input.
""",
    "in_axis": """\
in_axis, out_axis : int or tuple of int, optional
    The axes of the inputs and of the outputs, in place of `layout`; give both or neither. Axes that are named by none of
    `in_axis`, `out_axis` and `batch_axis` belong to the kernel and count towards both fans.
""",
    "out_axis": "",
    "batch_axis": """\
batch_axis : int or tuple of int
    Axes of independent copies (experts, stacked layers); they count towards neither fan.
""",
    "groups": """\
groups : int
    Number of groups of a grouped convolution, at least 1; it must divide the outputs. The weight holds the inputs of one
    group and the outputs of all.
""",
    "rng": """\
rng : None, int, sequence of int, numpy.random.SeedSequence or fastinit.Generator
    The Generator to draw from, or a seed for `fastinit.default_rng`. A Generator advances by one call. None takes entropy
    from the system.
""",
    "dtype": docstrings.DTYPE,
    "out": docstrings.OUT,
    "index": "",
}
#: In place of the entry above, for initialisers without randomness.
CONSTANT_RNG = "rng : optional\n    Checked, but never drawn from.\n"
COSTS = {
    "block": "at the cost of the block",
    "columns": "at the cost of the block and of 32 bits for each row of the block's columns",
    "whole": "at the cost of the whole array, which is computed first",
}
RETURNS = """\
array or scalar
    `out`, or a new array of the block's shape; a scalar if `index` names one element and there is no `out`.
"""
ROUNDED = """\
The matrix is computed from random numbers that are the same everywhere. NumPy's matrix product, which computes it, may round
differently on another machine, with another BLAS library or another number of threads. So values agree to some 1e-6
(float32) or 1e-15 (float64) of the gain, not to the last bit.
"""


def entries_of(parameters: str) -> dict[str, str]:
    """The entries of a Parameters section, by each parameter's name."""
    entries = re.split(r"^(?=\w[\w, ]* :)", parameters, flags=re.MULTILINE)
    named = (entry.rstrip("\n") + "\n" for entry in entries if entry)
    return {name: entry for entry in named for name in entry.partition(" :")[0].split(", ")}


def document(docstring: str, names: Iterable[str], *, random: bool = True, block: BlockCost = "block") -> str:
    """The docstring of an initialiser with these parameters: the entries that it lacks and the shared sections are added."""
    summary, sections = docstrings.parsed(docstring)
    texts = PARAMETERS if random else PARAMETERS | {"rng": CONSTANT_RNG}
    texts = texts | {"out": docstrings.OUT.replace(COSTS["block"], COSTS[block])} | entries_of(sections.get("Parameters", ""))
    sections["Parameters"] = "".join(dict.fromkeys(texts[name] for name in names)).rstrip("\n")
    sections |= {"Returns": RETURNS.rstrip("\n"), "Raises": docstrings.RAISES.rstrip("\n")}
    if random:
        note = ROUNDED if block == "whole" else docstrings.DETERMINISM
        sections["Notes"] = "\n\n".join(filter(None, [sections.get("Notes"), note.rstrip("\n")]))
    return docstrings.rendered(summary, sections)
