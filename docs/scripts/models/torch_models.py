"""Measure the initialisation of whole PyTorch models: `python -m docs.scripts.models.torch_models`, Markdown on stdout.

The ways are plain torch, `fast_init`, `materialize`, and a constant that torch stores into fresh memory of the same shapes, in
huge pages: no way to make the model can be faster than this fresh store. Every sample is a process of its own, and rounds are
interleaved. Each process first builds a tiny model of the same kind, so that imports and the loading of kernels do not count.
Then it touches as many bytes as the model has, and frees them: a virtual machine that has
given its free memory back to the host would otherwise measure how the host gives it again. Times include the model's own
Python. `--write` puts the table into `docs/torch.md`. The script needs some 10 GiB of memory and ten minutes; run it on an idle
machine.
"""

import argparse
import contextlib
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

from docs.scripts import arguments
from docs.scripts.markdown import DOCS, put, table

MIB = 2**20
WAYS = ("torch", "fast_init", "materialize", "store")
MODELS = ("GPT-2", "Llama", "ViT", "ViT, own copy")
DTYPES = ("float32", "bfloat16")


def hugging_face(name, tiny, dtype):
    """A language model of transformers."""
    from transformers import AutoModelForCausalLM, GPT2Config, LlamaConfig

    if name == "GPT-2":
        config = GPT2Config(n_embd=64, n_layer=1, n_head=4, vocab_size=99) if tiny else GPT2Config()
    else:
        sizes = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 1, "vocab_size": 99}
        if not tiny:
            sizes = {"hidden_size": 2048, "intermediate_size": 5632, "num_hidden_layers": 22, "vocab_size": 32000}
        config = LlamaConfig(**sizes, num_attention_heads=32, num_key_value_heads=4, tie_word_embeddings=False)
    return AutoModelForCausalLM.from_config(config, dtype=dtype)


def copied_trunc_normal_(tensor, std):
    """Many projects have this copy of an older torch: the normal quantile of a uniform value, within two deviations."""
    import torch

    reach = math.erf(2 / math.sqrt(2))
    with torch.no_grad():
        return tensor.uniform_(-reach, reach).erfinv_().mul_(std * math.sqrt(2)).clamp_(-2 * std, 2 * std)


def vision_transformer(name, tiny, dtype):
    """A vision transformer that initialises itself as timm's do."""
    import torch
    from torch import nn

    width, depth = (32, 1) if tiny else (768, 12)

    def trunc_normal_(tensor, std):
        if name == "ViT, own copy":
            copied_trunc_normal_(tensor, std)
        else:
            nn.init.trunc_normal_(tensor, std=std, a=-2 * std, b=2 * std)

    class Layer(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm1, self.norm2 = nn.LayerNorm(width, dtype=dtype), nn.LayerNorm(width, dtype=dtype)
            self.qkv, self.proj = nn.Linear(width, 3 * width, dtype=dtype), nn.Linear(width, width, dtype=dtype)
            self.fc1, self.fc2 = nn.Linear(width, 4 * width, dtype=dtype), nn.Linear(4 * width, width, dtype=dtype)

    class VisionTransformer(nn.Module):
        def __init__(self):
            super().__init__()
            self.patches = nn.Conv2d(3, width, 16, 16, dtype=dtype)
            self.position = nn.Parameter(torch.zeros(1, 197, width, dtype=dtype))
            self.layers = nn.ModuleList(Layer() for _ in range(depth))
            self.head = nn.Linear(width, 1000, dtype=dtype)
            self.apply(self._init_weights)

        def _init_weights(self, module):
            if isinstance(module, nn.Linear):
                trunc_normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)
            elif module is self:
                trunc_normal_(self.position, std=0.02)

    return VisionTransformer()


def build(name, tiny, dtype, way):
    """Make the model in one of the four ways."""
    import torch

    import fastinit.torch as ft
    from fastinit.torch.filling.pages import prefer_huge_pages

    make = vision_transformer if name.startswith("ViT") else hugging_face
    if way == "torch":
        return make(name, tiny, dtype)
    if way == "fast_init":
        with ft.fast_init(rng=0):
            return make(name, tiny, dtype)
    with torch.device("meta"):
        model = make(name, tiny, dtype)
    if way == "materialize":
        return ft.materialize(model, rng=0, progress=False)
    model.to_empty(device="cpu")
    with torch.no_grad():
        for parameter in model.parameters():
            prefer_huge_pages(parameter)
            parameter.fill_(0.5)
    return model


def warm(dtype):
    """Load the kernels for large tensors, which the tiny model does not use."""
    import torch

    import fastinit.torch as ft

    tensor = torch.empty(2**20, dtype=dtype)
    for fill in (ft.init.uniform_, ft.init.normal_, ft.init.trunc_normal_):
        fill(tensor, generator=0)
    ft.init.trunc_normal_(tensor, std=0.02, generator=0)


