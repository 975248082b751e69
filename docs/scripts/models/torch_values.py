"""Measure torch's own values, made here: `python -m docs.scripts.models.torch_values`, Markdown on stdout.

Each call fills memory that was written before, by torch and in `fast_init(values="torch")`, in turns; the table has medians.
`--llama` builds a Llama of 1.1e9 parameters of float32 as well, in fresh memory, in processes of their own, and stores a
constant into as much fresh memory; it needs transformers and 5 GiB. `--write` puts the tables into `docs/torch-values.md`. Run
it on an idle machine.
"""

import argparse
import functools
import json
import os
import platform
import statistics
import subprocess
import sys
import time

from docs.scripts import arguments
from docs.scripts.markdown import DOCS, put, table
from docs.scripts.models import torch_models
from docs.scripts.models.torch_models import hugging_face, take_memory

CALLS = ("uniform_", "normal_", "trunc_normal_")
DTYPES = ("float32", "bfloat16", "float16", "float64")
WAYS = ("torch", "fastinit")
STORE = "store"


def block(way):
    """The block in which a way's calls run."""
    import contextlib

    import fastinit.torch as ft

    return contextlib.nullcontext() if way == "torch" else ft.fast_init(values="torch")


def seconds(call, way):
    with block(way):
        return clocked(call)


def clocked(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def medians(call, rounds):
    """The median seconds of each way of a call, in interleaved rounds; one before them loads the kernels."""
    samples = [[seconds(call, way) for way in WAYS] for _ in range(rounds + 1)]
    return dict(zip(WAYS, map(statistics.median, zip(*samples[1:], strict=True)), strict=True))


def measure(dtypes, count, rounds):
    """Nanoseconds a value by dtype, call and way."""
    import torch

    results = {}
    for dtype in dtypes:
        tensor = torch.ones(count, dtype=getattr(torch, dtype))
        for name in CALLS:
            each = medians(functools.partial(getattr(torch.nn.init, name), tensor), rounds)
            results[dtype, name] = {way: taken / count * 1e9 for way, taken in each.items()}
            print(dtype, name, results[dtype, name], file=sys.stderr, flush=True)
    return results


def llama(way, tiny):
    """Seconds to build a Llama, and a digest of it, after a small one that loads all that is needed, in memory at hand."""
    import hashlib

    import torch

    seconds(lambda: torch.nn.init.normal_(torch.empty(1 << 22)), way)
    seconds(lambda: hugging_face("Llama", True, torch.float32), way)
    take_memory("Llama", torch.float32, tiny)
    torch.manual_seed(0)
    made = []
    taken = seconds(lambda: made.append(hugging_face("Llama", tiny, torch.float32)), way)
    digest = hashlib.sha256(torch.get_rng_state().numpy().tobytes())
    for parameter in made[0].parameters():
        digest.update(memoryview(parameter.detach().numpy()).cast("B"))
    return {"seconds": taken, "digest": digest.hexdigest(), "parameters": sum(p.numel() for p in made[0].parameters())}


def fresh_store(tiny):
    """Seconds to store a constant into fresh memory of the same model, as `torch_models` does."""
    import torch

    torch_models.build("Llama", True, torch.float32, "store")
    take_memory("Llama", torch.float32, tiny)
    return {"seconds": clocked(lambda: torch_models.build("Llama", tiny, torch.float32, "store"))}


def build(rounds, tiny):
    """The median seconds of each way, and the parameters; an error if the weights or the generator's states differ."""
    samples = {way: [] for way in (*WAYS, STORE)}
    for _ in range(rounds):
        for way in samples:
            command = [sys.executable, "-m", "docs.scripts.models.torch_values", "--one", json.dumps([way, tiny])]
            environment = {**os.environ, "PYTHONPATH": str(DOCS.parent), "HF_HUB_OFFLINE": "1"}
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
            if done.returncode:
                raise SystemExit(f"{way} failed:\n{done.stderr}")
            samples[way].append(json.loads(done.stdout.splitlines()[-1]))
            print("Llama", way, samples[way][-1], file=sys.stderr, flush=True)
    if len({sample["digest"] for way in WAYS for sample in samples[way]}) != 1:
        raise SystemExit("the weights differ")
    taken = {way: statistics.median(sample["seconds"] for sample in each) for way, each in samples.items()}
    return taken, samples["torch"][0]["parameters"]


def markdown(results, count, rounds):
    import torch

    yield f"{os.cpu_count()} cores, {platform.machine()}, torch {torch.__version__}; {count:,} values in memory that was"
    yield f"written before, medians of {rounds} interleaved rounds, ns a value."
    yield ""
    rows = [(f"{dtype}, `{name}`", ns["torch"], ns["fastinit"]) for (dtype, name), ns in results.items()]
    yield table(
        ("call", "torch", '`values="torch"`', "times faster"),
        [(name, f"{own:.2f}", f"{ours:.3f}", f"{own / ours:.1f}") for name, own, ours in rows],
    )


def main():
    parser = arguments.parser(__doc__)
    parser.add_argument("--count", type=arguments.count, default=2**26, help="values (default %(default)s)")
    parser.add_argument("--dtypes", nargs="+", choices=DTYPES, default=DTYPES)
    parser.add_argument("--rounds", type=arguments.count, default=5, help="interleaved rounds (default %(default)s)")
    parser.add_argument("--llama", action="store_true", help="build a Llama, too")
    parser.add_argument("--tiny", action="store_true", help="a tiny Llama, to see that it works")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/torch-values.md")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        way, tiny = json.loads(args.one)
        print(json.dumps(fresh_store(tiny) if way == STORE else llama(way, tiny)))
        return
    lines = list(markdown(measure(args.dtypes, args.count, args.rounds), args.count, args.rounds))
    if args.llama:
        taken, parameters = build(args.rounds, args.tiny)
        plain, fast = (taken[way] for way in WAYS)
        store = taken[STORE]
        lines += [
            "",
            f"A Llama of {parameters / 1e6:,.0f} million parameters of float32 in fresh memory, the same bytes: torch takes",
            f"{plain:.2f} s, the block {fast:.2f} s, {plain / fast:.1f} times faster. A constant stored into such memory takes",
            f"{store:.2f} s: the block takes {fast / store:.2f} times as long.",
        ]
    if args.write:
        put(DOCS / "torch-values.md", "figures", "\n".join(lines))
    print("\n".join(lines))


if __name__ == "__main__":
    main()
