"""The command line, as a process of its own wherever signals, terminals and limits matter."""

import contextlib
import fcntl
import itertools
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import numba
import numpy as np
import pytest

import fastinit
from fastinit.arguments import dtypes
from fastinit.commands.main import main
from fastinit.files.slabs import SLAB
from fastinit.kernels import cpus
from tests.files.test_files import small_disk  # noqa: F401

REPOSITORY = Path(fastinit.__file__).parents[1]
COMMAND = (sys.executable, "-m", "fastinit")
DTYPES = {real.name: real.dtype for real in dtypes.REALS.values()}
DISTRIBUTIONS = {
    "uniform": {"low": -1.0, "high": 2.5},
    "normal": {"loc": 1.5, "scale": 0.02},
    "truncated_normal": {"a": -1.5, "b": np.inf, "loc": -0.25, "scale": 0.5, "units": "absolute"},
}
#: Takes a second or more to fill, and is stopped long before.
BIG = ("--shape", "16384,16384", "--dist", "normal", "--dtype", "float64", "--seed", "0")


def environment(**more):
    return {**os.environ, "PYTHONPATH": str(REPOSITORY), **more}


def run(*arguments, command=COMMAND, cwd=None, **more):
    return subprocess.run([*command, *map(str, arguments)], capture_output=True, text=True, cwd=cwd, env=environment(**more))


def options(parameters):
    return [f"--{name}={value}" for name, value in parameters.items()]


def names(directory):
    return sorted(path.name for path in directory.iterdir())


