"""A wrong argument writes nothing; a failure leaves nothing, and no old checkpoint is lost."""

import pytest

pytest.importorskip("torch", reason="needs PyTorch")

import errno
import os
import shutil

import torch
from torch import nn

import fastinit.torch as ft
from fastinit.torch.checkpoints.contents import Pieces
from tests.torch.checkpoints.common import blank, deferred, read, require_same
from tests.torch.common import on_meta

FORMATS = ("seed", "model.safetensors")


def linear():
    return nn.Sequential(nn.Linear(30, 20), nn.Linear(20, 10))


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        (lambda: 3, {}, "model must be a torch.nn.Module, or a mapping of str to such; got int"),
        (lambda: {"a": 3}, {}, "model must be a torch.nn.Module, or a mapping of str to such; got int"),
        (lambda: {3: linear()}, {}, "model must have keys of text; got 3"),
        (lambda: {"": linear()}, {}, "model must have keys of text; got ''"),
        (lambda: deferred(linear), {"rng": 3}, "rng must be given to the deferred block"),
        (lambda: deferred(linear), {"rule": 3}, "rule must be callable; got 3"),
        (lambda: deferred(linear), {"progress": 3}, "progress must be True, False or None; got 3"),
        (lambda: deferred(linear), {"overwrite": None}, "overwrite must be True or False; got None"),
        (lambda: deferred(lambda: nn.Linear(3, 3).weight), {}, "model must be a torch.nn.Module"),
        (lambda: on_meta(lambda: nn.ParameterList([torch.empty(3)])), {}, "none sets 0"),
        (lambda: deferred(lambda: nn.ParameterList([torch.empty(3)])), {}, "none sets 0"),
    ],
)
def test_wrong_arguments_write_nothing(tmp_path, name, make, options, message):
    with pytest.raises((TypeError, ValueError), match=message.replace("(", r"\(")):
        ft.save(make(), tmp_path / name, **options)
    assert list(tmp_path.iterdir()) == []


def test_wrong_paths_and_sizes(tmp_path):
    model = deferred(linear)
    with pytest.raises(TypeError, match="path must be a path; got 3"):
        ft.save(model, 3)
    with pytest.raises(ValueError, match=r"max_shard_size must be None unless path ends in \.safetensors; got 100"):
        ft.save(model, tmp_path / "seed", max_shard_size=100)
    with pytest.raises(ValueError, match="max_shard_size must be a number of bytes above 0"):
        ft.save(model, tmp_path / "model.safetensors", max_shard_size=0)
    for name in FORMATS:
        with pytest.raises(FileNotFoundError, match="No such directory"):
            ft.save(model, tmp_path / "nowhere" / name)
    assert list(tmp_path.iterdir()) == []


def test_what_safetensors_cannot_hold(tmp_path):
    model = deferred(lambda: nn.Linear(3, 4, dtype=torch.complex64))
    with pytest.raises(ValueError, match=r"model: weight: dtype must be one of .* got torch.complex64"):
        ft.save(model, tmp_path / "model.safetensors")
    sparse = nn.Linear(2, 2)
    sparse.register_buffer("mask", torch.eye(2).to_sparse())
    with pytest.raises(ValueError, match=r"model: mask: safetensors files hold only dense tensors; got torch.sparse_coo"):
        ft.save(sparse, tmp_path / "model.safetensors")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", FORMATS)
def test_a_checkpoint_is_replaced_only_on_demand(tmp_path, name):
    path = tmp_path / name
    first, second = deferred(linear), deferred(linear, seed=1)
    before = {file: file.read_bytes() for file in ft.save(first, path)}
    with pytest.raises(FileExistsError):
        ft.save(second, path)
    assert {file: file.read_bytes() for file in before} == before
    after = {file: file.read_bytes() for file in ft.save(second, path, overwrite=True)}
    assert after != before
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def test_a_folder_that_appears_meanwhile_is_not_replaced(tmp_path, monkeypatch):
    from fastinit.torch.checkpoints import distributed

    folder, save = tmp_path / "seed", distributed._save

    def beside(*arguments):
        save(*arguments)
        folder.mkdir(exist_ok=True)
        (folder / "theirs.bin").write_text("all")

    monkeypatch.setattr(distributed, "_save", beside)
    with pytest.raises(FileExistsError):
        ft.save(deferred(linear), folder)
    with pytest.raises(FileExistsError, match="Another kind of directory"):
        ft.save(deferred(linear), folder, overwrite=True)
    assert [file.name for file in tmp_path.rglob("*")] == ["seed", "theirs.bin"]


