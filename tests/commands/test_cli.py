"""The command line: in this process, or as one of its own where signals, terminals, pipes or limits matter."""

import argparse
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
import tomllib
from importlib import metadata
from pathlib import Path

import numba
import numpy as np
import psutil
import pytest

import fastinit
from fastinit.arguments import dtypes
from fastinit.commands import info, warmup
from fastinit.commands.main import COMMANDS, main
from fastinit.files import npy, slabs
from fastinit.kernels import cache, cpus, rows
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


def call(capsys, *arguments):
    """Status, stdout and stderr of the command line in this process."""
    try:
        status = main(list(map(str, arguments)))
    except SystemExit as leaving:
        status = leaving.code
    return (status, *capsys.readouterr())


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
    total = slabs.SLAB // 4 + 5
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


@pytest.mark.parametrize(
    ("shape", "axes"),
    [("1Ki,4", (1024, 4)), ("3x4", (3, 4)), ("(3, 4)", (3, 4)), ("[7,]", (7,)), ("1e3,2**2", (1000, 4)), ("()", ())],
)
def test_shapes_as_people_write_them(tmp_path, capsys, shape, axes):
    assert call(capsys, "fill", tmp_path / "x.npy", "--shape", shape, "--dist", "normal", "--seed", 3)[0] == 0
    assert np.array_equal(np.load(tmp_path / "x.npy"), fastinit.default_rng(3).normal(size=axes))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize(
    ("dist", "initializer", "arguments"),
    [
        ("xavier_uniform", "xavier_uniform", {}),
        ("glorot_normal(gain=2)", "xavier_normal", {"gain": 2.0}),
        ("truncated_normal(scale=0.5)", "truncated_normal", {"scale": 0.5}),
        ("variance_scaling(mode='fan_out')", "variance_scaling", {"mode": "fan_out"}),
        ("orthogonal", "orthogonal", {}),
        ("eye", "eye", {}),
    ],
)
def test_initialisers_of_one_array(tmp_path, capsys, monkeypatch, dist, initializer, arguments, dtype):
    monkeypatch.setattr(slabs, "SLAB", 400)
    sizes, fill_npy = [], npy.fill_npy
    monkeypatch.setattr(npy, "fill_npy", lambda *given, **more: sizes.append(more["slab_bytes"]) or fill_npy(*given, **more))
    path, more = tmp_path / "x.npy", ("--dtype", dtype, "--seed", 5, "--name", "w")
    status, _, err = call(capsys, "fill", path, "--shape", "30,20", "--dist", dist, *more)
    assert status == 0, err
    rng = fastinit.default_rng(5).child("w")
    whole = getattr(fastinit.initializers, initializer)((30, 20), rng=rng, dtype=dtype, **arguments)
    assert load(path, dtype).tobytes() == whole.tobytes()
    assert sizes == [whole.nbytes if dist == "orthogonal" else 400]  # a block of it costs as much as the whole


