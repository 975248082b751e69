"""The text of PTX: every operation rounds to nearest even, the translator takes nothing else, and the cache keeps it."""

import subprocess
import sys

import pytest

from fastinit.distributions.sums import added
from fastinit.gpu import ptx, trace
from fastinit.kernels import rows
from tests.gpu import ptx_to_c
from tests.gpu.ptx_instructions import UnknownInstructionError, instruction
from tests.kernels.test_explain import Contracted, expected, instructions, loose

KERNELS = {
    "tiles": trace.tiles,
    "elements0": lambda row: trace.elements(row, 0, True),
    "elements0-bytes": lambda row: trace.elements(row, 0, False),
    "elements1": lambda row: trace.elements(row, 1, True),
    "elements1-bytes": lambda row: trace.elements(row, 1, False),
    "elements3": lambda row: trace.elements(row, 3, True),
    "elements3-bytes": lambda row: trace.elements(row, 3, False),
}
#: Rows that fill, then those that add.
ALL = [
    (law, dtype, adds) for adds in (False, True) for law, dtype in rows.ROWS if not adds or rows.STORAGE[dtype].format.decode
]
#: The two kernels of every row, which differ in all but addresses, and those of some rows in all kernels.
MANY = [(*row, kernel) for i, row in enumerate(ALL) for kernel in (KERNELS if i % 7 == 3 else ("tiles", "elements0"))]
#: For the chips in turn: what conversions become depends on them.
MANY_CHIPS = [(*case, ptx.CHIPS[i % len(ptx.CHIPS)]) for i, case in enumerate(MANY)]
TAILS = ("truncated_tails", "float32")

pytestmark = pytest.mark.usefixtures("nvptx")


def text_of(law, dtype, kernel, sm, adds=False):
    row = rows.row(law, dtype)
    return ptx.compiled(KERNELS[kernel](row._replace(law=added(row.law)) if adds else row), sm)


def check(law, dtype, adds, kernel, sm):
    text = text_of(law, dtype, kernel, sm, adds)
    assert loose(text) == []
    for word in (".ftz", ".approx", ".full", ".sat", ".rz.", ".rm.", ".rp.", "call"):
        assert word not in text
    assert f".target sm_{sm}" in text
    assert expected("normal" if adds else law, dtype) <= set(instructions(text))
    ptx_to_c.translate(text)


@pytest.mark.parametrize("kernel", ["tiles", "elements0"])
@pytest.mark.parametrize(("law", "dtype", "adds"), ALL[::7])
def test_every_operation_rounds_to_nearest(law, dtype, adds, kernel):
    check(law, dtype, adds, kernel, 90)


@pytest.mark.nightly
@pytest.mark.parametrize(("law", "dtype", "adds", "kernel", "sm"), MANY_CHIPS)
def test_so_it_does_in_every_kernel(law, dtype, adds, kernel, sm):
    check(law, dtype, adds, kernel, sm)


def test_the_operations_that_are_looked_at_occur():
    seen = set(instructions(text_of(*TAILS, "tiles", 90)) + instructions(text_of("normal", "float64", "tiles", 90)))
    assert {f"{name}.rn.f32" for name in ("add", "sub", "mul", "div", "fma", "sqrt")} <= seen
    assert {"fma.rn.f64", "mul.rn.f64", "add.rn.f64"} <= seen


@pytest.mark.parametrize("name", ["add.rn.f32", "sub.rn.f32", "mul.rn.f32", "div.rn.f32", "sqrt.rn.f32", "fma.rn.f32"])
def test_a_rounding_taken_away_is_seen(name):
    broken = text_of(*TAILS, "tiles", 90).replace(name, name.replace(".rn", ""), 1)
    assert loose(broken) == [name.replace(".rn", "")]
    with pytest.raises(UnknownInstructionError):
        ptx_to_c.translate(broken)


def test_a_target_that_lets_fuse_is_seen(monkeypatch):
    monkeypatch.setattr(trace, "Scalars", Contracted)
    broken = text_of(*TAILS, "tiles", 90)
    assert {"add.f32", "mul.f32"} & set(loose(broken))
    with pytest.raises(UnknownInstructionError):
        ptx_to_c.translate(broken)


