"""The soak of `tests/nightly/soak.py`: of ten million calls under the nightly profile; and that it sees what grows."""

import json
import os
import subprocess
import sys

import pytest

from tests.nightly import soak
from tests.processes.scripts import ROOT, environment
from tests.repeats import times

pytestmark = pytest.mark.nightly

linux = pytest.mark.skipif(sys.platform != "linux", reason="what a process holds is read from Linux's /proc")


def run(threads, *arguments):
    env = environment(NUMBA_NUM_THREADS=str(threads))
    command = [sys.executable, str(ROOT / "tests" / "nightly" / "soak.py"), *map(str, arguments)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=20_000)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr[-3000:]}"
    return json.loads(done.stdout)


@linux
@pytest.mark.parametrize("threads", [1, 4])
def test_nothing_grows(threads):
    calls = times(24_000, 10_000_000)
    found = run(threads, "--calls", calls, "--rounds", times(8, 20))
    assert found["grown"] == []
    assert found["calls"] == calls


@linux
def test_a_wrong_value_ends_the_soak():
    short = soak.Soak(800, 2, 2, 0)
    for key, values in short.expected.items():
        short.expected[key] = values[:-1] + bytes([values[-1] ^ 1])
    with pytest.raises(AssertionError):
        short.call(_last(), soak.LARGEST, {})


def _last():
    """A source of chance that asks for a new array of the first distribution and dtype."""

    class Chance:
        def randrange(self, n):
            return 7 if n == 8 else 0

        def choice(self, of):
            return of[0]

    return Chance()


@linux
def test_growth_is_seen():
    held = []
    before = soak.holdings()
    held.append(bytearray(os.urandom(4 << 20)))
    read, write = os.pipe()
    after = soak.holdings()
    os.close(read)
    os.close(write)
    grown = soak.growth([before, after], 1)
    assert grown["resident"] > 3 << 20
    assert grown["descriptors"] == 2
