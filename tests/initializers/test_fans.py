"""Fans of every layout against numbers by hand and against a count of connections; wrong arguments."""

import ast
import itertools
import re
from pathlib import Path

import numpy as np
import pytest

from fastinit.initializers.fan import LAYOUTS, fans

PAGE = Path(__file__).parents[2] / "docs/initializers.md"
BY_HAND = [
    ((5, 7), {}, (7, 5)),
    ((5, 7), {"layout": "in_out"}, (5, 7)),
    ((64, 32, 3, 3), {}, (288, 576)),
    ((3, 3, 32, 64), {"layout": "in_out"}, (288, 576)),
    ((2, 3, 4, 5, 6), {"layout": "in_out"}, (120, 144)),
    ((2, 3, 4, 5, 6), {}, (360, 240)),
    ((8, 64, 32), {"batch_axis": 0}, (32, 64)),
    ((8, 32, 64), {"batch_axis": 0, "layout": "in_out"}, (32, 64)),
    ((64, 32, 8), {"batch_axis": -1}, (32, 64)),
    ((2, 8, 64, 32, 5), {"batch_axis": (0, 1)}, (160, 320)),
    ((12, 8, 64), {"in_axis": -1, "out_axis": (0, 1)}, (64, 96)),
    ((12, 8, 64, 3), {"in_axis": (0, 1), "out_axis": 2}, (288, 192)),
    ((12, 8, 64, 3), {"in_axis": 0, "out_axis": 2, "batch_axis": [1]}, (36, 192)),
    ((9,), {"in_axis": 0, "out_axis": ()}, (9, 1)),
    ((9,), {"in_axis": (), "out_axis": 0}, (1, 9)),
    (9, {"in_axis": (), "out_axis": ()}, (9, 9)),
    ((), {"in_axis": (), "out_axis": ()}, (1, 1)),
    ((64, 8, 3, 3), {"groups": 4}, (72, 144)),
    ((3, 3, 8, 64), {"groups": 4, "layout": "in_out"}, (72, 144)),
    ((64, 1, 5), {"groups": 32}, (5, 10)),
    ((5, 32, 2), {"layout": "depthwise"}, (5, 10)),
    ((32, 2), {"layout": "depthwise"}, (1, 2)),
    ((768, 12, 64), {"in_axis": 0, "out_axis": (1, 2)}, (768, 768)),
    ((6, 3, 3, 32, 2), {"layout": "depthwise", "batch_axis": 0}, (9, 18)),
    ((0, 7), {}, (7, 0)),
    ((5, 0, 3), {}, (0, 15)),
    ((5, 7, 0), {}, (0, 0)),
    ((2**40, 2**20), {}, (2**20, 2**40)),
]


@pytest.mark.parametrize(("shape", "keywords", "expected"), BY_HAND)
def test_by_hand(shape, keywords, expected):
    result = fans(shape, **keywords)
    assert result == expected
    assert result.fan_in == expected[0]
    assert result.fan_out == expected[1]
    assert all(type(n) is int for n in result)