def load(path, dtype):
    return np.load(path).view(DTYPES[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("dist", DISTRIBUTIONS)
def test_values_are_those_of_one_call(tmp_path, capsys, dist, dtype):
    for shape, name in itertools.product([(301, 110), (5,), (2, 0)], [None, "lm_head.weight", ""]):
        path = tmp_path / "x.npy"
        called = ["--name", name] if name is not None else []
        size = ",".join(map(str, shape))
        arguments = ["--shape", size, "--dist", dist, "--dtype", dtype, "--seed", "7", *called, *options(DISTRIBUTIONS[dist])]
        assert main(["fill", str(path), "--force", *arguments]) == 0
        rng = fastinit.default_rng(7)
        rng = rng if name is None else rng.child(name)
        whole = getattr(rng, dist)(size=shape, dtype=DTYPES[dtype], **DISTRIBUTIONS[dist])
        assert load(path, dtype).shape == shape
        assert load(path, dtype).tobytes() == whole.tobytes()
    assert capsys.readouterr().out.count("\n") == 9


def test_the_process_of_the_manual(tmp_path):
    arguments = "fill w.npy --shape 65,164 --dist truncated_normal --scale 0.02 --dtype bfloat16 --seed 0 --name lm_head.weight"
    done = run(*arguments.split(), cwd=tmp_path)
    assert done.returncode == 0
    assert re.fullmatch(
        r"w\.npy: shape=65,164 dtype=bfloat16 bytes=21448 seconds=[\d.]+ GB/s=[\d.]+ seed=0 name=lm_head\.weight\n", done.stdout
    )
    assert done.stderr == "load with numpy.load('w.npy').view(ml_dtypes.bfloat16)\n"
    whole = fastinit.default_rng(0).child("lm_head.weight").truncated_normal(scale=0.02, size=(65, 164), dtype="bfloat16")
    np.testing.assert_array_equal(load(tmp_path / "w.npy", "bfloat16"), whole)


def test_files_larger_than_a_slab(tmp_path):
    total = SLAB // 4 + 5
    assert main(["fill", str(tmp_path / "x.npy"), "--shape", str(total), "--dist", "uniform", "--seed", "1"]) == 0
    loaded = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert np.array_equal(loaded, fastinit.default_rng(1).uniform(size=total))
    (tmp_path / "x.npy").unlink()


def test_the_chosen_seed_makes_the_file_again(tmp_path, capsys):
    arguments = ["--shape", "1000", "--dist", "normal"]
    for name in ("a.npy", "b.npy"):
        assert main(["fill", str(tmp_path / name), *arguments]) == 0
    a, b = re.findall(r"seed=(\d+)$", capsys.readouterr().out, re.MULTILINE)
    assert a != b
    assert main(["fill", str(tmp_path / "c.npy"), *arguments, "--seed", a]) == 0
    assert (tmp_path / "c.npy").read_bytes() == (tmp_path / "a.npy").read_bytes()
    assert (tmp_path / "b.npy").read_bytes() != (tmp_path / "a.npy").read_bytes()


@pytest.mark.parametrize(
    ("dist", "given", "parameters"),
    [
        ("truncated_normal", "--a -inf --b -1", {"a": -np.inf, "b": -1.0}),
        ("truncated_normal", "--a=-inf --b=inf", {"a": -np.inf, "b": np.inf}),
        ("truncated_normal", "--a -1.5e-3 --loc -.5", {"a": -1.5e-3, "loc": -0.5}),
        ("uniform", "--low -1e3 --high -Infinity", None),
        ("uniform", "--low -2 --high -1E-5", {"low": -2.0, "high": -1e-5}),
    ],
)
def test_numbers_may_be_negative_and_infinite(tmp_path, capsys, dist, given, parameters):
    path = tmp_path / "x.npy"
    status = main(["fill", str(path), "--shape", "50", "--seed", "0", "--dist", dist, *given.split()])
    if parameters is None:
        assert status == 2
        assert "high must be finite" in capsys.readouterr().err
    else:
        assert np.array_equal(np.load(path), getattr(fastinit.default_rng(0), dist)(size=50, **parameters))


def test_an_existing_file_needs_force(tmp_path):
    (tmp_path / "x.npy").write_bytes(b"old")
    refused = run("fill", "x.npy", "--shape", 3, "--dist", "normal", cwd=tmp_path)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == "fastinit: error: x.npy: File exists (--force overwrites it)\n"
    assert (tmp_path / "x.npy").read_bytes() == b"old"
    assert run("fill", "x.npy", "--shape", 3, "--dist", "normal", "--force", cwd=tmp_path).returncode == 0
    assert np.load(tmp_path / "x.npy").shape == (3,)
    assert names(tmp_path) == ["x.npy"]


WRONG = {
    "--shape 3 --dist normal --low 1": "error: --low: not for --dist normal, which takes --loc, --scale",
    "--shape 3 --dist uniform --units std --a 1": "error: --a, --units: not for --dist uniform, which takes --low, --high",
    "--shape 3 --dist normal --scale -1": "error: scale must be at least 0; got -1.0",
    "--shape 3 --dist normal --loc nan": "error: loc must not be NaN",
    "--shape 3 --dist normal --loc 1e39": "error: loc must be finite",
    "--shape 3 --dist uniform --low 2": "error: low must be at most high",
    "--shape 3 --dist truncated_normal --a 2 --b -2": "error: a must be less than b",
    "--shape 3 --dist normal --seed -1": "error: seed must hold non-negative integers",
    "--shape 3 --dist normal --name a --name b": "error: --name: may be given once",
    "--shape 4611686018427387904 --dist normal": "error: shape must stay below 2^63 bytes",
    "--shape 3,,4 --dist normal": "argument --shape: must be whole numbers with commas",
    "--shape 3,-4 --dist normal": "argument --shape: must be whole numbers with commas",
    "--shape x --dist normal": "argument --shape: must be whole numbers with commas",
    "--shape 3 --dist normal --scale two": "argument --scale: invalid float value: 'two'",
    "--shape 3 --dist normal --seed 1.5": "argument --seed: invalid int value: '1.5'",
    "--shape 3 --dist gamma": "argument --dist: invalid choice: 'gamma'",
    "--shape 3 --dist normal --dtype int8": "argument --dtype: invalid choice: 'int8'",
    "--shape 3": "the following arguments are required: --dist",
    "": "error: the following arguments are required: --shape, --dist (or --spec or --like for a .safetensors file)",
    "--shape 3 --dist normal --rule a=zeros": "error: --rule: not with --shape and --dist, which write one array",
    "--shape 3 --dist normal --sca 2": "unrecognized arguments: --sca 2",
}


@pytest.mark.parametrize("arguments", WRONG)
def test_wrong_arguments(tmp_path, capsys, arguments):
    try:
        status = main(["fill", str(tmp_path / "x.npy"), *arguments.split()])
    except SystemExit as leaving:
        status = leaving.code
    printed = capsys.readouterr()
    assert status == 2
    assert printed.out == ""
    assert WRONG[arguments] in printed.err.splitlines()[-1]
    assert names(tmp_path) == []


def test_errors_have_no_traceback(tmp_path):
    for arguments, status, message in (
        (["fill", "x.npy", "--shape", 3, "--dist", "normal", "--scale=-1"], 2, "fastinit: error: scale must be at least 0"),
        (["fill", "x.npy", "--shape", 3], 2, "fastinit: error: the following arguments are required: --dist"),
        (["fill", "no/x.npy", "--shape", 3, "--dist", "normal"], 1, f"fastinit: error: {tmp_path}/no: No such directory"),
        ([], 2, "fastinit: error: the following arguments are required: COMMAND"),
    ):
        done = run(*arguments, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (status, "")
        assert done.stderr.splitlines()[-1].startswith(message)
        assert "Traceback" not in done.stderr
    assert names(tmp_path) == []


@contextlib.contextmanager
def filling(directory, arguments=("x.npy", *BIG)):
    """A process that has just begun to write its file, with the signals of a shell's foreground."""
    script = (
        "import os, signal, sys; [signal.signal(n, signal.SIG_DFL) for n in (1, 2, 15)];"
        "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    )
    command = [sys.executable, "-c", script, "-m", "fastinit", "fill", *arguments]
    child = subprocess.Popen(command, cwd=directory, env=environment(), stdout=-1, stderr=-1, text=True)
    try:
        deadline = time.monotonic() + 100
        while not any(name.endswith(".part") for name in names(directory)):
            assert child.poll() is None, child.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.002)
        yield child
    finally:
        child.kill()
        child.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("there", [False, True], ids=["new", "over another"])
def test_a_signal_leaves_nothing_behind(tmp_path, number, there):
    with filling(tmp_path) as child:
        if there:
            (tmp_path / "x.npy").write_bytes(b"theirs")
        child.send_signal(number)
        out, err = child.communicate(timeout=100)
    assert (child.returncode, out, err) == (128 + number, "", f"fastinit: stopped by {number.name}\n")
    assert names(tmp_path) == (["x.npy"] if there else [])


def test_an_impatient_user_leaves_nothing_behind(tmp_path):
    with filling(tmp_path) as child:
        for _ in range(20):
            child.send_signal(signal.SIGINT)
            time.sleep(0.005)
        assert child.communicate(timeout=100) == ("", "fastinit: stopped by SIGINT\n")
    assert child.returncode in (130, -signal.SIGINT)  # the latter if one came while Python was leaving
    assert names(tmp_path) == []


def test_a_killed_process_leaves_no_file_of_the_final_name(tmp_path):
    with filling(tmp_path) as child:
        child.kill()
        child.communicate(timeout=100)
    (left,) = names(tmp_path)
    assert re.fullmatch(r"\.x\.npy\.[0-9a-f]{16}\.part", left)
    (tmp_path / left).unlink()


def test_a_full_disk(small_disk):  # noqa: F811
    done = run("fill", "x.npy", "--shape", 2**21, "--dist", "normal", cwd=small_disk)
    free = 4 * 2**20
    assert (done.returncode, done.stdout) == (1, "")
    message = f"fastinit: error: x.npy: No space left on device: {2**23 + 128:,} bytes needed, {free:,} free\n"
    assert done.stderr == message
    assert names(small_disk) == []


def test_a_limit_on_the_size_of_files(tmp_path):
    script = (
        "import os, resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (2**24, 2**24));"
        "os.execv(sys.executable, [sys.executable, '-m', 'fastinit', *sys.argv[1:]])"
    )
    command = (sys.executable, "-c", script)
    done = run("fill", "x.npy", "--shape", 2**22, "--dist", "normal", command=command, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"fastinit: error: x.npy: File too large: {2**24 + 128:,} bytes needed")
    assert done.stderr.count("\n") == 1
    assert names(tmp_path) == []


def on_a_terminal(*arguments, command=COMMAND, cwd):
    """Status, stdout, and what stderr shows on a terminal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))  # a new terminal has no columns
    child = subprocess.Popen([*command, *arguments], cwd=cwd, env=environment(), stdout=-1, stderr=theirs, text=True)
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # the end of a terminal reads as an I/O error on Linux
        while piece := os.read(ours, 4096):
            shown += piece
    os.close(ours)
    out, _ = child.communicate()
    return child.returncode, out, shown.decode()


def test_a_bar_on_a_terminal_only(tmp_path):
    arguments = ["fill", "x.npy", "--shape", "1000,1000", "--dist", "normal", "--force"]
    status, out, shown = on_a_terminal(*arguments, cwd=tmp_path)
    assert status == 0
    assert "0.00/4.00M" in shown
    assert "B/s]" in shown
    assert out.count("\n") == 1
    piped = run(*arguments, cwd=tmp_path)
    assert (piped.returncode, piped.stderr) == (0, "")


def test_without_tqdm_there_is_no_bar(tmp_path):
    script = "import sys; sys.modules['tqdm'] = None; from fastinit.commands.main import main; sys.exit(main())"
    arguments = ["fill", "x.npy", "--shape", "1000", "--dist", "normal"]
    status, out, shown = on_a_terminal(*arguments, command=(sys.executable, "-c", script), cwd=tmp_path)
    assert (status, shown) == (0, "")
    assert out.startswith("x.npy: shape=1000")


def test_names_that_would_break_the_line(tmp_path, capsys):
    assert main(["fill", str(tmp_path / "a b\n.npy"), "--shape", "3", "--dist", "normal", "--name", "x\ny"]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert r"name='x\ny'" in out
    done = run("fill", "ü.npy", "--shape", 3, "--dist", "normal", cwd=tmp_path, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(r"\xfc.npy: shape=3")


def test_info(capsys):
    assert main(["info", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["versions"]["fastinit"] == fastinit.__version__
    assert report["versions"]["stream"] == fastinit.STREAM_VERSION
    assert report["versions"]["numba"] == numba.__version__
    assert report["threads"]["in_use"] == cpus.usual()
    assert report["threads"]["affinity"] == cpus.affinity()
    assert report["threads"]["quota"] is None or report["threads"]["quota"] > 0
    assert report["cpu"]["name"]
    assert main(["info"]) == 0
    out = capsys.readouterr().out
    for word in (fastinit.__version__, numba.__version__, np.__version__, report["cpu"]["name"], *report["cpu"]["features"]):
        assert word in out
    assert f"cache directory     {report['cache_directory'] or 'none'}" in out


def test_info_where_the_environment_decides(tmp_path):
    more = {"NUMBA_CACHE_DIR": str(tmp_path), "NUMBA_CPU_NAME": "generic"}
    done = run("info", "--json", NUMBA_NUM_THREADS="5", **more)
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    assert Path(report["cache_directory"]).is_relative_to(tmp_path)
    assert report["cpu"]["NUMBA_CPU_NAME"] == "generic"
    assert report["threads"]["in_use"] == 5


def test_warmup_serves_the_next_process(tmp_path):
    first, second = (run("warmup", "--dtype", "uint32", NUMBA_CACHE_DIR=str(tmp_path)) for _ in range(2))
    for done, start in ((first, "kernels=1 compiled=1 cached=0 seconds="), (second, "kernels=1 compiled=0 cached=1 seconds=")):
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith(start)
        assert f" cache={tmp_path}" in done.stdout
    assert len(list(tmp_path.rglob("*.fastinit"))) == 2  # the loop and the row


@pytest.mark.parametrize("more", [[], ["--asm"], ["--target", "ptx", "--asm"], ["--target", "neon"]])
def test_explain(capsys, more):
    assert main(["explain", "normal", "--dtype", "bfloat16", *more]) == 0
    out = capsys.readouterr().out
    assert "attempt" in out
    assert ("fma.rn.f32" in out) == ("ptx" in more)
    assert ("define" in out) == ("--asm" not in more)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["bits", "--dtype", "float32"], "--dtype must be one of uint32 for bits; got float32"),
        (["uniform", "--dtype", "float16"], "--dtype must be one of float32, float64 for uniform; got float16"),
        (["gamma"], "invalid choice: 'gamma'"),
        (["normal", "--target", "vax"], "invalid choice: 'vax'"),
    ],
)
def test_explain_refuses(arguments, said):
    done = run("explain", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_a_reader_that_leaves():
    ours, theirs = os.pipe()
    os.close(ours)
    done = subprocess.run([*COMMAND, "info"], stdout=theirs, stderr=subprocess.PIPE, text=True, env=environment())
    os.close(theirs)
    assert (done.returncode, done.stderr) == (1, "")


def test_version():
    done = run("--version")
    assert (done.returncode, done.stdout) == (
        0,
        f"fastinit {fastinit.__version__} (stream version {fastinit.STREAM_VERSION})\n",
    )


def test_the_library_imports_nothing_of_the_command_line():
    script = (
        "import sys, fastinit; print([name for name in ('fastinit.commands', 'fastinit.files', 'tqdm') if name in sys.modules])"
    )
    assert run(script, command=(sys.executable, "-c")).stdout == "[]\n"
