"""Pieces of a matrix with 4,096 columns, and arrays that do not lie in one piece: time per element against the whole fill's."""

import functools

import numpy as np

import fastinit as fi
from benchmarks.measure import LAWS, VALUES, empty, ratio_of, touched

ROWS, COLUMNS = max(VALUES // 4096, 2), 4096
SHAPE = (ROWS, COLUMNS)


def whole(dtype):
    return touched(ROWS * COLUMNS, dtype).reshape(SHAPE), SHAPE, None


def column_shard(dtype):
    return _piece(dtype, SHAPE, np.s_[:, 1024:1152])


def rows(dtype):
    return _piece(dtype, SHAPE, np.s_[ROWS // 4 : ROWS // 4 + max(ROWS // 2, 1)])


def every_other_column(dtype):
    return _piece(dtype, SHAPE, np.s_[:, ::2])


def last_row_of_4_tib(dtype):
    return _piece(dtype, (2**20, 2**20), np.s_[-1, -min(VALUES, 2**20) :])


def strided(dtype):
    return touched(2 * ROWS * COLUMNS, dtype).reshape(ROWS, 2 * COLUMNS)[:, ::2], SHAPE, None


def transposed(dtype):
    return touched(ROWS * COLUMNS, dtype).reshape(COLUMNS, ROWS).T, SHAPE, None


def _piece(dtype, shape, index):
    """A contiguous output for the block that `index` cuts out of an array of this shape."""
    block = np.broadcast_to(empty(1, dtype), shape)[index].shape
    return touched(int(np.prod(block)), dtype).reshape(block), shape, index


CASES = {
    "whole": whole,
    "128 of 4096 columns": column_shard,
    "half of the rows": rows,
    "every other column": every_other_column,
    "last row of 4 TiB": last_row_of_4_tib,
    "strided out": strided,
    "transposed out": transposed,
}


class Index:
    version = "1"
    timeout = 600
    number = 1
    warmup_time = 0
    params = (tuple(CASES), LAWS, ("float32", "bfloat16"))
    param_names = ("case", "law", "dtype")
    unit = "times the whole fill, per element"

    def setup(self, case, law, dtype):
        self.draw = getattr(fi.default_rng(0), law)
        self.call, self.elements = self._call(case, dtype)
        self.call()

    def _call(self, case, dtype):
        out, size, index = CASES[case](dtype)
        return functools.partial(self.draw, size=size, out=out, dtype=out.dtype, index=index), out.size

    def time_fill(self, case, law, dtype):
        self.call()

    def track_ratio_to_whole(self, case, law, dtype):
        whole_call, elements = self._call("whole", dtype)
        return ratio_of(self.call, whole_call) * elements / self.elements
