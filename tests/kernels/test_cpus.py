"""How many threads a fill uses: cgroups of both versions, the environment's numbers, and limits of a thread's own."""

import math
import os
import subprocess
import sys
import threading

import pytest

from fastinit.kernels import cpus

V2 = "0::/a/b/c\n"
V1 = "12:memory:/m\n4:cpu,cpuacct:/docker/x\n1:name=systemd:/s\n0::/s\n"


def quota(tmp_path, own, files):
    """The quota where /proc/self/cgroup says this, and the cgroups have these files; None: there is no such file."""
    if own is not None:
        (tmp_path / "own").write_bytes(own if isinstance(own, bytes) else own.encode())
    for name, text in files.items():
        path = tmp_path / "root" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return cpus.quota(tmp_path / "own", tmp_path / "root")


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"a/b/c/cpu.max": "150000 100000\n"}, 1.5),
        ({"a/b/c/cpu.max": "max 100000\n"}, math.inf),
        ({"a/b/c/cpu.max": "max 100000\n", "a/b/cpu.max": "300000 100000\n", "a/cpu.max": "800000 100000\n"}, 3),
        ({"a/b/c/cpu.max": "400000 100000\n", "a/cpu.max": "20000 10000\n"}, 2),
        ({"cpu.max": "50000 100000\n"}, 0.5),  # the container's own group is mounted as the root
        ({"a/b/c/d/cpu.max": "1000 100000\n", "x/cpu.max": "1000 100000\n"}, math.inf),  # of others
        ({}, math.inf),
    ],
)
def test_version_2(tmp_path, files, expected):
    assert quota(tmp_path, V2, files) == expected


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"docker/x": (250000, 100000)}, 2.5),
        ({"docker/x": (-1, 100000)}, math.inf),
        ({"docker/x": (-1, 100000), "docker": (300000, 100000)}, 3),
        ({"docker/x": (600000, 100000), "docker": (300000, 50000)}, 6),
        ({".": (100000, 100000)}, 1),
        ({"m": (1000, 100000), "s": (1000, 100000)}, math.inf),  # other controllers' paths
    ],
)
def test_version_1(tmp_path, files, expected):
    names = ("quota", "period")
    parts = {
        f"cpu/{folder}/cpu.cfs_{name}_us": f"{n}\n"
        for folder, both in files.items()
        for name, n in zip(names, both, strict=True)
    }
    assert quota(tmp_path, V1, parts) == expected


def test_both_versions(tmp_path):
    """A system may mount both: the smaller quota holds."""
    files = {
        "s/cpu.max": "400000 100000",
        "cpu/docker/x/cpu.cfs_quota_us": "200000",
        "cpu/docker/x/cpu.cfs_period_us": "100000",
    }
    assert quota(tmp_path, V1, files) == 2
    (tmp_path / "root/s/cpu.max").write_text("100000 100000")
    assert cpus.quota(tmp_path / "own", tmp_path / "root") == 1


@pytest.mark.parametrize(
    "text", ["", "\n", "max", "100000", "100000 0", "x y z", "-1 100000", "100000 x", "1.5 100000", b"\xff\xfe", "1e5 1e5"]
)
def test_garbage_is_no_limit(tmp_path, text):
    """Nor an error, which would stop every fill."""
    assert quota(tmp_path, V2, {"a/b/c/cpu.max": text}) == math.inf
    for quota_text, period in ((text, "100000"), ("100000", text)):
        if text == "100000":
            continue
        files = {"cpu/cpu.cfs_quota_us": quota_text, "cpu/cpu.cfs_period_us": period}
        assert quota(tmp_path, V2, files) == math.inf
    assert quota(tmp_path, V2, {"cpu/cpu.cfs_quota_us": "100000", "cpu/cpu.cfs_period_us": "0"}) == math.inf


