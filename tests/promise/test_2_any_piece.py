"""Any piece, alone: `index=` gives exactly that block of the whole array."""

import numpy as np
import pytest

import fastinit as fi
from tests.conftest import DRAWS, ROWS, draw
from tests.promise.helpers import SEED, alone, same_bytes

PIECES = [
    np.s_[3:9],
    np.s_[5],
    np.s_[-1, ..., 7],
    np.s_[:, 3:40],
    np.s_[..., 2],
    np.s_[::3, ::-2],
    np.s_[4:1:-1, 30:31],
    np.s_[::-1],
    np.s_[2:2],
    np.s_[7, 11:12],
    np.s_[..., ::5],
]


@pytest.mark.parametrize(("name", "dtype"), ROWS)
@pytest.mark.parametrize("shape", [(11, 41), (9, 5, 130)])
def test_block_of_the_whole(name, dtype, shape):
    whole = alone(name, dtype, shape)
    for piece in PIECES:
        block = draw(fi.default_rng(SEED), name, dtype, size=shape, index=piece)
        same_bytes(block, whole[piece], f"{piece}")


@pytest.mark.parametrize(("name", "dtype"), ROWS)
def test_block_in_parallel(name, dtype, parallel):
    whole = alone(name, dtype, (40, 300))
    for piece in PIECES:
        same_bytes(draw(fi.default_rng(SEED), name, dtype, size=(40, 300), index=piece), whole[piece], f"{piece}")


@pytest.mark.parametrize(("name", "dtype"), ROWS)
def test_a_whole_from_its_shards_in_any_order(name, dtype):
    whole = alone(name, dtype, (64, 96))
    built = np.zeros((64, 96), whole.dtype)
    order = np.random.default_rng(5).permutation(16)
    for shard in order:
        i, j = divmod(int(shard), 4)
        piece = np.s_[16 * i : 16 * i + 16, 24 * j : 24 * j + 24]
        draw(fi.default_rng(SEED), name, dtype, size=(64, 96), index=piece, out=built[piece])
    same_bytes(built, whole)


#: Each kind of word and each width of stored values.
FAR_ROWS = [
    ("bits", "uint32"),
    ("normal", "float32"),
    ("central", "float64"),
    ("tail", "float64"),
    ("uniform", "float16"),
    ("tail", "bfloat16"),
    ("normal", "float8_e4m3fn"),
]


@pytest.mark.parametrize(("name", "dtype"), FAR_ROWS)
def test_last_row_of_four_tebibytes(name, dtype):
    """2^40 values; the same elements are asked for in other ways: as a vector, other shapes, backwards, one by one."""

    def get(size, index):
        return draw(fi.default_rng(SEED), name, dtype, size=size, index=index)

    n = 1 << 20
    row = get((n, n), -1)
    assert row.shape == (n,)
    same_bytes(get(n * n, np.s_[-n:]), row, "a vector")
    same_bytes(get((n // 2, 2 * n), np.s_[-1, n:]), row, "half of a longer row")
    same_bytes(get((n * 64, n // 64), np.s_[-64:]).ravel(), row, "64 shorter rows")
    same_bytes(get((n, n), np.s_[n - 1, 9999::-1])[::-1], row[:10_000], "backwards")
    same_bytes(get((n, n), np.s_[-1:, 1::4096])[0], row[1::4096], "strided")
    for j in (0, 1, 77, n - 1):
        assert get((n, n), (n - 1, j)) == row[j]
    assert get((n, n), 4095).tobytes() != row.tobytes()  # its indices have the same lower 32 bits
    corner = get((n, n), np.s_[-40:, -3:])
    same_bytes(corner[-1], row[-3:], "corner")
    assert len(np.unique(row.view(f"u{row.itemsize}"))) > {1: 3, 2: 20}.get(row.itemsize, 1000)


@pytest.mark.parametrize("name", list(DRAWS))
def test_last_elements_that_can_be_counted(name):
    """Up to index 2^63 - 2. Elements beyond 2^32 counters differ from those whose low counter word is the same."""
    most = 2**63 - 1

    def get(index):
        return draw(fi.default_rng(SEED), name, "float64", size=most, index=index)

    last = get(np.s_[-200:])
    same_bytes(get(np.s_[-1:-201:-1])[::-1], last, "backwards")
    same_bytes(get(np.s_[most - 200 : most - 100]), last[:100], "half")
    assert get(-1) == last[-1]
    apart = get(np.s_[5 :: 1 << 60])
    assert len(apart) == 8
    assert len(np.unique(apart)) == 8
    assert [get(5 + (k << 60)) for k in range(8)] == apart.tolist()
