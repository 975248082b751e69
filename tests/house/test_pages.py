"""README and docs: links lead somewhere, commands of scripts exist, README stays short."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def prose(page):
    """The text without blocks of code."""
    return re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)


def anchors(page):
    """The names that GitHub gives to the headings."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def missing_targets(page):
    """Links of a page to a file or a heading that does not exist."""
    for link in re.findall(r"\]\(([^)]+)\)", prose(page)):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if "://" not in link and not (target.exists() and (not anchor or anchor in anchors(target))):
            yield link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links(page):
    assert list(missing_targets(page)) == []


def test_wrong_links_are_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# A heading: 1\n[a](page.md#a-heading-1) [b](#a-heading-1) [c](no.md) [d](#no) [e](https://example.org)\n")
    assert list(missing_targets(page)) == ["no.md", "#no"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_of_scripts(page):
    text = page.read_text()
    assert [module for module in re.findall(r"python -m (docs\.[\w.]+)", text) if find_spec(module.rstrip(".")) is None] == []
    assert [path for path in re.findall(r"docs/scripts/[\w/]+\.py", text) if not (ROOT / path).exists()] == []


def test_the_index_has_every_page():
    index = (ROOT / "docs/README.md").read_text()
    of_the_site = re.compile(r"^```\{toctree\}|^<!-- The site puts", re.MULTILINE)
    pages = [page.name for page in PAGES if not of_the_site.search(page.read_text())]
    assert [page for page in pages if page not in index] == []


def test_readme_is_short():
    lines = (ROOT / "README.md").read_text().splitlines()
    assert len(lines) <= 90
    assert max(map(len, lines)) <= 128


def test_readme_has_the_commands_that_are_run():
    text = (ROOT / "README.md").read_text()
    for kind in ("run", "test"):
        assert len(re.findall(rf"^```sh {kind}\n.+?^```$", text, re.MULTILINE | re.DOTALL)) == 1
