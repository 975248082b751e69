"""Choose a back-end before anybody imports Keras, whose own default is TensorFlow."""

import os

from tests.keras.backends import BACKENDS

if BACKENDS:
    os.environ.setdefault("KERAS_BACKEND", BACKENDS[0])

collect_ignore = ["program.py"]  # imports Keras at once; it is run, not collected
