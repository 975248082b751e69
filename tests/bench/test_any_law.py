"""`fastinit bench` for every law: which tables it measures, and laws of one's own in the workers' processes."""

import argparse
import json

import pytest

from fastinit.commands import bench as command
from fastinit.peers.interface import LAWS
from tests.bench.test_command import REPOSITORY, run


def jobs(*arguments):
    parser = command.add(argparse.ArgumentParser().add_subparsers())
    return [(job.law, job.dtype) for job in command.plan(parser.parse_args([*arguments, "--size", "1000"])).jobs]


def test_the_laws_and_dtypes_that_are_measured():
    assert jobs() == [(law, "float32") for law in LAWS]
    assert jobs("--dtype", "float64,float32") == [(law, dtype) for dtype in ("float64", "float32") for law in LAWS]
    assert jobs("--dist", "laplace,integers,rademacher") == [
        ("laplace", "float32"), ("integers", "int64"), ("rademacher", "float32"),
    ]  # fmt: skip
    assert jobs("--dist", "rademacher,integers", "--dtype", "int8,bool") == [("rademacher", "int8"), ("integers", "int8")]
    assert jobs("--law", "laplace(scale=0.1)", "--dtype", "bfloat16") == [("laplace(scale=0.1)", "bfloat16")]


@pytest.mark.nightly
def test_laws_of_all_kinds(tmp_path):
    path = tmp_path / "b.json"
    done = run("--dist", "cauchy,integers", "--peers", "numpy", "--size", 1000, "--rounds", 1, "--json", path, cwd=REPOSITORY)
    assert (done.returncode, done.stderr) == (0, "")
    cauchy, integers = json.loads(path.read_text())["tables"]
    assert (integers["dist"], integers["dtype"], integers["rows"][3]["sampler"]) == ("integers", "int64", "NumPy integers")
    assert all(row["skipped"] is None for row in integers["rows"])
    assert cauchy["rows"][3]["skipped"] == "makes float64 only"
    law = "tests.laws.own:triangular(width=2)"
    done = run("--law", law, "--size", 1000, "--rounds", 1, "--json", path, cwd=REPOSITORY)
    assert (done.returncode, done.stderr) == (0, "")
    (table,) = json.loads(path.read_text())["tables"]
    assert (table["dist"], [row["library"] for row in table["rows"]]) == (law, ["store", "nontemporal", "fastinit"])
    assert table["rows"][2]["seconds"]
    assert "Not installed" not in done.stdout
