"""Count the machine instructions of one turn of each row's inner loop, by kind, in the compiled assembly.

    python -m docs.scripts.derivations.instructions [LAW] [DTYPE] [--listing]

The loop is the basic block that multiplies and jumps to itself. A turn fills two tiles: 128 float32 values or 64 float64
values. Narrow uniforms fill four tiles on AVX-512.
"""

import argparse
import re
from collections import Counter

from fastinit.gpu.explain import explain
from fastinit.kernels.rows import ROWS, row

BLOCK = re.compile(r"^(\.LBB\w+):", re.MULTILINE)
MULTIPLY = ("pmuludq", "umull", "umlal")
VECTOR = re.compile(r"^(v|p[a-z]|k)|ps$|pd$|dq[au]|^mov[au]p")
STORES = re.compile(r"^v?mov\S+\s+%[xyz]mm\d+\S*, \S*\(")
SPILL = re.compile(r"\((%rsp|%rbp)|\(%r[sb]p\)")


def blocks(assembly):
    """Basic blocks of the assembly as lists of instructions."""
    parts = BLOCK.split(assembly)
    for name, text in zip(parts[1::2], parts[2::2], strict=True):
        lines = [line.strip().split("#")[0].strip() for line in text.splitlines()]
        yield name, [line for line in lines if line and not line.startswith((".", "#")) and not line.endswith(":")]


def inner_loop(of):
    """The instructions of a row's loop over pairs of tiles."""
    assembly = explain(of, assembly=True)
    loops = (lines for name, lines in blocks(assembly) if any(line.startswith("j") and line.endswith(name) for line in lines))
    return max(loops, key=lambda lines: sum(m in line for m in MULTIPLY for line in lines))


def kinds(lines):
    """Count the instructions by kind; `from memory` counts vector operands read from memory."""
    counts = Counter()
    for line in lines:
        operation, _, operands = line.partition("\t")
        counts["all"] += 1
        if STORES.match(line):
            counts["spills" if SPILL.search(operands) else "stores"] += 1
        elif VECTOR.search(operation):
            counts["vector"] += 1
            counts["from memory"] += "(" in operands
        else:
            counts["scalar"] += 1
    return counts


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("law", nargs="?", help="only this law")
    parser.add_argument("dtype", nargs="?", help="only this dtype")
    parser.add_argument("--listing", action="store_true", help="print the count of each instruction, too")
    args = parser.parse_args()
    print(f"{'row':28} {'all':>5} {'vector':>7} {'stores':>7} {'spills':>7} {'memory':>7} {'scalar':>7}")
    for law, dtype in ROWS:
        if args.law in (None, law) and args.dtype in (None, dtype):
            lines = inner_loop(row(law, dtype))
            k = kinds(lines)
            numbers = [k[name] for name in ("all", "vector", "stores", "spills", "from memory", "scalar")]
            print(f"{law + ' ' + dtype:28} {numbers[0]:5} " + " ".join(f"{n:7}" for n in numbers[1:]))
            if args.listing:
                for name, count in Counter(line.split("\t")[0] for line in lines).most_common():
                    print(f"    {count:4} {name}")


if __name__ == "__main__":
    main()
