"""fastinit for Keras 3: initialisers with the names, the signatures and the meaning of `keras.initializers`."""

try:
    import keras as _keras  # noqa: F401
except ImportError as error:
    raise ImportError(
        f"fastinit.keras needs Keras and one of its back-ends: pip install 'fastinit[keras]' ({error})"
    ) from error

from fastinit.keras.initializers import (
    Constant,
    DeltaOrthogonal,
    Dirac,
    FanInUniform,
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    Identity,
    LecunNormal,
    LecunUniform,
    Ones,
    Orthogonal,
    RandomNormal,
    RandomUniform,
    ResidualNormal,
    SmallInit,
    SmallRandom,
    Sparse,
    TruncatedNormal,
    VarianceScaling,
    WangInit,
    Zeros,
)

__all__ = [
    "Constant",
    "DeltaOrthogonal",
    "Dirac",
    "FanInUniform",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "RandomNormal",
    "RandomUniform",
    "ResidualNormal",
    "SmallInit",
    "SmallRandom",
    "Sparse",
    "TruncatedNormal",
    "VarianceScaling",
    "WangInit",
    "Zeros",
]
