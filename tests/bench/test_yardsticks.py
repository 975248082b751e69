"""What fills are compared with: stores that reach every byte, a clock, caches as Linux describes them."""

import threading
from types import SimpleNamespace

import numpy as np
import pytest

from fastinit.bench import caches, clock, loops, machine, measure, stores
from fastinit.bench.caches import Cache
from fastinit.kernels import cpus

MIB = 1 << 20


@pytest.mark.parametrize("dtype", [*measure.DTYPES, "float8_e5m2", "bool"])
@pytest.mark.parametrize("nontemporal", [False, True])
@pytest.mark.parametrize("threads", [1, 3])
def test_the_stores_reach_every_byte_and_no_other(monkeypatch, dtype, nontemporal, threads):
    """Also at the ends, which are no whole lines; the last of several passes writes the constant."""
    monkeypatch.setattr(cpus, "allowed", lambda: threads)
    for count in (0, 1, 3, 17, 64, 1000, 100_003):
        for start in (0, 1, 5):
            around = np.zeros(count + 70, measure.numpy_dtype(dtype))
            out = around[start : start + count]
            assert stores.store(out, nontemporal, passes=3) is out
            bits = around.view(f"u{around.itemsize}")
            expected = np.zeros_like(bits)
            expected[start : start + count] = 1
            np.testing.assert_array_equal(bits, expected)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_no_share_is_stored_by_a_caller_that_woke_a_thread(monkeypatch, threads):
    """The system starts a woken thread on the CPU of its caller, which must sleep by then."""
    stored = []

    def store(start, lines, word, passes):
        stored.append((threading.get_ident() == caller, lines))

    caller = threading.get_ident()
    monkeypatch.setattr(cpus, "allowed", lambda: threads)
    monkeypatch.setattr(stores, "loaded", lambda: SimpleNamespace(store=store))
    stores.store(np.zeros(1 << 12, np.float32))
    assert [by_caller for by_caller, _ in stored] == [threads == 1] * threads
    assert sum(lines for _, lines in stored) in {255, 256}  # 256 lines if the array begins with one


def test_the_hint_is_in_the_machine_code():
    text = loops.source()
    assert text.count("!nontemporal") == 1
    module, target = loops.machine.compiled(text, loops.machine.host())
    assert str(module.get_function("store")).count(" xor ") == 1  # the word of each pass, so that no pass can be left out
    assembly = target.emit_assembly(module)
    if loops.machine.host().triple.startswith("x86"):
        through, past = assembly.split("store_nontemporal:")[:2]
        assert "movnt" not in through
        assert "movnt" in past


def test_passes():
    assert [stores.passes(nbytes) for nbytes in (1 << 29, 1 << 28, (1 << 28) - 1, 1 << 20, 1 << 12, 4095, 0)] == [
        1,
        1,
        1,
        256,
        1 << 16,
        1,
        1,
    ]


def test_the_clock_is_that_of_a_cpu():
    assert 2e8 < clock.hertz() < 2e10
    x, addend, mask = 5, 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9
    end = loops.loaded().chain(x, addend, mask, 3)
    for _ in range(3 * loops.STEPS):
        x = (x + addend) % 2**64 ^ mask
    assert end == x  # every step was taken


def test_the_nominal_clock(tmp_path):
    (tmp_path / "cpuinfo").write_text("processor\t: 0\ncpu MHz\t\t: 2600.125\n")
    assert clock.nominal(tmp_path, tmp_path / "cpuinfo") == 2600.125e6
    (tmp_path / "base_frequency").write_text("3100000\n")
    assert clock.nominal(tmp_path, tmp_path / "cpuinfo") == 3.1e9
    assert clock.nominal(tmp_path / "no", tmp_path / "no") is None


def write(root, cpu, index, **entries):
    folder = root / f"cpu{cpu}" / "cache" / f"index{index}"
    folder.mkdir(parents=True)
    for name, text in entries.items():
        (folder / name).write_text(f"{text}\n")


