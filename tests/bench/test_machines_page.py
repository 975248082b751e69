"""docs/machines.md is made from files of `fastinit bench --json`."""

import json

import pytest

from docs.scripts.pages import machines
from fastinit.bench import machine, results
from fastinit.bench.measure import Job
from fastinit.bench.session import Row, Table


def tables(seconds, threads, cores=1.0, places=("l2", "ram")):
    for place in places:
        job = Job("normal", 1000, "float32", "touched", threads, place=place)
        rows = {
            name: Row(name, name, values=1000, calls=1, seconds=[each] * 3, cores=[cores] * 3, hertz=[2e9] * 3)
            for name, each in {"store": seconds / 4, "nontemporal": seconds / 2, "fastinit": seconds}.items()
        }
        yield Table(job, 3, rows)


@pytest.fixture
def page(tmp_path):
    """Write the page from these tables by the name of the machine; return its text."""

    def write(**files):
        for name, some in files.items():
            (tmp_path / f"{name}.json").write_text(json.dumps(results.document(some, machine.describe())))
        copy = tmp_path / "page.md"
        copy.write_text(machines.PAGE.read_text())
        machines.main(["--folder", str(tmp_path), "--page", str(copy)])
        return copy.read_text()

    return write


def test_the_page_has_a_row_for_each_machine_and_number_of_threads(page):
    text = page(zen=[*tables(1e-6, 1), *tables(4e-7, 2, cores=2.0)], lake=list(tables(2e-6, 1, places=("l3",))))
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]
    assert rows[0] == list(machines.HEAD)
    assert rows[2:] == [
        ["lake", "1", "", "", "", "2.00", "4.00", "25", "", "", ""],
        ["zen", "1", "1.00", "2.00", "25", "", "", "", "1.00", "2.00", "25"],
        ["zen", "2", "0.400", "1.60", "25", "", "", "", "0.400", "1.60", "25"],
    ]
    assert "### normal, float32" in text
    assert "](figures/threads-zen.png)" in text
    assert "threads-lake" not in text  # it has one number of threads
    assert "Measured: 2.00 GHz." in text
    assert "not all threads" not in text
    assert text.startswith(machines.PAGE.read_text().partition("<!-- machines -->")[0])


def test_too_few_cores_are_named(page):
    assert "In 2 of 4 tables not all threads" in page(zen=[*tables(1e-6, 1), *tables(4e-7, 2)])


@pytest.mark.parametrize("library", ["store", "nontemporal", "fastinit"])
def test_one_round_with_all_threads_is_not_enough(page, library):
    """Also of a store, which is the roof."""
    some = list(tables(4e-7, 2, cores=2.0))
    some[0].rows[library].cores = [1.0, 2.0, 1.0]
    some[1].rows[library].cores = [2.0, 1.0, 2.0]
    assert "In 1 of 2 tables not all threads" in page(zen=some)


def test_without_files(page):
    assert "There are no files yet." in page()


def test_the_files_of_the_page_can_be_read():
    """Also after a change of the schema: then they are to be measured again."""
    for path in machines.FOLDER.glob("*.json"):
        here, found = results.read(path)
        assert here["cpu"]
        assert found
