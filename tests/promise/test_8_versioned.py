"""The format is versioned."""

from pathlib import Path

import pytest

import fastinit as fi
from tests.promise.helpers import SEED


def test_version():
    assert fi.STREAM_VERSION == 1
    assert fi.default_rng(SEED).state["stream_version"] == 1


@pytest.mark.parametrize("version", [0, 2, "1", None, 1.5])
def test_another_version_is_refused(version):
    rng = fi.default_rng(SEED)
    rng.bits(3)
    before = rng.state
    with pytest.raises(ValueError, match=r"state must be .*stream version 1; got .*" + str(version)):
        rng.state = before | {"stream_version": version}
    assert rng.state == before


def test_the_document_names_the_version():
    text = (Path(fi.__file__).parents[1] / "docs" / "stream-format.md").read_text()
    assert f"version {fi.STREAM_VERSION}" in text.splitlines()[0]