@pytest.mark.parametrize("line", [
    "add.f32 %f1, %f2, %f3;", "add.ftz.f32 %f1, %f2, %f3;", "add.rn.ftz.f32 %f1, %f2, %f3;", "add.rn.sat.f32 %f1, %f2, %f3;",
    "add.rz.f64 %f1, %f2, %f3;", "add.rn.f32x2 %rd1, %rd2, %rd3;", "sub.f64 %f1, %f2, %f3;", "mul.f32 %f1, %f2, %f3;",
    "mad.f32 %f1, %f2, %f3, %f4;", "mad.rn.f32 %f1, %f2, %f3, %f4;", "fma.f32 %f1, %f2, %f3, %f4;",
    "fma.rm.f64 %f1, %f2, %f3, %f4;", "div.full.f32 %f1, %f2, %f3;", "div.approx.f32 %f1, %f2, %f3;",
    "sqrt.approx.f32 %f1, %f2;", "sqrt.f64 %f1, %f2;", "rsqrt.approx.f32 %f1, %f2;", "rcp.rn.f32 %f1, %f2;",
    "ex2.approx.f32 %f1, %f2;", "sin.approx.f32 %f1, %f2;", "neg.ftz.f32 %f1, %f2;", "abs.ftz.f32 %f1, %f2;",
    "min.ftz.f32 %f1, %f2, %f3;", "max.NaN.f32 %f1, %f2, %f3;",
    "max.xorsign.abs.f32 %f1, %f2, %f3;", "copysign.f32 %f1, %f2, %f3;", "cvt.f32.f64 %f1, %f2;", "cvt.rz.f32.f64 %f1, %f2;",
    "cvt.rn.f32.f16 %f1, %f2;", "cvt.rn.ftz.f32.f64 %f1, %f2;", "cvt.u32.f32 %r1, %f2;", "cvt.rni.u32.f32 %r1, %f2;",
    "cvt.rn.relu.f16x2.f32 %r1, %f2, %f3;", "cvt.rz.f16x2.f32 %r1, %f2, %f3;", "cvt.f16.f32 %h1, %f2;",
    "cvt.sat.u8.u32 %r1, %r2;", "cvt.rn.bf16.f32 %h1, %f2;", "setp.lt.ftz.f32 %p1, %f1, %f2;",
    "setp.num.f32 %p1, %f1, %f2;", "setp.lt.and.s32 %p1, %r1, %r2, %p2;", "mul.hi.u64 %rd1, %rd2, %rd3;",
    "div.s32 %r1, %r2, %r3;", "addc.u32 %r1, %r2, %r3;", "add.cc.u32 %r1, %r2, %r3;", "popc.b32 %r1, %r2;",
    "bar.sync 0;", "atom.global.add.u32 %r1, [%rd1], %r2;", "shfl.sync.bfly.b32 %r1, %r2, 1, 31, -1;", "membar.gl;",
    "call foo;", "ret.uni;", "st.shared.b32 [%rd1], %r1;", "st.volatile.global.b32 [%rd1], %r1;",
    "ld.global.nc.b32 %r1, [%rd1];", "st.global.b32 [foo], %r1;", "add.s64 %rd1, %rd2, %clock64;",
])  # fmt: skip
def test_the_translator_refuses(line):
    with pytest.raises(UnknownInstructionError):
        instruction(line, [])


@pytest.mark.parametrize("line", [
    "st.global.v2.b32 [%rd1], {%r1, %r2, %r3, %r4};", "st.global.v4.b32 [%rd1], {%r1, %r2};", "st.global.v2.b32 [%rd1], %r1;",
    "st.global.b32 [%rd1], {%r1, %r2};", "st.global.v8.b32 [%rd1], {%r1, %r2, %r3, %r4, %r5, %r6, %r7, %r8};",
])  # fmt: skip
def test_the_translator_refuses_wrong_widths(line):
    with pytest.raises(UnknownInstructionError):
        instruction(line, [])


def test_halves_of_a_register():
    wanted = instruction("mov.b64 {_, %r1}, %rd2;", [])
    assert instruction("{ .reg .b32 tmp; mov.b64 {tmp, %r1}, %rd2; }", []) == wanted == "{ r1 = (u32)(rd2 >> 32); }"
    with pytest.raises(UnknownInstructionError):
        instruction("{ .reg .b32 tmp; add.f32 %f1, %f2, %f3; }", [])


@pytest.mark.parametrize("more", [".func f() { ret; }\n", ".shared .align 4 .b8 x[4];\n", ".global .u32 x;\n"])
def test_the_translator_wants_one_kernel_alone(more):
    text = text_of("bits", "uint32", "elements0", 90)
    ptx_to_c.translate(text)
    with pytest.raises(UnknownInstructionError, match="one kernel"):
        ptx_to_c.translate(text + more)


@pytest.mark.parametrize(("capability", "sm"), [(70, None), (75, 75), (87, 86), (90, 90), (103, 100), (121, 120), (300, 120)])
def test_chips(capability, sm):
    """A chip that LLVM may not know takes the code of the one before it."""
    assert ptx.chip(capability) == sm


CACHED = """
import sys
from fastinit.distributions.sums import added
from fastinit.gpu import ptx, trace
from fastinit.kernels import cache, rows
row = rows.row("truncated_tails", "float64")
sys.stdout.write(ptx.stored("gpu-test-tiles", 80, lambda: trace.tiles(row)))
sys.stderr.write(f"{sorted(cache.COMPILED)} {cache.file_name('gpu-test-tiles-sm_80')}")
"""


def process(folder, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(folder))
    return subprocess.run([sys.executable, "-c", CACHED], capture_output=True, text=True, check=True)


def test_two_processes_make_the_same_text_and_the_third_reads_it(tmp_path, monkeypatch):
    first, second = (process(tmp_path / name, monkeypatch) for name in "ab")
    assert first.stdout == second.stdout
    assert ".entry tiles(" in first.stdout
    assert first.stderr.startswith("['gpu-test-tiles-sm_80']")
    (kept,) = (tmp_path / "a").rglob("gpu-test*")
    assert kept.name == first.stderr.split()[1]
    third = process(tmp_path / "a", monkeypatch)
    assert third.stderr.startswith("[] ")
    assert third.stdout == first.stdout


def test_damaged_text_is_made_anew(tmp_path, monkeypatch):
    text = process(tmp_path, monkeypatch).stdout
    (kept,) = tmp_path.rglob("gpu-test*")
    kept.write_bytes(kept.read_bytes()[:-100])
    again = process(tmp_path, monkeypatch)
    assert again.stdout == text
    assert again.stderr.startswith("['gpu-test-tiles-sm_80']")
