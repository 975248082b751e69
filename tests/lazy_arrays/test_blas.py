"""BLAS has one thread while products run, and as many as before afterwards: also beside others, after errors and in forks."""

import threading

import numpy as np
import pytest

import fastinit as fi
from fastinit import laws
from fastinit.lazy_arrays import blas
from tests.processes.scripts import environment, forks, python


def threads():
    return [library["num_threads"] for library in blas._libraries().info() if library["user_api"] == "blas"]


@pytest.fixture
def usual():
    """The numbers before the test."""
    before = threads()
    if not before:
        pytest.skip("threadpoolctl knows no BLAS of this process")
    return before


class Product:
    """A thread that runs a product until it is told to end."""

    def __init__(self):
        self.begun, self.end = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        with blas.one_thread():
            self.begun.set()
            assert self.end.wait(100)

    def finish(self):
        self.end.set()
        self.thread.join(100)
        assert not self.thread.is_alive()


def test_the_first_product_ends_last(usual):
    first = Product()
    assert first.begun.wait(100)
    second = Product()
    assert second.begun.wait(100)
    first.end.set()
    first.thread.join(0.1)
    assert set(threads()) == {1}
    late = Product()
    assert not late.begun.wait(0.1), "it waits for the next group"
    second.finish()
    first.finish()
    assert late.begun.wait(100)
    assert set(threads()) == {1}
    late.finish()
    assert threads() == usual


def test_the_first_product_ends_first(usual):
    first, second = Product(), Product()
    assert first.begun.wait(100)
    assert second.begun.wait(100)
    second.finish()
    assert set(threads()) == {1}
    first.finish()
    assert threads() == usual


def test_after_an_error(usual):
    with pytest.raises(FloatingPointError), np.errstate(all="raise"):
        fi.lazy(laws.uniform(1, 2), (100, 100), 0) @ np.full(100, 3e38, np.float32)
    assert threads() == usual


def test_a_product_in_a_signal_handler_of_one_that_ends():
    """It runs in the thread of the first product, which waits for another one."""
    group, other = blas._group, Product()
    assert other.begun.wait(100)
    group.ends_in = threading.get_ident()
    with blas.one_thread():
        pass
    group.ends_in = None
    other.finish()


FORKS = """
import hashlib, os, threading
import numpy as np
from threadpoolctl import threadpool_info
import fastinit as fi
from fastinit.lazy_arrays import blas

def counts():
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}

usual = counts()
lazy, x = fi.lazy(fi.laws.normal(), (3000, 2000), 0), np.ones((2000, 3), np.float32)
here = hashlib.sha256((lazy @ x).tobytes()).hexdigest()
begun, end = threading.Event(), threading.Event()

def product():
    with blas.one_thread():
        begun.set()
        end.wait(100)

other = threading.Thread(target=product)
other.start()
begun.wait(100)
read, write = os.pipe()
pid = os.fork()
if pid == 0:
    before, found = counts(), hashlib.sha256((lazy @ x).tobytes()).hexdigest()
    os.write(write, f"{before == usual} {counts() == usual} {found == here}".encode())
    os._exit(0)
end.set()
other.join()
os.close(write)
assert os.waitpid(pid, 0)[1] == 0
print(os.read(read, 100).decode(), counts() == usual)
"""


@forks
def test_a_fork_beside_a_product():
    """The child has none of the parent's products: BLAS has its threads there, and products work."""
    assert python(FORKS, env=environment(NUMBA_NUM_THREADS="2"), allowed="DeprecationWarning") == "True True True True\n"


def test_many_threads_at_once(usual):
    lazy, x = fi.lazy(laws.normal(), (300, 200), 0), np.ones(200, np.float32)
    expected, found = (lazy @ x).tobytes(), []
    team = [threading.Thread(target=lambda: found.extend((lazy @ x).tobytes() for _ in range(20))) for _ in range(4)]
    for thread in team:
        thread.start()
    for thread in team:
        thread.join()
    assert set(found) == {expected}
    assert len(found) == 80
    assert threads() == usual


def test_without_threadpoolctl_fills_and_blas_take_turns(monkeypatch):
    monkeypatch.setattr(blas, "is_limited", lambda: False)
    monkeypatch.setattr(blas, "one_thread", lambda: pytest.fail("BLAS cannot be limited here"))
    matrix = fi.lazy(laws.normal(), (700, 1500), 0, dtype="float64")
    x = np.ones((1500, 3))
    assert np.allclose(matrix @ x, np.asarray(matrix) @ x, rtol=0, atol=1e-11)
