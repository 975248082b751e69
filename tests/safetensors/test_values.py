"""A model's bytes are those of NumPy calls, in whichever file; files are complete or absent."""

import contextlib
import inspect
import itertools
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastinit as fi
from fastinit.arguments import dtypes
from fastinit.safetensors import Written, fill, writing
from fastinit.safetensors import format as layout
from fastinit.safetensors.format import KINDS, METADATA, NAMES
from tests.files.test_files import only
from tests.initializers.table import ALIASES, CALLS, call

REALS = [real.name for real in dtypes.REALS.values()]
CODES = {name: code for code, name in NAMES.items()}


def read(path):
    """Names and arrays of a file. The reader shares no code with the writer, and checks order, alignment and length."""
    raw = path.read_bytes()
    length = int.from_bytes(raw[:8], "little")
    assert length % 8 == 0
    entries = json.loads(raw[8 : 8 + length])
    assert entries.pop(METADATA) == {"format": "pt"}
    data, end, found = raw[8 + length :], 0, {}
    for name, entry in entries.items():
        begin, stop = entry["data_offsets"]
        dtype = KINDS[entry["dtype"]].dtype
        assert begin == end
        assert begin % dtype.itemsize == 0
        end = stop
        found[name] = np.frombuffer(data[begin:stop], dtype).reshape(entry["shape"])
    assert end == len(data)
    return found


def tensors(**entries):
    """The tensors of a specification, from names and (shape, dtype)."""
    return {name: {"shape": list(shape), "dtype": dtype} for name, (shape, dtype) in entries.items()}


def numpy_call(rule, name, shape, dtype="float32", seed=0, **arguments):
    """The NumPy call whose bytes a tensor must have."""
    rng = fi.default_rng(seed).child(name)
    return fi.initializers.BY_NAME[rule](tuple(shape), rng=rng, dtype=dtypes.resolve(dtype).dtype, **arguments)


def rules_of(names):
    return {name: {"init": name, **CALLS[ALIASES.get(name, name)][1]} for name in names}


@pytest.mark.parametrize("slab_bytes", [1, 100, 1000, 1 << 26])
def test_every_initializer_in_slabs_of_any_size(tmp_path, slab_bytes):
    """Each tensor is named after its initialiser."""
    names = [*CALLS, *ALIASES]
    spec = {
        "tensors": tensors(**{name: (CALLS[ALIASES.get(name, name)][0], "float32") for name in names}),
        "rules": rules_of(names),
    }
    written = writing.write(writing.plan(tmp_path / "x.safetensors", spec, seed=5), slab_bytes=slab_bytes)
    found = read(tmp_path / "x.safetensors")
    assert sorted(found) == sorted(names)
    assert written.tensors == len(names)
    for name in names:
        arguments = {"rng": fi.default_rng(5).child(name)}
        assert found[name].tobytes() == call(ALIASES.get(name, name), **arguments).tobytes(), name


@pytest.mark.parametrize("dtype", REALS)
def test_every_dtype(tmp_path, dtype):
    cases = {"normal": {"scale": 0.5}, "truncated_normal": {"scale": 0.02}, "xavier_uniform": {}, "orthogonal": {}, "ones": {}}
    spec = {
        "tensors": tensors(**dict.fromkeys(cases, ((40, 30), dtype))),
        "rules": {name: {"init": name, **arguments} for name, arguments in cases.items()},
    }
    fill(tmp_path / "x.safetensors", spec, seed=1)
    found = read(tmp_path / "x.safetensors")
    for name, arguments in cases.items():
        whole = numpy_call(name, name, (40, 30), dtype, 1, **arguments)
        assert found[name].dtype == whole.dtype
        assert found[name].tobytes() == whole.tobytes(), name


@settings(max_examples=30)
@given(
    shape=st.lists(st.integers(0, 9), max_size=4),
    slab_bytes=st.integers(1, 300),
    dtype=st.sampled_from(REALS),
    rule=st.sampled_from(["normal", "uniform", "truncated_normal"]),
)
def test_any_shape_in_any_slabs(tmp_path_factory, shape, slab_bytes, dtype, rule):
    path = tmp_path_factory.mktemp("x") / "x.safetensors"
    done = []
    spec = {"tensors": tensors(w=(shape, dtype)), "default": rule}
    writing.write(writing.plan(path, spec, seed=3), done.append, slab_bytes)
    whole = numpy_call(rule, "w", shape, dtype, 3)
    assert read(path)["w"].shape == tuple(shape)
    assert read(path)["w"].tobytes() == whole.tobytes()
    assert sum(done) == whole.nbytes
    assert max(done, default=0) <= max(slab_bytes, whole.itemsize)


