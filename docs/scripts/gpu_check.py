"""Check on a GPU that its bytes are the CPU's, and how fast it makes them: one command, some 90 seconds.

    python docs/scripts/gpu_check.py [--quick] [--json FILE]

It needs Python, NumPy, fastinit and NVIDIA's driver. It fills every law and dtype on the GPU and on the CPU and compares the
bytes: the first 2^22 values, the end of an array of 2^30, a strided and a misaligned block. It adds every law to the values of
two dtypes. Then it times fills of 1 GiB beside a memset and, where torch is installed with CUDA, beside torch's own fills.
Exit status: 0 if all bytes are the same, 1 if not.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import statistics
import sys
import time
from ctypes import byref, c_float, c_uint, c_void_p
from typing import Any

import ml_dtypes  # noqa: F401  # NumPy learns its dtypes
import numpy as np

import fastinit as fi
from fastinit import laws
from fastinit.arguments.dtypes import ALL_NAMES, REAL_NAMES
from fastinit.gpu import driver
from fastinit.gpu.memory import Memory, allocated

DTYPES = ALL_NAMES
INF = float("inf")
#: Every law, so that each of its dtypes has all its kernels; None for `bits`.
LAWS = {
    "uniform": laws.uniform(-1.5, 2.5),
    "uniform, subnormal steps": laws.uniform(0.0, 1e-38),
    "uniform, subnormal steps of float64": laws.uniform(0.0, 1e-300),
    "normal": laws.normal(0.5, 2.0),
    "truncated normal, 2 deviations": laws.truncated_normal(-2.0, 2.0),
    "truncated normal, 2 deviations, not about 0": laws.truncated_normal(-2.0, 2.0, 0.5),
    "truncated normal, tails": laws.truncated_normal(-3.0, 2.5),
    "truncated normal, no bounds": laws.truncated_normal(-INF, INF),
    "constant": laws.normal(0.25, 0.0),
    "exponential": laws.exponential(0.5),
    "laplace": laws.laplace(0.5, 2.0),
    "logistic": laws.logistic(0.5, 2.0),
    "gumbel": laws.gumbel(0.5, 2.0),
    "cauchy": laws.cauchy(0.5, 2.0),
    "lognormal": laws.lognormal(0.5, 1.0),
    "rademacher": laws.rademacher(),
    "bernoulli": laws.bernoulli(0.3),
    "integers": laws.integers(17, 113),
    "bits": None,
}
TIMED = ("uniform", "normal", "truncated normal, 2 deviations", "truncated normal, tails")
TORCH = {
    "uniform": lambda torch, out: out.uniform_(-1.5, 2.5),
    "normal": lambda torch, out: out.normal_(0.5, 2.0),
    "truncated normal, 2 deviations": lambda torch, out: torch.nn.init.trunc_normal_(out, a=-2.0, b=2.0),
}
EVENTS: dict[str, tuple[Any, ...]] = {
    "cuEventCreate": (ctypes.POINTER(c_void_p), c_uint),
    "cuEventRecord": (c_void_p, c_void_p),
    "cuEventSynchronize": (c_void_p,),
    "cuEventElapsedTime": (ctypes.POINTER(c_float), c_void_p, c_void_p),
}


def call(name: str, *arguments: Any) -> None:
    """Call a function of the driver that the package itself does not use."""
    function = getattr(driver.library(), name)
    function.argtypes = EVENTS[name]
    driver.check(function(*arguments), name)


def dtypes_of(law: str) -> list[str]:
    """Those of the dtypes that hold a law's values."""
    wanted = LAWS[law]
    return [dtype for dtype in DTYPES if dtype in (("uint32",) if wanted is None else wanted.dtype_names)]


def draw(law: str, dtype: str, size: Any, **options: Any) -> Any:
    """A law's values, from the same stream each time."""
    wanted, rng = LAWS[law], fi.default_rng(2026)
    return rng.bits(size, **options) if wanted is None else rng.draw(wanted, size, dtype=dtype, **options)


