"""Random arguments of any kind: a documented error or a right result, and no crash."""

import itertools

import numpy as np
from hypothesis import assume, example, given
from hypothesis import strategies as st

import fastinit as fi
from tests.generator.fuzz import REFUSALS, SEED, anything, arrays, calls, drawn, huge_size, inside, is_huge, refused
from tests.repeats import cases


@cases(2000)
@given(call=calls())
def test_any_arguments(call):
    method, keywords = call
    assume(not is_huge(keywords["size"]))
    rng = fi.default_rng(SEED)
    x = drawn(rng, method, keywords)
    if x is None:
        return
    assert rng.state["calls"] == 1
    inside(x, method, keywords)
    if (index := keywords.pop("index")) is not None:
        block = np.asarray(getattr(fi.default_rng(SEED), method)(**keywords)[index])
        assert np.shape(x) == block.shape
        assert np.asarray(x).tobytes() == block.tobytes()


@cases(800)
@given(
    call=calls(),
    size=huge_size,
    parts=st.lists(st.integers(-6, 5) | st.builds(lambda i: slice(i, i + 3), st.integers(0, 50)), max_size=4),
)
def test_any_arguments_of_huge_sizes(call, size, parts):
    """A few elements of an array that no memory holds."""
    method, keywords = call
    keywords |= {"size": size, "index": (*parts, *itertools.repeat(0, len(size) - len(parts)))}
    rng = fi.default_rng(SEED)
    x = drawn(rng, method, keywords)
    if x is None:
        return
    assert np.size(x) <= 81
    inside(x, method, keywords)


@cases(400)
@given(out=anything | arrays)
def test_any_out(out):
    before = out.tobytes() if isinstance(out, np.ndarray) and out.dtype != object else None
    rng = fi.default_rng(SEED)
    try:
        x = rng.normal(out=out)
    except REFUSALS as error:
        refused(error)
        assert rng.state["calls"] == 0
        assert before is None or out.tobytes() == before
        return
    assert x is out or out is None
    assert x.dtype == (np.float32 if out is None else out.dtype)


@cases(600)
@given(
    seed=anything
    | st.integers(0)
    | st.lists(st.integers(-1, 2**70), max_size=6)
    | st.lists(st.lists(st.integers(0, 9), max_size=2), max_size=2)
)
@example([2**64 - 1, 5])
@example([[1, 2], [3]])
def test_any_seed(seed):
    try:
        rng = fi.default_rng(seed)
    except REFUSALS as error:
        refused(error)
        return
    again = fi.default_rng(0)
    again.state = rng.state
    expected = rng.bits(4).tobytes()
    assert again.bits(4).tobytes() == expected
    if seed is not None:
        assert fi.default_rng(seed).bits(4).tobytes() == expected


@cases(400)
@given(
    entries=st.dictionaries(
        st.sampled_from(["kind", "stream_version", "entropy", "spawn_key", "calls", "children", "other"]), anything, max_size=2
    ),
    whole=st.none() | anything,
)
def test_any_state(entries, whole):
    rng = fi.default_rng(SEED)
    before = rng.state
    try:
        rng.state = before | entries if whole is None else whole
    except REFUSALS as error:
        refused(error)
        assert rng.state == before
        return
    again = fi.default_rng(0)
    again.state = rng.state
    assert again.bits(2).tobytes() == rng.bits(2).tobytes()


@cases(300)
@given(name=st.text() | anything)
def test_any_child(name):
    rng = fi.default_rng(SEED)
    try:
        child = rng.child(name)
    except REFUSALS as error:
        refused(error)
        return
    assert child.bits(2).tobytes() == fi.default_rng(SEED).child(name).bits(2).tobytes() != rng.bits(2).tobytes()


@cases(300)
@given(count=st.integers(-3, 20) | anything)
def test_any_spawn(count):
    assume(not (isinstance(count, int | np.integer) and count > 1000))
    rng = fi.default_rng(SEED)
    try:
        children = rng.spawn(count)
    except REFUSALS as error:
        refused(error)
        assert rng.state["children"] == 0
        return
    assert len(children) == count == rng.state["children"]
