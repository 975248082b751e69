"""Choose a back-end before Keras is imported; its default is TensorFlow."""

import os

from tests.keras.backends import BACKENDS

if BACKENDS:
    os.environ.setdefault("KERAS_BACKEND", BACKENDS[0])

collect_ignore = ["program.py"]  # imports Keras at once; it is run, not collected
