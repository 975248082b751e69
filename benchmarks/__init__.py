"""Benchmarks for airspeed velocity: `asv run`. `fastinit bench` and `docs/scripts/pages/figures.py` measure without it.

asv uses one environment for many commits, and a compile cache shared by them could replay an older commit's machine code,
so each commit gets its own. This must be set before anything imports Numba.
"""

import os
import tempfile
from pathlib import Path

os.environ.setdefault("NUMBA_CACHE_DIR", str(Path(tempfile.gettempdir(), "fastinit-asv", os.environ.get("ASV_COMMIT", "dev"))))
