"""Headers of untrusted files are checked before they are used, in bounded memory."""

import json
import os
import random
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastinit.safetensors import fill
from fastinit.safetensors import format as layout
from fastinit.safetensors.format import Tensor, kind
from fastinit.safetensors.reading import read_header

F32 = kind("F32")


def entry(dtype="F32", shape=(2,), offsets=(0, 8)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


def write(path, header, length=None):
    """Write a file with this header, given as text, bytes or an object for JSON, and without data."""
    raw = header if isinstance(header, bytes) else header.encode() if isinstance(header, str) else json.dumps(header).encode()
    path.write_bytes((len(raw) if length is None else length).to_bytes(8, "little") + raw)
    return path


def test_only_the_header_is_read(tmp_path):
    header = {
        "b": entry("BF16", (2, 3), (8, 20)),
        "__metadata__": {"a": 'q"{}', "": ""},
        "a": entry(),
        "e": entry("F64", (0,), (8, 8)),
    }
    found = read_header(write(tmp_path / "x.safetensors", header))
    assert found == [Tensor("a", (2,), F32), Tensor("e", (0,), kind("F64")), Tensor("b", (2, 3), kind("BF16"))]
    assert read_header(write(tmp_path / "x.safetensors", "  {\t\n}   ")) == []
    assert read_header(write(tmp_path / "x.safetensors", '{"\\u00e9{":' + json.dumps(entry() | {"more": 1}) + "}")) == [
        Tensor("é{", (2,), F32)
    ]


DEEP = "[" * 100_000
REFUSED = {
    "no JSON": "tensor",
    "nothing": "",
    "an array": "[]",
    "another value": "3",
    "no end": '{"a":' + json.dumps(entry()),
    "more after the end": "{}{}",
    "zeros after the end": b"{}\0\0",
    "a comma too many": '{"a":' + json.dumps(entry()) + ",}",
    "two values": '{"a":' + json.dumps(entry()) + " " + json.dumps(entry()) + "}",
    "no UTF-8": b'{"\xff":' + json.dumps(entry()).encode() + b"}",
    "half a character": '{"\\ud800":' + json.dumps(entry()) + "}",
    "a bare control character": '{"\n":' + json.dumps(entry()) + "}",
    "depth": '{"a":' + DEEP + "}",
    "depth in an entry": '{"a":{"shape":' + DEEP + "}}",
    "depth in the metadata": '{"__metadata__":' + DEEP + "}",
    "a name twice": f'{{"a":{json.dumps(entry())},"a":{json.dumps(entry())}}}',
    "metadata twice": '{"__metadata__":{},"__metadata__":{}}',
    "metadata of numbers": '{"__metadata__":{"a":1}}',
    "metadata as a tensor": {"__metadata__": entry()},
    "an entry that is a number": {"a": 3},
    "an entry that is a list": {"a": []},
    "an empty entry": {"a": {}},
    "no shape": {"a": {"dtype": "F32", "data_offsets": [0, 8]}},
    "no dtype": {"a": {"shape": [2], "data_offsets": [0, 8]}},
    "no offsets": {"a": {"dtype": "F32", "shape": [2]}},
    "an unknown dtype": {"a": entry("F31")},
    "a dtype that cannot be filled": {"a": entry("C64", (1,))},
    "NumPy's name for a dtype, not the format's": {"a": entry(["F32"])},
    "a number for a dtype": {"a": entry(3)},
    "a negative size": {"a": entry(shape=(-2,))},
    "half a size": {"a": entry(shape=(2.0,))},
    "true for a size": {"a": entry(shape=(True, 2))},
    "text for a shape": {"a": entry() | {"shape": "2"}},
    "no list for a shape": {"a": entry() | {"shape": 2}},
    "65 axes": {"a": entry(shape=(1,) * 65, offsets=(0, 4))},
    "a size beyond 2^63": {"a": entry(shape=(2**40, 2**40), offsets=(0, 2**82))},
    "digits without end": '{"a":{"dtype":"F32","shape":[' + "9" * 4000 + '],"data_offsets":[0,8]}}',
    "digits without end, again": '{"a":{"dtype":"F32","shape":[' + "9" * 4400 + '],"data_offsets":[0,8]}}',
    "offsets of another size": {"a": entry(offsets=(0, 9))},
    "offsets in reverse": {"a": entry(offsets=(8, 0))},
    "a negative offset": {"a": entry(offsets=(-8, 0))},
    "half an offset": {"a": entry(offsets=(0.0, 8))},
    "three offsets": {"a": entry(offsets=(0, 8, 16))},
    "an overlap": {"a": entry(), "b": entry(offsets=(4, 12))},
    "the same place twice": {"a": entry(), "b": entry()},
    "a gap": {"a": entry(), "b": entry(offsets=(9, 17))},
    "a gap at the beginning": {"a": entry(offsets=(1, 9))},
}


@pytest.mark.parametrize("what", REFUSED)
def test_headers_that_contradict_the_format(tmp_path, what):
    path = write(tmp_path / "x.safetensors", REFUSED[what])
    with pytest.raises(ValueError, match=r"x\.safetensors' is not a safetensors file: ") as caught:
        read_header(path)
    assert len(str(caught.value)) < 1000
    with pytest.raises(ValueError, match="is not a safetensors file"):
        fill(tmp_path / "y.safetensors", like=path, seed=0)
    assert not (tmp_path / "y.safetensors").exists()


def test_messages_name_the_tensor(tmp_path):
    for header, message in (
        ({"w": entry("C64", (1,))}, "tensor 'w': dtype must be one of U64 or uint64, .*; got 'C64'"),
        ({"w": entry(offsets=(0, 9))}, r"tensor 'w': data_offsets must hold the 8 bytes of its shape and dtype; got \[0, 9\]"),
        ({"w": entry(), "v": entry(offsets=(4, 12))}, r"tensor 'v': data_offsets must not overlap another tensor"),
        ({"w": entry(offsets=(4, 12))}, "tensor 'w': data_offsets must not leave a gap"),
        ({"w" * 10**6: entry("F0")}, r"tensor 'w+\.\.\.w+': dtype"),
    ):
        with pytest.raises(ValueError, match=message):
            read_header(write(tmp_path / "x.safetensors", header))


@pytest.mark.parametrize("length", [3, 100, 100_000_001, 2**63, 2**64 - 1])
def test_lengths_that_lie(tmp_path, length):
    path = write(tmp_path / "x.safetensors", "{}", length)
    with pytest.raises(ValueError, match="the header must lie within the file"):
        read_header(path)
    if length < 2**40:
        os.truncate(path, length + 8)  # now it fits, and the file takes no room
        with pytest.raises(ValueError, match="is not a safetensors file"):
            read_header(path)


@pytest.mark.parametrize("size", range(9))
def test_files_that_are_too_short(tmp_path, size):
    (tmp_path / "x").write_bytes(b"\x09\0\0\0\0\0\0\0{"[:size])
    with pytest.raises(ValueError, match="is not a safetensors file"):
        read_header(tmp_path / "x")


BOMBS = {
    "lists in a shape": '{"a":{"dtype":"F32","shape":[' + "[]," * 10**6,
    "lists in the metadata": '{"__metadata__":[' + "[]," * 10**6,
    "numbers in a shape": '{"a":{"dtype":"F32","shape":[' + "1000," * 10**6,
    "objects in an entry": '{"a":{"a":' * 10**5,
    "a string without end": '{"' + "\\" * 10**6,
}


@pytest.mark.parametrize("what", BOMBS)
def test_memory_is_bounded_by_the_header_s_own(tmp_path, what):
    """As Python objects these would take twenty times the memory of their text."""
    path = write(tmp_path / "x.safetensors", BOMBS[what])
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="is not a safetensors file"):
            read_header(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * len(BOMBS[what]) + 2**20


@settings(max_examples=300)
@given(seed=st.integers(0, 10**9), edits=st.integers(1, 6))
def test_damaged_headers_are_read_or_refused(tmp_path_factory, seed, edits):
    chance = random.Random(seed)
    raw = bytearray(layout.header([Tensor("a", (2, 3), F32), Tensor("é", (), kind("I8")), Tensor("c", (4,), kind("BOOL"))]))
    for _ in range(edits):
        at = chance.randrange(len(raw))
        raw[at : at + chance.choice((0, 1, 1, 3))] = chance.choice(
            (b"", b"\0", b"{", b"}", b'"', b",", b"9", b"\xff", b"[", b":")
        )
    path = tmp_path_factory.mktemp("x") / "x.safetensors"
    path.write_bytes(raw)
    try:
        found = read_header(path)
    except ValueError:
        return
    assert all(isinstance(tensor, Tensor) for tensor in found)
