"""`init_tree`: structure, streams by name, errors that name the tensor, the progress bar."""

import sys
from functools import partial
from types import MappingProxyType

import ml_dtypes
import numpy as np
import pytest

import fastinit as fi
from fastinit import initializers
from fastinit.initializers import tree as trees

SPEC = {
    "embedding": ((50, 8), "truncated_normal", "bfloat16"),
    "blocks": {
        "0": {"wq": ((8, 8), initializers.xavier_uniform, np.float32), "bias": (8, "zeros", "float16")},
        "1": {"wq": ((8, 8), initializers.xavier_uniform, np.float32), "bias": (8, "ones")},
    },
    "head": [(8, 50), partial(initializers.he_normal, nonlinearity="linear"), "float64"],
}


def same(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def test_tree():
    tree = fi.init_tree(SPEC, 5)
    assert list(tree) == list(SPEC)
    assert list(tree["blocks"]) == ["0", "1"]
    assert tree["embedding"].dtype == ml_dtypes.bfloat16
    assert tree["blocks"]["0"]["bias"].dtype == np.float16
    assert tree["blocks"]["1"]["bias"].tolist() == [1.0] * 8
    assert tree["blocks"]["1"]["bias"].dtype == np.float32
    assert tree["head"].dtype == np.float64
    assert not same(tree["blocks"]["0"]["wq"], tree["blocks"]["1"]["wq"])


def test_each_tensor_is_keyed_by_its_full_name():
    rng = fi.default_rng(5)
    tree = fi.init_tree(SPEC, rng)
    assert rng.state["calls"] == 0
    alone = initializers.xavier_uniform((8, 8), rng=rng.child("blocks.1.wq"))
    assert same(tree["blocks"]["1"]["wq"], alone)
    assert same(tree["head"], initializers.he_normal((8, 50), nonlinearity="linear", rng=rng.child("head"), dtype="float64"))


def test_order_and_other_tensors_do_not_matter():
    tree = fi.init_tree(SPEC, 5)
    fewer = {"other": (3, "normal"), "blocks": {"1": SPEC["blocks"]["1"]}, "embedding": SPEC["embedding"]}
    again = fi.init_tree(fewer, 5)
    assert same(again["embedding"], tree["embedding"])
    assert same(again["blocks"]["1"]["wq"], tree["blocks"]["1"]["wq"])


def test_flat_names_give_what_nested_ones_give():
    tree = fi.init_tree(SPEC, 5)
    flat = fi.init_tree(MappingProxyType({"blocks.0.wq": SPEC["blocks"]["0"]["wq"]}), 5)
    assert list(flat) == ["blocks.0.wq"]
    assert same(flat["blocks.0.wq"], tree["blocks"]["0"]["wq"])


def test_small_trees():
    assert fi.init_tree({}, 1) == {}
    assert fi.init_tree({"a": {}}, 1) == {"a": {}}
    assert fi.init_tree({"": ((), "normal")}, 1)[""].shape == ()
    assert not same(fi.init_tree({"a": (9, "normal")})["a"], fi.init_tree({"a": (9, "normal")})["a"])


def test_every_name_serves():
    needs = {"draw", "sparse", "small_init", "wang_init", "residual_normal"}
    shapes = {"dirac": (4, 4, 3), "delta_orthogonal": (3, 4, 4)}
    tree = fi.init_tree({name: (shapes.get(name, (4, 4)), name) for name in set(initializers.BY_NAME) - needs}, 0)
    assert all(np.isfinite(array).all() for array in tree.values())
    for name in needs:
        with pytest.raises(ValueError, match=rf"^w: {name} needs"):
            fi.init_tree({"w": ((4, 4), name)}, 0)


# --- errors -----------------------------------------------------------------------------------------------------------


def fails(error):
    def initializer(shape, *, rng, dtype):
        raise error

    return initializer


def gives(result):
    return lambda shape, *, rng, dtype: result


WRONG = [
    (TypeError, "spec must be a mapping", None),
    (TypeError, "spec must be a mapping.*list", [("a", (3, "zeros"))]),
    (TypeError, "spec must have names of type str; got 3", {3: (3, "zeros")}),
    (TypeError, r"spec must have names of type str; got None below 'a\.b'", {"a": {"b": {None: (3, "zeros")}}}),
    (TypeError, r"^a\.b: spec must hold mappings and tuples", {"a": {"b": 3}}),
    (TypeError, r"^a: spec must hold mappings and tuples", {"a": ((3,),)}),
    (TypeError, r"^a: spec must hold mappings and tuples", {"a": (3, "zeros", "float32", 1)}),
    (TypeError, r"^a: shape must be an int or a sequence of ints; got '3'", {"a": ("3", "zeros")}),
    (ValueError, r"^a\.b: shape must not be negative", {"a": {"b": (-3, "zeros")}}),
    (TypeError, r"^a: dtype must be one of float32.*got 'int8'", {"a": (3, "zeros", "int8")}),
    (ValueError, r"^a: initializer must name one of constant, .*got 'gaussian'; did you mean normal", {"a": (3, "gaussian")}),
    (ValueError, r"^a: initializer must be a name, or a call", {"a": (3, "normal(")}),
    (
        TypeError,
        r"^a: laplace: got an unexpected keyword argument 'sigma'; its arguments are loc",
        {"a": (3, "laplace(sigma=1)")},
    ),
    (ValueError, r"^a: scale must be at least 0", {"a": (3, "laplace(scale=-1)")}),
    (TypeError, r"^a: dtype must be one of int64.*got 'float32'", {"a": (3, "integers(9)", "float32")}),
    (TypeError, r"^a: initializer must be callable, a law or text; got 3", {"a": (3, 3)}),
    (ValueError, r"name of its own; got 'a\.b' twice", {"a.b": (3, "zeros"), "a": {"b": (3, "zeros")}}),
    (ValueError, r"^a: shape must have at least 2 axes", {"a": (3, "xavier_uniform")}),
    (ValueError, r"^x\.y: no", {"x": {"y": (3, fails(ValueError("no")))}}),
    (ValueError, r"^x: .*no", {"x": (3, fails(UnicodeDecodeError("utf-8", b"", 0, 1, "no")))}),
    (MemoryError, r"^x: no", {"x": (3, fails(MemoryError("no")))}),
    (RuntimeError, r"^x: KeyError: 'no'", {"x": (3, fails(KeyError("no")))}),
    (TypeError, r"^x: initializer must return a numpy\.ndarray; got NoneType", {"x": (3, gives(None))}),
    (
        ValueError,
        r"^x: initializer must return shape \(3,\) and dtype float32; got \(4,\)",
        {"x": (3, gives(np.zeros(4, "f4")))},
    ),
    (ValueError, r"^x: initializer must return .* dtype float32; got \(3,\) and float64", {"x": (3, gives(np.zeros(3)))}),
    (ValueError, r"^\ud800: name must be text that UTF-8 can hold", {"\ud800": (3, "zeros")}),
]


@pytest.mark.parametrize(("kind", "words", "spec"), WRONG)
def test_errors(kind, words, spec):
    with pytest.raises(kind, match=words) as caught:
        fi.init_tree(spec, 0)
    assert type(caught.value) is kind


def test_the_first_error_is_kept_as_the_cause():
    first = KeyError("no")
    with pytest.raises(RuntimeError) as caught:
        fi.init_tree({"x": (3, fails(first))}, 0)
    assert caught.value.__cause__ is first


def test_a_wrong_spec_is_refused_before_anything_is_made():
    calls = []
    spec = {"first": (3, lambda shape, *, rng, dtype: calls.append(1)), "wrong": (3, "gaussian")}
    with pytest.raises(ValueError, match=r"^wrong"):
        fi.init_tree(spec, 0)
    assert calls == []


def test_an_interrupt_passes():
    with pytest.raises(KeyboardInterrupt):
        fi.init_tree({"x": (3, fails(KeyboardInterrupt()))}, 0)


def test_rng_is_named():
    with pytest.raises(ValueError, match=r"^rng must hold non-negative"):
        fi.init_tree({}, -1)


# --- the bar ----------------------------------------------------------------------------------------------------------


class Terminal:
    """A stream whose `isatty` returns `seen`."""

    encoding = "utf-8"

    def __init__(self, seen):
        self.seen, self.text = seen, ""

    def isatty(self):
        return self.seen

    def write(self, text):
        self.text += text

    def flush(self):
        pass


@pytest.mark.parametrize(("seen", "long"), [(True, True), (True, False), (False, True)])
def test_bar(monkeypatch, seen, long):
    pytest.importorskip("tqdm", reason="tqdm, of the extra `cli`, is not installed")
    stream = Terminal(seen)
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(trees, "LONG", 1000 if long else 10**9)
    expected = fi.init_tree({"a": (3000, "normal"), "b": {"c": (500, "zeros")}}, 0)
    assert ("3.50k" in stream.text) == (seen and long)
    monkeypatch.undo()
    assert same(fi.init_tree({"a": (3000, "normal"), "b": {"c": (500, "zeros")}}, 0)["a"], expected["a"])


def test_without_stderr_there_is_no_bar(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    monkeypatch.setattr(trees, "LONG", 1)
    assert fi.init_tree({"a": (3000, "normal")}, 0)["a"].shape == (3000,)


def test_without_tqdm_there_is_no_bar(monkeypatch):
    stream = Terminal(True)
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setitem(sys.modules, "tqdm", None)
    monkeypatch.setattr(trees, "LONG", 1)
    assert fi.init_tree({"a": (3000, "normal")}, 0)["a"].shape == (3000,)
    assert stream.text == ""
