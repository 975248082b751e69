"""Specifications, indices of sharded models and their paths are checked first."""

import json
import os

import pytest

from fastinit.safetensors import fill, sources
from fastinit.safetensors.format import Tensor, kind
from fastinit.safetensors.reading import read_header
from fastinit.safetensors.sources import MOST_JSON_BYTES, read, read_index, read_json, read_like
from tests.safetensors.test_headers import F32, entry, write


def test_what_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path, error in (
        (tmp_path, IsADirectoryError),
        (tmp_path / "absent", FileNotFoundError),
        (tmp_path / "pipe", OSError),
        ("/dev/zero", OSError),
    ):
        for reading in (read_header, read_index, read_json, read_like):
            with pytest.raises(error):
                reading(path)
        for arguments in ({"spec": path}, {"like": path}):
            with pytest.raises(error):
                fill(tmp_path / "x.safetensors", seed=0, **arguments)
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


def sharded(directory, **tensors):
    """A model in three shards, and its index."""
    spec = {"tensors": tensors or {"a": {"shape": [4]}, "b": {"shape": [2, 2], "dtype": "BF16"}, "c": {"shape": [3]}}}
    return fill(directory / "model.safetensors", spec, seed=0, max_shard_size=16).files[-1]


def test_the_tensors_of_a_sharded_model(tmp_path):
    index = sharded(tmp_path)
    found = read_like(index)
    assert found == [Tensor("a", (4,), F32), Tensor("b", (2, 2), kind("BF16")), Tensor("c", (3,), F32)]
    (tmp_path / "other").mkdir()
    written = fill(tmp_path / "other/model.safetensors", like=index, seed=0)
    assert len(written.files) == 1
    assert sorted(read_header(written.files[0])) == sorted(found)


@pytest.mark.parametrize(
    ("weights", "error", "message"),
    [
        (None, ValueError, "must have an object 'weight_map'"),
        ([], ValueError, "must have an object 'weight_map'"),
        ({"a": 3}, ValueError, "must name files of its own directory; got 3"),
        ({"a": "../x.safetensors"}, ValueError, "must name files of its own directory"),
        ({"a": "/etc/passwd"}, ValueError, "must name files of its own directory"),
        ({"a": "C:\\x"}, ValueError, "must name files of its own directory"),
        ({"a": "sub/x"}, ValueError, "must name files of its own directory"),
        ({"a": ""}, ValueError, "must name files of its own directory"),
        ({"a": ".."}, ValueError, "must name files of its own directory"),
        ({"a": "x\0y"}, ValueError, "must name files of its own directory"),
        ({"a": "absent.safetensors"}, FileNotFoundError, "absent"),
        ({"a": "pipe"}, OSError, "Not a regular file"),
        ({"zz": "model-00001-of-00003.safetensors"}, ValueError, "has no tensor 'zz'"),
        ({"a": "model.safetensors.index.json"}, ValueError, "is not a safetensors file"),
    ],
)
def test_indices_that_lie(tmp_path, weights, error, message):
    os.mkfifo(tmp_path / "pipe")
    index = sharded(tmp_path)
    index.write_text(json.dumps({"weight_map": weights} if weights is not None else {}))
    with pytest.raises(error, match=message):
        read_index(index)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Expecting value"),
        ("{", "Expecting property name"),
        ("[]", "it must be an object; got list"),
        ("3", "it must be an object; got int"),
        ('{"tensors": {"a": {}, "a": {}}}', "'a' must occur once; got it twice"),
        ('{"rules": {"*": "ones", "*": "zeros"}}', r"'\*' must occur once"),
        ("{" * 10**5, "Expecting property name"),
        ('{"a":' * 10**5, "recursion"),
        ("\udcff", "can't decode|codec"),
    ],
)
def test_json_that_cannot_be_used(tmp_path, text, message):
    path = tmp_path / "spec.json"
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ValueError, match=rf"spec\.json' cannot be used: .*({message})"):
        read_json(path)


def test_json_without_end(tmp_path):
    with (tmp_path / "spec.json").open("wb") as file:
        file.truncate(10 * MOST_JSON_BYTES)
    with pytest.raises(ValueError, match=f"at most {MOST_JSON_BYTES:,} bytes"):
        read_json(tmp_path / "spec.json")