def connections(outputs, inputs, kernel, groups):
    """How often each output of a one-dimensional convolution, far from its ends, reads each input."""
    pairs = np.zeros((outputs, inputs), int)
    for o, i in itertools.product(range(outputs), range(inputs)):
        pairs[o, i] = kernel * (o // (outputs // groups) == i // (inputs // groups))
    return pairs


@pytest.mark.parametrize(("outputs", "inputs", "groups"), [(6, 4, 1), (6, 4, 2), (12, 6, 3), (4, 4, 4), (8, 4, 4)])
def test_groups_against_a_count_of_connections(outputs, inputs, groups):
    pairs = connections(outputs, inputs, 3, groups)
    (fan_in,), (fan_out,) = set(pairs.sum(axis=1)), set(pairs.sum(axis=0))
    assert fans((outputs, inputs // groups, 3), groups=groups) == (fan_in, fan_out)
    assert fans((3, inputs // groups, outputs), groups=groups, layout="in_out") == (fan_in, fan_out)
    if groups == inputs:
        assert fans((3, inputs, outputs // groups), layout="depthwise") == (fan_in, fan_out)


REFUSED = [
    (ValueError, ("shape", "at least 2 axes", "out_in", "got 1"), (5,), {}),
    (ValueError, ("shape", "at least 2 axes", "got 0"), (), {}),
    (ValueError, ("shape", "at least 2 axes", "besides 2 batch axes", "got 3"), (5, 6, 7), {"batch_axis": (0, 1)}),
    (ValueError, ("layout", "'out_in', 'in_out', 'depthwise'", "'torch'"), (5, 7), {"layout": "torch"}),
    (TypeError, ("layout", "'out_in'", "None"), (5, 7), {"layout": None}),
    (ValueError, ("in_axis and out_axis", "together"), (5, 7), {"in_axis": 0}),
    (ValueError, ("in_axis and out_axis", "together"), (5, 7), {"out_axis": 0}),
    (ValueError, ("must not share",), (5, 7), {"in_axis": 0, "out_axis": -2}),
    (ValueError, ("must not share",), (5, 7, 8), {"in_axis": 0, "out_axis": 1, "batch_axis": (2, 1)}),
    (ValueError, ("must not share",), (5, 7, 8), {"in_axis": (0, 0), "out_axis": 1}),
    (ValueError, ("in_axis", "[-2, 2)", "got 2"), (5, 7), {"in_axis": 2, "out_axis": 0}),
    (ValueError, ("out_axis", "[-2, 2)", "got -3"), (5, 7), {"in_axis": 1, "out_axis": -3}),
    (ValueError, ("batch_axis", "[-2, 2)", "got 9"), (5, 7), {"batch_axis": 9}),
    (TypeError, ("in_axis", "int or a tuple of ints", "1.0"), (5, 7), {"in_axis": 1.0, "out_axis": 0}),
    (TypeError, ("out_axis", "int or a tuple of ints", "'0'"), (5, 7), {"in_axis": 1, "out_axis": "0"}),
    (TypeError, ("batch_axis", "True"), (5, 7, 3), {"batch_axis": True}),
    (TypeError, ("batch_axis", "None"), (5, 7, 3), {"batch_axis": None}),
    (ValueError, ("groups", "divide the 5 outputs", "got 2"), (5, 7), {"groups": 2}),
    (ValueError, ("groups", "at least 1", "got 0"), (5, 7), {"groups": 0}),
    (ValueError, ("groups", "at least 1", "got -5"), (5, 7), {"groups": -5}),
    (TypeError, ("groups", "must be an int", "1.0"), (5, 7), {"groups": 1.0}),
    (TypeError, ("groups", "must be an int", "True"), (5, 7), {"groups": True}),
    (TypeError, ("shape", "'57'"), "57", {}),
    (TypeError, ("shape", "None"), None, {}),
    (ValueError, ("shape", "negative"), (5, -7), {}),
]


@pytest.mark.parametrize(("kind", "words", "shape", "keywords"), REFUSED)
def test_refused(kind, words, shape, keywords):
    with pytest.raises(kind) as caught:
        fans(shape, **keywords)
    assert [word for word in words if word not in str(caught.value)] == [], str(caught.value)


def test_the_table_of_the_documentation():
    """Each row has a shape, keywords and both fans; the keywords are parsed as Python and not run."""
    rows = re.findall(r"^\|.*?(\[[\d, ]+\]) \| (.*?) \| (\d+) \| (\d+) \|$", PAGE.read_text(), re.MULTILINE)
    assert len(rows) == 10
    for shape, words, fan_in, fan_out in rows:
        written = "".join(re.findall(r"`([^`]*=[^`]*)`", words))
        call = ast.parse(f"f({written})", mode="eval").body
        keywords = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
        assert fans(ast.literal_eval(shape), **keywords) == (int(fan_in), int(fan_out)), shape


def test_layouts_are_all_tested():
    assert {keywords.get("layout", "out_in") for _, keywords, _ in BY_HAND} == set(LAYOUTS)
