"""`fastinit fill` of a model: it writes the function's files, and its messages have one line."""

import json
import re
import signal
import time

import pytest

from fastinit.arguments import dtypes
from fastinit.commands.main import main
from fastinit.safetensors import fill, writing
from fastinit.safetensors.reading import read_header
from tests.commands.running import filling, names, on_a_terminal, run
from tests.safetensors.test_values import numpy_call, read

SPEC = {
    "tensors": {
        "embed.weight": {"shape": [30, 8], "dtype": "bfloat16"},
        "norm.weight": {"shape": [8]},
        "head.bias": {"shape": [30]},
        "step": {"shape": [], "dtype": "int64"},
    },
    "rules": {"step": "zeros", "*.bias": {"init": "constant", "value": -0.5}},
    "default": "xavier_uniform(gain=2)",
}


@pytest.fixture
def spec(tmp_path):
    (tmp_path / "spec.json").write_text(json.dumps(SPEC))
    return str(tmp_path / "spec.json")


def test_the_command_writes_what_the_function_writes(tmp_path, spec, capsys):
    more = ["--seed", "7", "--rule", "norm.*=ones", "--rule", "*.weight=truncated_normal(scale=0.5)", "--max-shard-size", "200"]
    assert main(["fill", str(tmp_path / "a.safetensors"), "--spec", spec, *more]) == 0
    rules = {"norm.*": "ones", "*.weight": "truncated_normal(scale=0.5)"}
    written = fill(tmp_path / "b.safetensors", SPEC, seed=7, rules=rules, max_shard_size=200)
    assert len(written.files) == 3
    for path in written.files[:-1]:
        assert path.read_bytes() == (tmp_path / path.name.replace("b-", "a-")).read_bytes()
    printed = capsys.readouterr()
    assert re.fullmatch(
        rf"\S+/a\.safetensors\.index\.json: tensors=4 parameters=279 shards=2 bytes={written.nbytes} "
        r"seconds=[\d.]+ GB/s=[\d.]+ seed=7\n",
        printed.out,
    )
    assert printed.err == ""


def test_the_process_of_the_manual(tmp_path, spec):
    done = run("fill", "model.safetensors", "--spec", "spec.json", "--rule", "norm.*=ones", "--rule", "x*=ones", cwd=tmp_path)
    assert done.returncode == 0
    (seed,) = re.fullmatch(
        r"model\.safetensors: tensors=4 parameters=279 bytes=\d+ seconds=[\d.]+ GB/s=[\d.]+ seed=(\d+)\n", done.stdout
    ).groups()
    assert done.stderr == "no tensor takes the rules of x*\n"
    found = read(tmp_path / "model.safetensors")
    assert (
        found["embed.weight"].tobytes()
        == numpy_call("xavier_uniform", "embed.weight", (30, 8), "bfloat16", int(seed), gain=2).tobytes()
    )
    assert (found["head.bias"] == -0.5).all()
    again = run("fill", "again.safetensors", "--like", "model.safetensors", "--default", "zeros", "--force", cwd=tmp_path)
    assert (again.returncode, again.stderr) == (0, "")
    assert read_header(tmp_path / "again.safetensors") == read_header(tmp_path / "model.safetensors")


@pytest.mark.parametrize("dtype", [real.name for real in dtypes.REALS.values()])
def test_another_dtype(tmp_path, spec, dtype):
    path, like = tmp_path / "x.safetensors", tmp_path / "like.safetensors"
    fill(like, SPEC, rules={"norm.*": "ones"}, seed=0)
    more = ["--dtype", dtype, "--rule", "step=constant(value=3)", "--seed", "1"]
    assert main(["fill", str(path), "--like", str(like), *more]) == 0
    assert {tensor.name: tensor.kind.name for tensor in read_header(path)} == {
        name: "int64" if name == "step" else dtype for name in SPEC["tensors"]
    }
    found = read(path)
    expected = numpy_call("truncated_normal", "embed.weight", (30, 8), dtype, 1, scale=0.02)
    assert found["embed.weight"].tobytes() == expected.tobytes()
    assert (found["norm.weight"].astype(float) == 1).all()
    assert not found["head.bias"].astype(float).any()
    assert found["step"] == 3


WRONG = {
    "x.safetensors --spec spec.json --shape 3": "error: --shape: not with --spec or --like, which write a model",
    "x.safetensors --spec spec.json --low 1 --name a": "error: --name, --low: not with --spec or --like, which write a model",
    "x.safetensors --shape 3 --dist normal": "error: --shape and --dist write a .npy file, --spec and --like a .safetensors",
    "x.safetensors --rule *=zeros": "error: the following arguments are required: --shape, --dist (or --spec or --like",
    "x.npy --spec spec.json": "error: path must end in .safetensors, which loaders look for; got 'x.npy'",
    "x.safetensors --spec spec.json": "error: tensor 'norm.weight': shape must have at least 2 axes",
    "x.safetensors --spec spec.json --rule zeros": "argument --rule: must be PATTERN=RULE, such as '*.bias=zeros'; got 'zeros'",
    "x.safetensors --spec spec.json --rule *=": "argument --rule: must be PATTERN=RULE",
    "x.safetensors --spec spec.json --rule *=zero": "error: rules: '*': a rule must name one of ",
    "x.safetensors --spec spec.json --rule *=ones --rule *=zeros": "error: --rule: may be given once for each pattern",
    "x.safetensors --spec spec.json --default normal(": "error: default: a rule must be a name, or a call",
    "x.safetensors --spec spec.json --max-shard-size 5XB": "--max-shard-size: must be a number of bytes, at least 1, such as",
    "x.safetensors --spec spec.json --like spec.json": "the tensors must come from spec or from like, one of them; got both",
    "x.safetensors --like spec.json": "error: 'spec.json' must have an object 'weight_map'; got None",
    "x.safetensors --like damaged.safetensors": "error: 'damaged.safetensors' is not a safetensors file: the header",
    "x.safetensors --spec damaged.safetensors": "error: 'damaged.safetensors' cannot be used: ",
    "x.safetensors --spec spec.json --dtype I64": "argument --dtype: must be one of float32, float64, float16,",
    "x.safetensors --spec spec.json --seed -1": "error: seed must hold non-negative integers",
}


