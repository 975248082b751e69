"""Rules are parsed and never evaluated; the first pattern that matches counts."""

import inspect
import math

import pytest

from fastinit.initializers import BY_NAME
from fastinit.initializers.rules import RESERVED, TensorRule, parse
from fastinit.safetensors.rules import DEFAULT, DEFAULT_RULES, Rules
from tests.initializers.table import CALLS

READ = {
    "zeros": ("zeros", {}),
    "zeros()": ("zeros", {}),
    " ones ( ) ": ("ones", {}),
    "truncated_normal(scale=0.02)": ("truncated_normal", {"scale": 0.02}),
    "truncated_normal(loc=.5, a=-3, b=inf)": ("truncated_normal", {"loc": 0.5, "a": -3, "b": math.inf}),
    "truncated_normal(scale=0.02, a=-inf, b=1e-3)": ("truncated_normal", {"scale": 0.02, "a": -math.inf, "b": 1e-3}),
    "normal(loc=1)": ("normal", {"loc": 1}),
    "uniform(low=-0.1, high=0.1)": ("uniform", {"low": -0.1, "high": 0.1}),
    "constant(value=true)": ("constant", {"value": True}),
    "xavier_uniform(gain=2)": ("xavier_uniform", {"gain": 2}),
    "glorot_normal(gain=2, truncated=True)": ("glorot_normal", {"gain": 2, "truncated": True}),
    "he_normal(a=0.2, mode=fan_out, nonlinearity='relu')": ("he_normal", {"a": 0.2, "mode": "fan_out", "nonlinearity": "relu"}),
    "variance_scaling(bounds=(-1, 1.5), in_axis=none)": ("variance_scaling", {"bounds": (-1, 1.5), "in_axis": None}),
    'lecun_normal(layout="in_out", batch_axis=(0,))': ("lecun_normal", {"layout": "in_out", "batch_axis": (0,)}),
    "sparse(sparsity=0.1)": ("sparse", {"sparsity": 0.1}),
    "wang_init(dim=512, n_layers=12)": ("wang_init", {"dim": 512, "n_layers": 12}),
}


@pytest.mark.parametrize("text", READ)
def test_text(text):
    name, arguments = READ[text]
    assert parse(text) == TensorRule(name, tuple(arguments.items()))
    assert parse(text) == parse({"init": name, **arguments})
    assert parse(str(parse(text))) == parse(text)  # what messages show can be given again
    assert parse(parse(text)) == parse(text)


def test_objects_write_pairs_and_infinities_as_json_can():
    rule = parse({"init": "truncated_normal", "a": "-inf", "b": "inf"})
    assert dict(rule.arguments) == {"a": -math.inf, "b": math.inf}
    assert dict(parse({"init": "variance_scaling", "bounds": [-1, "inf"]}).arguments) == {"bounds": (-1, math.inf)}


@pytest.mark.parametrize("name", CALLS)
def test_every_initializer_has_rules(name):
    arguments = CALLS[name][1]
    assert dict(parse({"init": name, **arguments}).arguments) == arguments
    text = f"{name}({', '.join(f'{key}={value!r}' for key, value in arguments.items())})"
    assert parse(text) == parse({"init": name, **arguments})


WRONG = {
    "": "a rule must be a name, or a call",
    "zero": "a rule must name one of ",
    "__import__('os')": "a rule must name one of ",
    "zeros.__class__": "a rule must be a name, or a call",
    "zeros(": "a rule must be a name, or a call",
    "zeros)(": "a rule must be a name, or a call",
    "zeros() + 1": "a rule must be a name, or a call",
    "zeros(1)": r"a rule must give its arguments by name; it has no others; got 'zeros\(1\)'",
    "normal(1,,2)": "a rule must be a name, or a call",
    "normal(1 2)": "a rule must be a name, or a call",
    "normal(scale=)": "a rule must be a name, or a call",
    "normal(scale=1, scale=2)": "'scale' must be given once",
    "normal(loc=1, 2)": "positional argument follows keyword argument",
    "normal(0.02)": r"by name; write loc=0.02 or scale=0.02; its keywords are loc, scale; got 'normal\(0.02\)'",
    "normal(1, scale=2)": "by name; write loc=1 or scale=1",
    "xavier_uniform(0)": "by name; write gain=0; its keywords are gain, layout, ",
    "nothing(1)": "a rule must name one of ",
    "normal(mean=1)": "normal takes loc, scale; got 'mean'",
    "ones(value=1)": "ones takes no arguments; got 'value'",
    "normal(rng=1)": "got 'rng'",
    "normal(index=1)": "got 'index'",
    "sparse": "sparse needs sparsity",
    "wang_init(dim=512)": "wang_init needs n_layers",
    "normal(((1)))": "a rule must give its arguments by name",
    "normal(" + "1" * 5000 + ")": "a rule must be a name, or a call",
    "variance_scaling(bounds=(" + "a" * 900: "a rule must be a name, or a call",
}


