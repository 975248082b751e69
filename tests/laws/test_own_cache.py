"""The kernels of own laws on disk: a file for each text, which another process reads."""

import os
from pathlib import Path

import pytest

import fastinit as fi
from fastinit.kernels import cache, rows
from tests.processes.scripts import environment, python

LAW = """
import sys
import fastinit as fi
from fastinit.kernels import cache
NUMBER = float(sys.argv[1])
@fi.laws.law("exponential")
def {name}(e, scale=1.0):
    return {body}
x = fi.default_rng(0).draw({name}(float(sys.argv[2])), 1000)
print(sorted(name for name in cache.COMPILED if name != "loop"), x.tobytes().hex()[:64])
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A cache of its own, which has the loop already."""
    loop = cache.read("loop") or (rows.loop() and cache.read("loop"))
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    cache._write(tmp_path / "fastinit" / cache.file_name("loop"), loop)
    return tmp_path / "fastinit"


def kernels(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("loop"))


def process(number=0.25, scale=1.0, name="mine", body="e * scale + NUMBER"):
    text = python(LAW.format(name=name, body=body), number, scale, env=environment())
    compiled, _, values = text.strip().rpartition(" ")
    return compiled != "[]", values


def test_the_next_process_reads_the_kernel(folder):
    first = process()
    (name,) = kernels(folder)
    assert name.startswith("mine-float32.")
    assert first == (True, first[1])
    assert process() == (False, first[1])
    assert kernels(folder) == [name]


def test_parameters_share_a_kernel_and_constants_do_not(folder):
    """A parameter is a number of the plan; a constant is an instruction."""
    first = process()
    other = process(scale=2.0)
    assert other[0] is False
    assert other[1] != first[1]
    constant = process(number=0.75)
    assert constant[0] is True
    assert constant[1] not in (first[1], other[1])
    assert len(kernels(folder)) == 2
    assert process() == (False, first[1])


def test_the_same_instructions_by_other_words_are_one_file(folder):
    """Comments, names of variables and unused branches leave no instruction."""
    first = process()
    again = process(body="(e * scale + NUMBER if NUMBER > 0 else e)  # a note")
    assert again == (False, first[1])
    swapped = process(body="NUMBER + e * scale")
    assert swapped[0] is True
    assert swapped[1] == first[1]


def test_a_law_with_the_name_of_one_of_the_package(folder):
    """Its file is not taken for the package's."""
    before = fi.default_rng(0).draw(fi.laws.exponential(), 100).tobytes()
    values = process(name="exponential")
    assert values[0] is True
    assert all("exponential-float32." in name for name in kernels(folder))
    assert process(name="exponential") == (False, values[1])
    assert values[1] != before.hex()[:64]
    assert fi.default_rng(0).draw(fi.laws.exponential(), 100).tobytes() == before


def test_two_laws_of_one_name_in_one_process():
    laws = []
    for constant in (1.0, 2.0):

        @fi.laws.law("u01_closed_open")
        def same(u, constant=constant):
            return u + constant

        @fi.laws.law("u01_closed_open")
        def name(u, number=constant):
            return u + number * 2.0

        laws.append((same(), name()))
    values = [fi.default_rng(0).draw(law, 50).mean() for pair in laws for law in pair]
    assert len({round(float(x), 3) for x in values}) == 3  # 1, 2; 2, 4


def test_a_damaged_file_is_made_anew(folder):
    first = process()
    (name,) = kernels(folder)
    path = Path(folder) / name
    path.write_bytes(path.read_bytes()[:-9])
    assert process() == (True, first[1])


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written(folder):
    folder.chmod(0o500)
    assert process()[0] is True
    folder.chmod(0o700)