@pytest.mark.parametrize("arguments", WRONG)
def test_wrong_arguments(tmp_path, spec, capsys, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "damaged.safetensors").write_bytes(b"\xff" * 20)
    try:
        status = main(["fill", *arguments.split()])
    except SystemExit as leaving:
        status = leaving.code
    printed = capsys.readouterr()
    assert status == 2
    assert printed.out == ""
    assert WRONG[arguments] in printed.err.splitlines()[0]
    assert names(tmp_path) == ["damaged.safetensors", "spec.json"]


def test_files_that_the_system_refuses(tmp_path, spec, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old-00001-of-00002.safetensors").write_bytes(b"old")
    (tmp_path / "directory.safetensors").mkdir()
    for arguments, message in {
        "no/x.safetensors --spec spec.json": f"{tmp_path}/no: No such directory",
        "x.safetensors --spec absent.json": "absent.json: No such file or directory",
        "x.safetensors --like .": ".: Is a directory",
        "old.safetensors --spec spec.json": "old-00001-of-00002.safetensors: File exists (--force overwrites it)",
        "directory.safetensors --spec spec.json --force": "directory.safetensors: Is a directory",
    }.items():
        assert main(["fill", *arguments.split(), "--rule", "norm.*=ones"]) == 1
        assert capsys.readouterr().err == f"fastinit: error: {message}\n"
    assert names(tmp_path) == ["directory.safetensors", "old-00001-of-00002.safetensors", "spec.json"]


def test_what_does_not_fit(tmp_path, capsys, monkeypatch):
    path = tmp_path / "spec.json"
    path.write_text(json.dumps({"tensors": {"w": {"shape": [2**24, 2**24]}}, "default": "orthogonal"}))
    arguments = ["fill", str(tmp_path / "x.safetensors"), "--spec", str(path)]
    assert main(arguments) == 1
    assert re.fullmatch(r"fastinit: error: \S+: .*: [\d,]+ bytes needed, [\d,]+ free\n", capsys.readouterr().err)

    def exhausted(*arguments, **keywords):
        raise MemoryError("Unable to allocate 1.00 PiB")

    monkeypatch.setattr(writing, "fill_slabs", exhausted)
    path.write_text(json.dumps({"tensors": {"w": {"shape": [2, 2]}}, "default": "orthogonal"}))
    assert main(arguments) == 1
    assert capsys.readouterr().err == "fastinit: error: out of memory: tensor 'w': Unable to allocate 1.00 PiB\n"
    assert names(tmp_path) == ["spec.json"]


def test_a_full_disk(small_disk):
    (small_disk / "spec.json").write_text(
        json.dumps({"tensors": {name: {"shape": [2**19]} for name in "ab"} | {"s": {"shape": []}}})
    )
    done = run("fill", "x.safetensors", "--spec", "spec.json", "--max-shard-size", "2MiB", cwd=small_disk)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(
        r"fastinit: error: x\.safetensors: No space left on device: [\d,]+ bytes needed, [\d,]+ free\n",
        done.stderr,
    )
    assert names(small_disk) == ["spec.json"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_nothing_behind(tmp_path, number):
    tensors = {f"w{i}": {"shape": [2**26], "dtype": "F64"} for i in range(4)}
    (tmp_path / "spec.json").write_text(json.dumps({"tensors": tensors}))
    with filling(tmp_path, ("x.safetensors", "--spec", "spec.json", "--max-shard-size", "1GB", "--seed", "0")) as child:
        time.sleep(0.05)
        child.send_signal(number)
        out, err = child.communicate(timeout=100)
    assert (child.returncode, out, err) == (128 + number, "", f"fastinit: stopped by {number.name}\n")
    assert names(tmp_path) == ["spec.json"]


def test_a_bar_on_a_terminal(tmp_path):
    (tmp_path / "spec.json").write_text(json.dumps({"tensors": {"w": {"shape": [1000, 1000]}}}))
    status, out, shown = on_a_terminal("fill", "x.safetensors", "--spec", "spec.json", cwd=tmp_path)
    assert status == 0
    assert "0.00/4.00M" in shown
    assert out.startswith("x.safetensors: tensors=1 parameters=1000000")
    assert out.count("\n") == 1


def test_the_manual_has_both_forms(capsys):
    with pytest.raises(SystemExit) as leaving:
        main(["fill", "--help"])
    assert leaving.value.code == 0
    out = capsys.readouterr().out
    for word in (
        "--spec",
        "--like",
        "--rule PATTERN=RULE",
        "--default",
        "--max-shard-size",
        "--shape",
        ".safetensors",
        "bfloat16",
    ):
        assert word in out
