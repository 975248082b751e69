"""Sharded models are split, named and replaced as by Hugging Face."""

import json
import os

import pytest

from fastinit.safetensors import fill, writing
from fastinit.safetensors.format import Tensor, kind
from fastinit.safetensors.shards import files_of, names, split
from tests.files.test_files import only
from tests.safetensors.test_values import numpy_call, read

U8 = kind("U8")


def sized(*sizes):
    return [Tensor(f"t{i}", (size,), U8) for i, size in enumerate(sizes)]


def groups(shards):
    return [[tensor.size for tensor in shard] for shard in shards]


@pytest.mark.parametrize(
    ("sizes", "most", "expected"),
    [
        ((6, 6, 2, 6, 2, 2), 10, [[6], [6, 2], [6, 2, 2]]),
        ((5, 5, 5), 10, [[5, 5], [5]]),
        ((5, 20, 5, 1), 10, [[20], [5, 5], [1]]),
        ((20, 30), 10, [[20], [30]]),
        ((0, 10, 0, 1), 10, [[0, 10, 0], [1]]),
        ((), 10, [[]]),
        ((5, 5), None, [[5, 5]]),
        ((11,), 10, [[11]]),
    ],
)
def test_tensors_fill_shards_in_their_order(sizes, most, expected):
    assert groups(split(sized(*sizes), most)) == expected


def test_names_of_shards(tmp_path):
    path = tmp_path / "a.b.safetensors"
    assert names(path, 1) == [path]
    assert [name.name for name in names(path, 2)] == ["a.b-00001-of-00002.safetensors", "a.b-00002-of-00002.safetensors"]


SPEC = {"tensors": {name: {"shape": [5]} for name in "bac"} | {"n": {"shape": [2], "dtype": "I64"}}, "rules": {"n": "ones"}}
SHARDS = [f"model-0000{i}-of-00004.safetensors" for i in (1, 2, 3, 4)]
INDEX = "model.safetensors.index.json"


def test_a_sharded_model(tmp_path):
    written = fill(tmp_path / "model.safetensors", SPEC, seed=2, max_shard_size=40)
    assert only(tmp_path, *(path.name for path in written.files))
    shards = written.files[:-1]
    assert [path.name for path in shards] == ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    found = {name: (path.name, array) for path in shards for name, array in read(path).items()}
    index = json.loads(written.files[-1].read_text())
    assert index == {
        "metadata": {"total_size": 76},
        "weight_map": {"a": shards[0].name, "b": shards[0].name, "c": shards[1].name, "n": shards[1].name},
    }
    assert {name: path for name, (path, _) in found.items()} == index["weight_map"]
    for name in "abc":
        assert found[name][1].tobytes() == numpy_call("truncated_normal", name, (5,), seed=2, scale=0.02).tobytes()
    assert written.nbytes == sum(path.stat().st_size for path in shards)
    assert (written.tensors, written.parameters) == (4, 17)


def test_what_fits_one_shard_has_no_index(tmp_path):
    assert fill(tmp_path / "model.safetensors", SPEC, seed=2, max_shard_size=76).files == (tmp_path / "model.safetensors",)
    assert only(tmp_path, "model.safetensors")


OTHERS = [["model.safetensors"], [INDEX], ["model-00007-of-00009.safetensors"], ["model-00001-of-00004.safetensors", INDEX]]


@pytest.mark.parametrize("there", OTHERS, ids=str)
@pytest.mark.parametrize("size", [None, 20])
def test_a_model_of_that_name_is_replaced_only_if_asked(tmp_path, there, size):
    """Loaders would load the remaining old files instead of the new ones, or with them."""
    alike = ["model-1-of-3.safetensors", "model-00001-of-00003.safetensors.bak", "models.safetensors", "xmodel.safetensors"]
    for name in there + alike:
        (tmp_path / name).write_bytes(b"old")
    with pytest.raises(FileExistsError):
        fill(tmp_path / "model.safetensors", SPEC, seed=0, max_shard_size=size)
    assert only(tmp_path, *there, *alike)
    written = fill(tmp_path / "model.safetensors", SPEC, seed=0, max_shard_size=size, overwrite=True)
    assert [path.name for path in written.files] == ([*SHARDS, INDEX] if size else ["model.safetensors"])
    assert only(tmp_path, *(path.name for path in written.files), *alike)
    assert all((tmp_path / name).read_bytes() == b"old" for name in alike)
    assert all(path.read_bytes() != b"old" for path in written.files)


def test_the_index_takes_its_name_last(tmp_path, monkeypatch):
    taken = []
    replace = type(tmp_path).replace

    def watched(self, target):
        taken.append(target.name)
        return replace(self, target)

    monkeypatch.setattr(type(tmp_path), "replace", watched)
    written = fill(tmp_path / "model.safetensors", SPEC, seed=0, max_shard_size=20)
    assert taken == [path.name for path in written.files]
    assert taken[-1] == INDEX


