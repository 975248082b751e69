"""Write the table of the public batteries into `docs/quality.md`: `python -m docs.scripts.pages.batteries`.

It runs no battery, which takes hours. `docs/figures/batteries` has a file for each run, BATTERY-WORDS: lines of JSON by
`docs.scripts.batteries.testu01`, or what PractRand printed. The page has the commands.
"""

import json
import math
import re

from docs.scripts import arguments
from docs.scripts.markdown import DOCS, put, table

PAGE, RESULTS = DOCS / "quality.md", DOCS / "figures" / "batteries"
#: Rows of the table: what a file is called by, and what the words are.
WORDS = {
    "raw": "raw words of one stream",
    "seeds": "raw words of 64 seeds in turn",
    "children": "raw words of 64 children in turn",
    "calls": "raw words of 64 calls in turn",
    "normal": "normal float32, PIT",
    "truncated": "truncated normal (-2, 2) float32, PIT",
}
#: Columns: what a file is called by, and how many tests the battery has.
TESTU01 = {"SmallCrush": 10, "Crush": 96, "BigCrush": 106}
LENGTH = re.compile(r"length= .*?\((2\^[\d.]+) bytes\)")
FAILED, DOUBTFUL = re.compile(r"\bFAIL"), re.compile(r"unusual|suspicious", re.IGNORECASE)


def of_testu01(battery, words):
    """How many statistics there are, and the least p of them, on both sides and adjusted for their number."""
    path = RESULTS / f"{battery.lower()}-{words}.jsonl"
    if not path.exists():
        return ""
    tests = [json.loads(line) for line in path.read_text().splitlines()]
    p_values = [p for test in tests for _, p in test["results"]]
    least = min(1 - 1e-16, *(2 * min(p, 1 - p) for p in p_values))
    share = "" if len(tests) == TESTU01[battery] else f" from {len(tests)} of {TESTU01[battery]} tests"
    return f"{len(p_values)}{share}: {-math.expm1(len(p_values) * math.log1p(-least)):.2g}"


def of_practrand(words):
    """How many bytes there were, what PractRand said of them, and how often it doubted fewer bytes before."""
    path = RESULTS / f"practrand-{words}.txt"
    if not path.exists():
        return ""
    parts = LENGTH.split(path.read_text())[1:]
    *before, (length, last) = zip(parts[::2], parts[1::2], strict=True)
    doubts, failed = len(DOUBTFUL.findall(last)), len(FAILED.findall(last))
    said = f"{failed} FAIL" if failed else f"{doubts or 'no'} {'anomaly' if doubts == 1 else 'anomalies'}"
    count = failed + doubts + sum(map(int, re.findall(r"(\d+) test result", last)))
    earlier = sum(len(DOUBTFUL.findall(text)) for _, text in before)
    return f"{length}: {said} in {count}" + (f", {earlier} before" if earlier else "")


def content():
    """The table: a row for each kind of words that some battery has judged."""
    rows = [
        [title, *(of_testu01(battery, words) for battery in TESTU01), of_practrand(words)] for words, title in WORDS.items()
    ]
    head = ["words", *TESTU01, "PractRand, bytes"]
    return table(head, [row for row in rows if any(row[1:])], left=len(head))


def main(argv=None):
    arguments.parser(__doc__).parse_args(argv)
    put(PAGE, "batteries", content())


if __name__ == "__main__":
    main()
