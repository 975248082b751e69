"""What a type checker sees of the public API. `mypy` checks this file; it fails where a wrong call is not refused."""

from typing import Any, assert_type

import numpy as np
import numpy.typing as npt

import fastinit as fi

Array = npt.NDArray[Any]

rng = fi.default_rng(0)
for seed in ([1, 2], np.random.SeedSequence(3), rng, None):
    fi.default_rng(seed)
assert_type(rng.child("layers.0"), fi.Generator)
assert_type(rng.spawn(2), list[fi.Generator])

assert_type(rng.uniform(-1, 1, size=3), Array)
assert_type(rng.normal(size=[2, 3], dtype="bfloat16"), Array)
assert_type(rng.normal(0.0, 1.0, np.int64(3), dtype=np.float64), Array)
assert_type(rng.truncated_normal(-2, 2, size=(4, 5), units="absolute", index=np.s_[1:, 2]), Array)
assert_type(rng.bits((2, 2)), Array)
assert_type(rng.normal(), Any)

half: npt.NDArray[np.float16] = np.empty((2, 2), np.float16)
assert_type(rng.normal(out=half), npt.NDArray[np.float16])
assert_type(rng.truncated_normal(size=(8, 2), out=half, index=np.s_[:2]), npt.NDArray[np.float16])

fi.default_rng("seed")  # type: ignore[arg-type]
fi.default_rng(0.5)  # type: ignore[arg-type]
rng.normal(size="3")  # type: ignore[arg-type]
rng.normal(size=2.0)  # type: ignore[call-overload]
rng.uniform("low")  # type: ignore[call-overload]
rng.integers(3)  # type: ignore[attr-defined]
rng.child(3)  # type: ignore[arg-type]
fi.normal(3)  # type: ignore[attr-defined]

assert_type(rng.draw(fi.laws.laplace(scale=0.1), (2, 3)), Array)
assert_type(fi.laws.integers(0, 10), fi.laws.Distribution)
assert_type(fi.lazy(fi.laws.normal(), (4, 5), rng), fi.LazyArray)
assert_type(fi.initializers.xavier_uniform((4, 5), rng=rng), Any)
fi.laws.laplace(scale="wide")  # type: ignore[arg-type]
fi.lazy(fi.laws.normal(), 2.5, rng)  # type: ignore[arg-type]
rng.draw("laplace", 3)  # type: ignore[call-overload]
fi.initializers.xavier_uniform((4, 5), gian=2.0, rng=rng)  # type: ignore[call-arg]
