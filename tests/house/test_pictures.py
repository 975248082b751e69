"""The pictures of the pages: same bytes twice, small, on a white card, different in grey, and true."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from tests.definition import reference

pytest.importorskip("matplotlib", reason="matplotlib is not installed")

from docs.scripts import pictures
from docs.scripts.pages import figures, laws, value, why
from fastinit.bench.plot import OURS, PLAIN

DOCS = Path(__file__).parents[2] / "docs"
FIGURES = sorted((DOCS / "figures").glob("*.svg"))
LARGEST = 60_000  # bytes


def drawn_laws():
    pytest.importorskip("scipy", reason="SciPy is not installed")
    return laws.picture(json.loads(laws.COUNTS.read_text()))


def depth():
    rng = np.random.default_rng(0)
    return why.depth_picture({name: rng.random(why.DEPTH) for name in why.DEEP})


def speed():
    return figures.picture(json.loads(figures.RESULTS.read_text()))


@pytest.mark.parametrize("picture", [value.picture, depth, speed, drawn_laws], ids=lambda picture: picture.__name__)
def test_the_same_bytes_twice(picture):
    first, second = pictures.svg(picture()), pictures.svg(picture())
    assert first == second
    assert len(first.encode()) < LARGEST


@pytest.mark.parametrize("path", FIGURES, ids=lambda path: path.name)
def test_a_picture_is_small_and_on_a_white_card(path):
    text = path.read_text()
    assert len(text) < LARGEST
    assert re.search(r'id="patch_1">\s*<path [^>]*style="fill: #ffffff"', text)


@pytest.mark.parametrize("path", FIGURES, ids=lambda path: path.name)
def test_a_picture_has_a_page_and_words_for_those_who_do_not_see_it(path):
    pages = [page.read_text() for page in (DOCS.parent / "README.md", *DOCS.glob("*.md"))]
    words = [found for page in pages for found in re.findall(rf"!\[([^\]]*)\]\([^)]*figures/{re.escape(path.name)}\)", page)]
    assert words
    assert min(map(len, words)) > 20


def test_text_keeps_its_digits():
    figure, axes = pictures.svg_figure(2, 2)
    axes.text(0.123456, 0.1, "0.00070016284")
    text = pictures.svg(figure)
    assert ">0.00070016284</text>" in text
    assert re.search(r'="[^"]*\d\.\d\d[^"]*"', text) is None


def test_the_way_of_a_value_is_the_definitions():
    key, counter, found, own = value.words()
    assert reference.bits(value.SEED, (value.NAME,), 0, value.INDEX) == found[own]
    assert (key, counter[2]) == reference.key_and_call_word(value.SEED, (value.NAME,), 0)
    assert value.fi.default_rng(value.SEED).child(value.NAME).bits(value.SHAPE, index=value.PLACE) == found[own]
    for dtype in ("float32", "bfloat16"):
        expected = reference.truncated_normal(value.SEED, (value.NAME,), 0, value.INDEX, *value.BOUNDS, 0.0, 0.02, "std", dtype)
        assert float(value.value(dtype)) == expected


def test_no_attempt_was_refused_on_the_way():
    """The picture shows the words of attempt 0: the value must be made of them."""
    place = reference.element((value.SEED, (value.NAME,), 0), value.INDEX, np.float32)
    assert value.words()[1] == (place.counter, 0, 0, 0)


def test_histograms_are_those_of_numpy():
    pytest.importorskip("scipy", reason="SciPy is not installed")
    from fastinit.check.exact import span
    from fastinit.check.laws import of

    normal = of(laws.laws.normal())
    x = value.fi.default_rng(0).child(normal.title).normal(size=2**16).astype(float)
    assert laws.counted("normal", 2**16) == np.histogram(x, laws.COLUMNS, span(normal))[0].tolist()
    signs = value.fi.default_rng(0).child("rademacher()").draw(laws.laws.rademacher(), size=2**16, dtype="int8")
    assert laws.counted("rademacher", 2**16) == np.unique_counts(signs).counts.tolist()


def luminance(colour):
    """How bright a colour is on a page or in a grey print: WCAG 2.1, from 0 for black to 1 for white."""
    channels = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


def contrast(a, b):
    dark, light = sorted(map(luminance, (a, b)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(("a", "b"), [(OURS, PLAIN), (laws.LAW, laws.HISTOGRAM)])
def test_what_is_told_apart_by_colour_alone_differs_in_grey(a, b):
    assert contrast(a, b) > 3  # as WCAG 2.1 asks of parts of a picture


def test_contrast_is_that_of_wcag():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
