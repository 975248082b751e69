"""fastinit writes the bytes that the safetensors library writes; it and transformers load them."""

import json
import shutil

import ml_dtypes
import numpy as np
import pytest

from fastinit.safetensors import fill
from fastinit.safetensors import format as layout
from fastinit.safetensors.format import KINDS, Tensor
from fastinit.safetensors.reading import read_header
from fastinit.safetensors.shards import split
from tests.safetensors.test_values import numpy_call, read

library = pytest.importorskip("safetensors", reason="safetensors is not installed")
numpy = pytest.importorskip("safetensors.numpy", reason="safetensors is not installed")


def spec_of_everything():
    """Every dtype, with names whose order depends on sorting by bytes."""
    tensors = {
        f"{name}.{code}": {"shape": [3, 2], "dtype": code} for code in KINDS for name in ("b", "B", "é", 'q"\\', "\u2028")
    }
    tensors |= {"empty": {"shape": [0, 7]}, "scalar": {"shape": []}, "": {"shape": [1]}, "a\U0001f600": {"shape": [1]}}
    return {
        "tensors": tensors | {"a\uffff": {"shape": [1]}},
        "rules": {f"*.{c}": "ones" for c, k in KINDS.items() if not k.real},
    }


def test_the_library_writes_the_same_bytes(tmp_path):
    path = tmp_path / "x.safetensors"
    fill(path, spec_of_everything(), seed=0)
    arrays = read(path)
    names = [list(arrays)[i] for i in np.random.default_rng(0).permutation(len(arrays))]
    assert numpy.save({name: arrays[name] for name in names}, {"format": "pt"}) == path.read_bytes()


@pytest.mark.parametrize("names", [[], ["w"], ["w" * n for n in range(1, 9)]])
def test_padding_of_the_header(names):
    arrays = {name: np.empty(0, np.float32) for name in names}
    assert numpy.save(arrays, {"format": "pt"}) == layout.header([Tensor(name, (0,), KINDS["F32"]) for name in names])


def test_the_library_loads_everything(tmp_path):
    path = tmp_path / "x.safetensors"
    codes = [code for code, entry in KINDS.items() if entry.dtype.kind != "V" and not hasattr(ml_dtypes, entry.name)]
    spec = {"tensors": {code: {"shape": [4, 3], "dtype": code} for code in codes} | {"é.weight": {"shape": [5, 5]}}}
    fill(path, spec, rules={code: "ones" for code in codes if not KINDS[code].real}, seed=4)
    loaded = numpy.load_file(path)
    assert set(loaded) == {*codes, "é.weight"}
    for name, array in read(path).items():
        assert loaded[name].dtype == array.dtype
        np.testing.assert_array_equal(loaded[name], array)
    with library.safe_open(path, "np") as file:
        assert file.metadata() == {"format": "pt"}
        np.testing.assert_array_equal(
            file.get_slice("é.weight")[1:3], numpy_call("truncated_normal", "é.weight", (5, 5), seed=4, scale=0.02)[1:3]
        )


def test_torch_loads_every_dtype(tmp_path):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    from safetensors.torch import load_file

    path = tmp_path / "x.safetensors"
    fill(path, spec_of_everything(), seed=0)
    loaded = load_file(path)
    for name, array in read(path).items():
        assert str(loaded[name].dtype) == f"torch.{array.dtype.name}"
        assert loaded[name].shape == array.shape
        assert loaded[name].flatten().view(torch.uint8).numpy().tobytes() == array.tobytes() if array.size else True


def test_headers_of_the_library_are_read(tmp_path):
    path = tmp_path / "x.safetensors"
    numpy.save_file({"w": np.ones((2, 3), np.float16), "n": np.zeros((), np.int32)}, path, {"a": '{"b": [}', "é": ""})
    assert read_header(path) == [Tensor("n", (), KINDS["I32"]), Tensor("w", (2, 3), KINDS["F16"])]


def test_shards_are_those_of_hugging_face():
    hub = pytest.importorskip("huggingface_hub", reason="huggingface_hub is not installed")
    from huggingface_hub.serialization._base import split_state_dict_into_shards_factory

    chance = np.random.default_rng(3)
    for most in (1, 7, 50, 1000):
        tensors = [Tensor(f"t{i}", (int(n),), KINDS["U8"]) for i, n in enumerate(chance.integers(0, 60, 80))]
        theirs = split_state_dict_into_shards_factory(
            {tensor.name: tensor for tensor in tensors},
            get_storage_size=lambda tensor: tensor.nbytes,
            filename_pattern="model{suffix}.safetensors",
            max_shard_size=most,
        )
        ours = [[tensor.name for tensor in shard] for shard in split(tensors, most)]
        assert ours == list(theirs.filename_to_tensors.values()), hub.__version__


def llama(transformers):
    return transformers.LlamaConfig(
        hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, vocab_size=99
    )


def gpt2(transformers):
    return transformers.GPT2Config(n_embd=32, n_layer=2, n_head=4, vocab_size=99, n_positions=16)


@pytest.mark.filterwarnings("default")  # of transformers and torch
@pytest.mark.parametrize("size", [None, "20KB"])
@pytest.mark.parametrize("config", [llama, gpt2])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_transformers_loads_a_model_like_its_own(tmp_path, monkeypatch, config, size, dtype):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    made = transformers.AutoModelForCausalLM.from_config(config(transformers), dtype=getattr(torch, dtype))
    made.save_pretrained(theirs, max_shard_size=size or "5GB")
    shutil.copytree(theirs, ours, ignore=shutil.ignore_patterns("*.safetensors*"))
    like = theirs / ("model.safetensors.index.json" if size else "model.safetensors")
    written = fill(ours / "model.safetensors", like=like, seed=11, max_shard_size=size)
    assert written.files[-1].name == like.name
    if not size:  # one file has the same tensors at the same places
        length = int.from_bytes(like.read_bytes()[:8], "little")
        assert written.files[0].read_bytes()[: 8 + length] == like.read_bytes()[: 8 + length]
    else:
        mine, other = (json.loads((directory / like.name).read_text()) for directory in (ours, theirs))
        assert set(mine["weight_map"]) == set(other["weight_map"])
        assert mine["metadata"]["total_size"] == other["metadata"]["total_size"]
    model, report = transformers.AutoModelForCausalLM.from_pretrained(
        ours, dtype=getattr(torch, dtype), output_loading_info=True
    )
    assert not any(report[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    state = model.state_dict()
    for name in (name for path in written.files if path.suffix == ".safetensors" for name in read(path)):
        tensor = state[name if name in state else f"transformer.{name}"]
        rule = "zeros" if name.endswith("bias") else "ones" if "norm" in name or "ln_" in name else "truncated_normal"
        scale = {"scale": 0.02} if rule == "truncated_normal" else {}
        expected = numpy_call(rule, name, tensor.shape, dtype, 11, **scale)
        assert tensor.contiguous().view(torch.uint8).numpy().tobytes() == expected.tobytes(), name
    assert model(torch.arange(5)[None]).logits.isfinite().all()
