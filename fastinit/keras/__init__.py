"""fastinit for Keras 3: initialisers with the names, the signatures and the meaning of `keras.initializers`."""

try:
    import keras as _keras  # noqa: F401
except ImportError as error:
    raise ImportError(
        f"fastinit.keras needs Keras and one of its back-ends: pip install 'fastinit-kernels[keras]' ({error})"
    ) from error

from fastinit.keras.initializers import *  # noqa: F403
from fastinit.keras.initializers import __all__ as __all__
