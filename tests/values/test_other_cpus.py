"""The same values from code for other CPUs of this architecture, whose features differ."""

import platform

import pytest

from fastinit.kernels import machine
from tests.definition import hash_cases, hashes
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
#: Rows of the table of hashes: words of 32 and 64 bits, both methods, float16 rounded by integers.
KERNELS = [
    ("uniform 0 1", "float32"),
    ("normal 0 1", "float32"),
    ("normal 0 1", "float64"),
    ("normal 0 1", "float16"),
    ("central -2 2", "float32"),
]
SCRIPT = f"""
from fastinit.kernels import machine
from tests.definition import hash_cases, hashes
print(machine.host().cpu)
made = {{(case.label, case.dtype): case.make for case in hash_cases.cases()}}
for row in {KERNELS}:
    print(hashes.digest(made[row]()))
"""


def compiled_for(cpu, **more):
    name, features = CPUS[cpu]
    return environment(NUMBA_CPU_NAME=name, NUMBA_CPU_FEATURES=features, **more)


@pytest.mark.nightly
def test_a_cpu_without_fused_multiply_add():
    """For the first x86-64 CPUs: no wide vectors, no fused multiply-add, float16 by integers."""
    kept = hashes.read()["rows"]
    assert python(SCRIPT, env=compiled_for("SSE2")).split() == ["generic", *(kept[label][dtype] for label, dtype in KERNELS)]


@pytest.mark.nightly
@pytest.mark.parametrize("cpu", CPUS)
def test_the_table(cpu, tmp_path):
    """Every hash of a small array; those of large ones too under the nightly profile. A CPU that lacks the features skips."""
    if missing := set(filter(None, CPUS[cpu][1].split(","))) - set(machine.host().features.split(",")):
        pytest.skip(f"this CPU lacks {', '.join(sorted(missing))}")
    env = compiled_for(cpu, NUMBA_CACHE_DIR=str(tmp_path))
    script = f"import sys; from tests.definition import hashes; sys.exit(hashes.main({[] if NIGHTLY else ['--small']}))"
    count = sum(case.small or NIGHTLY for case in hash_cases.cases())
    assert python(script, env=env).splitlines()[-1] == f"{count} hashes made, 0 differences"
