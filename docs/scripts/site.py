"""What the site needs beyond Sphinx and its extensions: `docs/conf.py` loads it."""

import contextlib
import inspect
import io
import os
import re
import subprocess
import sys
from pathlib import Path

from docutils import nodes
from docutils.utils.math import latex2mathml
from sphinx.errors import ExtensionError
from sphinx.util.nodes import make_refnode

import fastinit
from fastinit.commands import main

ROOT = Path(__file__).parents[2]
#: Pages that are files of the repository outside of docs/.
OUTSIDE = {"start": "README.md", "changelog": "CHANGELOG.md", "contributing": "CONTRIBUTING.md"}
#: What links in the repository become on the site.
LINKS = {
    r"\.\./README\.md": "start.md",
    r"\.\./CHANGELOG\.md": "changelog.md",
    r"\.\./CONTRIBUTING\.md": "contributing.md",
    r"\.\./examples/(\w+)\.py": r"gallery/examples/\1.rst",
    r"\.\./examples(?=\))": "gallery/examples/index.rst",
    r"tutorials(?=\))": "gallery/tutorials/index.rst",
}
#: Where a docstring's name may come from, if its own module has no such name.
MODULES = ("fastinit", "fastinit.torch", "fastinit.initializers")


def _read(app, docname, source):
    """Take a page from outside, write the help of the commands, and let links lead to pages."""
    if docname in OUTSIDE:
        text = (ROOT / OUTSIDE[docname]).read_text()
        source[0] = re.sub(r"\]\((?![#\w]+:|#)(docs/)?", lambda link: "](" if link[1] else "](../", text)
    if docname == "api/commands":
        source[0] += "".join(f"\n## fastinit {name}\n\n```text\n{_help(name)}```\n" for name in main.COMMANDS)
    source[0] = re.sub(r"\n\n+```$", "\n```", source[0], flags=re.MULTILINE)  # the empty line that ends a doctest
    for path, page in LINKS.items():
        source[0] = re.sub(rf"(\]\(){path}", rf"\1{page}", source[0])


def _help(command):
    """What `fastinit help COMMAND` prints."""
    os.environ["COLUMNS"] = "80"
    with contextlib.redirect_stdout(io.StringIO()) as printed, contextlib.suppress(SystemExit):
        main.main(["help", command])
    return printed.getvalue()


def _escape(app, what, name, obj, options, lines):
    """Our docstrings are plain text: let `*` and `|` outside of code stand for themselves."""
    if (inspect.getmodule(obj) or fastinit).__name__.startswith(("torch", "jax")):
        return
    code = re.compile(r"(`+[^`]*`+)(\w?)|([*|])")
    for place, line in enumerate(lines):
        if not line.lstrip().startswith((">>>", "...")):
            lines[place] = code.sub(lambda m: f"\\{m[3]}" if m[3] else m[1] + (m[2] and f"\\ {m[2]}"), line)


def _find(app, env, node, content):
    """Where a name in backticks leads that Sphinx does not find: to a page, or to a name of a package that users import."""
    target, here = node.get("reftarget", ""), node.get("refdoc", "")
    if target.startswith("docs/") and target.removesuffix(".md")[5:] in env.found_docs:
        return make_refnode(app.builder, here, target.removesuffix(".md")[5:], "", content)
    name = target.partition("(")[0].removeprefix("~")
    python = env.domains.python_domain
    known = [f"{module}.{name}" for module in MODULES if f"{module}.{name}" in python.objects]
    return python.resolve_xref(env, here, app.builder, "obj", known[0], node, content) if known else None


def _formula(writer, node):
    """Write a formula as MathML, which browsers show by themselves."""
    writer.body.append(latex2mathml.tex2mathml(node.astext(), as_block=isinstance(node, nodes.math_block)))
    raise nodes.SkipNode


def _publish(app, error):
    """Let asv write the pages of its results into the site; it reads the commits, which an archive of the sources has not."""
    if error is None and app.builder.name == "html" and (ROOT / ".git").exists():
        command = [Path(sys.executable).with_name("asv"), "publish", "--html-dir", Path(app.outdir, "asv")]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        if done.returncode:
            raise ExtensionError(f"asv publish failed:\n{done.stdout}{done.stderr}")


def setup(app):
    """Register what is above."""
    app.connect("source-read", _read)
    app.connect("autodoc-process-docstring", _escape, priority=400)  # before numpydoc
    app.connect("missing-reference", _find)
    app.connect("build-finished", _publish)
    app.add_html_math_renderer("mathml", (_formula, None), (_formula, None))
