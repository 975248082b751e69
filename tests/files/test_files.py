"""Files are complete or absent, hold what NumPy would write, and do not depend on the slabs they were filled in."""

import errno
import os
import shutil
import stat
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastinit
from fastinit.files import slabs
from fastinit.files.atomic import replacing, staged
from fastinit.files.npy import MOST_AXES, fill_npy, header
from fastinit.files.slabs import cuts, write_behind
from fastinit.safetensors import fill

DTYPES = [np.float32, np.float64, np.float16, ml_dtypes.bfloat16]


def normal(shape, dtype=np.float32):
    def draw(out, where):
        fastinit.default_rng(3).normal(size=shape, index=where, out=out, dtype=dtype)

    return draw


def zeros(out, where):
    out[...] = 0


def never(out, where):
    raise AssertionError("draw must not be called")


def only(directory, *names):
    return sorted(path.name for path in directory.iterdir()) == sorted(names)


@pytest.mark.parametrize("dtype", [*DTYPES, np.uint32, np.complex128, ">f4"])
@pytest.mark.parametrize("shape", [(), (0,), (5, 0, 3), (7,), (2, 3, 4), (1,) * MOST_AXES])
def test_the_file_is_what_numpy_save_writes(tmp_path, shape, dtype):
    np.save(tmp_path / "numpy.npy", np.zeros(shape, dtype))
    size = fill_npy(tmp_path / "ours.npy", shape, dtype, zeros)
    written = (tmp_path / "ours.npy").read_bytes()
    assert written == (tmp_path / "numpy.npy").read_bytes()
    assert size == len(written)


@settings(max_examples=40, deadline=None)
@given(
    shape=st.lists(st.integers(1, 30), max_size=3).map(tuple),
    slab_bytes=st.integers(0, 4000),
    dtype=st.sampled_from(DTYPES),
)
def test_slabs_leave_no_trace(tmp_path_factory, shape, slab_bytes, dtype):
    path = tmp_path_factory.mktemp("slabs") / "x.npy"
    sizes = []
    fill_npy(path, shape, dtype, normal(shape, dtype), progress=sizes.append, slab_bytes=slab_bytes)
    loaded = np.load(path)
    whole = fastinit.default_rng(3).normal(size=shape, dtype=dtype)
    assert loaded.shape == shape
    assert loaded.tobytes() == whole.tobytes()
    assert sum(sizes) == whole.nbytes
    assert max(sizes) <= max(slab_bytes, np.dtype(dtype).itemsize)


def test_bfloat16_survives_the_round_trip(tmp_path):
    fill_npy(tmp_path / "x.npy", (10, 10), ml_dtypes.bfloat16, normal((10, 10), ml_dtypes.bfloat16))
    loaded = np.load(tmp_path / "x.npy").view(ml_dtypes.bfloat16)
    np.testing.assert_array_equal(loaded, fastinit.default_rng(3).normal(size=(10, 10), dtype=ml_dtypes.bfloat16))


@pytest.mark.parametrize("name", ["bfloat16", "float8_e4m3fn", "float8_e5m2"])
def test_types_that_the_format_cannot_name_are_raw_bytes(tmp_path, name):
    """Also float8_e5m2, for which numpy.save writes a name that numpy.load does not know."""
    dtype = np.dtype(getattr(ml_dtypes, name))
    fill_npy(
        tmp_path / "x.npy",
        (4, 5),
        dtype,
        lambda out, where: np.copyto(out, np.arange(20).reshape(4, 5)[where], casting="unsafe"),
    )
    loaded = np.load(tmp_path / "x.npy")
    assert loaded.dtype.kind == "V"
    np.testing.assert_array_equal(loaded.view(dtype), np.arange(20).reshape(4, 5).astype(dtype))


@pytest.mark.parametrize(
    ("shape", "dtype", "message"),
    [
        ((2**61,), np.float32, "below 2\\^63 bytes"),
        ((0, 2**62), np.float32, "below 2\\^63 bytes"),
        ((2**40, 2**40), np.float16, "below 2\\^63 bytes"),
        ((3, -1), np.float32, "none negative"),
        ((1,) * (MOST_AXES + 1), np.float32, "at most 64 axes"),
        ((3,), object, "Python objects"),
    ],
)
def test_arrays_that_cannot_be_are_refused_first(tmp_path, shape, dtype, message):
    with pytest.raises(ValueError, match=message):
        header(shape, dtype)
    with pytest.raises(ValueError, match=message):
        fill_npy(tmp_path / "x.npy", shape, dtype, never)
    assert only(tmp_path)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_exception_leaves_what_was_there(tmp_path, error):
    (tmp_path / "old.npy").write_bytes(b"old")

    def draw(out, where):
        out[...] = 1
        if where[0].start:
            raise error

    for name in ("old.npy", "new.npy"):
        with pytest.raises(error):
            fill_npy(tmp_path / name, (1000,), np.float32, draw, overwrite=True, slab_bytes=400)
    assert only(tmp_path, "old.npy")
    assert (tmp_path / "old.npy").read_bytes() == b"old"