def test_a_checkpoint_with_other_files_is_not_replaced(tmp_path):
    files = ft.save(deferred(linear), tmp_path / "seed")
    (tmp_path / "seed/train_state.json").write_text("{}")
    with pytest.raises(FileExistsError, match="Another kind of directory"):
        ft.save(deferred(linear, seed=1), tmp_path / "seed", overwrite=True)
    assert len([*(tmp_path / "seed").iterdir()]) == len(files) + 1


def test_entries_must_have_names_of_their_own(tmp_path):
    models = {"a": nn.ModuleDict({"b": nn.Linear(2, 2)}), "a.b": nn.Linear(2, 2)}
    for name in FORMATS:
        with pytest.raises(ValueError, match=r"different names for all entries; got a\.b\.bias twice"):
            ft.save(models, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_only_checkpoints_are_replaced(tmp_path):
    model, folder = deferred(linear), tmp_path / "seed"
    folder.mkdir()
    ft.save(model, folder)  # an empty one holds nothing
    (tmp_path / "other").mkdir()
    (tmp_path / "other/thesis.tex").write_text("all")
    with pytest.raises(FileExistsError, match="Another kind of directory"):
        ft.save(model, tmp_path / "other", overwrite=True)
    (tmp_path / "file").write_text("all")
    with pytest.raises(NotADirectoryError):
        ft.save(model, tmp_path / "file", overwrite=True)
    assert (tmp_path / "other/thesis.tex").read_text() == (tmp_path / "file").read_text() == "all"
    (tmp_path / "link").symlink_to(folder)
    ft.save(deferred(linear, seed=1), tmp_path / "link", overwrite=True)
    assert (tmp_path / "link").is_symlink()
    expected = ft.materialize(deferred(linear, seed=1)).state_dict()
    require_same(read(blank(expected), folder), expected)


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), KeyboardInterrupt(), MemoryError("17 GiB")]
)
@pytest.mark.parametrize("name", FORMATS)
def test_a_failure_leaves_nothing(tmp_path, monkeypatch, name, error):
    old = {file: file.read_bytes() for file in ft.save(deferred(linear), tmp_path / name)}
    write, calls = Pieces.write, []

    def failing(self, entry, index, out):
        calls.append(entry.name)
        if entry.name == "1.weight":
            raise error
        write(self, entry, index, out)

    monkeypatch.setattr(Pieces, "write", failing)
    for path, options in ((tmp_path / name, {"overwrite": True}), (tmp_path / f"new-{name}", {})):
        with pytest.raises(type(error)) as caught:
            ft.save(deferred(linear, seed=1), path, **options)
        assert str(caught.value).endswith(str(error))
    assert calls.count("1.weight") == 2
    assert len(calls) > 2, "it failed on its way"
    assert [entry.name for entry in tmp_path.iterdir()] == [name]
    assert {file: file.read_bytes() for file in old} == old


@pytest.mark.parametrize("name", FORMATS)
def test_a_full_disk_is_noticed_before_a_value_is_made(tmp_path, monkeypatch, name):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=100))
    monkeypatch.setattr(Pieces, "write", lambda *_: pytest.fail("a value was made"))
    with pytest.raises(OSError, match=r"bytes needed, 100 free") as caught:
        ft.save(deferred(linear), tmp_path / name)
    assert caught.value.errno == errno.ENOSPC
    assert list(tmp_path.iterdir()) == []


def test_an_old_checkpoint_comes_back_if_the_new_one_cannot_have_its_name(tmp_path, monkeypatch):
    from fastinit.files import folders

    old = {file: file.read_bytes() for file in ft.save(deferred(linear), tmp_path / "seed")}
    replace = folders.Path.replace

    def failing(self, target):
        if (
            self.name.endswith(".part")
            and target.name == "seed"
            and (self / ".metadata").read_bytes() != old[target / ".metadata"]
        ):
            raise OSError(errno.EIO, "broken")
        return replace(self, target)

    monkeypatch.setattr(folders.Path, "replace", failing)
    with pytest.raises(OSError, match="broken"):
        ft.save(deferred(linear, seed=1), tmp_path / "seed", overwrite=True)
    assert [entry.name for entry in tmp_path.iterdir()] == ["seed"]
    assert {file: file.read_bytes() for file in old} == old
