"""Matrices beside torch, JAX and Keras, where they are installed: equal elements, or equal products and zeros."""

import numpy as np
import pytest

from fastinit import initializers
from tests.peers.libraries import LIBRARIES, Jax, Keras, Torch

pytestmark = pytest.mark.filterwarnings("default")  # of the other library


def check_products(ours, theirs, axis):
    """With rows along the axis, the product of the matrix with its transpose is the same, whatever the values."""
    assert ours.shape == theirs.shape
    a, b = (np.moveaxis(w, axis, 0).reshape(w.shape[axis], -1) for w in (ours, theirs))
    if a.shape[0] > a.shape[1]:
        a, b = a.T, b.T
    assert np.abs(a @ a.T - b @ b.T).max() < 1e-5


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("shape", [(7, 7), (6, 20), (20, 6), (3, 2, 4, 5)])
def test_orthogonal(library, shape):
    peer = LIBRARIES[library]()
    for axis in {peer.axis, *([0, 1] if library == "jax" else [])}:
        ours = initializers.orthogonal(shape, gain=2.0, axis=axis, rng=0)
        check_products(ours, peer.orthogonal(shape, axis), axis)


@pytest.mark.parametrize("shape", [(3, 4, 6), (2, 3, 5, 5), (4, 1, 2, 2, 9)])
def test_jax_delta_orthogonal(shape):
    jax = Jax().jax
    theirs = np.asarray(jax.nn.initializers.delta_orthogonal()(jax.random.key(0), shape, "float32"))
    ours = initializers.delta_orthogonal(shape, rng=0)
    assert ((ours != 0) == (theirs != 0)).all()
    centre = tuple((n - 1) // 2 for n in shape[:-2])
    check_products(ours[centre], theirs[centre], 0)


@pytest.mark.parametrize(("rows", "sparsity"), [(100, 0.1), (10, 0.55), (7, 0.5), (5, 0.0)])
def test_torch_sparse(rows, sparsity):
    torch = Torch().torch
    theirs = torch.nn.init.sparse_(torch.empty(rows, 9), sparsity).numpy()
    ours = initializers.sparse((rows, 9), sparsity=sparsity, rng=0)
    assert ((ours == 0).sum(axis=0) == (theirs == 0).sum(axis=0)).all()


@pytest.mark.parametrize(("shape", "groups"), [((6, 6, 3), 1), ((6, 2, 3, 4), 3), ((8, 5, 2, 3, 4), 2), ((4, 9, 1), 4)])
def test_torch_dirac(shape, groups):
    torch = Torch().torch
    assert (initializers.dirac(shape, groups=groups) == torch.nn.init.dirac_(torch.empty(shape), groups).numpy()).all()


def test_torch_eye_and_constant():
    torch = Torch().torch
    assert (initializers.eye((5, 7)) == torch.nn.init.eye_(torch.empty(5, 7)).numpy()).all()
    constant = torch.nn.init.constant_(torch.empty(5, 7), 0.3).numpy()
    assert (initializers.constant((5, 7), value=0.3) == constant).all()


def test_keras_identity():
    keras = Keras().keras
    theirs = keras.ops.convert_to_numpy(keras.initializers.Identity(2.5)((4, 6)))
    assert (initializers.eye((4, 6), gain=2.5) == theirs).all()
