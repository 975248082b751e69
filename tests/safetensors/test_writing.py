"""Files are complete or absent; errors come first; writing needs no memory of the file's size."""

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

import fastinit as fi
from fastinit.safetensors import fill, shards, writing
from fastinit.safetensors import format as layout
from tests.files.test_files import only
from tests.safetensors.test_values import read, tensors


def anonymous():
    """Bytes of the process's anonymous memory, without mapped files."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) * 1024


def test_a_header_beyond_the_limit(tmp_path, monkeypatch):
    spec = {"tensors": {f"layers.{i}": {"shape": [2]} for i in range(100)}}
    monkeypatch.setattr(layout, "MOST_HEADER_BYTES", 2000)
    with pytest.raises(ValueError, match=r"at most 2,000 bytes; got [\d,]+ for 100 tensors: max_shard_size"):
        fill(tmp_path / "x.safetensors", spec, seed=0)
    assert only(tmp_path)
    assert len(fill(tmp_path / "x.safetensors", spec, seed=0, max_shard_size=80).files) == 11


def test_sizes_that_no_file_has(tmp_path):
    for entries in ({"a": ((2**61,), "float32")}, {"a": ((2**60,), "float32"), "b": ((2**60,), "float32")}):
        with pytest.raises(ValueError, match=r"below 2\^63"):
            fill(tmp_path / "x.safetensors", {"tensors": tensors(**entries)}, seed=0)
    with pytest.raises(ValueError, match=r"tensor 'a': shape must stay below 2\^63"):
        fill(tmp_path / "x.safetensors", {"tensors": tensors(a=((2**40, 2**40), "float32"))}, seed=0)
    with pytest.raises(OSError, match="bytes needed"):
        fill(tmp_path / "x.safetensors", {"tensors": tensors(a=((2**58,), "float32"))}, seed=0)
    assert only(tmp_path)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("size", [None, 100])
def test_an_exception_leaves_what_was_there(tmp_path, monkeypatch, error, size):
    """The last shard's tensor fails after the others are written."""
    spec = {"tensors": tensors(a=((20,), "float32"), b=((20,), "float32"))}
    plans = [writing.plan(tmp_path / f"{name}.safetensors", spec, seed=0, max_shard_size=size) for name in ("new", "old")]
    writing.write(plans[1])
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def failing(rng, out, where):
        assert [path for path in tmp_path.iterdir() if path.suffix == ".part"]
        assert not (tmp_path / "new.safetensors.index.json").exists()
        raise error("no")

    for plan in plans:
        shards = [*plan.shards]
        shards[-1] = shards[-1]._replace(jobs=[*shards[-1].jobs[:-1], shards[-1].jobs[-1]._replace(draw=failing)])
        with pytest.raises(error, match="no"):
            writing.write(plan._replace(shards=shards, overwrite=True))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("size", [None, 2**21])
def test_a_full_disk_is_found_before_any_value_is_made(small_disk, monkeypatch, size):
    spec = {"tensors": tensors(a=((2**18,), "float32"), b=((2**20,), "float32"), c=((2**18,), "float32"))}
    plan = writing.plan(small_disk / "x.safetensors", spec, seed=0, max_shard_size=size)

    def never(rng, out, where):
        raise AssertionError("draw must not be called")

    shards = [shard._replace(jobs=[job._replace(draw=never) for job in shard.jobs]) for shard in plan.shards]
    with pytest.raises(OSError, match=r"No space left on device: [\d,]+ bytes needed, [\d,]+ free"):
        writing.write(plan._replace(shards=shards))
    assert only(small_disk)


def test_a_tensor_that_fits_nowhere(tmp_path, monkeypatch):
    def exhausted(*arguments, **keywords):
        if keywords["index"] != (slice(0, 0), ...):
            raise MemoryError("Unable to allocate")

    monkeypatch.setitem(fi.initializers.BY_NAME, "orthogonal", exhausted)
    spec = {"tensors": tensors(w=((20, 20), "float32")), "default": {"init": "orthogonal"}}
    monkeypatch.setattr("fastinit.initializers.rules._parameters", lambda name: {})
    with pytest.raises(MemoryError, match="tensor 'w': Unable to allocate"):
        fill(tmp_path / "x.safetensors", spec, seed=0)
    assert only(tmp_path)


def test_written_says_what_there_is(tmp_path):
    spec = {"tensors": tensors(a=((20, 3), "float32"), b=((5,), "bfloat16")), "rules": {"c*": "ones", "a": "ones"}}
    written = fill(tmp_path / "x.safetensors", spec, seed=0, rules={"zz": "zeros", "b": "zeros"})
    assert written.files == (tmp_path / "x.safetensors",)
    assert (written.tensors, written.parameters, written.unused) == (2, 65, ("zz", "c*"))
    assert written.nbytes == (tmp_path / "x.safetensors").stat().st_size
    found = read(tmp_path / "x.safetensors")
    assert (found["a"] == 1).all()
    assert not found["b"].astype(float).any()


def test_sizes_are_read_as_hugging_face_reads_them():
    for text, size in {"5GB": 5 * 10**9, "500MB": 5 * 10**8, "1.5kb": 1500, "2TB": 2 * 10**12, "7": 7, " 3 KB ": 3000}.items():
        assert shards.byte_size(text) == size
    assert [shards.byte_size(size) for size in ("4GiB", "1.5KiB", "1e9", 12)] == [2**32, 1536, 10**9, 12]
    for wrong in ("", "GB", "5XB", "-1GB", "0", "0.0001KB", "inf", "nanGB", "9" * 30, 0, -5, 2**63, "99999999TB"):
        with pytest.raises(ValueError, match="max_shard_size must be"):
            shards.byte_size(wrong)
    for wrong in (1.5, True, None, b"5GB"):
        with pytest.raises(TypeError, match="max_shard_size must be"):
            shards.byte_size(wrong)


def test_total_of_a_plan(tmp_path):
    spec = {"tensors": tensors(a=((20, 3), "float32"), b=((5,), "bfloat16"))}
    plan = writing.plan(tmp_path / "x.safetensors", spec, seed=0)
    assert sum(job.tensor.nbytes for job in plan.jobs) == 250
    assert plan.size == 250 + len(plan.shards[0].head)
    assert math.prod(plan.jobs[0].tensor.shape) == plan.jobs[0].tensor.size == 60
    assert only(tmp_path)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="resident memory is read from /proc")
def test_a_model_takes_no_memory_of_its_size(tmp_path):
    """Writing 128 MiB may use an eighth of that as anonymous memory."""
    spec = {"tensors": tensors(a=((1 << 25,), "bfloat16"), b=((4, 1 << 22), "float32")), "rules": {"b": "normal"}}
    plan = writing.plan(tmp_path / "x.safetensors", spec, seed=0)
    before, seen = anonymous(), []
    writing.write(plan, lambda done: seen.append(anonymous()), slab_bytes=1 << 23)
    assert len(seen) == 16
    assert max(seen) - before < 1 << 24
    (tmp_path / "x.safetensors").unlink()


def test_the_example():
    root = Path(fi.__file__).parents[1]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    command = [sys.executable, str(root / "examples" / "safetensors_model.py")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "model-00002-of-00002.safetensors" in done.stdout
    assert done.stdout.endswith("the NumPy call's bytes in both: True\n")
