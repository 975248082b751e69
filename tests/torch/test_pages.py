"""Large tensors are asked for in huge pages before they are touched: what Linux says of the memory itself."""

from pathlib import Path

import pytest
import torch

import fastinit.torch as ft

MAPS = Path("/proc/self/smaps")
pytestmark = pytest.mark.skipif(
    not (MAPS.exists() and Path("/sys/kernel/mm/transparent_hugepage").exists()), reason="needs Linux with huge pages"
)
MIB = 1 << 20
N = 16 * MIB  # values, 64 MiB: so much memory always comes from the system anew


def is_advised(address):
    """Whether the mapping that holds an address is to get huge pages."""
    here = False
    for line in MAPS.read_text().splitlines():
        words = line.split()
        if "-" in words[0] and not words[0].endswith(":"):
            first, last = (int(word, 16) for word in words[0].split("-"))
            here = first <= address < last
        elif here and words[0] == "VmFlags:":
            return "hg" in words
    raise AssertionError(f"no mapping has {address:#x}")


def middle(tensor):
    return tensor.data_ptr() + tensor.nbytes // 2


def test_a_fill_asks_for_huge_pages():
    tensor = torch.empty(N)
    assert not is_advised(middle(tensor))
    ft.init.normal_(tensor, generator=0)
    assert is_advised(middle(tensor))
    assert torch.equal(tensor[:1000], ft.init.normal_(torch.empty(N), generator=0)[:1000])


def test_constructors_and_materialized_models_do():
    with ft.fast_init(rng=0):
        layer = torch.nn.Linear(4096, 4096)
    assert is_advised(middle(layer.weight))
    with torch.device("meta"):
        layer = torch.nn.Linear(4096, 4096)
    assert is_advised(middle(ft.materialize(layer, rng=0).weight))


def test_only_what_is_filled_is_asked_for():
    whole = torch.empty(3 * N)
    part = whole[N : 2 * N]
    ft.init.normal_(part, generator=0)
    assert is_advised(middle(part))
    assert not is_advised(middle(whole[: N - MIB]))
    assert not is_advised(middle(whole[2 * N + MIB :]))


@pytest.mark.parametrize("tensor", [torch.empty(N)[: MIB // 2], torch.empty(2 * N)[::2]], ids=["small", "strided"])
def test_small_and_strided_ones_are_left(tensor):
    ft.init.normal_(tensor, generator=0)
    assert not is_advised(middle(tensor))