TENSORS = {"w": {"shape": [2, 3], "dtype": "bfloat16"}, "n": {"shape": [], "dtype": "I64"}, "v": {"shape": [4]}}


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({}, "the tensors must come from spec or from like, one of them; got neither"),
        ({"rules": {}}, "got neither"),
        ({"tensor": {}}, "spec must have tensors, rules, default, dtype only; got 'tensor'"),
        ({"tensors": []}, "spec must have under 'tensors' names"),
        ({"tensors": {3: {"shape": []}}}, "tensor 3: a tensor's name must be a str"),
        ({"tensors": {"__metadata__": {"shape": []}}}, "must not be called '__metadata__'"),
        ({"tensors": {"\ud800": {"shape": []}}}, "must be valid Unicode"),
        ({"tensors": {"w": [2, 3]}}, "tensor 'w': it must be an object with 'shape' and 'dtype'"),
        ({"tensors": {"w": {}}}, "tensor 'w': it must have a 'shape'"),
        ({"tensors": {"w": {"shape": 3}}}, "tensor 'w': shape must be a list of whole numbers; got 3"),
        ({"tensors": {"w": {"shape": [2.5]}}}, "tensor 'w': shape must be"),
        ({"tensors": {"w": {"shape": [-1]}}}, "tensor 'w': shape must not be negative"),
        ({"tensors": {"w": {"shape": [1], "dtype": "F31"}}}, "tensor 'w': dtype must be one of"),
        ({"tensors": {"w": {"shape": [1], "init": "zeros"}}}, "tensor 'w': it must have 'shape' and 'dtype' only; got 'init'"),
        ({"tensors": TENSORS, "rules": []}, "spec must have under 'rules' patterns"),
        ({"tensors": TENSORS, "rules": None}, "spec must have under 'rules' patterns"),
        ({"tensors": TENSORS, "rules": {"w": "zero"}}, "rules: 'w': a rule must name one of"),
        ({"tensors": TENSORS, "default": 3}, "default: a rule must be text"),
        ({"tensors": TENSORS, "dtype": "int8"}, "dtype must be a floating one"),
        ({"tensors": TENSORS, "dtype": "F31"}, "dtype must be one of"),
        (3, "spec must be a mapping or the path of a JSON file; got int"),
    ],
)
def test_specifications_of_another_form(tmp_path, spec, message):
    with pytest.raises((TypeError, ValueError), match=message):
        fill(tmp_path / "x.safetensors", spec, rules={"n": "zeros"}, seed=0)
    assert not (tmp_path / "x.safetensors").exists()


def kinds(source):
    return {tensor.name: tensor.kind.name for tensor in source.tensors}


def test_where_dtypes_come_from(tmp_path):
    own = {"w": "bfloat16", "n": "int64", "v": "float32"}
    assert kinds(read({"tensors": TENSORS})) == own
    assert kinds(read({"tensors": TENSORS, "dtype": "F16"})) == own | {"v": "float16"}
    assert kinds(read({"tensors": TENSORS, "dtype": "F16"}, dtype="F64")) == {"w": "float64", "n": "int64", "v": "float64"}
    path = write(tmp_path / "x.safetensors", {"w": entry(), "n": entry("I8", (2,), (8, 10))})
    assert kinds(read(like=path)) == {"w": "float32", "n": "int8"}
    assert kinds(read(like=path, dtype="bfloat16")) == {"w": "bfloat16", "n": "int8"}
    assert kinds(read({"dtype": "BF16", "rules": {"n": "ones"}}, path)) == {"w": "bfloat16", "n": "int8"}
    with pytest.raises(ValueError, match="one of them; got both"):
        read({"tensors": TENSORS}, path)


def test_a_file_may_be_its_own_model(tmp_path):
    path = tmp_path / "x.safetensors"
    first = fill(path, {"tensors": TENSORS, "rules": {"n": "constant(value=5)"}}, seed=1)
    before = path.read_bytes()
    again = fill(path, {"rules": {"n": "constant(value=5)"}}, like=path, seed=1, overwrite=True)
    assert again == first
    assert path.read_bytes() == before


def test_specifications_are_read_from_files(tmp_path):
    (tmp_path / "spec.json").write_text(json.dumps({"tensors": TENSORS, "rules": {"n": "ones"}, "default": "ones"}))
    for spec in (tmp_path / "spec.json", str(tmp_path / "spec.json")):
        found = sources.read(spec)
        assert kinds(found) == {"w": "bfloat16", "n": "int64", "v": "float32"}
        assert (found.rules, found.default) == ({"n": "ones"}, "ones")


@pytest.mark.parametrize("path", [3, None, b"x.safetensors", ["x.safetensors"]])
def test_paths_of_another_type(tmp_path, path):
    with pytest.raises(TypeError, match="path must be a path; got"):
        fill(path, {"tensors": TENSORS}, seed=0)
    if path is not None:
        with pytest.raises(TypeError, match="like must be a path; got"):
            fill(tmp_path / "x.safetensors", like=path, seed=0)
    with pytest.raises(TypeError, match="rules must be a mapping of patterns to rules; got 'zeros'"):
        fill(tmp_path / "x.safetensors", {"tensors": TENSORS}, rules="zeros", seed=0)
