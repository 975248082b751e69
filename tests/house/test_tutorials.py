"""The tutorials are short, run as programs, and one of them as the notebook that the site offers."""

import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

TUTORIALS = sorted((Path(__file__).parents[2] / "docs/tutorials").glob("plot_*.py"))
LINES = 120
#: Run a tutorial with a picture instead of a window, and say whether it drew one.
PROGRAM = """
import runpy, sys
import matplotlib
matplotlib.use("agg")
import matplotlib.pyplot as plt
plt.show = lambda: None
runpy.run_path(sys.argv[1], run_name="__main__")
sys.exit(not any(figure.axes for figure in map(plt.figure, plt.get_fignums())))
"""


def run(path, folder):
    """The finished process of a tutorial in a folder."""
    return subprocess.run([sys.executable, "-c", PROGRAM, path], cwd=folder, capture_output=True, text=True, timeout=600)


def need(*modules):
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        pytest.skip(f"{missing[0]} is not installed")


def test_there_are_six():
    assert len(TUTORIALS) == 6


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_a_tutorial_is_short(path):
    assert len(path.read_text().splitlines()) <= LINES


@pytest.mark.nightly
@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_a_tutorial_runs_and_draws(path, tmp_path):
    need("matplotlib", "scipy", *(["torch"] if "torch" in path.stem else []))
    done = run(path, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(tmp_path.iterdir()) == []  # it cleans up


@pytest.mark.nightly
@pytest.mark.parametrize("text", ["print('no picture')", "import matplotlib.pyplot as plt\nplt.subplots()\nassert False"])
def test_a_tutorial_that_draws_nothing_or_fails_is_found(text, tmp_path):
    need("matplotlib")
    (tmp_path / "plot.py").write_text(text)
    assert run(tmp_path / "plot.py", tmp_path).returncode != 0


@pytest.mark.nightly
@pytest.mark.filterwarnings("default")  # of Jupyter
def test_the_notebook_runs_from_top_to_bottom(tmp_path):
    need("sphinx_gallery", "nbclient", "ipykernel")
    import nbformat
    from nbclient import NotebookClient
    from sphinx_gallery.notebook import python_to_jupyter_cli

    source = Path(shutil.copy(TUTORIALS[0], tmp_path))
    python_to_jupyter_cli([str(source)])
    notebook = nbformat.read(source.with_suffix(".ipynb"), as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert any("GB/s" in output.get("text", "") for output in outputs)
