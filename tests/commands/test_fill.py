"""`fastinit fill`: the values of a file, shapes and numbers as people write them, and what is refused."""

import itertools
import re

import numpy as np
import pytest

import fastinit
from fastinit.arguments import dtypes
from fastinit.commands.main import main
from fastinit.files import npy, slabs
from tests.commands.running import call, names, run

DTYPES = {real.name: real.dtype for real in dtypes.REALS.values()}
DISTRIBUTIONS = {
    "uniform": {"low": -1.0, "high": 2.5},
    "normal": {"loc": 1.5, "scale": 0.02},
    "truncated_normal": {"a": -1.5, "b": np.inf, "loc": -0.25, "scale": 0.5, "units": "absolute"},
}


def options(parameters):
    return [f"--{name}={value}" for name, value in parameters.items()]


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


def test_a_name_that_is_no_text(tmp_path, capsys, monkeypatch):
    """As a command line of bytes that are no UTF-8 gives it."""
    monkeypatch.setattr(npy, "fill_npy", None)
    status, out, err = call(capsys, "fill", tmp_path / "x.npy", "--shape", 3, "--dist", "normal", "--name", "\udce9")
    assert (status, out) == (2, "")
    assert err == "fastinit fill: error: name must be text that UTF-8 can hold; got '\\udce9'\n"
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
