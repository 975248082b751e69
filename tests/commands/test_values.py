"""Counts, sizes, shapes and names of the command line, in every spelling that people use."""

import argparse
from functools import partial

import pytest

from fastinit.arguments.hints import hint
from fastinit.commands import values


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("67108864", 2**26),
        ("2**26", 2**26),
        ("2^26", 2**26),
        ("64Mi", 2**26),
        ("64mi", 2**26),
        ("64M", 64 * 10**6),
        ("1e8", 10**8),
        ("1E+8", 10**8),
        ("1.5Ki", 1536),
        ("9Ti", 9 * 2**40),
        (" 7 ", 7),
    ],
)
def test_counts(text, number):
    assert values.count(text) == number
    assert values.counts(f"{text},3") == [number, 3]
    assert values.shape(f"{text},4") == (number, 4)
    assert values.size(text) == number


@pytest.mark.parametrize(
    "text", ["", "x", "0", "-1", "1.5", "1e-1", "1e999", "99999**999", "64MiB", "0x10", "1_000", "inf", "²"]
)
def test_what_is_no_count(text):
    with pytest.raises(argparse.ArgumentTypeError, match="must be a whole number, at least 1, such as") as caught:
        values.count(text)
    assert str(caught.value).endswith(f"got {text!r}")


def test_limits_of_counts():
    count = partial(values.count, least=2**16, most=2**20)
    assert (count("64Ki"), count("1Mi")) == (2**16, 2**20)
    for text in ("65535", "1048577"):
        with pytest.raises(argparse.ArgumentTypeError, match="from 65536 to 1048576"):
            count(text)


def test_sizes():
    texts = {"5GB": 5 * 10**9, "64MiB": 2**26, "4.5gib": 9 * 2**29, "0": 0, "7B": 7, "1 kB": 1000, "1.0001KB": 1000}
    assert {text: values.size(text) for text in texts} == texts
    for text in ("5XB", "B", "-1", "", "1e30"):
        with pytest.raises(argparse.ArgumentTypeError, match="must be a number of bytes, such as"):
            values.size(text)
    with pytest.raises(argparse.ArgumentTypeError, match="at least 1"):
        values.size("0", least=1)


def test_shapes():
    for text in ("3,4", "3x4", "3X4", "(3, 4)", "[3,4]", " 3 , 4 ", "(3, 4,)"):
        assert values.shape(text) == (3, 4)
    assert [values.shape(text) for text in ("5", "5,", "()", "0", "2,0,3")] == [(5,), (5,), (), (0,), (2, 0, 3)]
    for text in ("", "3,,4", "3,-4", "x", "(3", "3)", "(3]", ",", "3;4", "1.5,2", "1e30"):
        with pytest.raises(argparse.ArgumentTypeError, match="must be whole numbers with commas"):
            values.shape(text)


def test_names():
    read = values.names(("normal", "uniform"), {"gauss": "normal"}, none=True)
    assert read("uniform,gauss") == ["uniform", "normal"]
    assert read("all") == read("uniform,all") == ["normal", "uniform"]
    assert read("none") == []
    with pytest.raises(
        argparse.ArgumentTypeError, match=r"must be one of normal, uniform, all, none; got 'unifrm'; did you mean u"
    ):
        read("normal,unifrm")
    with pytest.raises(argparse.ArgumentTypeError, match=r"must be one of normal; got 'none'$"):
        values.name(("normal",))("none")


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("bf16", "bfloat16"),
        ("fp16", "float16"),
        ("fp32", "float32"),
        ("gaussian", "normal"),
        ("trunc_normal", "truncated_normal"),
        ("--std", "--scale"),
        ("--mean", "--loc"),
        ("--shpae", "--shape"),
    ],
)
def test_hints(word, meant):
    words = ["float16", "float32", "float64", "bfloat16", "normal", "truncated_normal", "--scale", "--shape", "--loc"]
    assert hint(word, words) == f"; did you mean {meant}?"
    assert hint("zzz", words) == hint("gaussian", ["x"]) == ""


def test_seconds():
    assert values.seconds("0.5") == 0.5
    for text in ("0", "-1", "nan", "inf", "2e6", "x"):
        with pytest.raises(argparse.ArgumentTypeError, match="seconds above 0"):
            values.seconds(text)
