"""The site: `sphinx-build --fail-on-warning --keep-going docs build/site` makes it of pages, docstrings and tutorials."""

import os
import sys
from pathlib import Path

import fastinit

DOCS = Path(__file__).parent
sys.path.append(str(DOCS.parent))  # for docs.scripts
os.environ.setdefault("KERAS_BACKEND", "torch")
#: Other sites, of which `inventories` has the names that are used here, so that a build needs no network.
SITES = {
    "dask": "https://docs.dask.org/en/stable/",
    "jax": "https://docs.jax.dev/en/latest/",
    "numpy": "https://numpy.org/doc/stable/",
    "python": "https://docs.python.org/3/",
    "scipy": "https://docs.scipy.org/doc/scipy/",
    "torch": "https://docs.pytorch.org/docs/stable/",
}
INVENTORIES = {site: DOCS / f"inventories/{site}.txt" for site in SITES}
project = html_title = "fastinit"
author = copyright = "The fastinit developers"
version = release = fastinit.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "docs.scripts.site",
]
exclude_patterns = ["scripts", "tutorials", "inventories"]
templates_path = ["_templates"]

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

default_role = "py:obj"  # a name in single backticks is a link if a page or an inventory has it
autosummary_generate = True
autosummary_ignore_module_all = False
autodoc_typehints = "none"  # numpydoc's sections have the types
numpydoc_show_class_members = False
numpydoc_xref_param_type = True
numpydoc_xref_ignore = "all"  # words that are no names stay words
names = [line.split()[0] for path in INVENTORIES.values() for line in path.read_text().splitlines()]
names += ["fastinit.Generator", "fastinit.laws.Distribution"]
numpydoc_xref_aliases = {name: f":obj:`{name}`" for name in names if "." in name} | {
    "bool": ":class:`python:bool`",
    "array_like": "numpy.typing.ArrayLike",
    "scalar": "numpy.generic",
    "Generator": "fastinit.Generator",
    "Distribution": "fastinit.laws.Distribution",
    "LazyArray": "fastinit.LazyArray",
    "path-like": "os.PathLike",
    "mapping": "collections.abc.Mapping",
    "sequence": "collections.abc.Sequence",
    "iterable": "collections.abc.Iterable",
}
intersphinx_mapping = {site: (url, str(INVENTORIES[site])) for site, url in SITES.items()}

sphinx_gallery_conf = {
    "examples_dirs": ["tutorials", "../examples"],
    "gallery_dirs": ["gallery/tutorials", "gallery/examples"],
    "backreferences_dir": "gallery/uses",
    "doc_module": ("fastinit",),
    "reference_url": {"fastinit": None},
    "filename_pattern": r"/tutorials/",  # the examples are shown, and not run
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_signature": False,
    "min_reported_time": 1e9,
    "write_computation_times": False,
}

html_theme = "pydata_sphinx_theme"
html_favicon = "_static/favicon.svg"
html_context = {"default_mode": "auto"}
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_math_renderer = "mathml"
html_show_sourcelink = False
html_use_index = False  # the reference and the search have every name
html_sidebars = {"index": []}
html_theme_options = {
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": {"**": ["page-toc"], "index": [], "frameworks": []},
}
