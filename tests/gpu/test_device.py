"""`fastinit check --device cuda` and `bench --device cuda` against the stand-in."""

import types

import numpy as np
import pytest

from fastinit.bench import device, plot, session
from fastinit.bench import machine as bench_machine
from fastinit.bench.measure import Job
from fastinit.bench.samplers import ready, references
from fastinit.check import laws, subjects, verdict
from fastinit.commands.main import main
from fastinit.gpu import driver, memory
from fastinit.peers.libraries import Missing


@pytest.fixture
def machine(cuda):
    yield cuda
    assert not cuda.memory, "all memory is given back"


def test_check_tests_what_the_device_makes(machine, capsys):
    assert main(["check", "--device", "cuda", "--dist", "normal", "--dtype", "bfloat16", "--samples", "65536"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Stand-in 0; ")
    assert "GOOD" in out
    assert machine.launches


def test_reports_name_the_device(machine, monkeypatch, capsys):
    here, other = bench_machine.describe(device="cuda"), bench_machine.describe()
    assert (here["gpu"], other["gpu"]) == ("Stand-in 0", None)
    for text in (bench_machine.sentence, lambda described: plot.caption([], described).removeprefix(" values; ")):
        assert text(here) == f"Stand-in 0; {text(other)}"
    monkeypatch.setenv("FASTINIT_GPU", "1")
    assert main(["info"]) == 0
    assert "device 0: Stand-in 0, filled by kernels" in " ".join(capsys.readouterr().out.split())


def test_check_finds_a_device_that_is_wrong(machine, monkeypatch):
    copied = memory.Memory.bytes
    monkeypatch.setattr(memory.Memory, "bytes", lambda self, count: copied(self, count) ^ np.uint8(1))  # odd words swap places
    good = subjects.check(laws.NORMAL, "float64", size=1 << 16)
    wrong = subjects.check(laws.UNIFORM, "bfloat16", size=1 << 16, device="cuda")
    assert verdict.judge([good]).good
    assert not verdict.judge([wrong]).good


def test_the_device_makes_the_values_of_the_cpu(machine):
    for law, dtype in ((laws.NORMAL, "float32"), (laws.BITS, "uint32")):
        real = subjects.dtypes.resolve(dtype, subjects.dtypes.ALL_NAMES)
        on_device, on_cpu = (subjects._fastinit(law, real, 3, name) for name in ("cuda", "cpu"))
        for count in (1000, 70_000):
            assert on_device(count).tobytes() == on_cpu(count).tobytes()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["check", "--sampler", "numpy"], "--device cuda: only for --sampler fastinit; got numpy"),
        (["bench", "--threads", "1"], "--device cuda: not with --threads or --buffer fresh"),
        (["bench", "--buffer", "fresh"], "--device cuda: not with --threads or --buffer fresh"),
        (["bench", "--size", "l2"], "--size: must be values or bytes with --device cuda; got l2"),
        (["bench", "--peers", "numpy"], "--peers: numpy has no fills on this device; there are torch, torch_func, cupy"),
    ],
)
def test_arguments_that_do_not_go_with_a_device(machine, capsys, arguments, words):
    assert main([*arguments, "--device", "cuda"]) == 2
    assert words in capsys.readouterr().err


@pytest.fixture
def nothing_found():
    """What was found of this machine's driver is forgotten, before and after."""
    for function in (driver.library, driver.device):
        function.cache_clear()
    yield
    for function in (driver.library, driver.device):
        function.cache_clear()


def test_a_machine_without_a_gpu(nothing_found, monkeypatch, capsys):
    monkeypatch.setattr(driver, "LIBRARY", "libnone.so.7")
    for command in ("check", "bench"):
        assert main([command, "--device", "cuda"]) == 2
        assert "--device cuda: NVIDIA's driver must be installed" in capsys.readouterr().err


def test_a_device_without_memory_is_asked_again(machine):
    """It may have some later."""
    machine.fail["cuDevicePrimaryCtxRetain"] = 2
    assert "could not use device 0: CUDA_ERROR_OUT_OF_MEMORY" in driver.reason_against(0)
    del machine.fail["cuDevicePrimaryCtxRetain"]
    assert driver.reason_against(0) is None


def test_bench_fills_the_device(cuda, monkeypatch):
    blocks = []
    allocate = memory.Memory.__init__

    def remember(self, count):
        allocate(self, count)
        blocks.append(self)

    monkeypatch.setattr(memory.Memory, "__init__", remember)
    job = Job("normal", 4096, "float16", "touched", 1, "cuda")
    for library in ("store", "fastinit"):
        call, values = ready(library, job)
        call()
        assert values == 4096
    assert (blocks[0].bytes(8192) == 1).all()
    assert len(cuda.launches) == 1
    device._KEPT.close()
    assert not cuda.memory


@pytest.mark.parametrize("library", ["torch", "torch_func", "cupy"])
def test_peers_fill_their_own_memory(monkeypatch, library):
    filled, job = [], Job("normal", 10, "float32", "touched", 1, "cuda")
    array = types.SimpleNamespace(name="out")
    fill = types.SimpleNamespace(normal_=lambda out: filled.append(out))
    generator = types.SimpleNamespace(standard_normal=lambda values, dtype, out: filled.append(out))
    keyed = types.SimpleNamespace(key=lambda seed, device: "key", normal_=lambda key, out: filled.append(out))
    modules = {
        "torch.func._random": keyed,
        "torch": types.SimpleNamespace(
            float32="f4",
            empty=lambda values, dtype, device: array,
            nn=types.SimpleNamespace(init=fill),
            cuda=types.SimpleNamespace(is_available=lambda: True, synchronize=lambda: filled.append("wait")),
        ),
        "cupy": types.SimpleNamespace(
            empty=lambda values, dtype: array,
            random=types.SimpleNamespace(default_rng=lambda seed: generator),
            cuda=types.SimpleNamespace(Device=lambda: types.SimpleNamespace(synchronize=lambda: filled.append("wait"))),
        ),
    }
    monkeypatch.setattr(device, "import_module", modules.__getitem__)
    call, _ = ready(library, job)
    call()
    assert filled == [array, "wait"]


def test_peers_that_cannot(monkeypatch):
    with pytest.raises(Missing, match="has no truncated_normal"):
        device.label("cupy", "truncated_normal")
    with pytest.raises(Missing, match="float32 and float64 only"):
        ready("cupy", Job("normal", 10, "bfloat16", "touched", 1, "cuda"))
    no_gpu = types.SimpleNamespace(cuda=types.SimpleNamespace(is_available=lambda: False))
    monkeypatch.setattr(device, "import_module", lambda name: no_gpu)
    for library in ("torch", "torch_func"):
        with pytest.raises(Missing, match="has no CUDA device"):
            ready(library, Job("normal", 10, "float32", "touched", 1, "cuda"))


def test_a_table_names_the_functions_of_the_device():
    job = Job("truncated_normal", 10, "float32", "touched", 1, "cuda")
    rows = {name: session.Row(name, name) for name in (*references(job), "torch", "cupy")}
    assert list(rows)[:2] == ["store", "fastinit"]
    for row in rows.values():
        session._start(row, job, 0.01)
    assert rows["store"].sampler == "memset"
    assert rows["torch"].sampler == "torch trunc_normal_"
    assert rows["cupy"].skipped == "has no truncated_normal"