@pytest.mark.parametrize("own", [None, "", "no colon\n", "1:cpu\n", ":::\n", b"\xff\n", "0::\n", "0::relative\n"])
def test_a_list_of_cgroups_that_says_nothing(tmp_path, own):
    """The root's quota holds."""
    assert quota(tmp_path, own, {"cpu.max": "300000 100000"}) == 3


@pytest.fixture
def usual(monkeypatch):
    """`usual` anew, for a machine with eight CPUs that no quota limits and no environment."""
    for name in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(cpus, "affinity", lambda: 8)
    monkeypatch.setattr(cpus, "quota", lambda: math.inf)
    return cpus.usual.__wrapped__


@pytest.mark.parametrize(("quota", "expected"), [(math.inf, 8), (20, 8), (2.5, 3), (2, 2), (0.01, 1)])
def test_a_quota_rounds_up(usual, monkeypatch, quota, expected):
    monkeypatch.setattr(cpus, "quota", lambda: quota)
    assert usual() == expected


OMP = [("4", 4), ("4,2", 4), (" 4 , 2", 4), ("16", 8), ("1", 1), ("0", 1), ("", 8), ("x", 8), ("-3", 8), (",2", 8), ("2.5", 8)]


@pytest.mark.parametrize(("text", "expected"), OMP)
def test_omp_num_threads(usual, monkeypatch, text, expected):
    monkeypatch.setenv("OMP_NUM_THREADS", text)
    assert usual() == expected


def test_the_least_of_them_holds(usual, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setattr(cpus, "quota", lambda: 2)
    assert usual() == 2
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert usual() == 1


def test_numba_num_threads_wins(usual, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setattr(cpus, "quota", lambda: 2)
    for text, expected in (("5", 5), ("1", 1), ("12", 12), ("x", 2), ("", 2)):
        monkeypatch.setenv("NUMBA_NUM_THREADS", text)
        assert usual() == expected


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity masks")
def test_the_affinity_mask_is_obeyed():
    script = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
    script += "from fastinit.kernels import cpus; print(cpus.affinity(), cpus.allowed())"
    env = {name: value for name, value in os.environ.items() if name not in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS")}
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True)
    assert done.stdout == "1 1\n"


def test_limits_are_each_thread_s_own(monkeypatch):
    monkeypatch.setattr(cpus, "usual", lambda: 8)
    monkeypatch.delitem(sys.modules, "numba", raising=False)
    elsewhere = []
    with cpus.at_most(3):
        assert cpus.allowed() == 3
        thread = threading.Thread(target=lambda: elsewhere.append(cpus.allowed()))
        thread.start()
        thread.join()
        with cpus.at_most(1):
            assert cpus.allowed() == 1
        with pytest.raises(KeyError), cpus.at_most(2):
            raise KeyError
        assert cpus.allowed() == 3
        with cpus.at_most(20):  # no more than the limit around it
            assert cpus.allowed() == 3
    with cpus.at_most(20):
        assert cpus.allowed() == 8
    assert elsewhere == [8]
    assert cpus.allowed() == 8


class Numba:
    """Numba with threads of its own, or before it has started them."""

    def __init__(self, started, count):
        self.started, self.count = started, count

    def threading_layer(self):
        if not self.started:
            raise ValueError("Threading layer is not initialized.")
        return "omp"

    def get_num_threads(self):
        assert self.started  # else this call would start them
        return self.count


@pytest.mark.parametrize(("numba", "expected"), [(Numba(True, 2), 2), (Numba(True, 9), 8), (Numba(False, 2), 8), (object(), 8)])
def test_numba_s_number_of_threads_is_obeyed_where_it_has_started_them(monkeypatch, numba, expected):
    """An object without these functions stands for a Numba that another thread is importing."""
    monkeypatch.setattr(cpus, "usual", lambda: 8)
    monkeypatch.setitem(sys.modules, "numba", numba)
    assert cpus.allowed() == expected
    with cpus.at_most(1):
        assert cpus.allowed() == 1
