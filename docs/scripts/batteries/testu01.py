"""Run the tests of a battery of TestU01, each on its own stream: `python -m docs.scripts.batteries.testu01 --library DIR`.

DIR is the folder of `libtestu01.so`, which TestU01's own `make install` writes. Every test of the battery gets the words of the
child "BATTERY NUMBER" of the seed: raw ones, or with `--dist` the words of the values of a law. Its p-values become one line
of the file. A test that has a line is left out, so the run may be stopped and started again. `--jobs 2` runs two at a time.
"""

import concurrent.futures
import contextlib
import ctypes
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from docs.scripts import arguments
from fastinit.check import pit
from fastinit.commands import stream
from fastinit.laws import parse

#: How many tests each battery has.
TESTS = {"SmallCrush": 10, "Crush": 96, "BigCrush": 106}
#: Words that TestU01 reads at a time.
READ = 1 << 18
LIBRARIES = ("libmylib.so", "libprobdist.so", "libtestu01.so")


def judge(library, battery, number):
    """Run one test on the words of standard input, and print its results as JSON: pairs of a name and a p-value."""
    *_, testu01 = (ctypes.CDLL(str(library / name), ctypes.RTLD_GLOBAL) for name in LIBRARIES)
    testu01.ufile_CreateReadBin.restype = ctypes.c_void_p
    generator = testu01.ufile_CreateReadBin(b"/dev/stdin", ctypes.c_long(READ))
    chosen = (ctypes.c_int * (1 + TESTS[battery]))()
    chosen[number] = 1
    results = os.dup(1)
    os.dup2(2, 1)  # the battery's own report
    getattr(testu01, f"bbattery_Repeat{battery}")(ctypes.c_void_p(generator), chosen)
    count = ctypes.c_int.in_dll(testu01, "bbattery_NTests").value
    names = (ctypes.c_char_p * count).in_dll(testu01, "bbattery_TestNames")
    p_values = (ctypes.c_double * count).in_dll(testu01, "bbattery_pVal")
    pairs = [(name.decode(), p) for name, p in zip(names, p_values, strict=True) if p >= 0]  # negative: not run
    os.write(results, json.dumps(pairs).encode())


def words_for(args, number):
    """The endless words of one test; TestU01 reads the high byte first."""
    law = args.dist and parse(args.dist)
    encode = pit.words(law, "float32", args.seed) if law else np.ravel
    draws = stream.streams(args.seed, [f"{args.battery} {number}"], args.interleave, "children", law)
    dtype = np.dtype(np.float32 if law else np.uint32)
    return stream.Plan(draws, None, dtype, lambda block: encode(block).view(np.uint32).byteswap())


def run(args, number):
    """The line of one test."""
    started = time.time()
    command = [
        sys.executable,
        "-m",
        __spec__.name,
        "--library",
        args.library,
        "--battery",
        args.battery,
        "--judge",
        str(number),
    ]
    process = subprocess.Popen([*map(str, command)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    with contextlib.suppress(BrokenPipeError):
        stream.write(words_for(args, number), process.stdin)
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()
    printed = process.stdout.read()
    if process.wait():
        raise SystemExit(f"test {number} of {args.battery} ended with status {process.returncode}")
    return {"test": number, "results": json.loads(printed), "minutes": round((time.time() - started) / 60, 1)}


def options():
    """The command line."""
    parser = arguments.parser(__doc__)
    add = parser.add_argument
    add("--library", type=Path, required=True, metavar="DIR", help="the folder of libtestu01.so")
    add("--battery", choices=TESTS, default="BigCrush")
    add("--tests", default="", metavar="N,...", help="only these")
    add("--dist", metavar="LAW", help="the float32 values of a law, through its distribution function; default: raw words")
    add("--seed", type=int, default=11)
    add("--interleave", type=arguments.count, default=1, metavar="N", help="N children in turn")
    add("--jobs", type=arguments.count, default=1)
    add("--results", type=Path, metavar="FILE", help="one line of JSON for each test; default: standard output")
    add("--judge", type=arguments.count, help="used by the script itself")
    return parser.parse_args()


def main(args):
    """Run what is left, and write a line for each test."""
    path = args.results or Path("/dev/stdout")
    done = {json.loads(line)["test"] for line in path.read_text().splitlines()} if path.is_file() else set()
    wanted = list(map(int, args.tests.split(","))) if args.tests else range(1, TESTS[args.battery] + 1)
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool, path.open("a") as file:
        started = [pool.submit(run, args, number) for number in wanted if number not in done]
        for finished in concurrent.futures.as_completed(started):
            file.write(json.dumps(finished.result()) + "\n")
            file.flush()


if __name__ == "__main__":
    given = options()
    if given.judge:
        judge(given.library, given.battery, given.judge)
    else:
        main(given)
