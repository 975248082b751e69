"""Fill the tensors of whole models: `python -m docs.scripts.models.models`, Markdown on stdout.

The tensors of a model lie in one buffer, one after the other, as in a file of weights. So the stored constant, and one tensor
of the same total size, use the same memory. Every tensor is filled with normal(0, 0.02) from the child of its name. torch, if
it is installed, fills the same tensors. All take part in the same rounds of one process, and write to memory that was written
before.
"""

import json
import math
import os
from importlib import import_module

import numpy as np

import fastinit as fi
from docs.scripts import arguments
from docs.scripts.markdown import table
from fastinit.bench import machine
from fastinit.bench.measure import DTYPES, ROUNDS, empty, medians, numpy_dtype, ratio, store, timed_rounds
from fastinit.bench.process import SLEEP
from fastinit.kernels import cpus
from fastinit.peers.libraries import installed

SCALE = 0.02
GIB = 2**30
#: Bytes of memory that stay free.
SPARE = GIB // 2


def gpt2(layers=12, width=768, vocabulary=50257, context=1024):
    """GPT-2; the output layer is the embedding."""
    yield "wte.weight", (vocabulary, width)
    yield "wpe.weight", (context, width)
    for i in range(layers):
        for name, outputs, inputs in (("attn.c_attn", 3, 1), ("attn.c_proj", 1, 1), ("mlp.c_fc", 4, 1), ("mlp.c_proj", 1, 4)):
            yield f"h.{i}.{name}.weight", (inputs * width, outputs * width)
            yield f"h.{i}.{name}.bias", (outputs * width,)
        for name in ("ln_1", "ln_2"):
            yield from ((f"h.{i}.{name}.{kind}", (width,)) for kind in ("weight", "bias"))
    yield from ((f"ln_f.{kind}", (width,)) for kind in ("weight", "bias"))


def llama(layers, width, inner, heads, groups, vocabulary=32000):
    """Llama: `heads` heads of queries, `groups` of keys and values."""
    narrow = width // heads * groups
    yield "model.embed_tokens.weight", (vocabulary, width)
    for i in range(layers):
        for name, rows in (("q_proj", width), ("k_proj", narrow), ("v_proj", narrow), ("o_proj", width)):
            yield f"model.layers.{i}.self_attn.{name}.weight", (rows, width)
        for name, shape in (("gate_proj", (inner, width)), ("up_proj", (inner, width)), ("down_proj", (width, inner))):
            yield f"model.layers.{i}.mlp.{name}.weight", shape
        for name in ("input_layernorm", "post_attention_layernorm"):
            yield f"model.layers.{i}.{name}.weight", (width,)
    yield "model.norm.weight", (width,)
    yield "lm_head.weight", (vocabulary, width)


MODELS = {
    "GPT-2 124M": dict(gpt2()),
    "Llama 1.1B": dict(llama(layers=22, width=2048, inner=5632, heads=32, groups=4)),
    "Llama 7B": dict(llama(layers=32, width=4096, inner=11008, heads=32, groups=32)),
}


def pieces(flat, shapes):
    """Views of a flat array of NumPy or torch, one for each name and shape."""
    tensors, begin = {}, 0
    for name, shape in shapes.items():
        end = begin + math.prod(shape)
        tensors[name] = flat[begin:end].reshape(shape)
        begin = end
    return tensors


def fastinit_fill(tensors):
    """A function that fills every tensor from the child of its name."""
    rng = fi.default_rng(0)

    def fill():
        for name, tensor in tensors.items():
            rng.child(name).normal(0, SCALE, out=tensor, dtype=tensor.dtype)

    return fill


def torch_fill(flat, shapes, dtype):
    """A function that fills tensors in the same memory by torch."""
    torch = import_module("torch")
    torch.set_num_threads(cpus.usual())
    # torch does not take NumPy's bfloat16, so it gets the bytes
    tensors = pieces(torch.from_numpy(flat.view(np.uint8)).view(getattr(torch, dtype)), shapes)

    def fill():
        for tensor in tensors.values():
            torch.nn.init.normal_(tensor, 0, SCALE)

    return fill


