"""Cases are drawn and tested; what was found is kept as JSON, a file for each library."""

import json
import time

import numpy as np

from docs.scripts.markdown import DOCS
from docs.scripts.pages.libraries import exact
from fastinit.arguments import dtypes
from fastinit.check import distinct, fits, subjects, verdict
from fastinit.check.exact import quiet
from fastinit.peers.libraries import version

RESULTS = DOCS / "figures" / "libraries"
#: Rows are kept below this p.
KEPT = 1e-4


def values_of(case):
    """What draws the next values of a case as an array, in as many calls as it needs."""
    draw = case.sampler()

    def values(count):
        parts = [np.asarray(draw(min(case.most, count - start))) for start in range(0, count, case.most)]
        whole = np.concatenate(parts) if len(parts) > 1 else parts[0]
        if whole.dtype.name != case.dtype:
            raise TypeError(f"{case.title} returns {whole.dtype.name}")
        return whole

    return values


def rows_of(case, size):
    """The tests of how often values lie where; their order is that of the library's words, whatever the law is."""
    law, real = exact.law(case.title, case.distribution), dtypes.resolve(case.dtype, dtypes.ALL_NAMES)
    with quiet():
        seen, first = subjects.sample(law, real, values_of(case), size)
        found = list(fits.rows(seen, law, real))
        if distinct.applies(law, real) and seen.counts.any():
            found.append(distinct.row(seen, law, real, first))
    return found


def summary(rows, size):
    """What the page needs of the tests of a case."""
    groups = {group: [row for row in rows if row.group == group] for group in verdict.GROUPS}
    kept = [[row.group, row.name, row.seen, row.p] for row in rows if not row.p >= KEPT]
    return {
        "values": size,
        "tests": sum(row.counted for row in rows),
        "groups": {name: verdict.combined(some) for name, some in groups.items() if some},
        "rows": sorted(kept, key=lambda row: (row[3] == row[3], row[3])),
    }


def path_of(library):
    """Where a library's results are kept."""
    return RESULTS / f"{library}.json"


def read(library):
    """What was found, by the titles of the cases."""
    path = path_of(library)
    return json.loads(path.read_text()) if path.exists() else {"cases": {}}


def missing(library, cases, size):
    """Those that were not tested with as many values, and with this version."""
    found = read(library)
    if found.get("versions", {}).get(library) != version(library):
        return cases
    return [case for case in cases if found["cases"].get(case.title, {"values": 0})["values"] < size]


def run(library, cases, size):
    """Test cases and keep what was found of each; those of before stay if they are not among them."""
    RESULTS.mkdir(exist_ok=True)
    for case in cases:
        start = time.perf_counter()
        result = summary(rows_of(case, size), size)
        found = read(library)  # another process may have written
        if found.get("versions", {}).get(library, version(library)) != version(library):
            found["cases"] = {}  # of another version
        found["versions"] = {name: version(name) for name in dict.fromkeys((library, "numpy", "scipy"))}
        found["cases"][case.title] = result
        path_of(library).write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
        least = result["rows"][0] if result["rows"] else ""
        print(f"{case.title}: {size:,} values, {time.perf_counter() - start:.0f} s, {least}", flush=True)
