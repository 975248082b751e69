"""Real clusters of several worker processes, one of which is killed during the work."""

import hashlib
import os
import signal
import time
from pathlib import Path

import pytest

pytest.importorskip("distributed", reason="needs dask.distributed")

import dask
import dask.array as da
import numpy as np
from distributed import Client, LocalCluster, wait

import fastinit as fi
import fastinit.dask as fd

pytestmark = pytest.mark.filterwarnings("default")  # distributed's own

WORKERS = 3
#: So few values that whole arrays and chunks take the same kernel, which is compiled here and not by each worker.
SHAPE, CHUNKS = (96, 300), (4, 150)


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """A client of workers that are restarted when they die."""
    settings = {"temporary-directory": str(tmp_path_factory.mktemp("workers")), "distributed.comm.timeouts.connect": "60s"}
    with (
        dask.config.set(settings),
        LocalCluster(n_workers=WORKERS, threads_per_worker=2, processes=True, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        yield client


def note(block, folder, wait_from, block_id=None):
    """Create a file that names the process and the chunk; later chunks wait until the worker is dead."""
    number = block_id[0] * (SHAPE[1] // CHUNKS[1]) + block_id[1]
    deadline = time.monotonic() + 120
    while number >= wait_from and not Path(folder, "go").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    Path(folder, f"{number}.{os.getpid()}.{time.monotonic_ns()}").touch()
    return block


def done_by(folder):
    """The chunks that each process has computed, with repetitions."""
    found = {}
    for path in Path(folder).glob("*.*.*"):
        number, pid, _ = path.name.split(".")
        found.setdefault(int(pid), []).append(int(number))
    return found


def until(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def test_several_processes_make_the_bytes_of_one(client, tmp_path):
    whole = fi.default_rng(1).truncated_normal(-2, 2, 0.0, 0.02, SHAPE, dtype="bfloat16")
    for chunks in (CHUNKS, (50, 7), -1):
        lazy = fd.truncated_normal(SHAPE, scale=0.02, rng=1, dtype="bfloat16", chunks=chunks)
        assert lazy.compute().tobytes() == whole.tobytes()
    whole = fi.default_rng(1).normal(size=SHAPE)
    noted = fd.normal(SHAPE, rng=1, chunks=CHUNKS).map_blocks(note, str(tmp_path), 10**9, dtype=np.float32)
    assert noted.compute().tobytes() == whole.tobytes()
    assert len(done_by(tmp_path)) == WORKERS
    assert os.getpid() not in done_by(tmp_path)


def test_a_killed_worker_changes_no_byte(client, tmp_path):
    chunks = SHAPE[0] // CHUNKS[0] * (SHAPE[1] // CHUNKS[1])
    lazy = fd.normal(SHAPE, rng=fi.default_rng(1).child("w"), chunks=CHUNKS)
    noted = lazy.map_blocks(note, str(tmp_path), chunks // 2, dtype=np.float32).persist()
    until(lambda: max(map(len, done_by(tmp_path).values()), default=0) >= 2)
    before = done_by(tmp_path)
    victim = max(before, key=lambda pid: len(before[pid]))
    assert victim in client.run(os.getpid).values()
    os.kill(victim, signal.SIGKILL)
    lost = set(done_by(tmp_path)[victim])
    Path(tmp_path, "go").touch()
    wait(noted, timeout=240)
    found = noted.compute()
    assert found.tobytes() == fi.default_rng(1).child("w").normal(size=SHAPE).tobytes()
    after = done_by(tmp_path)
    assert len(lost) >= 2
    again = {number for pid, numbers in after.items() if pid != victim for number in numbers}
    assert lost <= again, "what the dead worker held was computed anew by others"
    assert again == set(range(chunks))


@pytest.mark.parametrize("kind", ["zarr", "npy_stack"])
def test_workers_store_what_one_process_would(client, tmp_path, kind):
    lazy = fd.he_uniform((64, 48), rng=4, chunks=(10, 48))
    whole = fi.initializers.he_uniform((64, 48), rng=4)
    if kind == "zarr":
        pytest.importorskip("zarr", reason="needs zarr")
        lazy.rechunk((16, 12)).to_zarr(tmp_path / kind)
        found = da.from_zarr(tmp_path / kind)
    else:
        da.to_npy_stack(tmp_path / kind, lazy.rechunk((16, 48)), axis=0)
        found = da.from_npy_stack(tmp_path / kind)
    assert found.compute().tobytes() == whole.tobytes()


def checksum(block):
    return np.frombuffer(hashlib.sha256(block.tobytes()).digest(), np.uint8).reshape(1, -1)


def test_nothing_but_digests_travels(client):
    """Chunks are drawn and reduced by the workers: the digests are those of the NumPy array's rows."""
    whole = fi.default_rng(2).normal(size=(40, 800))
    lazy = fd.normal((40, 800), rng=2, chunks=(10, -1))
    digests = lazy.map_blocks(checksum, chunks=((1,) * 4, (32,)), dtype=np.uint8).compute()
    assert np.array_equal(digests, np.concatenate([checksum(whole[i : i + 10]) for i in range(0, 40, 10)]))


def test_a_generator_travels_with_a_task(client):
    rng = fi.default_rng(3).child("x")
    rng.bits(2)
    future = client.submit(lambda generator: generator.normal(size=5), rng)
    assert future.result().tobytes() == rng.normal(size=5).tobytes()


def test_processes_scheduler():
    """Dask's process pool, where each task runs in the main thread of a child process."""
    whole = fi.default_rng(0).uniform(size=(300, 100))
    lazy = fd.uniform((300, 100), rng=0, chunks=(60, 100))
    assert lazy.compute(scheduler="processes", num_workers=2).tobytes() == whole.tobytes()