def measure(shapes, dtype, count, torch):
    """Seconds of the store, of fastinit's fills, of one large fill, and of torch's fills if `torch` is true."""
    flat = empty(sum(map(math.prod, shapes.values())), dtype)
    calls = {
        "store": lambda: store(flat),
        "fastinit": fastinit_fill(pieces(flat, shapes)),
        "one tensor": fastinit_fill({"one tensor": flat}),
    }
    if torch:
        calls["torch"] = torch_fill(flat, shapes, dtype)
    times = timed_rounds(calls, count, slow=("torch",), pause=0.01)
    return {
        "seconds": medians(times),
        "fastinit over store": ratio(times, "fastinit", "store"),
        "fastinit over one tensor": ratio(times, "fastinit", "one tensor"),
        "torch over fastinit": ratio(times, "torch", "fastinit") if torch else None,
    }


def collect(models, dtypes, count, torch=True):
    """A row for each model and dtype: figures, or the reason why they are missing."""
    torch = torch and installed("torch")
    rows = []
    for model, dtype in ((model, dtype) for model in models for dtype in dtypes):
        shapes = models[model]
        nbytes = sum(map(math.prod, shapes.values())) * numpy_dtype(dtype).itemsize
        row = {"model": model, "dtype": dtype, "tensors": len(shapes), "bytes": nbytes, "skipped": None}
        free = machine.free_memory()
        if free is not None and nbytes + SPARE > free:
            row["skipped"] = f"needs {nbytes / GIB:.1f} GiB and some to spare, of which {free / GIB:.1f} are free"
        else:
            row |= measure(shapes, dtype, count, torch)
        rows.append(row)
    return {"machine": machine.describe(["torch"] if torch else []), "rounds": count, "rows": rows}


HEAD = ("model", "dtype", "tensors", "GiB", "store", "fastinit", "torch", "times store", "torch/fastinit", "tensors/one tensor")


def cells(row):
    """One row of the table."""
    figures = [row["bytes"] / GIB, *(row["seconds"].get(key) for key in ("store", "fastinit", "torch"))]
    figures += [row[key] for key in ("fastinit over store", "torch over fastinit", "fastinit over one tensor")]
    numbers = ["" if figure is None else f"{figure:.3g}" for figure in figures]
    return [row["model"], row["dtype"], row["tensors"], *numbers]


def markdown(result):
    """The report."""
    yield machine.sentence(result["machine"])
    yield f"\nSeconds, medians of {result['rounds']} rounds (3 for torch) with {result['machine']['threads']} threads.\n"
    yield table(HEAD, [cells(row) for row in result["rows"] if not row["skipped"]], left=2)
    skipped = [f"- {row['model']} {row['dtype']}: skipped: {row['skipped']}" for row in result["rows"] if row["skipped"]]
    yield from ["", *skipped] if skipped else []
    if "torch" not in result["machine"]["versions"]:
        yield "\nWithout torch: it is not installed, or was switched off."


def main():
    parser = arguments.parser(__doc__)
    parser.add_argument("--model", action="append", choices=tuple(MODELS), help="default: all; repeatable")
    parser.add_argument("--dtype", action="append", choices=DTYPES, help="default: bfloat16 and float32; repeatable")
    parser.add_argument("--rounds", type=arguments.count, default=ROUNDS, help="default %(default)s")
    parser.add_argument("--no-torch", action="store_true", help="fastinit and the store only")
    parser.add_argument("--json", action="store_true", help="print JSON instead of Markdown")
    args = parser.parse_args()
    os.environ.update({**SLEEP, **os.environ})  # before OpenMP is loaded: else torch's threads spin on fastinit's cores
    models = {name: MODELS[name] for name in args.model or MODELS}
    result = collect(models, args.dtype or ["bfloat16", "float32"], args.rounds, torch=not args.no_torch)
    print(json.dumps(result, indent=2) if args.json else "\n".join(markdown(result)))


if __name__ == "__main__":
    main()
