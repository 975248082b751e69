"""The built site in a browser: every page at two widths, in light and in dark. `.ci/site` builds it before."""

import contextlib
import functools
import http.server
import json
import shutil
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest

from tests.house import test_site

ROOT = Path(__file__).parents[2]
SITE = ROOT / "build/site"
WIDTHS = {"desktop": 1280, "phone": 390}
MODES = ("light", "dark")
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")

pytestmark = pytest.mark.nightly
inventory = pytest.importorskip("sphinx.util.inventory", reason="Sphinx is not installed")
webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
if not BROWSER or not shutil.which("chromedriver"):
    pytest.skip("Chromium and chromedriver are not installed", allow_module_level=True)
if not (SITE / "index.html").exists():
    pytest.skip("the site is not built: .ci/site does it", allow_module_level=True)

#: What a page says of itself: its links and the names in it, once for all widths.
CONTENTS = """
return {
    links: [...document.querySelectorAll("a[href]")].map(a => a.href),
    names: [...document.querySelectorAll("[id]")].map(element => element.id),
    loaded: performance.getEntriesByType("resource").map(entry => entry.name),
}"""

#: What is wrong with how it looks: too wide, cut off, a picture that is missing.
FAULTS = """
const faults = [], width = document.documentElement.clientWidth
if (document.documentElement.scrollWidth > width) faults.push(`the page is ${document.documentElement.scrollWidth} wide`)
const scrolls = box => box && !box.matches("body, .bd-article-container")
    && (["auto", "scroll"].includes(getComputedStyle(box).overflowX) || scrolls(box.parentElement))
for (const box of document.querySelectorAll("table, pre, img, svg, math, p, li, dt, h1, h2, h3")) {
    if (!box.checkVisibility() || box.closest("dialog, .bd-sidebar-primary, .bd-header, .sr-only")) continue
    const place = box.getBoundingClientRect()
    const clipped = box.clientWidth && box.scrollWidth > box.clientWidth + 1
    if (place.width > 1 && (place.right > width + 1 || clipped) && !scrolls(box))
        faults.push(`${box.tagName} is cut off: ${box.textContent.trim().slice(0, 40)}`)
}
for (const image of document.images)
    if (image.checkVisibility() && !(image.complete && image.naturalWidth)) faults.push(`no picture: ${image.src}`)
if (document.documentElement.dataset.theme !== arguments[0]) faults.push(`the page is not ${arguments[0]}`)
return faults"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def base():
    """The address of the site."""
    handler = functools.partial(
        type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None}), directory=SITE
    )
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@contextlib.contextmanager
def chromium():
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        yield driver
    finally:
        driver.quit()


@pytest.fixture
def browser():
    with chromium() as driver:
        yield driver


def show(browser, width, mode):
    """Let the page have the width and the colours that a screen asks for."""
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    feature = {"name": "prefers-color-scheme", "value": mode}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    for _ in range(100):  # the theme hears of it after a while; FAULTS says so if it never does
        if browser.execute_script("return document.documentElement.dataset.theme") == mode:
            break
        time.sleep(0.02)


def faults_of(browser):
    """What is wrong with the open page, at each width and in each mode, of which the one that is shown comes first."""
    shown = browser.execute_script("return document.documentElement.dataset.theme")
    for mode in sorted(MODES, key=lambda mode: mode != shown):
        for name, width in WIDTHS.items():
            show(browser, width, mode)
            yield from (f"{name}, {mode}: {fault}" for fault in browser.execute_script(FAULTS, mode))
    yield from (entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE")


def visit(paths, base):
    """What each of these pages contains, and what is wrong with them."""
    contents, faults = {}, []
    with chromium() as browser:
        for path in paths:
            page = base + path.relative_to(SITE).as_posix()
            browser.get(page)
            contents[page] = browser.execute_script(CONTENTS)
            faults += [f"{path.name}: {fault}" for fault in faults_of(browser)]
    return contents, faults


@pytest.fixture(scope="module")
def visited(base):
    """What all pages contain, and what is wrong with them: one browser for each half."""
    apart = ("_static", "_modules", "asv")  # pages of source code are all alike, and asv's load scripts from elsewhere
    paths = sorted(path for path in SITE.rglob("*.html") if path.relative_to(SITE).parts[0] not in apart)
    with ThreadPoolExecutor(2) as pool:
        (first, faults), (second, more) = pool.map(visit, (paths[::2], paths[1::2]), (base, base))
    return first | second, faults + more


def broken(contents, base):
    """Links to pages, files or names that do not exist."""
    for page, content in contents.items():
        for link in content["links"]:
            target, name = urldefrag(link)
            if not target.startswith(base):
                continue
            target = target + "index.html" if target.endswith("/") else target
            file = SITE / unquote(target.removeprefix(base).partition("?")[0])
            if not file.exists() or (name and target in contents and unquote(name) not in contents[target]["names"]):
                yield f"{page.removeprefix(base)} -> {link.removeprefix(base)}"


def test_pages_look_right(visited):
    contents, faults = visited
    assert len(contents) > 200
    assert not faults, "\n".join(faults)


def test_links_lead_somewhere(visited, base):
    assert sorted(set(broken(visited[0], base))) == []


def test_nothing_comes_from_elsewhere(visited, base):
    loaded = {address for content in visited[0].values() for address in content["loaded"]}
    assert [address for address in sorted(loaded) if not address.startswith((base, "data:"))] == []


def test_asv_has_what_its_pages_show():
    git = ["git", "-C", ROOT, "rev-parse", "--is-shallow-repository"]
    if subprocess.run(git, capture_output=True, text=True).stdout.strip() != "false":
        pytest.skip("the commits that asv measured are not here")
    published = json.loads((SITE / "asv/index.json").read_text())
    graphs = {path.stem for path in (SITE / "asv/graphs").rglob("*.json")}
    assert {"bench_fill.Fill.time_fill", "bench_process.ColdFirstFill.time_cold"} <= set(published["benchmarks"]) & graphs


def test_faults_are_found(browser, base):
    browser.get(base + "index.html")
    browser.execute_script("""
        const article = document.querySelector("article")
        article.insertAdjacentHTML("beforeend", "<img src='missing.png'><p style='width: 2000px'>wide</p>")
        document.body.insertAdjacentHTML("beforeend", "<div style='width: 2000px'>wide</div>")
        console.error("surprise")""")
    time.sleep(1)
    found = "\n".join(faults_of(browser))
    parts = ("no picture", "P is cut off", "phone, dark: the page is", "surprise")
    assert [part for part in parts if part not in found] == []


def test_broken_links_are_found(base):
    page = base + "index.html"
    links = [base, f"{page}#there", f"{page}#gone", f"{base}gone.html", "https://example.org/gone"]
    assert list(broken({page: {"links": links, "names": ["there"]}}, base)) == [
        f"index.html -> {x}" for x in ("index.html#gone", "gone.html")
    ]


@pytest.mark.parametrize("name", test_site.PACKAGES)
def test_every_public_name_was_built(name):
    built = inventory.InventoryFile.loads((SITE / "objects.inv").read_bytes(), uri="")
    names = {name for kind in built.data.values() for name in kind}
    assert [name for name in test_site.public_names(test_site.imported(name)) if name not in names] == []


def test_search_finds_a_name(browser, base):
    browser.get(base + "search.html?q=truncated_normal")
    for _ in range(100):
        links = browser.execute_script("return [...document.querySelectorAll('#search-results li a')].map(a => a.href)")
        if any("fastinit.Generator.truncated_normal.html" in link for link in links):
            return
        time.sleep(0.1)
    pytest.fail(f"found only {links}")
