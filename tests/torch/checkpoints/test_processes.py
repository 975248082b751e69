"""Groups of 1, 2 and 4 processes save, groups of 1, 2, 3 and 4 load, in every layout: the same bytes."""

import pytest

pytest.importorskip("torch", reason="needs PyTorch")
pytest.importorskip("safetensors", reason="needs safetensors")

import torch
from safetensors.torch import load_file

import fastinit.torch as ft
from tests.torch.checkpoints.common import blank, deferred, read, require_same

WORLDS = (1, 2, 3, 4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the groups have saved."""
    if not torch.distributed.is_gloo_available():
        pytest.skip("this PyTorch has no gloo")
    from tests.torch.checkpoints import ranks

    folder = tmp_path_factory.mktemp("ranks")
    (folder / "checkpoints").mkdir()
    for world in WORLDS:
        torch.multiprocessing.spawn(ranks.run, (world, str(folder)), nprocs=world)
    return folder


@pytest.fixture(scope="module")
def results(folder):
    """What each rank of each group found."""
    return {(world, rank): torch.load(folder / f"results-{world}-{rank}.pt") for world in WORLDS for rank in range(world)}


@pytest.fixture(scope="module")
def expected():
    from tests.torch.filling.ranks import Constructed

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as many as the ranks have, for the digits of orthogonal matrices
    state = ft.materialize(deferred(Constructed)).state_dict()
    torch.set_num_threads(threads)
    return state


def test_every_group_loads_what_any_group_has_saved(results):
    pairs, ways = set(), set()
    for (world, rank), found in results.items():
        for (way, path), different in found["loaded"].items():
            assert different == [], (world, rank, way, path)
            pairs.add((world, path))
            ways.add((world, way))
    assert len(ways) == 3 + 3 + 3 + 4
    saved = [(1, 4), (2, 4), (4, 5)]  # and how often each has
    assert len(pairs) == sum(count for world in WORLDS for size, count in saved if size <= world)


def test_one_process_loads_all(folder, expected):
    paths = [entry for entry in (folder / "checkpoints").iterdir() if entry.is_dir()]
    assert len(paths) == 13
    for path in paths:
        require_same(read(blank(expected), path), expected)


def test_each_rank_writes_a_part(folder, results):
    for world in (2, 4):
        sizes = [0] * world
        for file in (folder / f"checkpoints/{world} whole").glob("__*.distcp"):
            sizes[int(file.name.split("_")[2])] += file.stat().st_size
        assert min(sizes) > max(sizes) / 3
        assert {found["saved"]["whole"] for (size, _), found in results.items() if size == world} != {1}


def test_safetensors_are_written_once(folder, expected):
    for world in (1, 2, 4):
        found = load_file(folder / f"checkpoints/{world}.safetensors")
        require_same(found, {name: tensor for name, tensor in expected.items() if name != "head.weight"})


def test_all_ranks_raise_and_nothing_is_left(folder, results):
    for (world, _), found in results.items():
        if found["refusals"] is None:
            continue
        folders, file, *unseeded, failed = found["refusals"]
        assert folders.startswith("FileExistsError")
        assert file.startswith("FileExistsError")
        assert [message.split(";")[0] for message in unseeded] == (
            ["ValueError: rng must be given, the same in every process of the group"] if world > 1 else []
        )
        assert "the disk of one rank is broken" in failed
    names = {entry.name for entry in (folder / "checkpoints").iterdir()}
    assert not any(name.startswith((".", "failed")) for name in names)
