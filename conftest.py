"""What is not collected: what needs a framework that is missing, and long tests unless asked for; Keras gets a back-end."""

import os
from importlib.util import find_spec

BACKENDS = [name for name in ("torch", "jax", "tensorflow") if find_spec(name)]

#: What each path needs.
NEEDS = {
    "fastinit/torch": ("torch",),
    "docs/torch.md": ("torch",),
    "fastinit/jax": ("jax",),
    "docs/jax.md": ("jax", "flax"),
    "fastinit/keras": ("keras",),
    "docs/keras.md": ("keras",),
    "fastinit/dask": ("dask",),
    "docs/scale.md": ("dask",),
    "docs/frameworks.md": ("torch", "jax", "keras", "dask", "safetensors"),
}

collect_ignore = [
    path for path, modules in NEEDS.items() if not all(map(find_spec, modules)) or ("keras" in modules and not BACKENDS)
]
if not os.environ.get("FASTINIT_NIGHTLY"):  # half an hour of forks, signals, damaged caches and random arguments
    collect_ignore.append("tests/nightly")
if BACKENDS:
    os.environ.setdefault("KERAS_BACKEND", BACKENDS[0])
