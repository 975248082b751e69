"""mt19937: its words against NumPy's, jumps against steps, and the state of torch's generator."""

import ctypes
import mmap
import sys
import threading

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs PyTorch")

import torch

import fastinit.torch as ft
from fastinit.torch.values import kernels, laws, polynomials, sequence, state
from fastinit.torch.values.residence import is_written
from fastinit.torch.values.sequence import Job, Sequence
from fastinit.torch.values.trace import CHUNK
from fastinit.torch.values.twister import TWIST, M, N


def start(seed):
    return state.read(torch.Generator().manual_seed(seed)).sequence


def uniform():
    law = laws.uniform("float32", fused=True)
    return Job(law, kernels.fill(law), (ctypes.c_double * 3)(0.0, 1.0, 1.0))


def untempered(seed, count):
    """The sequence itself, by the recurrence as the paper has it."""
    words = [int(word) for word in start(seed).block]
    while len(words) < count:
        joined = words[-N] & 0x80000000 | words[-N + 1] & 0x7FFFFFFF
        words.append(words[-N + M] ^ joined >> 1 ^ (TWIST if joined & 1 else 0))
    return np.array(words, np.uint32)


def test_words_are_mt19937s():
    """float32 shows the lower 24 bits of each word; 64 bits show the lower 21 of one, and all of the next."""
    words = np.frombuffer(np.random.RandomState(12).bytes(4 * 10_000), "<u4")
    out = np.empty(10_000 + laws.UNIT, np.float32)
    start(12).fill(uniform(), out.ctypes.data, 10_000)
    assert np.array_equal((out[:10_000] * 2.0**24).astype(np.uint32), words & 0xFFFFFF)


def test_the_characteristic_polynomial():
    """It annihilates the sequence, and has the degree and the number of terms that are known of it."""
    exponents = (*polynomials.characteristic(), polynomials.DEGREE)
    assert (len(exponents), max(exponents)) == (135, 19937)
    words = untempered(3, polynomials.DEGREE + 1300)
    total = np.zeros(1299, np.uint32)
    for i in exponents:
        total ^= words[i + 1 : i + 1300]  # only one bit of word 0 belongs to the sequence
    assert not total.any()


def test_powers():
    """Against multiplication by x, step by step."""
    base, doublings = 5, 13
    expected = 1
    for _ in range(base << doublings):
        expected <<= 1
        if expected >> polynomials.DEGREE:
            expected ^= sum(1 << i for i in (*polynomials.characteristic(), polynomials.DEGREE))
    assert polynomials.power(base, doublings) == expected


@pytest.mark.parametrize("doublings", [0, 1, 5])
def test_a_jump_is_as_many_steps(doublings):
    words = untempered(9, (CHUNK << doublings) + N)
    jumped = start(9).jumped(doublings)
    assert jumped.place == N
    assert np.array_equal(jumped.block[1:], words[CHUNK << doublings :][1:])
    assert jumped.block[0] >> 31 == words[CHUNK << doublings] >> 31


def fresh():
    return start(4)


def in_a_block():
    place, scrap = start(4), np.empty(400, np.float32)
    place.fill(uniform(), scrap.ctypes.data, 333)
    return place


def made_by_hand():
    """The first word of its block does not belong to the sequence of the others, which torch accepts."""
    return Sequence(start(4).block, 300)


def assert_parts_are_the_whole(begin, words, threads, monkeypatch):
    results = []
    for count in (1, threads):
        monkeypatch.setattr(sequence.cpus, "allowed", lambda count=count: count)
        out = np.full(words + 1, 7, np.float32)
        after = sequence.fill(begin(), uniform(), out.ctypes.data, words)
        results.append((out.tobytes(), after.place, after.block.tobytes()))
        assert out[-1] == 7
    assert results[0] == results[1]


@pytest.mark.parametrize("begin", [fresh, in_a_block, made_by_hand])
@pytest.mark.parametrize("threads", [2, 3, 7])
@pytest.mark.parametrize("words", [0, 32, CHUNK, 3 * CHUNK, 40 * CHUNK + 5 * 32, 97 * CHUNK + 116 * 32])
def test_parts_are_the_whole(words, threads, begin, monkeypatch):
    monkeypatch.setattr(sequence, "LEAST_DOUBLINGS", 0)
    assert_parts_are_the_whole(begin, words, threads, monkeypatch)