def same(memory: Memory, law: str, dtype: str, count: int, end: int) -> bool:
    """Whether the GPU's bytes are the CPU's: whole, at the end of a large array, strided, misaligned."""
    size = np.dtype(dtype).itemsize
    tail, rows = np.s_[end - count // 4 :], (64, count // 256)
    places = [
        ({"size": count}, (count,), 0, None),
        ({"size": end, "index": tail}, (count // 4,), 0, None),
        ({"size": rows, "index": np.s_[::-3, 1:]}, (22, rows[1] - 1), 0, (rows[1] * size, size)),
        ({"size": rows}, rows, 0, (size, rows[0] * size)),
        ({"size": count // 4}, (count // 4,), 1, None),
    ]
    for options, shape, offset, strides in places:
        extent = offset + (int(np.prod(shape)) * size if strides is None else shape[0] * rows[1] * size)
        draw(law, dtype, **options, out=memory.view(shape, dtype, offset, strides))
        device = memory.bytes(extent)[offset:]
        host = np.ndarray(shape, np.dtype(dtype), device.tobytes(), strides=strides)
        if host.tobytes() != draw(law, dtype, **options).tobytes():
            return False
    return True


def same_sums(memory: Memory, law: str, dtype: str, count: int) -> bool:
    """Whether the GPU adds a law to normal values as the CPU does."""
    host, device = np.empty(count, dtype), memory.view((count,), dtype)
    for out in (host, device):
        fi.default_rng(1).normal(out=out)
        draw(law, dtype, count, out=out, add=-0.75)
    return host.tobytes() == memory.bytes(host.nbytes).tobytes()


def compared(memory: Memory, count: int, end: int) -> dict[str, bool]:
    """Whether the bytes are the same: of each law and dtype, and of sums with each law in two dtypes of reals."""
    results: dict[str, bool] = {}
    for number, law in enumerate(LAWS):
        results |= {f"{law}, {dtype}": same(memory, law, dtype, count, end) for dtype in dtypes_of(law)}
        reals = [dtype for dtype in dtypes_of(law) if dtype in REAL_NAMES and LAWS[law] is not None]
        some = {reals[i % len(reals)] for i in (number, number + 1) if reals}
        results |= {f"{law} added, {dtype}": same_sums(memory, law, dtype, count) for dtype in sorted(some)}
    return results


def seconds(run: Any, rounds: int) -> float:
    """The median of so many runs, by the GPU's own clock."""
    events = [c_void_p(), c_void_p()]
    for event in events:
        call("cuEventCreate", byref(event), 0)
    times = []
    for _ in range(rounds + 1):
        call("cuEventRecord", events[0], None)
        run()
        call("cuEventRecord", events[1], None)
        call("cuEventSynchronize", events[1])
        milliseconds = c_float()
        call("cuEventElapsedTime", byref(milliseconds), *events)
        times.append(milliseconds.value / 1e3)
    return statistics.median(times[1:])


def torch_seconds(law: str, dtype: str, values: int, rounds: int) -> float | None:
    """The time of torch's own fill, where there is one."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available() or law not in TORCH or dtype.startswith("float8"):
        return None
    out = torch.empty(values, dtype=getattr(torch, dtype), device="cuda")
    try:
        return seconds(lambda: TORCH[law](torch, out), rounds)
    except (RuntimeError, NotImplementedError):  # torch has no such fill of this dtype
        return None


def speeds(memory: Memory, count: int, rounds: int) -> list[dict[str, Any]]:
    """GB/s of fills of `count` bytes, of a memset and of torch."""
    memset = seconds(lambda: memory.set(1), rounds)
    rows = [{"law": "memset", "dtype": "", "GB/s": count / memset / 1e9, "of memset": 1.0, "times torch": None}]
    for law in TIMED:
        for dtype in dtypes_of(law):
            values = count // np.dtype(dtype).itemsize
            out = memory.view((values,), dtype)
            time_ = seconds(lambda: draw(law, dtype, values, out=out), rounds)  # noqa: B023
            other = torch_seconds(law, dtype, values, min(rounds, 3))
            rate = count / time_ / 1e9
            ratio = None if other is None else other / time_
            rows.append({"law": law, "dtype": dtype, "GB/s": rate, "of memset": memset / time_, "times torch": ratio})
    return rows


def main(argv: list[str] | None = None) -> int:
    """Check and time; returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer values, and no timings worth reading")
    parser.add_argument("--json", metavar="FILE", help="write the results")
    arguments = parser.parse_args(argv)
    os.environ["FASTINIT_GPU"] = "1"
    count, end, nbytes, rounds = (1 << 14, 1 << 30, 1 << 16, 1) if arguments.quick else (1 << 22, 1 << 30, 1 << 30, 9)
    start, device = time.perf_counter(), driver.device(0)
    with allocated(max(nbytes, 8 * count + 64)) as memory:
        print(f"{device.name}, code for sm_{device.sm}, {device.multiprocessors} multiprocessors")
        results = compared(memory, count, end)
        different = [name for name, good in results.items() if not good]
        print(f"{len(results) - len(different)} of {len(results)} laws and dtypes have the CPU's bytes", *different, sep="\n  ")
        rows = speeds(memory, nbytes, rounds)
    print("\n| law | dtype | GB/s | of a memset | times torch |\n|---|---|--:|--:|--:|")
    for row in rows:
        ratio = "" if row["times torch"] is None else f"{row['times torch']:.1f}"
        print(f"| {row['law']} | {row['dtype']} | {row['GB/s']:,.0f} | {row['of memset']:.2f} | {ratio} |")
    print(f"\n{time.perf_counter() - start:.0f} seconds")
    if arguments.json:
        with open(arguments.json, "w") as file:  # noqa: PTH123
            json.dump({"device": device.name, "same": results, "speeds": rows}, file, indent=1)
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