def test_caches_of_linux(tmp_path, monkeypatch):
    monkeypatch.setattr(caches.os, "sched_getaffinity", lambda pid: {0, 1}, raising=False)
    for cpu in (0, 1, 2):
        write(tmp_path, cpu, 0, type="Data", level=1, size="48K", shared_cpu_list=cpu)
        write(tmp_path, cpu, 1, type="Instruction", level=1, size="32K", shared_cpu_list=cpu)
        write(tmp_path, cpu, 2, type="Unified", level=2, size="2048K", shared_cpu_list=f"{cpu},{cpu + 8}")
        write(tmp_path, cpu, 3, type="Unified", level=3, size="32M", shared_cpu_list="0-3,8-11")
    write(tmp_path, 0, 4, type="Unified", level=4, size="0K", shared_cpu_list="0")
    write(tmp_path, 1, 4, level=4, size="64M")
    found = caches.found(tmp_path)
    assert [(cache.level, cache.bytes, sorted(cache.cpus)) for cache in found] == [
        (1, 48 << 10, [0]), (1, 48 << 10, [1]), (2, 2 * MIB, [0, 8]), (2, 2 * MIB, [1, 9]),
        (3, 32 * MIB, [0, 1, 2, 3, 8, 9, 10, 11]),
    ]  # fmt: skip
    assert caches.summary(found)[1:] == [
        {"level": 2, "bytes": 2 * MIB, "count": 2, "cpus": 2}, {"level": 3, "bytes": 32 * MIB, "count": 1, "cpus": 8},
    ]  # fmt: skip
    assert caches.found(tmp_path / "no") == ()


def machine_of(second, third, cores, groups=1):
    """Caches of so many MiB: an L2 for each core, an L3 for each group of cores."""
    shared = [frozenset(range(i, cores, groups)) for i in range(groups)]
    return [Cache(2, int(second * MIB), frozenset([core])) for core in range(cores)] + [
        Cache(3, int(third * MIB), each) for each in shared if third
    ]


@pytest.mark.parametrize(
    ("found", "threads", "l2", "l3", "ram"),
    [
        (machine_of(1, 32, 8), 1, 0.5, 2, 256),  # half of a CPU's part of the L3 is as much as two L2 caches
        (machine_of(1, 96, 8), 1, 0.5, 4, 256),
        (machine_of(2, 24, 8), 1, 1, 4, 256),  # half of it is less
        (machine_of(1, 96, 8), 8, 4, 32, 256),
        (machine_of(1, 32, 16, 2), 16, 8, 32, 256),
        (machine_of(2, 480, 2), 2, 2, 16, 960),
        (machine_of(0.25, 8, 4), 4, 0.5, 4, 256),
        (machine_of(0.25, 8, 4), 400, 0.5, 4, 256),  # no more caches than there are
    ],
)
def test_sizes_that_fit(found, threads, l2, l3, ram):
    assert [caches.fitting(place, threads, found) / MIB for place in caches.PLACES] == [l2, l3, ram]


@pytest.mark.parametrize(
    ("place", "found", "words"),
    [
        ("l2", [], "--size l2: this system describes no L2 cache; pass a size in bytes, such as 1MiB"),
        ("ram", [], "--size ram: this system describes no L2 cache"),
        ("l3", machine_of(1, 0, 4), "--size l3: this system describes no L3 cache"),
        ("l3", machine_of(2, 16, 8), r"nothing fits the L3 \(16 MiB\) but not the L2 caches of 8 threads \(16 MiB\)"),
    ],
)
def test_sizes_that_do_not(place, found, words):
    with pytest.raises(ValueError, match=words):
        caches.fitting(place, 8, found)


def test_values_of_a_size(monkeypatch):
    monkeypatch.setattr(caches, "found", lambda: machine_of(1, 32, 8))
    wanted = [(1000, 4, 1), ("1MiB", 4, 1), ("1MiB", 2, 8), ("l2", 2, 2), ("3B", 4, 1)]
    assert [caches.values_of(*each) for each in wanted] == [1000, MIB // 4, MIB // 2, MIB // 2, 1]


@pytest.mark.parametrize(
    ("cpuinfo", "virtual"),
    [("flags\t\t: fpu hypervisor\n", True), ("flags\t\t: fpu\n", False), ("Features\t: fp asimd\n", None), ("", None)],
)
def test_only_x86_says_whether_it_is_virtual(monkeypatch, cpuinfo, virtual):
    lines = machine._lines
    monkeypatch.setattr(machine, "_lines", lambda path: cpuinfo.splitlines() if path == "/proc/cpuinfo" else lines(path))
    assert machine.describe()["virtual"] is virtual


def test_what_the_system_names():
    described = {"caches": caches.summary(machine_of(0.5, 32, 8)), "nominal_hertz": 2.5e9, "virtual": False}
    assert machine.memory_sentence(described) == "The system names 8 x 512 KiB L2, 1 x 32 MiB L3 for 8 CPUs, 2.50 GHz."
    assert "this is a virtual machine" in machine.memory_sentence(described | {"virtual": True})
    assert machine.memory_sentence({"caches": [], "nominal_hertz": None, "virtual": True}) == ""
    here = machine.describe()
    assert set(here) == {
        "cpu", "gpu", "virtual", "logical_cpus", "threads", "memory", "caches", "nominal_hertz", "system", "versions",
    }  # fmt: skip