def test_the_last_part_leaves_a_whole_block(monkeypatch):
    """A jump over 2^8 chunks uses the first word, so a part of 32 words that a jump led to would leave a wrong one."""
    assert polynomials.power(CHUNK, sequence.LEAST_DOUBLINGS) & 1
    assert_parts_are_the_whole(made_by_hand, (2 * CHUNK << sequence.LEAST_DOUBLINGS) + 32, 2, monkeypatch)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says which pages are there")
def test_which_memory_was_written():
    size = 64 * mmap.PAGESIZE
    with mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        array = np.frombuffer(memory, np.uint8)
        address = array.ctypes.data
        assert not is_written(address, size)
        memory[0] = memory[size - 1] = 1
        assert not is_written(address, size)
        assert is_written(address, mmap.PAGESIZE)
        memory[:] = bytes(size)
        assert is_written(address, size)
        assert is_written(address + 100, size - 100)
        del array


def test_an_error_of_a_helper_is_raised(monkeypatch):
    monkeypatch.setattr(sequence, "LEAST_DOUBLINGS", 0)
    monkeypatch.setattr(sequence.cpus, "allowed", lambda: 2)
    main = threading.main_thread()

    def fail(*_):
        if threading.current_thread() is not main:
            raise MemoryError("in a helper")

    def fill_again_and_again():  # until a helper is early enough to get a part
        for _ in range(1000):
            sequence.fill(start(1), uniform()._replace(code=fail), 0, 50 * CHUNK)

    with pytest.raises(MemoryError, match="in a helper"):
        fill_again_and_again()


def test_without_helpers_the_caller_does_all(monkeypatch):
    def submit(*_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(sequence.ThreadPoolExecutor, "submit", submit)
    monkeypatch.setattr(sequence, "LEAST_DOUBLINGS", 0)
    assert_parts_are_the_whole(fresh, 50 * CHUNK, 3, monkeypatch)


@pytest.mark.parametrize("used", [0, 1, 5, 623, 624, 625, 1248, 1249, 5000])
def test_states_are_read_and_written(used):
    generator = torch.Generator().manual_seed(8)
    torch.empty(3).normal_(generator=generator)  # leaves a cached normal
    torch.rand(used, generator=generator)
    before = generator.get_state()
    read = state.read(generator)
    assert read.replace(read.sequence)
    assert torch.equal(generator.get_state(), before)


@pytest.mark.parametrize(("at", "value"), [(8, 100), (12, 0), (16, 700), (16, 0)])
def test_states_that_are_not_known_are_torchs(at, value, monkeypatch):
    """`left`, `seeded` and `next` that do not belong together; torch accepts some of them."""
    generator = torch.Generator().manual_seed(8)
    torch.rand(10, generator=generator)
    content = generator.get_state()
    content.numpy()[at : at + 4].view("<i4")[0] = value
    fake = type("Fake", (), {"get_state": lambda self: content})()
    assert state.read(fake) is None
    shorter = type("Fake", (), {"get_state": lambda self: content[:-8]})()
    assert state.read(shorter) is None


def test_a_generator_that_moved_meanwhile_is_not_overwritten():
    generator = torch.Generator().manual_seed(8)
    read = state.read(generator)
    torch.rand(10, generator=generator)
    moved = generator.get_state()
    assert not read.replace(read.sequence)
    assert torch.equal(generator.get_state(), moved)


def test_threads_that_share_a_generator_never_use_the_same_words():
    """As with torch, their order is a matter of chance, but together they draw what one would."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        expected = torch.rand(8 * 140_000)
        torch.manual_seed(2)
        drawn = []

        def draw():
            with ft.fast_init(values="torch"):
                for _ in range(4):
                    drawn.append(torch.rand(140_000))

        threads = [threading.Thread(target=draw) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert {x.numpy().tobytes() for x in drawn} == {x.numpy().tobytes() for x in expected.split(140_000)}