@pytest.mark.parametrize("text", WRONG, ids=lambda text: text[:30])
def test_wrong_text(text):
    with pytest.raises(ValueError, match=WRONG[text]):
        parse(text)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (3, "a rule must be text or an object"),
        (None, "a rule must be text or an object"),
        (["zeros"], "a rule must be text or an object"),
        ({}, "the name of an initialiser or a law under 'init'"),
        ({"init": 3}, "a rule must name one of"),
        ({"init": ["zeros"]}, "a rule must name one of"),
        ({"init": "normal(1)"}, "a rule must name one of"),
        ({"init": "normal", "out": 3}, "got 'out'"),
        ({"init": "normal", 3: 3}, "got 3"),
    ],
)
def test_wrong_objects(rule, message):
    with pytest.raises((TypeError, ValueError), match=message):
        parse(rule)


def test_reserved_names_are_those_of_every_initializer():
    for function in BY_NAME.values():
        assert set(RESERVED) <= set(inspect.signature(function).parameters)


def test_the_first_match_counts():
    rules = Rules(
        {"b": "ones"},
        {"*.bias": "zeros", "a.*": "constant(value=2)", "[xy].w?": "constant(value=3)"},
        default="constant(value=4)",
    )
    for name, rule in {
        "b": "ones()",
        "a.bias": "zeros()",
        "a.weight": "constant(value=2)",
        "A.weight": "constant(value=4)",
        "x.w1": "constant(value=3)",
        "x.weight": "constant(value=4)",
        "": "constant(value=4)",
    }.items():
        assert str(rules.choose(name)) == rule
    assert rules.used == {"b", "*.bias", "a.*", "[xy].w?"}


def test_a_pattern_that_is_the_name_matches_it():
    assert str(Rules({"layers[0].w": "ones"}).choose("layers[0].w")) == "ones()"


def test_long_patterns_end():
    rules = Rules({"*a" * 200 + "b": "ones"})
    assert rules.choose("a" * 2000) == rules.default


def test_messages_name_the_pattern():
    with pytest.raises(ValueError, match=r"rules: '\*\.bias': a rule must name one of"):
        Rules({"*.bias": "zero"})
    with pytest.raises(TypeError, match="rules must have patterns of type str; got 3"):
        Rules({3: "zeros"})
    with pytest.raises(ValueError, match="default: a rule must name one of"):
        Rules({}, default="gauss")


def test_the_rules_where_none_are_given():
    rules = Rules(DEFAULT_RULES)
    expected = {
        "zeros()": ["lm_head.bias", "bias", "h.0.ln_1.bias", "norm.bias", "bn1.running_mean", "bn1.num_batches_tracked"],
        "ones()": [
            "model.norm.weight",
            "h.0.ln_1.weight",
            "bert.LayerNorm.weight",
            "x_norm.weight",
            "ln_f.weight",
            "norm1.running_var",
        ],
        str(parse(DEFAULT)): ["model.embed_tokens.weight", "lm_head.weight", "h.0.attn.c_attn.weight", "weight"],
    }
    for rule, names in expected.items():
        assert {str(rules.choose(name)) for name in names} == {rule}
    assert str(parse(DEFAULT)) == "truncated_normal(scale=0.02)"