def test_only_a_temporary_name_exists_while_it_is_written(tmp_path):
    seen = []

    def draw(out, where):
        seen.extend(path.name for path in tmp_path.iterdir())

    fill_npy(tmp_path / "x.npy", (3,), np.float32, draw)
    assert len(seen) == 1
    assert seen[0].startswith(".x.npy.")
    assert seen[0].endswith(".part")
    assert only(tmp_path, "x.npy")


def test_an_existing_file_is_not_touched_unless_asked(tmp_path):
    path = tmp_path / "x.npy"
    path.write_bytes(b"old")
    path.chmod(0o640)
    with pytest.raises(FileExistsError):
        fill_npy(path, (3,), np.float32, never)
    assert path.read_bytes() == b"old"
    fill_npy(path, (3,), np.float32, zeros, overwrite=True)
    assert np.load(path).tolist() == [0, 0, 0]
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert only(tmp_path, "x.npy")


def test_a_file_that_appears_meanwhile_is_not_replaced(tmp_path):
    path = tmp_path / "x.npy"
    with pytest.raises(FileExistsError):
        fill_npy(path, (3,), np.float32, lambda out, where: path.write_bytes(b"theirs"))
    assert path.read_bytes() == b"theirs"
    assert only(tmp_path, "x.npy")


def test_a_new_file_has_the_permissions_of_any_new_file(tmp_path):
    (tmp_path / "any").touch()
    fill_npy(tmp_path / "x.npy", (3,), np.float32, zeros)
    assert (tmp_path / "x.npy").stat().st_mode == (tmp_path / "any").stat().st_mode


def test_links_are_followed(tmp_path):
    (tmp_path / "store").mkdir()
    link = tmp_path / "link.npy"
    link.symlink_to(tmp_path / "store" / "x.npy")
    fill_npy(link, (3,), np.float32, zeros)
    assert link.is_symlink()
    assert only(tmp_path / "store", "x.npy")
    with pytest.raises(FileExistsError):
        fill_npy(link, (3,), np.float32, never)
    fill_npy(link, (4,), np.float32, zeros, overwrite=True)
    assert np.load(tmp_path / "store" / "x.npy").shape == (4,)
    assert link.is_symlink()


def test_what_is_no_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path, error in ((tmp_path / "pipe", OSError), (tmp_path, IsADirectoryError), ("/dev/null", OSError)):
        with pytest.raises(error):
            fill_npy(path, (3,), np.float32, never, overwrite=True)
    with pytest.raises(FileNotFoundError, match="No such directory"):
        fill_npy(tmp_path / "absent" / "x.npy", (3,), np.float32, never)
    assert only(tmp_path, "pipe")


def test_names_as_long_as_the_file_system_takes(tmp_path):
    name = "x" * 251 + ".npy"
    fill_npy(tmp_path / name, (3,), np.float32, zeros)
    assert only(tmp_path, name)


def test_draw_may_keep_what_it_was_given(tmp_path):
    kept = []
    fill_npy(tmp_path / "x.npy", (10,), np.float32, lambda out, where: kept.append(out), slab_bytes=20)
    assert np.concatenate(kept).shape == (10,)


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="what a process maps and opens is read from /proc")
@pytest.mark.parametrize("of_a_model", [False, True])
def test_the_file_is_neither_mapped_nor_open_when_it_gets_its_name(tmp_path, monkeypatch, of_a_model):
    """Windows renames no such file."""
    seen, replace = [], Path.replace

    def watched(part, final):
        opened = [str(path.readlink()) for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
        seen.append((part.exists(), str(part) in Path("/proc/self/maps").read_text(), str(part) in opened))
        return replace(part, final)

    monkeypatch.setattr(Path, "replace", watched)
    if of_a_model:
        fill(tmp_path / "x.safetensors", {"tensors": {"w": {"shape": [10], "dtype": "float32"}}}, seed=0)
    else:
        fill_npy(tmp_path / "x.npy", (10,), np.float32, normal(10), slab_bytes=20)
    assert seen == [(True, False, False)]


@pytest.mark.parametrize("reserving", [True, False], ids=["posix_fallocate", "without, as on macOS and Windows"])
def test_a_full_disk_is_found_before_any_value_is_made(small_disk, monkeypatch, reserving):
    if not reserving:
        monkeypatch.delattr(os, "posix_fallocate")
    with pytest.raises(OSError, match=r"needed, [\d,]+ free") as caught:
        fill_npy(small_disk / "x.npy", (2**21,), np.float32, never)
    assert f"{2**23 + 128:,} bytes needed" in str(caught.value)
    assert caught.value.filename == str(small_disk / "x.npy")
    assert only(small_disk)
    fill_npy(small_disk / "x.npy", (2**18,), np.float32, normal(2**18))  # the room has been given back
    assert np.load(small_disk / "x.npy").tobytes() == fastinit.default_rng(3).normal(size=2**18).tobytes()


def test_the_free_space_is_looked_at_before_any_is_taken(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda directory: shutil._ntuple_diskusage(2**40, 2**40 - 1000, 1000))
    monkeypatch.setattr(os, "posix_fallocate", never, raising=False)
    with pytest.raises(OSError, match=r"1,328 bytes needed, 1,000 free") as caught:
        fill_npy(tmp_path / "x.npy", (300,), np.float32, never)
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(tmp_path / "x.npy"))
    assert only(tmp_path)