def take_memory(name, dtype, tiny):
    """Let the host give the memory that the model will need; and forget the peak that this makes (Linux)."""
    import torch

    from fastinit.torch.filling.pages import prefer_huge_pages

    with torch.device("meta"):
        model = build(name, tiny, dtype, "torch")
    touched = torch.empty(sum(parameter.nbytes for parameter in model.parameters()) + 64 * MIB, dtype=torch.uint8)
    prefer_huge_pages(touched)  # in blocks of 2 MiB, as the host gives memory and takes it back
    touched.fill_(1)
    del touched, model
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def sample(name, dtype_name, way, tiny):
    """Seconds to make the model, and MiB by which peak memory rises over the model's own bytes."""
    import resource

    import torch

    torch.manual_seed(0)
    dtype = getattr(torch, dtype_name)
    warm(dtype)
    build(name, True, dtype, way)
    take_memory(name, dtype, tiny)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    model = build(name, tiny, dtype, way)
    seconds = time.perf_counter() - start
    risen = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024  # KiB on Linux
    nbytes = sum(tensor.nbytes for tensor in [*model.parameters(), *model.buffers()])
    count = sum(parameter.numel() for parameter in model.parameters())
    return {"seconds": seconds, "over": (risen - nbytes) / MIB, "parameters": count}


def measure(models, dtypes, rounds, tiny):
    """The medians of all samples of each model, dtype and way."""
    cases = [(name, dtype, way) for name in models for dtype in dtypes for way in WAYS]
    results = {case: [] for case in cases}
    for number in range(rounds):
        for case in cases[number % len(cases) :] + cases[: number % len(cases)]:
            command = [sys.executable, "-m", "docs.scripts.models.torch_models", "--one", json.dumps([*case, tiny])]
            environment = {**os.environ, "PYTHONPATH": str(DOCS.parent), "HF_HUB_OFFLINE": "1"}
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
            if done.returncode:
                raise SystemExit(f"{case} failed:\n{done.stderr}")
            results[case].append(json.loads(done.stdout.splitlines()[-1]))
            print(*case, f"{results[case][-1]['seconds']:.3f} s", file=sys.stderr, flush=True)
    return {
        case: {key: statistics.median(each[key] for each in samples) for key in samples[0]} for case, samples in results.items()
    }


HEAD = (
    "model", "parameters", "torch", "`fast_init`", "times faster", "`materialize`", "times faster", "fresh store",
    "`materialize` over the fresh store",
)  # fmt: skip


def cells(results, name, dtype):
    """One row of the table."""
    plain, fast, materialized, store = (results[name, dtype, way]["seconds"] for way in WAYS)
    yield from (f"{name}, {dtype}", f"{results[name, dtype, 'torch']['parameters'] / 1e6:,.0f} M", f"{plain:.2f}")
    for seconds in (fast, materialized):
        yield from (f"{seconds:.3f}", f"{plain / seconds:.1f}")
    yield from (f"{store:.3f}", f"{materialized / store:.2f}")


def markdown(results, rounds):
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("torch", "transformers", "numba"))
    yield f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, {versions};"
    yield f"medians of {rounds} interleaved rounds, every sample a process of its own. Seconds, with the model's own Python."
    yield ""
    rows = sorted({case[:2] for case in results}, key=[case[:2] for case in results].index)
    yield table(HEAD, [cells(results, *row) for row in rows])
    materialized = max(results[name, dtype, "materialize"]["over"] for name, dtype in rows)
    fast = max(
        results[name, dtype, "fast_init"]["over"] - max(results[name, dtype, "torch"]["over"], 0) for name, dtype in rows
    )
    yield ""
    yield (
        f"Peak memory: `materialize` takes at most {max(materialized, 0):.0f} MiB over the model, "
        f"`fast_init` at most {max(fast, 0):.0f} MiB over what the same constructor takes with torch."
    )


def main():
    parser = arguments.parser(__doc__)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=MODELS)
    parser.add_argument("--dtypes", nargs="+", choices=DTYPES, default=DTYPES)
    parser.add_argument("--rounds", type=arguments.count, default=5, help="interleaved rounds (default %(default)s)")
    parser.add_argument("--tiny", action="store_true", help="tiny models, to see that it works; times mean nothing then")
    parser.add_argument("--write", action="store_true", help="put the table into docs/torch.md")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(sample(*json.loads(args.one))))
        return
    lines = list(markdown(measure(args.models, args.dtypes, args.rounds, args.tiny), args.rounds))
    if args.write:
        put(DOCS / "torch.md", "figures", "\n".join(lines))
    print("\n".join(lines))


if __name__ == "__main__":
    main()
