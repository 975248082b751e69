"""`python -m docs.scripts.everywhere` says what cannot be had, and fails if that was asked for by name."""

import pytest

from docs.scripts.everywhere import __main__ as everywhere
from docs.scripts.everywhere import environments


@pytest.fixture
def ended(tmp_path, monkeypatch, capsys):
    """Run groups, without making hashes; the exit status, the environments, and what was unavailable."""

    def run(*groups):
        made = []
        monkeypatch.setattr(everywhere, "check", lambda environment, args: made.append(environment.name) or ("", True))
        status = everywhere.main(["--work", str(tmp_path), *groups])
        return status, made, [line for line in capsys.readouterr().out.splitlines() if line.startswith("unavailable")]

    return run


@pytest.mark.parametrize(("group", "machine"), [("cpus", "aarch64"), ("cpus", "arm64"), ("newer", "arm64"), ("newer", "AMD64")])
def test_a_group_that_another_cpu_needs(monkeypatch, ended, group, machine):
    monkeypatch.setattr(environments.platform, "machine", lambda: machine)
    status, made, (line,) = ended(group)
    assert (status, made) == (1, [])
    assert line.startswith(f"unavailable  {group}: this group needs ")
    assert line.endswith(f" {machine}")


def test_a_level_that_this_cpu_lacks(monkeypatch, ended):
    """The other levels are checked all the same."""
    monkeypatch.setattr(environments.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(
        environments, "LEVELS", (("old", "generic", "", ""), ("new", "new", "", "no_such"), ("last", "last", "", ""))
    )
    assert ended("cpus") == (1, ["old", "last"], ["unavailable  cpus: this CPU cannot run the code for new"])
    monkeypatch.setattr(environments, "GROUPS", None)
    monkeypatch.setattr(everywhere, "GROUPS", {"cpus": environments.cpus})
    assert ended("all")[:2] == (0, ["old", "last"])
