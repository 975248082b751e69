"""Whether what a sampler makes follows its exact law, without any order in it: `fastinit check`, and `assert_law` for tests."""

from fastinit.check.assertion import assert_law

__all__ = ["assert_law"]
