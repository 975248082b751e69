"""The blocks of docs/recipes.md as modules: what the page shows is what the tests run."""

import re
import runpy
import tempfile
from pathlib import Path
from types import SimpleNamespace

PAGE = Path(__file__).parents[3] / "docs/recipes.md"


def recipe(name):
    """What the block of a name defines."""
    (block,) = re.findall(rf"^```py {name}\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory, f"recipe_{name}.py")
        file.write_text(block)
        return SimpleNamespace(**runpy.run_path(str(file), run_name=f"recipe_{name}"))
