"""The laws of the samplers of NumPy, torch, JAX and TensorFlow: `python -m docs.scripts.pages.libraries`."""
