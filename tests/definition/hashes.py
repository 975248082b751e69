"""One table of hashes that must come out the same everywhere, and the command that makes and compares it.

`python -m tests.definition.hashes` makes every array of the table, prints a hash of each and compares it with `hashes.json`
beside this file. It ends with status 1 if one differs. `--write` makes that file anew: only a new stream version or a new
case is a reason. `--small` leaves out the arrays that more than one thread fills. Only fastinit and its dependencies are
imported, so the table can be made where no test tool is installed.
"""

from __future__ import annotations

import argparse
import ctypes
import hashlib
import json
import platform
import sys
from functools import partial
from importlib.metadata import version
from pathlib import Path

import llvmlite
import ml_dtypes
import numpy as np

import fastinit as fi
from fastinit import dispatch
from fastinit.kernels import cpus, machine, threads
from tests.definition.hash_cases import cases

TABLE = Path(__file__).with_name("hashes.json")


def digest(values):
    """The first 16 hexadecimal digits of the SHA-256 of the values in C order, each in little-endian bytes."""
    array = np.ascontiguousarray(values)
    cells = array.view(f"u{array.itemsize}").astype(f"<u{array.itemsize}")
    return hashlib.sha256(cells.tobytes()).hexdigest()[:16]


def make(small=False, match="", dtypes=(), told=lambda line: None):
    """Rows of hashes by label and dtype, of the cases that are wanted; `told` gets a line for each as it is made."""
    rows = {}
    for case in cases():
        if (small and not case.small) or match not in case.label or (dtypes and case.dtype not in dtypes):
            continue
        row = rows.setdefault(case.label, {})
        assert case.dtype not in row, f"{case.label}, {case.dtype} is there twice"
        row[case.dtype] = digest(case.make())
        told(f"{row[case.dtype]} {case.label}, {case.dtype}")
    return rows


def flat(rows):
    """One dict of `label, dtype` to hash."""
    return {f"{label}, {dtype}": value for label, row in rows.items() for dtype, value in row.items()}


def differences(made, kept, whole):
    """What is not as in the table that is kept, a line each; `whole` says whether all of it was made."""
    made, kept = flat(made), flat(kept)
    found = [
        f"{name}: {value}, not {kept.get(name, 'in the table')}" for name, value in made.items() if kept.get(name) != value
    ]
    return found + [f"{name}: in the table, and not made" for name in kept if whole and name not in made]


def read():
    return json.loads(TABLE.read_text())


def write(rows):
    """A line for each label, so that a change shows as the lines that changed."""
    lines = [f"{json.dumps(label)}: {json.dumps(row)}" for label, row in rows.items()]
    text = ",\n  ".join(lines)
    TABLE.write_text(f'{{\n "stream_version": {fi.STREAM_VERSION},\n "rows": {{\n  {text}\n }}\n}}\n')


def environment():
    """Where the table was made, for the closing line."""
    host = machine.host()
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "numba": version("numba"),
        "llvmlite": llvmlite.__version__,
        "ml_dtypes": getattr(ml_dtypes, "__version__", "?"),
        "machine": platform.machine(),
        "compiled for": host.cpu,
        "features": sum(feature.startswith("+") for feature in host.features.split(",")),
        "threads": cpus.allowed(),
    }


#: Bits of the floating-point control register by what they do, and where `fegetenv` of the GNU C library puts it (in words).
FLOAT_STATES = {
    "x86_64": (7, {"flush": 0x8040, "down": 0x2000, "up": 0x4000, "zero": 0x6000}),
    "aarch64": (0, {"flush": 1 << 24, "up": 1 << 22, "down": 2 << 22, "zero": 3 << 22}),
}


def set_float_state(name):
    """Make this thread flush subnormal numbers to 0, or round towards another side, as other libraries might."""
    place, bits = FLOAT_STATES[platform.machine()]
    library = ctypes.CDLL("libm.so.6")
    state = (ctypes.c_uint32 * 64)()
    library.fegetenv(state)
    state[place] |= bits[name]
    library.fesetenv(state)


def arguments(argv):
    parser = argparse.ArgumentParser(prog="python -m tests.definition.hashes", description="Make and compare the hashes.")
    parser.add_argument("--small", action="store_true", help="only arrays below the size from which threads are used")
    parser.add_argument("--match", default="", metavar="TEXT", help="only labels with this text in them")
    parser.add_argument("--dtypes", default=(), type=lambda text: text.split(","), help="only these, separated by commas")
    parser.add_argument("--chunk", type=int, help="every fill by several threads, each of which takes so many values")
    parser.add_argument("--segment", type=int, help="values between two looks at pending signals")
    parser.add_argument("--float-state", choices=FLOAT_STATES["x86_64"][1], help="flush subnormals to 0, or round this way")
    parser.add_argument("--write", action="store_true", help="keep the table that was made, instead of comparing it")
    given = parser.parse_args(argv)
    if given.write and (given.small or given.match or given.dtypes):
        parser.error("--write needs the whole table: it goes with none of --small, --match, --dtypes")
    return given


def main(argv=None):
    given = arguments(argv)
    if given.chunk is not None:  # every fill by several threads, in chunks of this size
        threads.CHUNK, threads.GRAIN, threads.PARALLEL_FROM = given.chunk, 1, 1
    if given.segment is not None:
        dispatch.SEGMENT = given.segment
    if given.float_state:
        set_float_state(given.float_state)
    made = make(given.small, given.match, given.dtypes, partial(print, flush=True))
    print(json.dumps(environment()))
    if given.write:
        write(made)
        print(f"{len(flat(made))} hashes written")
        return 0
    kept = read()
    wrong = differences(made, kept["rows"], not (given.small or given.match or given.dtypes))
    if kept["stream_version"] != fi.STREAM_VERSION:
        wrong.append(f"stream version {fi.STREAM_VERSION}, not {kept['stream_version']}")
    for line in wrong:
        print("DIFFERENT", line)
    print(f"{len(flat(made))} hashes made, {len(wrong)} differences")
    return 1 if wrong or not made else 0


if __name__ == "__main__":
    np.seterr(all="raise")  # whatever the caller made NumPy raise, no value may depend on it
    sys.exit(main())
