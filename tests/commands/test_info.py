"""`fastinit info`: as text and as JSON."""

import json
import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import numba
import numpy as np
import pytest

import fastinit
from fastinit.commands import info
from fastinit.commands.main import main
from fastinit.kernels import cpus
from tests.commands.running import REPOSITORY, call, run


def test_info(capsys):
    assert main(["info", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["versions"]["fastinit"] == fastinit.__version__
    assert report["versions"]["stream"] == fastinit.STREAM_VERSION
    assert report["versions"]["numba"] == numba.__version__
    assert report["threads"]["in_use"] == cpus.usual()
    assert report["threads"]["affinity"] == cpus.affinity()
    assert report["threads"]["quota"] is None or report["threads"]["quota"] > 0
    assert report["cpu"]["name"]
    assert main(["info"]) == 0
    out = capsys.readouterr().out
    for word in (fastinit.__version__, numba.__version__, np.__version__, report["cpu"]["name"], "affinity", "quota"):
        assert word in out
    assert re.search(rf"^cache directory +{re.escape(report['cache_directory'] or 'none')}$", out, re.MULTILINE)
    assert re.search(rf"^cached kernels +{report['cached']['kernels']} ", out, re.MULTILINE)
    assert max(len(line) for line in out.splitlines() if "/" not in line) <= 80  # a path is not broken


def test_info_does_not_import_what_it_reports():
    packages = {*info.EXTRAS.values(), *info.OTHERS} - {"scipy"}  # Numba, which `bench` needs, imports it
    script = (
        "import sys; from fastinit.commands.main import main; main(['info']); "
        f"print([name for name in {packages!r} if name in sys.modules])"
    )
    assert run(script, command=(sys.executable, "-c")).stdout.splitlines()[-1] == "[]"


def test_info_knows_all_extras(capsys):
    declared = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    users = {name: needed for name, needed in declared.items() if name not in ("test", "test-frameworks", "docs", "dev")}
    assert {name: re.match(r"\w+", needed[0])[0] for name, needed in users.items()} == info.EXTRAS
    report = json.loads(call(capsys, "info", "--json")[1])
    assert report["optional"]["matplotlib"] == metadata.version("matplotlib")


def test_info_names_the_extras_that_are_missing(capsys, monkeypatch):
    monkeypatch.setattr(info, "_version", lambda name: None if name in ("jax", "tqdm") else "1.2")
    out = call(capsys, "info")[1]
    assert "pip install 'fastinit-kernels[cli,jax]'" in out
    assert "jax 1.2" not in out
    assert "torch 1.2" in out


@pytest.mark.parametrize(
    ("command", "user", "library", "extra"),
    [
        ("info --torch", "--torch", "torch", "torch"),
        ("check", "the command", "SciPy", "check"),
        ("stream --dist normal --pit", "--pit", "SciPy", "check"),
    ],
)
def test_what_needs_an_extra_names_it(capsys, monkeypatch, command, user, library, extra):
    monkeypatch.setitem(sys.modules, library.lower(), None)
    message = f"error: {user} needs {library}, which is not installed: pip install 'fastinit-kernels[{extra}]'\n"
    assert call(capsys, *command.split()) == (2, "", f"fastinit {command.split()[0]}: {message}")


def test_info_where_the_environment_decides(tmp_path):
    """And where stdout can show ASCII only."""
    folder = tmp_path / "ni\xf1o"
    more = {"NUMBA_CACHE_DIR": str(folder), "NUMBA_CPU_NAME": "generic"}
    plain = run("info", PYTHONIOENCODING="ascii", **more)
    assert (plain.returncode, plain.stderr) == (0, "")
    assert rf"{tmp_path}/ni\xf1o" in plain.stdout
    done = run("info", "--json", NUMBA_NUM_THREADS="5", **more)
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    assert Path(report["cache_directory"]).is_relative_to(folder)
    assert report["cpu"]["NUMBA_CPU_NAME"] == "generic"
    assert report["threads"]["in_use"] == 5
    assert report["cached"] == {"kernels": 0, "bytes": 0}
