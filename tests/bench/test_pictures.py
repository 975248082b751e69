"""The pictures of `fastinit bench`: every sampler has its name and its figure, and curves have names that do not overlap."""

import math
import re

import pytest

from fastinit.bench import plot, scaling
from fastinit.bench.measure import Job
from fastinit.bench.session import Row, Table

MACHINE = {"cpu": "A CPU", "logical_cpus": 2}


def tables(ratios):
    """A table in which each library takes so many times the store's second."""
    rows = {
        name: Row(name, f"{name} fill", values=8, seconds=[ratio] * 3, calls=1, cores=[1.0] * 3, hertz=[2e9] * 3)
        for name, ratio in ratios.items()
    }
    return Table(Job("normal", 8, "float32", "touched", 2), 3, rows)


@pytest.mark.parametrize(
    "ratios", [{"store": 1.0, "fastinit": 1.5, "numpy": 12.34}, {"store": 1.0, "fastinit": 1.5, "torch": 431.0}]
)
def test_the_picture_names_and_measures_every_sampler(tmp_path, ratios):
    matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    machine = {"cpu": "A CPU", "logical_cpus": 2}
    with matplotlib.rc_context({"svg.fonttype": "none"}), (tmp_path / "b.svg").open("wb") as file:
        plot.draw([tables(ratios)], machine, file, "svg")
    drawn = (tmp_path / "b.svg").read_text()
    for text in ("normal, float32, 2 threads", "A CPU", *(f"{name} fill" for name in ratios)):
        assert text in drawn
    shown = re.findall(r">([\d.,]+)</text>", drawn)
    assert {"1.0", "1.5", "12.3" if "numpy" in ratios else "431"} <= set(shown)
    assert ("logarithmic" in drawn) == (max(ratios.values()) > plot.LOGARITHMIC)


def test_a_picture_of_nothing(tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    empty = tables({"store": math.inf})
    empty.rows["store"].skipped = "died"
    with (tmp_path / "b.png").open("wb") as file:
        plot.draw([empty], {"cpu": "A CPU", "logical_cpus": 2}, file, "png")
    assert (tmp_path / "b.png").read_bytes().startswith(b"\x89PNG")


def by_threads(counts, place="", **rates):
    """Tables in which each library fills so many GB/s, times the threads."""
    found = []
    for threads in counts:
        job = Job("normal", 250_000 * threads if place else 250_000, "float32", "touched", threads, place=place)
        rows = {
            name: Row(
                name, name, values=job.values, calls=1, seconds=[job.values * 4e-9 / rate / threads], cores=[1], hertz=[1e9]
            )
            for name, rate in rates.items()
        }
        found.append(Table(job, 1, rows))
    return found


def test_tables_that_differ_in_threads_belong_together():
    ram, cache = by_threads([4, 1, 2], store=8, fastinit=4), by_threads([1, 2], "l2", store=8, fastinit=4)
    assert [[table.job.threads for table in group] for group in scaling.groups([*ram, *cache])] == [[1, 2, 4], [1, 2]]
    assert scaling.scales(ram)
    assert scaling.scales(cache)
    assert not scaling.scales([ram[0], cache[0]])


def test_the_roof_is_the_faster_store_at_each_number_of_threads():
    one, two = by_threads([1], store=8, nontemporal=6, fastinit=4), by_threads([2], store=8, nontemporal=9, fastinit=4)
    found = scaling.curves([*one, *two])
    assert set(found) == {"roof", "fastinit"}
    assert [(threads, round(rate, 6)) for threads, rate in found["roof"]] == [(1, 8), (2, 18)]
    assert [(threads, round(rate, 6)) for threads, rate in found["fastinit"]] == [(1, 4), (2, 8)]


def test_the_curves_have_names_beside_one_another(tmp_path):
    matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    tables = by_threads([1, 2, 4], store=9, nontemporal=8, fastinit=4, numpy=0.5, torch=0.5001, randomgen=0.4999)
    with matplotlib.rc_context({"svg.fonttype": "none"}), (tmp_path / "b.svg").open("wb") as file:
        scaling.draw([*tables, *by_threads([1], "l2", store=9)], MACHINE, file, "svg")
    drawn = (tmp_path / "b.svg").read_text()
    names = ("roof: the faster store", "fastinit", "NumPy", "torch", "randomgen")
    heights = [float(re.search(rf' y="([\d.]+)"[^>]*>{name}</text>', drawn)[1]) for name in names]
    assert min(abs(a - b) for i, a in enumerate(heights) for b in heights[:i]) > 8  # points: a line of text
    assert "normal, float32, 250,000 values" in drawn
    assert "fits L2" not in drawn  # one number of threads is no curve


def test_no_two_curves_look_alike():
    assert len({style[0::2] for style in scaling.STYLES}) == len(scaling.STYLES)  # in colour
    assert len({style[1] for style in scaling.STYLES}) == len(scaling.STYLES)  # in grey
