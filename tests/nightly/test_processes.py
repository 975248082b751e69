"""Fills in forked, spawned and pooled processes, forks beside threads that fill: right values, nobody killed, none waits."""

import multiprocessing

import pytest

from tests.processes.scripts import digest, environment, forks, python
from tests.repeats import times

pytestmark = pytest.mark.nightly

METHODS = multiprocessing.get_all_start_methods()

POOLS = """
import concurrent.futures, hashlib, multiprocessing, sys
import fastinit as fi

def digest(seed):
    return hashlib.sha256(fi.default_rng(seed).normal(size=1 << 17).tobytes()).hexdigest()

def send(pipe):
    pipe.send(digest(1))
    pipe.close()

def main(method, used):
    if used == "used":
        digest(1)
    context = multiprocessing.get_context(method)
    seeds = [1, 2, 1, 3, 1, 2] * 3
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
        found = list(pool.map(digest, seeds))
    pool = context.Pool(1)
    assert pool.map(digest, seeds) == found
    pool.close()
    pool.join()
    here, there = context.Pipe()
    process = context.Process(target=send, args=(there,))
    process.start()
    assert here.poll(200) and here.recv() == found[0]
    process.join()
    assert process.exitcode == 0
    assert [digest(seed) for seed in seeds] == found
    print(*found[:2], found[3])

if __name__ == "__main__":
    main(*sys.argv[1:])
"""


@pytest.mark.parametrize("used", ["used", "unused"])
@pytest.mark.parametrize("method", METHODS)
def test_pools_and_processes(tmp_path, method, used):
    """A ProcessPoolExecutor, a Pool and a Process, before and after the first fill of their parent."""
    script = tmp_path / "pools.py"
    script.write_text(POOLS)
    found = python(script, method, used, env=environment(NUMBA_NUM_THREADS="2")).split()
    assert found == [digest(seed) for seed in (1, 2, 3)]


FORKS = """
import os, random, signal, sys, threading, time
import numpy as np
import fastinit as fi
from fastinit.kernels import threads as helping

shared, stop = fi.default_rng(5), threading.Event()
expected = {size: fi.default_rng(1).normal(size=size).tobytes() for size in (50, 1 << 16)}

def small():
    while not stop.is_set():
        shared.bits(3)
        shared.state

def large():
    out = np.empty(1 << 16, np.float32)
    while not stop.is_set():
        shared.normal(out=out)

def child(size):
    signal.alarm(400)                       # ends a child that waits for a lock that nobody holds
    shared.bits(3)
    shared.spawn(1)
    for _ in range(2):
        if fi.default_rng(1).normal(size=size).tobytes() != expected[size]:
            os._exit(3)
    os._exit(0 if len(helping._all) == len(helping._idle) == (size > 50) else 4)         # a helper of its own

failed = []

def forker(count):
    for i in range(count):
        size = random.choice(list(expected))
        pid = os.fork()
        if pid == 0:
            child(size)
        status = os.waitpid(pid, 0)[1]
        if status:
            failed.append((i, size, status))
            break
    stop.set()

threads = [threading.Thread(target=work) for work in (small, small, small, large)]
for thread in threads: thread.start()
fork = threading.Thread(target=forker, args=(int(sys.argv[1]),))
fork.start()
for thread in (fork, *threads): thread.join()
assert not failed, failed
assert fi.default_rng(1).normal(size=1 << 16).tobytes() == expected[1 << 16]
print("done")
"""


@forks
def test_fork_from_a_thread_beside_threads_that_fill():
    """The children draw from the Generator that the other threads were using."""
    assert python(FORKS, times(100, 3000), env=environment(NUMBA_NUM_THREADS="2")) == "done\n"


COMPILING = """
import os, signal, threading, time
import fastinit as fi

expected = fi.default_rng(1).uniform(size=100).tobytes()
done = []

def compile_all():
    fi.default_rng(1).normal(size=9)
    fi.default_rng(1).bits(9)
    fi.default_rng(1).truncated_normal(size=9)
    done.append(True)

thread = threading.Thread(target=compile_all)
thread.start()
forked = 0
while not done:
    time.sleep(0.1)
    pid = os.fork()
    if pid == 0:
        signal.alarm(400)
        same = fi.default_rng(1).uniform(size=100).tobytes() == expected
        fi.default_rng(1).uniform(size=100, dtype="float16")    # compiles in the child
        os._exit(0 if same else 3)
    forked += 1
    status = os.waitpid(pid, 0)[1]
    assert status == 0, status
thread.join()
print(forked)
"""


@forks
def test_fork_while_another_thread_compiles(tmp_path):
    assert int(python(COMPILING, env=environment(NUMBA_CACHE_DIR=str(tmp_path)))) >= 1