def test_a_disk_that_does_not_say_how_large_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda directory: shutil._ntuple_diskusage(0, 0, 0))
    fill_npy(tmp_path / "x.npy", (300,), np.float32, zeros)
    assert not np.load(tmp_path / "x.npy").any()


def test_replacing_serves_other_formats(tmp_path):
    with replacing(tmp_path / "x.bin") as file:
        file.write(b"abc")
        assert not (tmp_path / "x.bin").exists()
    assert (tmp_path / "x.bin").read_bytes() == b"abc"


def test_files_that_take_their_names_together(tmp_path):
    paths = [tmp_path / name for name in ("b", "a", "c")]
    with staged(paths) as parts:
        assert [part.stat().st_size for part in parts] == [0, 0, 0]
        for number, part in enumerate(parts):
            part.write_bytes(bytes([number]))
        assert not any(path.exists() for path in paths)
    assert [path.read_bytes() for path in paths] == [b"\0", b"\1", b"\2"]
    assert only(tmp_path, "a", "b", "c")


@pytest.mark.parametrize("appears", ["a", "c"])
def test_none_of_several_files_appears_if_one_cannot(tmp_path, appears):
    paths = [tmp_path / name for name in "abc"]
    with pytest.raises(FileExistsError), staged(paths):
        (tmp_path / appears).write_bytes(b"theirs")
    assert only(tmp_path, appears)
    assert (tmp_path / appears).read_bytes() == b"theirs"
    with pytest.raises(KeyboardInterrupt), staged(paths, overwrite=True):
        raise KeyboardInterrupt
    assert only(tmp_path, appears)


def test_several_names_must_be_several_files(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "a")
    with pytest.raises(ValueError, match="paths must be different files"), staged([tmp_path / "a", tmp_path / "link"]):
        pass
    assert only(tmp_path, "link")


def test_several_files_keep_their_permissions(tmp_path):
    (tmp_path / "a").touch(0o640)
    with staged([tmp_path / "a", tmp_path / "b"], overwrite=True):
        pass
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


@given(shape=st.lists(st.integers(0, 7), max_size=4).map(tuple), most=st.integers(1, 60))
def test_cuts_cover_an_array_once_in_order(shape, most):
    places = np.arange(int(np.prod(shape, dtype=int))).reshape(shape)
    blocks = [places[(*where, ...)] for where in cuts(shape, most)]
    assert [i for block in blocks for i in block.ravel().tolist()] == list(range(places.size))
    assert all(1 <= block.size <= most for block in blocks)


def test_cuts_are_even():
    sizes = [where[0].stop - where[0].start for where in cuts((1001,), 100)]
    assert (len(sizes), min(sizes), max(sizes)) == (11, 91, 91)
    assert next(cuts((2**60, 3, 2**40), 2**30)) == (0, 0, slice(0, 2**30, None))  # nobody lists them all


@pytest.mark.parametrize("name", ["\u00fc" * 127, "\U0001f600" * 63])
def test_long_names_of_wide_characters(tmp_path, name):
    with replacing(tmp_path / name) as file:
        file.write(b"abc")
    assert only(tmp_path, name)


@pytest.mark.skipif(not hasattr(os, "posix_fadvise"), reason="there is no posix_fadvise here")
def test_the_disk_is_told_of_every_byte_once_in_large_pieces(tmp_path, monkeypatch):
    told, done, counts = [], [], (60, 10, 30, 5, 500, 99)
    monkeypatch.setattr(slabs, "WRITE_BEHIND", 100)
    monkeypatch.setattr(os, "posix_fadvise", lambda descriptor, begin, size, advice: told.append((begin, size)))
    with (tmp_path / "x").open("wb") as file:
        tell = write_behind(file, 8, done.append)
        for count in counts:
            tell(count)
    assert told == [(8, 100), (108, 505)]
    assert tuple(done) == counts


def test_advice_may_be_impossible(tmp_path, monkeypatch):
    monkeypatch.setattr(slabs, "WRITE_BEHIND", 1)

    def refused(*arguments):
        raise OSError("no")

    monkeypatch.setattr(os, "posix_fadvise", refused, raising=False)
    for there in (True, False):
        if not there:
            monkeypatch.delattr(os, "posix_fadvise")
        fill_npy(tmp_path / "x.npy", (1000,), np.float32, normal(1000), slab_bytes=400, overwrite=True)
        assert np.load(tmp_path / "x.npy").tobytes() == fastinit.default_rng(3).normal(size=1000).tobytes()
