"""The version and the requirements are the same wherever they are written."""

import re
import tomllib
from pathlib import Path

import fastinit

ROOT = Path(__file__).parents[2]
RECIPE = (ROOT / "conda/recipe.yaml").read_text()


def test_the_version_is_everywhere_the_same():
    cited = re.findall(r"^version: (.*)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)
    assert cited == re.findall(r"^  version: (\d.*)$", RECIPE, re.MULTILINE) == [fastinit.__version__]


def required(section):
    """What a section of the recipe's requirements lists, without spaces."""
    (lines,) = re.findall(rf"^  {section}:\n((?:    - .*\n)+)", RECIPE, re.MULTILINE)
    return set(re.sub(r"^ *- | ", "", lines, flags=re.MULTILINE).splitlines())


def test_the_recipe_requires_what_the_package_requires():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())
    python = {f"python{declared['project']['requires-python']}"}
    assert required("run") == python | set(declared["project"]["dependencies"])
    assert required("host") == python | {"pip", *declared["build-system"]["requires"]}