def test_an_existing_file_needs_force(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.npy").write_bytes(b"old")
    refused = call(capsys, "fill", "x.npy", "--shape", 3, "--dist", "normal")
    assert refused == (1, "", "fastinit: error: x.npy: File exists (--force overwrites it)\n")
    assert (tmp_path / "x.npy").read_bytes() == b"old"
    assert call(capsys, "fill", "x.npy", "--shape", 3, "--dist", "normal", "--force")[0] == 0
    assert np.load(tmp_path / "x.npy").shape == (3,)
    assert names(tmp_path) == ["x.npy"]


WRONG = {
    "--shape 3 --dist normal --low 1": "error: --low: not for --dist normal, which takes --loc, --scale",
    "--shape 3 --dist uniform --units std --a 1": "error: --a, --units: not for --dist uniform, which takes --low, --high",
    "--shape 3 --dist normal --scale -1": "x.npy': scale must be at least 0; got -1.0",
    "--shape 3 --dist normal --loc nan": "x.npy': loc must not be NaN",
    "--shape 3 --dist normal --loc 1e39": "x.npy': loc must be finite",
    "--shape 3 --dist uniform --low 2": "x.npy': low must be at most high",
    "--shape 3 --dist truncated_normal --a 2 --b -2": "x.npy': a must be less than b",
    "--shape 3 --dist normal --seed -1": "error: seed must hold non-negative integers",
    "--shape 3 --dist normal --name a --name b": "error: --name: may be given once",
    "--shape 4611686018427387904 --dist normal": "error: shape must stay below 2^63 bytes",
    "--shape 3,,4 --dist normal": "argument --shape: must be whole numbers with commas",
    "--shape 3,-4 --dist normal": "argument --shape: must be whole numbers with commas",
    "--shape x --dist normal": "argument --shape: must be whole numbers with commas",
    "--shape 3 --dist normal --scale two": "argument --scale: invalid float value: 'two'",
    "--shape 3 --dist normal --seed 1.5": "argument --seed: invalid int value: '1.5'",
    "--shape 3 --dist gamma": "--dist: must be bernoulli, cauchy, ",
    "--shape 3 --dist gaussian": "got 'gaussian'; did you mean normal?",
    "--shape 3 --dist trunc_normal": "got 'trunc_normal'; did you mean truncated_normal?",
    "--shape 3 --dist normal(": "error: --dist must be a name, or a call",
    "--shape 3,3 --dist xavier_uniform --scale 2": "--scale: not for --dist xavier_uniform, which takes its parameters, if",
    "--shape 3 --dist normal(scale=0.02) --scale 2": "--scale: not for --dist normal, which takes its parameters, if any, in",
    "--shape 3 --dist xavier_uniform": "x.npy': shape must have at least 2 axes",
    "--shape 3 --dist normal --dtype int8": "the rule must be one of zeros, ones, constant or a law of integers for dtype int8",
    "--shape 3 --dist normal --dtype int4": "argument --dtype: must be one of float32, float64,",
    "--shape 3 --dist laplace --dtype int8": "x.npy': dtype must be one of float32",
    "--shape 3 --dist laplac": "got 'laplac'; did you mean laplace?",
    "--shape 3 --dist bernoulli --scale 2": "--scale: not for --dist bernoulli, which takes its parameters, if any, in",
    "--shape 3 --dist integers": "integers: missing a required argument: 'low'; its arguments are low, high, endpoint",
    "--shape 3 --dist math:pi": "decorated with fastinit.laws.law, or a Distribution; 'math:pi' is a float",
    "--shape 3 --dist no_such_module:law": "law must be module:name with a module that can be imported",
    "--shape 3 --dist normal --dtype bf16": "got 'bf16'; did you mean bfloat16?",
    "--shape 3 --dist normal --std 2": "unrecognized arguments: --std 2; did you mean --scale?",
    "--shape 3 --dist normal --max-shard-size 5XB": "--max-shard-size: must be a number of bytes, at least 1, such as 4096",
    "--shape 3": "the following arguments are required: --dist",
    "": "error: the following arguments are required: --shape, --dist (or --spec or --like for a .safetensors file)",
    "--shape 3 --dist normal --rule a=zeros": "error: --rule: not with --shape and --dist, which write one array",
    "--shape 3 --dist normal --sca 2": "unrecognized arguments: --sca 2; did you mean --scale?",
}


@pytest.mark.parametrize("arguments", WRONG)
def test_wrong_arguments(tmp_path, capsys, arguments):
    status, out, err = call(capsys, "fill", tmp_path / "x.npy", *arguments.split())
    first, *rest = err.splitlines()
    assert (status, out) == (2, "")
    assert first.startswith("fastinit fill: error: ")
    assert WRONG[arguments] in first
    assert rest in ([], ["try: fastinit fill --help"])
    assert names(tmp_path) == []


@pytest.mark.parametrize("name", ["weights.pt", "weights.bin", "weights.npz", "weights", "-", "x.safetensors"])
def test_other_endings_are_refused(tmp_path, capsys, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    status, out, err = call(capsys, "fill", name, "--shape", 3, "--dist", "normal")
    assert (status, out) == (2, "")
    assert f"--shape and --dist write a .npy file, --spec and --like a .safetensors file; got path {name!r}" in err
    assert names(tmp_path) == []


def test_errors_have_no_traceback(tmp_path):
    done = run("fill", "no/x.npy", "--shape", 3, "--dist", "normal", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"fastinit: error: {tmp_path}/no: No such directory\n"
    assert names(tmp_path) == []


def test_the_list_of_commands(capsys):
    status, out, err = call(capsys)
    assert (status, err) == (0, "")
    assert re.findall(r"^ {4}(\w+)", out, re.MULTILINE) == list(COMMANDS)
    assert call(capsys, "help") == call(capsys, "--help") == (0, out, "")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_fits_a_terminal(capsys, monkeypatch, command):
    for columns, width in ((80, 80), (200, 80), (50, 50)):
        monkeypatch.setenv("COLUMNS", str(columns))
        status, out, _ = call(capsys, "help", command)
        assert status == 0
        assert out.startswith(f"usage: fastinit {command} ")
        lines = [line for line in out.splitlines() if not line.startswith("  fastinit ")]  # examples keep their form
        assert max(map(len, lines)) <= width or columns == 50
        assert max(map(len, out.splitlines())) <= 80
        assert "docs/" not in out
        assert "``" not in out
    assert call(capsys, command, "--help")[0] == 0


def test_misspelled_commands(capsys):
    status, out, err = call(capsys, "fil", "x.npy")
    assert (status, out) == (2, "")
    assert err == "fastinit: error: there is no command 'fil'; did you mean fill?\ntry: fastinit --help\n"
    assert call(capsys, "help", "xyz")[2].startswith("fastinit: error: there is no command 'xyz'\n")


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
    for word in (fastinit.__version__, numba.__version__, np.__version__, report["cpu"]["name"], "affinity", "quota"):
        assert word in out
    assert re.search(rf"^cache directory +{re.escape(report['cache_directory'] or 'none')}$", out, re.MULTILINE)
    assert re.search(rf"^cached kernels +{report['cached']['kernels']} ", out, re.MULTILINE)
    assert max(len(line) for line in out.splitlines() if "/" not in line) <= 80  # a path is not broken


def test_info_does_not_import_what_it_reports():
    packages = {*info.EXTRAS.values(), *info.OTHERS} - {"scipy"}  # Numba, which `bench` needs, imports it
    script = (
        "import sys; from fastinit.commands.main import main; main(['info']); "
        f"print([name for name in {packages!r} if name in sys.modules])"
    )
    assert run(script, command=(sys.executable, "-c")).stdout.splitlines()[-1] == "[]"


def test_info_knows_all_extras(capsys):
    declared = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    users = {name: needed for name, needed in declared.items() if name not in ("test", "test-frameworks", "docs", "dev")}
    assert {name: re.match(r"\w+", needed[0])[0] for name, needed in users.items()} == info.EXTRAS
    report = json.loads(call(capsys, "info", "--json")[1])
    assert report["optional"]["matplotlib"] == metadata.version("matplotlib")


def test_info_names_the_extras_that_are_missing(capsys, monkeypatch):
    monkeypatch.setattr(info, "_version", lambda name: None if name in ("jax", "tqdm") else "1.2")
    out = call(capsys, "info")[1]
    assert "pip install 'fastinit-kernels[cli,jax]'" in out
    assert "jax 1.2" not in out
    assert "torch 1.2" in out


def test_info_where_the_environment_decides(tmp_path):
    more = {"NUMBA_CACHE_DIR": str(tmp_path), "NUMBA_CPU_NAME": "generic"}
    done = run("info", "--json", NUMBA_NUM_THREADS="5", **more)
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    assert Path(report["cache_directory"]).is_relative_to(tmp_path)
    assert report["cpu"]["NUMBA_CPU_NAME"] == "generic"
    assert report["threads"]["in_use"] == 5
    assert report["cached"] == {"kernels": 0, "bytes": 0}


@pytest.mark.nightly
def test_warmup_serves_the_next_process(tmp_path):
    more = {"NUMBA_CACHE_DIR": str(tmp_path), "NUMBA_NUM_THREADS": "3"}
    first, second = (run("warmup", "--dtype", "float64", **more) for _ in range(2))
    count = 6  # the loop, and uniform, its bounded form, normal, and two truncated normals: enough for two processes
    assert first.stderr == f"compiling {count} kernels, 2 at a time, into {tmp_path}/fastinit\n"
    assert second.stderr == ""
    assert first.stdout.startswith(f"kernels={count} compiled={count} cached=0 seconds=")
    assert second.stdout.startswith(f"kernels={count} compiled=0 cached={count} seconds=")
    for done in (first, second):
        assert done.returncode == 0
        assert f" cache={tmp_path}" in done.stdout
    sizes = [path.stat().st_size for path in tmp_path.rglob("*.fastinit")]
    report = json.loads(run("info", "--json", **more).stdout)
    assert report["cached"] == {"kernels": count, "bytes": sum(sizes)}


def kernels(*arguments):
    """The kernels that a run would have in the cache at its end."""
    parser = warmup.add(argparse.ArgumentParser().add_subparsers())
    return sorted(warmup.plan(parser.parse_args(arguments)).kernels)


def test_warmup_compiles_the_weights_kernels_by_default():
    usual = kernels()
    assert len(usual) == 29  # as many as before there were other laws
    assert {name.rpartition("-")[0] for name in usual} == {
        "", "bits", "uniform", "uniform_within", "normal", "normal_within", "truncated_central", "truncated_tails",
    }  # fmt: skip
    assert set(usual) < set(kernels("--dist", "all")) < set(kernels("--dist", "all", "--add"))
    assert {name for name in kernels("--dist", "all") if name != "loop"} == {f"{law}-{dtype}" for law, dtype in rows.ROWS}


def test_warmup_of_other_laws():
    assert kernels("--dist", "laplace,integers", "--dtype", "float32,int8") == ["integers-int8", "laplace-float32", "loop"]
    assert kernels("--dist", "uniform", "--dtype", "bfloat16", "--add") == [
        "loop", "uniform-bfloat16-add", "uniform_within-bfloat16", "uniform_within-bfloat16-add",
    ]  # fmt: skip
    assert kernels("--law", "uniform(2, 2)") == ["loop"]  # a constant needs none
    (_, own) = kernels("--law", "tests.laws.own:triangular", "--dtype", "float16")
    assert (
        re.fullmatch(r"triangular-float16\.[0-9a-f]{16}", own)[0]
        == kernels("--law", "tests.laws.own:triangular(width=3)", "--dtype", "float16")[-1]
    )


@pytest.mark.nightly
def test_warmup_keeps_what_a_process_draws(tmp_path):
    """Whatever a law needs, its values and those that are added: nothing is left to compile."""
    more = {"NUMBA_CACHE_DIR": str(tmp_path)}
    laws = ("--dist", "uniform,rademacher", "--law", "tests.laws.own:triangular", "--add")
    done = run("warmup", *laws, "--dtype", "float32,float16,int8", cwd=REPOSITORY, **more)
    assert (done.returncode, done.stdout.split()[0]) == (0, "kernels=17"), done.stderr
    script = """
import numpy as np, fastinit as fi
from fastinit.kernels import cache
from tests.laws.own import triangular
rng = fi.default_rng(0)
for law in (fi.laws.uniform(-1, 1), fi.laws.rademacher(), triangular(width=5)):
    for dtype in ("float32", "float16"):
        out = rng.draw(law, size=1000, dtype=dtype)
        rng.draw(law, out=out, add=True)
rng.draw(fi.laws.rademacher(), size=10, dtype="int8")
print(cache.COMPILED)
"""
    assert run(script, command=(sys.executable, "-c"), cwd=REPOSITORY, **more).stdout == "set()\n"


@pytest.mark.nightly
def test_warmup_shows_names_on_a_terminal(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    status, out, shown = on_a_terminal("warmup", "--dtype", "uint32,float16", cwd=tmp_path)
    assert status == 0
    assert "normal-float16:" in shown
    assert "compiling" not in shown
    assert out.startswith("kernels=")


def test_warmup_without_a_cache_compiles_nothing(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(cache, "folders", lambda: iter([tmp_path / "file" / "cache"]))
    monkeypatch.setattr(warmup, "_compile", None)
    (tmp_path / "file").touch()
    status, out, err = call(capsys, "warmup")
    assert (status, out) == (1, "")
    assert err == (
        "fastinit: error: no folder of the cache can be written, so no kernel would be kept: "
        f"{tmp_path}/file/cache; set NUMBA_CACHE_DIR\n"
    )


def processes_of(group):
    """Command lines of the processes of a group that run."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.cmdline())
    return found


@pytest.mark.nightly
def test_warmup_on_a_full_disk(small_disk):  # noqa: F811
    (small_disk / "fastinit").mkdir()
    with (small_disk / "filler").open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    done = run("warmup", "--dtype", "uint32", NUMBA_CACHE_DIR=str(small_disk))
    assert (done.returncode, done.stdout) == (1, "")
    assert "could not be written to" in done.stderr


@pytest.mark.nightly
@pytest.mark.parametrize("moment", [0.05, 0.1, 0.2, "compiling"])
def test_warmup_stops_at_once(tmp_path, moment):
    """Ctrl-C goes to all processes of a terminal, but only the first one reports it."""
    script = (
        "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL);"
        "os.execv(sys.executable, [sys.executable, '-m', 'fastinit', 'warmup'])"
    )
    more = environment(NUMBA_CACHE_DIR=str(tmp_path), NUMBA_NUM_THREADS="2")
    child = subprocess.Popen([sys.executable, "-c", script], env=more, stdout=-1, stderr=-1, text=True, start_new_session=True)
    assert child.stderr.readline().startswith("compiling")
    deadline = time.monotonic() + 100
    while moment == "compiling" and not list(tmp_path.rglob("*.fastinit")) and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0 if moment == "compiling" else moment)
    os.killpg(child.pid, signal.SIGINT)
    out, err = child.communicate(timeout=100)
    assert (child.returncode, out, err) == (130, "", "fastinit: stopped by SIGINT\n")
    deadline = time.monotonic() + 10
    while left := processes_of(child.pid):  # what tracks the semaphores ends when it sees that the others have
        assert time.monotonic() < deadline, left
        time.sleep(0.01)


@pytest.mark.parametrize("more", [[], ["--asm"], ["--target", "ptx", "--asm"], ["--target", "neon"]])
def test_explain(capsys, more):
    assert main(["explain", "normal", "--dtype", "bfloat16", *more]) == 0
    out = capsys.readouterr().out
    assert ("elements" if "ptx" in more else "attempt") in out
    assert ("fma.rn.f32" in out) == ("ptx" in more)
    assert ("define" in out) == ("--asm" not in more)


@pytest.mark.parametrize("law", [["laplace"], ["--law", "laplace"], ["--law", "tests.laws.own:triangular(width=2)"]])
def test_explain_any_law(capsys, law):
    plain, adding = (call(capsys, "explain", *law, "--target", "avx2", *more)[1] for more in ([], ["--add"]))
    assert plain.count("load <") < adding.count("load <")  # it reads what the output holds
    assert plain.count("store <") > 0


def test_explain_shows_what_is_drawn(capsys):
    """A row by its name, and what the law of that name needs for a dtype: bounds, where values are rounded twice."""
    row, law = (call(capsys, "explain", *each, "--dtype", "float16")[1] for each in (["uniform_within"], ["--law", "uniform"]))
    assert row == law != ""
    assert (
        call(capsys, "explain", "integers", "--target", "avx2")[1]
        == call(capsys, "explain", "--law", "integers(6)", "--dtype", "int64", "--target", "avx2")[1]
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["bits", "--dtype", "float32"], "--dtype must be one of uint32 for bits; got float32"),
        (["uniform", "--dtype", "float16"], "--dtype must be one of float32, float64 for uniform; got float16"),
        (["gamma"], "got 'gamma'"),
        (["normal", "--target", "neno"], "got 'neno'; did you mean neon?"),
        ([], "either LAW or --law must be given"),
        (["laplace", "--law", "laplace"], "either LAW or --law must be given"),
        (["bits", "--add"], "--add: only for laws of reals; got bits"),
        (["--law", "integers(6)", "--add"], "--add: only for laws of reals; got integers(6)"),
        (["cauchy", "--dtype", "float8_e5m2"], "--dtype must be one of float32, float64, float16, bfloat16 for cauchy"),
        (["--law", "laplace(scale=0)"], "--law: must not be a constant"),
        (["--law", "laplac"], "did you mean laplace?"),
    ],
)
def test_explain_refuses(capsys, arguments, said):
    status, out, err = call(capsys, "explain", *arguments)
    assert (status, out) == (2, "")
    assert said in err


def test_a_reader_that_leaves():
    ours, theirs = os.pipe()
    os.close(ours)
    done = subprocess.run([*COMMAND, "info"], stdout=theirs, stderr=subprocess.PIPE, text=True, env=environment())
    os.close(theirs)
    assert (done.returncode, done.stderr) == (1, "")


def test_version(capsys):
    version = f"fastinit {fastinit.__version__} (stream version {fastinit.STREAM_VERSION})\n"
    assert call(capsys, "--version") == (0, version, "")


def test_the_library_imports_nothing_of_the_command_line():
    script = (
        "import sys, fastinit; print([name for name in ('fastinit.commands', 'fastinit.files', 'tqdm') if name in sys.modules])"
    )
    assert run(script, command=(sys.executable, "-c")).stdout == "[]\n"