@pytest.mark.parametrize(("rule", "pieces"), [("orthogonal", 1), ("sparse(sparsity=0.5)", 1), ("normal", 16), ("zeros", 16)])
def test_what_costs_the_whole_is_drawn_once(tmp_path, rule, pieces):
    done = []
    plan = writing.plan(tmp_path / "x.safetensors", {"tensors": tensors(w=((32, 32), "float32")), "default": rule}, seed=0)
    writing.write(plan, done.append, slab_bytes=256)
    assert done == [4096 // pieces] * pieces


def test_a_tensor_larger_than_a_slab_and_than_a_row(tmp_path):
    """Fills with several threads, in slabs that cut the last axis."""
    shape = (2, 3, 1 << 17)
    plan = writing.plan(tmp_path / "x.safetensors", {"tensors": tensors(w=(shape, "bfloat16"))}, seed=0)
    writing.write(plan, slab_bytes=1 << 17)
    assert (
        read(tmp_path / "x.safetensors")["w"].tobytes()
        == numpy_call("truncated_normal", "w", shape, "bfloat16", scale=0.02).tobytes()
    )


def test_a_tensor_does_not_depend_on_the_others(tmp_path):
    entries = {"a": ((50, 3), "float32"), "b": ((7,), "bfloat16"), "c": ((20, 20), "float64"), "d": ((), "float16")}
    all_of = {}
    for names in itertools.chain([entries], itertools.combinations(entries, 2)):
        for size in (None, 1):
            path = tmp_path / "x.safetensors"
            chosen = tensors(**{name: entries[name] for name in names})
            done = fill(path, {"tensors": chosen}, seed=9, max_shard_size=size, overwrite=True)
            for file in done.files[: len(names) if size else 1]:
                for name, array in read(file).items():
                    assert all_of.setdefault(name, array).tobytes() == array.tobytes()
    assert sorted(all_of) == sorted(entries)


def test_unusual_names_and_shapes(tmp_path):
    names = ["", "W", "ü.weight", "a\U0001f600", "a\uffff", 'q"\\\n\x01\x7f', "x" * 5000, " ", "data_offsets"]
    spec = {
        "tensors": {name: {"shape": [3]} for name in names}
        | tensors(empty=((0, 5), "float32"), late=((4, 0), "bfloat16"), scalar=((), "float64"), deep=((1,) * 64, "float16")),
    }
    fill(tmp_path / "ü b.safetensors", spec, seed=0)
    found = read(tmp_path / "ü b.safetensors")
    assert set(found) == set(spec["tensors"])
    for name in names:
        assert found[name].tobytes() == numpy_call("truncated_normal", name, (3,), scale=0.02).tobytes()
    assert found["scalar"].shape == ()
    assert found["scalar"] == numpy_call("truncated_normal", "scalar", (), "float64", scale=0.02)
    assert (found["empty"].shape, found["late"].shape, found["deep"].shape) == ((0, 5), (4, 0), (1,) * 64)
    wide = [name for name, array in found.items() if array.dtype == np.float32]
    assert wide == sorted(wide, key=str.encode)


def test_a_model_without_tensors(tmp_path):
    written = fill(tmp_path / "x.safetensors", {"tensors": {}}, seed=0, max_shard_size="1GB")
    assert read(tmp_path / "x.safetensors") == {}
    assert written == Written((tmp_path / "x.safetensors",), 0, 0, (tmp_path / "x.safetensors").stat().st_size, ())


WHOLE_NUMBERS = [name for name in NAMES.values() if "int" in name]


@pytest.mark.parametrize("dtype", [*WHOLE_NUMBERS, "bool"])
def test_integers_and_truth_values_are_constants(tmp_path, dtype):
    kind = KINDS[CODES[dtype]].dtype
    highest = 1 if dtype == "bool" else int(np.iinfo(kind).max)
    spec = {
        "tensors": tensors(**dict.fromkeys(("z", "o", "c"), ((3, 2), dtype))),
        "rules": {"z": "zeros", "o": "ones", "c": {"init": "constant", "value": highest}},
    }
    fill(tmp_path / "x.safetensors", spec, seed=0)
    found = read(tmp_path / "x.safetensors")
    for name, value in (("z", 0), ("o", 1), ("c", highest)):
        assert found[name].dtype == kind
        assert (found[name] == kind.type(value)).all()


@pytest.mark.parametrize(
    ("dtype", "rule", "message"),
    [
        (
            "I64",
            "truncated_normal(scale=0.02)",
            "tensor 'w': the rule must be one of zeros, ones, constant or a law of integers for dtype int64; got truncated",
        ),
        ("bool", "normal", "tensor 'w': the rule must be one of zeros, ones, constant or a law of integers for dtype bool"),
        ("int8", "laplace", "tensor 'w': dtype must be one of float32, .*; got dtype.'int8'"),
        ("float32", "integers(5)", "tensor 'w': dtype must be one of int64, .*; got dtype.'float32'"),
        ("uint8", "rademacher", "tensor 'w': dtype must be one of float32, .*; got dtype.'uint8'"),
        ("int8", "integers(200)", "tensor 'w': .* integers from -128 to 127 for int8"),
        ("int8", "constant(value=128)", "tensor 'w': value must be a whole number from -128 to 127 for int8; got 128"),
        ("uint64", "constant(value=-1)", "tensor 'w': value must be a whole number from 0 to 18446744073709551615"),
        ("int8", "constant(value=0.5)", "tensor 'w': value must be a whole number"),
        ("int8", "constant(value=inf)", "tensor 'w': value must be a whole number"),
        ("bool", "constant(value=2)", "tensor 'w': value must be a whole number from 0 to 1"),
        ("float32", "xavier_uniform", "tensor 'w': shape must have at least 2 axes"),
        ("float32", "orthogonal", "tensor 'w': shape must have at least 2 axes"),
        ("float32", "normal(scale=-1)", "tensor 'w': scale must be at least 0"),
        ("float16", "normal(scale=nan)", "tensor 'w': scale must not be NaN"),
        ("float32", "constant(value=1e39)", "tensor 'w': value must be at most 3.40282e"),
        ("float32", "he_normal(mode=fan_up)", "tensor 'w': mode must be one of"),
    ],
)
def test_rules_that_do_not_suit_a_tensor(tmp_path, dtype, rule, message):
    with pytest.raises((ValueError, TypeError), match=message):
        fill(tmp_path / "x.safetensors", {"tensors": tensors(w=((5,), dtype))}, default=rule, seed=0)
    assert only(tmp_path)


def test_the_seed_is_what_default_rng_takes(tmp_path):
    spec = {"tensors": tensors(w=((5,), "float32"))}
    path = tmp_path / "x.safetensors"
    rng = fi.default_rng([1, 2]).child("model")
    state = rng.state
    fill(path, spec, seed=rng)
    assert rng.state == state
    assert read(path)["w"].tobytes() == fi.initializers.truncated_normal(5, scale=0.02, rng=rng.child("w")).tobytes()
    random = []
    for _ in range(2):
        fill(path, spec, overwrite=True)
        random.append(read(path)["w"].tobytes())
    assert random[0] != random[1]
    with pytest.raises(TypeError, match="seed must be"):
        fill(path, spec, seed="seven", overwrite=True)


def test_the_kinds_are_in_falling_size():
    sizes = [entry.dtype.itemsize for entry in KINDS.values()]
    assert sizes == sorted(sizes, reverse=True)
    assert {"F64", "F32", "F16", "BF16", "I64", "U8", "BOOL"} <= set(KINDS)
    assert {NAMES[code] for code in KINDS if KINDS[code].real} == set(REALS)


@pytest.mark.parametrize("value", ["float128", "F4", "C64", None, 3, "object", object()])
def test_dtypes_that_there_are_not(value):
    with pytest.raises(ValueError, match="dtype must be one of U64 or uint64"):
        layout.kind(value)


def test_every_way_to_name_a_dtype():
    for code, entry in KINDS.items():
        for value in (code, NAMES[code], entry.dtype, entry.dtype.type):
            assert layout.kind(value) is entry


def test_dtypes_of_torch(tmp_path):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    for entry in KINDS.values():
        assert layout.kind(getattr(torch, entry.name)) is entry
    with pytest.raises(ValueError, match=r"dtype must be one of .*; got torch\.complex64"):
        layout.kind(torch.complex64)


ODD = [None, True, -1, 0, 1e308, math.inf, math.nan, "x", "", (1, 2), [], {}, 10**400, b"x"]


@pytest.mark.parametrize("name", CALLS)
def test_odd_arguments_are_refused_or_taken(tmp_path, name):
    """Only documented errors, and no file after an error."""
    shape, usual = CALLS[name]
    for key, value in itertools.product(inspect.signature(fi.initializers.BY_NAME[name]).parameters, ODD):
        rule = {"init": name, **usual, key: value}
        with contextlib.suppress(TypeError, ValueError):
            writing.plan(tmp_path / "x.safetensors", {"tensors": tensors(w=(shape, "float32")), "default": rule}, seed=0)
    assert only(tmp_path)