def test_only_temporary_names_exist_while_it_is_written(tmp_path):
    seen = set()
    plan = writing.plan(tmp_path / "model.safetensors", SPEC, seed=0, max_shard_size=20)
    writing.write(plan, lambda done: seen.update(path.suffix for path in tmp_path.iterdir()))
    assert seen == {".part"}


def test_an_old_index_is_gone_before_any_shard_is_replaced(tmp_path, monkeypatch):
    path = tmp_path / "model.safetensors"
    fill(path, SPEC, seed=0, max_shard_size=20)

    def failing(self, target):
        raise OSError("no")

    monkeypatch.setattr(type(tmp_path), "replace", failing)
    with pytest.raises(OSError, match="no"):
        fill(path, SPEC, seed=1, max_shard_size=20, overwrite=True)
    monkeypatch.undo()
    assert INDEX not in [file.name for file in tmp_path.iterdir()]
    assert all(file.suffix != ".part" for file in tmp_path.iterdir())


def test_links_to_an_older_model_stay_and_lead_to_the_new_one(tmp_path):
    """A snapshot of the Hugging Face cache is a folder of links."""
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshot"
    blobs.mkdir()
    snapshot.mkdir()
    for name in (*SHARDS, INDEX):
        (blobs / f"blob of {name}").write_bytes(b"old")
        (snapshot / name).symlink_to(blobs / f"blob of {name}")
    written = fill(snapshot / "model.safetensors", SPEC, seed=0, max_shard_size=20, overwrite=True)
    assert only(snapshot, *SHARDS, INDEX)
    assert all(path.is_symlink() and path.read_bytes() != b"old" for path in written.files)
    fill(snapshot / "model.safetensors", SPEC, seed=0, overwrite=True)
    assert only(snapshot, "model.safetensors")
    assert (blobs / f"blob of {INDEX}").exists(), "another snapshot may have it"


def test_a_link_to_a_shard_of_the_same_name(tmp_path):
    (tmp_path / "model-00001-of-00001.safetensors").write_bytes(b"old")
    (tmp_path / "model.safetensors").symlink_to("model-00001-of-00001.safetensors")
    fill(tmp_path / "model.safetensors", SPEC, seed=0, overwrite=True)
    assert only(tmp_path, "model-00001-of-00001.safetensors", "model.safetensors")
    assert sorted(read(tmp_path / "model.safetensors")) == ["a", "b", "c", "n"]


def test_links_in_a_circle(tmp_path):
    (tmp_path / "model.safetensors").symlink_to("model.safetensors")
    with pytest.raises(OSError, match=r"symbolic links|regular file"):
        fill(tmp_path / "model.safetensors", SPEC, seed=0, overwrite=True)


def test_wrong_arguments_write_nothing(tmp_path):
    path = tmp_path / "model.safetensors"
    with pytest.raises(TypeError, match="overwrite must be True or False; got 'false'"):
        fill(path, SPEC, seed=0, overwrite="false")
    with pytest.raises(TypeError, match="progress must be callable or None; got True"):
        fill(path, SPEC, seed=0, progress=True)
    with pytest.raises(ValueError, match="path must not contain a null character"):
        fill(f"{path}\0.safetensors", SPEC, seed=0)
    assert only(tmp_path)


@pytest.mark.parametrize("name", ["model", "model.npy", ".safetensors", "model.safetensors.bak", "model.SAFETENSORS"])
def test_names_that_no_loader_knows(tmp_path, name):
    with pytest.raises(ValueError, match=r"path must end in \.safetensors"):
        fill(tmp_path / name, SPEC, seed=0)


def test_directories(tmp_path):
    (tmp_path / "model.safetensors").mkdir()
    with pytest.raises(IsADirectoryError):
        fill(tmp_path / "model.safetensors", SPEC, seed=0, overwrite=True)
    with pytest.raises(FileNotFoundError, match="No such directory"):
        fill(tmp_path / "absent" / "model.safetensors", SPEC, seed=0, overwrite=True)
    (tmp_path / INDEX.replace("model", "x")).mkdir()
    with pytest.raises(IsADirectoryError):
        fill(tmp_path / "x.safetensors", SPEC, seed=0, max_shard_size=20, overwrite=True)


def test_a_relative_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    written = fill("model.safetensors", SPEC, seed=0, max_shard_size=20)
    assert all(os.fspath(path) == path.name for path in written.files)
    assert sorted(files_of(written.files[0].with_name("model.safetensors"))) == sorted(written.files)
    assert fill("model.safetensors", SPEC, seed=0, overwrite=True).files[0].name == "model.safetensors"
    assert only(tmp_path, "model.safetensors")
