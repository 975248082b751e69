"""Measure the products in `docs/lazy.md`: `python -m docs.scripts.pages.lazy --write`, a minute, on an idle machine.

The matrix is square. Drawing writes into memory that was written before, and the stored matrix is float32 already.
"""

from benchmarks.bench_lazy import COLUMNS, product_calls, ratio_to_both
from docs.scripts import arguments
from docs.scripts.markdown import DOCS, put, table
from fastinit.bench import machine
from fastinit.bench.measure import medians, timed_rounds

DTYPES = ("float32", "bfloat16", "float16")
ORDERS = ("W @ x", "x @ W")


def rows(side, count):
    """A row of the table for each dtype, operand and order."""
    for dtype in DTYPES:
        for operand in COLUMNS:
            for order in ORDERS:
                times = timed_rounds(product_calls(operand, order, dtype, side), count, pause=0.1)
                milliseconds = [f"{value * 1e3:.3g}" for value in medians(times).values()]
                yield [dtype, operand, f"`{order}`", *milliseconds, f"{ratio_to_both(times):.2f}"]


def main():
    parser = arguments.parser(__doc__)
    parser.add_argument("--side", type=arguments.count, default=16384, help="of the matrix (default %(default)s)")
    parser.add_argument("--rounds", type=arguments.count, default=5, help="default %(default)s")
    parser.add_argument("--write", action="store_true", help="put the table into docs/lazy.md")
    args = parser.parse_args()
    head = ["W", "x", "", "draw, ms", "stored product, ms", "lazy product, ms", "over the sum"]
    lines = [
        machine.sentence(machine.describe([])),
        f"\nW of {args.side:,} x {args.side:,}, medians of {args.rounds} rounds.\n",
        table(head, rows(args.side, args.rounds), left=3),
    ]
    if args.write:
        put(DOCS / "lazy.md", "products", "\n".join(lines))
    print("\n".join(lines))


if __name__ == "__main__":
    main()
