"""The same values from code for other CPUs of this architecture, whose features differ."""

import json
import platform

import pytest

from fastinit.kernels import machine
from tests.definition import hash_cases
from tests.processes.scripts import environment, python
from tests.repeats import NIGHTLY

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="the code paths are those of x86")

X86 = "+64bit,+cmov,+cx8,+cx16,+fxsr,+mmx,+sse,+sse2"
AVX = f"{X86},+sse3,+ssse3,+sse4.1,+sse4.2,+popcnt,+sahf,+avx,+xsave"
AVX2 = f"{AVX},+avx2,+bmi,+bmi2,+f16c,+fma,+lzcnt,+movbe"
AVX512 = f"{AVX2},+avx512f,+avx512cd,+avx512bw,+avx512dq,+avx512vl"
#: LLVM's name of a CPU and its features. The first two lack fused multiply-add and conversions of float16.
CPUS = {
    "SSE2": ("generic", ""),
    "AVX": ("sandybridge", AVX),
    "AVX2": ("haswell", AVX2),
    "AVX-512": ("skylake-avx512", AVX512),
}
#: AVX converts by SSE2's instructions, which make the whole table: only what is as wide as the words.
ONLY = {"AVX": ("float32", "float64", "int32", "int64", "uint32", "uint64")}


def served(cpu):
    """Whether this CPU has the features of that one."""
    return set(filter(None, CPUS[cpu][1].split(","))) <= set(machine.host().features.split(","))


@pytest.mark.nightly
@pytest.mark.parametrize("cpu", CPUS)
def test_the_table(cpu):
    """Every hash of a small array; those of large ones too under the nightly profile."""
    if not served(cpu):
        pytest.skip("this CPU lacks some of the features")
    if cpu == [name for name in CPUS if served(name)][-1]:
        pytest.skip("test_hashes.py makes the whole table with these features")
    dtypes = ONLY.get(cpu, ())
    count = sum((case.small or NIGHTLY) and (not dtypes or case.dtype in dtypes) for case in hash_cases.cases())
    options = [*([] if NIGHTLY else ["--small"]), *(["--dtypes", ",".join(dtypes)] if dtypes else [])]
    name, features = CPUS[cpu]
    env = environment(NUMBA_CPU_NAME=name, NUMBA_CPU_FEATURES=features)
    lines = python(f"import sys; from tests.definition import hashes; sys.exit(hashes.main({options}))", env=env).splitlines()
    assert lines[-1] == f"{count} hashes made, 0 differences"
    assert json.loads(lines[-2])["compiled for"] == name
