"""What is left of noise that is added to weights and taken away again: the table of `docs/noise.md`.

Weights are normal numbers, and so is the noise, whose deviation is the ratio times that of the weights. Losses are counted in
steps between neighbouring numbers of the dtype at the weight. Without --write the table is printed.
"""

import numpy as np

import fastinit as fi
from docs.scripts import arguments, markdown
from fastinit.bench.measure import numpy_dtype

PAGE = markdown.DOCS / "noise.md"
DTYPES = ("float32", "float16", "bfloat16")
RATIOS = (0.001, 0.01, 0.1, 1, 10)
STEPS = 1000
DEVIATION = 0.02


def spacing(numbers):
    """The distance from each number to the next one away from 0."""
    return np.spacing(abs(numbers)).astype(np.float64)


def drawn(count, dtype):
    return fi.default_rng(0).child("w").normal(0, DEVIATION, size=count, dtype=numpy_dtype(dtype))


def move(weights, step, scale):
    """Add a step's noise, as `perturb` does."""
    fi.default_rng(1).child(f"step {step}").child("w").normal(out=weights, add=scale)


def lost(now, before):
    """Distances from the old weights, in steps at the old weight; and whether anything changed."""
    return abs(now.astype(np.float64) - before.astype(np.float64)) / spacing(before)


def one_step(count, dtype, ratio):
    """What one addition and one subtraction lose."""
    weights = drawn(count, dtype)
    before = weights.copy()
    move(weights, 0, DEVIATION * ratio)
    unmoved = (weights == before).mean()
    noise = fi.default_rng(1).child("step 0").child("w").normal(0, DEVIATION * ratio, size=count)
    with np.errstate(divide="ignore"):  # a weight of 0 has no bound
        bound = 1 + abs(noise.astype(np.float64) / before.astype(np.float64))
    move(weights, 0, -DEVIATION * ratio)
    steps = lost(weights, before)
    changed = steps > 0
    return f"{unmoved:.2%}", f"{changed.mean():.2%}", f"{np.median(steps[changed]):.3g}", f"{(steps / bound).max():.3f}"


def many_steps(count, dtype, ratio):
    """What many additions and subtractions of different noise lose; and that loss over the deviation of the weights."""
    weights = drawn(count, dtype)
    before = weights.copy()
    for step in range(STEPS):
        move(weights, step, DEVIATION * ratio)
        move(weights, step, -DEVIATION * ratio)
    steps = lost(weights, before)
    difference = weights.astype(np.float64) - before.astype(np.float64)
    relative = np.sqrt((difference**2).mean()) / DEVIATION
    return f"{np.median(steps):.3g}", f"{np.percentile(steps, 99):.3g}", f"{relative:.1e}"


def rows(count):
    """A row for each dtype and ratio."""
    for dtype in DTYPES:
        for ratio in RATIOS:
            yield dtype, ratio, *one_step(count, dtype, ratio), *many_steps(count // 64, dtype, ratio)


def main():
    parser = arguments.parser(__doc__)
    parser.add_argument("--values", type=arguments.count, default=1 << 22, help="weights (default %(default)s)")
    parser.add_argument("--write", action="store_true", help="write the table into docs/noise.md")
    args = parser.parse_args()
    head = ["dtype", "ratio", "unmoved", "changed", "by steps", "largest / bound", "median", "99 %", "relative"]
    text = markdown.table(head, list(rows(args.values)))
    if args.write:
        markdown.put(PAGE, "undo", text)
    else:
        print(text)


if __name__ == "__main__":
    main()
