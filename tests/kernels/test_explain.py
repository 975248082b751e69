"""What rows become: NVIDIA code that rounds every result once, and assembly with each machine's own registers."""

import platform
import re

import pytest

from fastinit.gpu import trace
from fastinit.gpu.explain import TARGETS, explain
from fastinit.kernels.rows import ROWS, row
from fastinit.kernels.targets.llvm import Instructions
from fastinit.kernels.targets.scalars import Scalars

#: Mnemonics of PTX that are exact, or hold no arithmetic of reals: all others must say how they round.
EXACT = {"abs", "neg", "min", "max", "mov", "ld", "st", "selp", "setp", "set", "copysign"}
#: What makes a result depend on the machine or lose subnormal numbers.
LOOSE = {"ftz", "approx", "full", "sat", "relu", "rm", "rp", "rz"}
#: Laws that compare and choose, but round nothing on the way.
WITHOUT_SUMS = ("bits", "rademacher", "bernoulli", "integers")
INSTRUCTION = re.compile(r"^\s*(?:\{\s*)?(?:@!?%p\d+\s+)?([a-z]\w*(?:\.\w+)+)\s", re.MULTILINE)


def is_loose(mnemonic):
    """Whether an instruction of PTX with reals does not round to nearest even, once."""
    name, *parts = mnemonic.split(".")
    types = [part for part in parts if re.fullmatch(r"(f16|f32|f64|bf16|tf32)(x2)?", part)]
    if not types:
        return False
    if LOOSE & set(parts):
        return True
    if name == "cvt":
        to, source = parts[-2:]
        if to not in types:
            return not {"rzi", "rni"} & set(parts)  # to an integer
        if source in types and int(to.strip("bf").removesuffix("x2")) > int(source.strip("bf")):
            return False  # a wider type holds all
    return name not in EXACT and "rn" not in parts


def instructions(ptx):
    return INSTRUCTION.findall(ptx)


def loose(ptx):
    return sorted({mnemonic for mnemonic in instructions(ptx) if is_loose(mnemonic)})


def expected(law, dtype):
    """What must be among the instructions of a row, so the pattern does find instructions: Philox's product, and an fma."""
    real = "f64" if dtype == "float64" else "f32"
    return {"mul.wide.u32"} | (set() if law in WITHOUT_SUMS else {f"fma.rn.{real}"})


@pytest.mark.parametrize(("law", "dtype"), ROWS[::6])
def test_ptx_rounds_every_result_to_nearest_even(law, dtype):
    """All rows: `tests/gpu/test_ptx.py`."""
    ptx = explain(row(law, dtype), "ptx", assembly=True)
    assert loose(ptx) == []
    assert ".entry tiles(" in ptx
    assert ".entry elements(" in ptx
    assert expected(law, dtype) <= set(instructions(ptx))


def test_the_rows_have_every_operation_of_reals():
    """So that none is missed by the test above because no row has it."""
    pairs = [("truncated_tails", "float32"), ("truncated_tails", "float64"), ("uniform", "float16")]
    seen = {name for pair in pairs for name in instructions(explain(row(*pair), "ptx", assembly=True))}
    assert {f"{name}.rn.{real}" for name in ("add", "mul", "div", "sqrt", "fma") for real in ("f32", "f64")} <= seen
    assert "cvt.rn.f16.f32" in seen


@pytest.mark.parametrize(
    ("mnemonic", "bad"),
    [
        ("add.f32", True),
        ("add.rn.f32", False),
        ("add.rn.ftz.f32", True),
        ("add.rz.f32", True),
        ("sub.f64", True),
        ("mul.f64", True),
        ("mul.lo.s64", False),
        ("mad.f32", True),
        ("mad.lo.s32", False),
        ("fma.rn.f64", False),
        ("fma.rn.ftz.f32", True),
        ("div.full.f32", True),
        ("div.approx.f32", True),
        ("div.rn.f32", False),
        ("div.u64", False),
        ("sqrt.approx.ftz.f32", True),
        ("sqrt.rn.f64", False),
        ("rsqrt.approx.f32", True),
        ("rcp.rn.f32", False),
        ("lg2.approx.f32", True),
        ("sin.approx.f32", True),
        ("neg.f32", False),
        ("neg.ftz.f32", True),
        ("setp.lt.f32", False),
        ("setp.lt.ftz.f32", True),
        ("cvt.rn.f32.u32", False),
        ("cvt.f32.u32", True),
        ("cvt.rn.f32.f64", False),
        ("cvt.rz.f32.f64", True),
        ("cvt.f64.f32", False),
        ("cvt.rn.f16.f32", False),
        ("cvt.rn.f16x2.f32", False),
        ("cvt.f16x2.f32", True),
        ("cvt.rzi.u32.f64", False),
        ("cvt.u32.f64", True),
    ],
)
def test_loose_instructions_are_recognised(mnemonic, bad):
    assert is_loose(mnemonic) == bad
    assert instructions(f"\t@%p1 {mnemonic} \t%f1, %f2, %f3;\n") == [mnemonic]


@pytest.mark.parametrize("name", ["add.rn.f32", "sub.rn.f32", "mul.rn.f32", "div.rn.f32", "sqrt.rn.f32", "cvt.rn.f32.u32"])
def test_a_missing_rounding_is_seen(name):
    ptx = explain(row("truncated_tails", "float32"), "ptx", assembly=True)
    assert name in instructions(ptx)
    assert loose(ptx.replace(name, name.replace(".rn", ""), 1)) == [name.replace(".rn", "")]


class Contracted(Scalars):
    """Lets LLVM and PTX's compiler fuse a product and a sum: plain instructions would print as rounded ones."""

    def binary(self, operation, a, b):
        if a.kind.group != "real":
            return super().binary(operation, a, b)
        name = {"add": "fadd", "sub": "fsub", "mul": "fmul", "truediv": "fdiv"}[operation]
        return getattr(self.builder, name)(a.value, b.value, flags=("contract",))


class Approximate(Scalars):
    """Divides by an approximation."""

    def binary(self, operation, a, b):
        if operation != "truediv":
            return super().binary(operation, a, b)
        return self.builder.fdiv(a.value, b.value, flags=("afn",))


class Flushed(Scalars):
    """Takes a root that is fast and flushes subnormal numbers."""

    def sqrt(self, a):
        return self.intrinsic("llvm.nvvm.sqrt.approx.ftz.f", a.value.type, a.value)


@pytest.mark.parametrize(
    ("target", "found"),
    [(Contracted, {"add.f32", "mul.f32"}), (Approximate, {"div.approx.f32"}), (Flushed, {"sqrt.approx.ftz.f32"})],
)
def test_a_target_that_rounds_otherwise_is_seen(monkeypatch, target, found):
    monkeypatch.setattr(trace, "Scalars", target)
    assert found <= set(loose(explain(row("truncated_tails", "float32"), "ptx", assembly=True)))


# Assembly of CPUs

#: Patterns of registers that must appear, and must not.
REGISTERS = {
    "sse2": ({r"xmm\d"}, {r"ymm\d", r"zmm\d", r"\bk[0-7]\b"}),
    "avx": ({r"xmm\d", r"ymm\d"}, {r"zmm\d"}),
    "avx2": ({r"ymm\d"}, {r"zmm\d"}),
    "avx512": ({r"zmm\d", r"zmm(1[6-9]|2\d|3[01])"}, set()),
    "neon": ({r"\bv\d+\.2d", r"\bv\d+\.4s"}, {r"[xyz]mm\d"}),
}
#: One row for each way to use registers; others take long for CPUs that lack instructions.
SOME = [("bits", "uint32"), ("uniform", "float32"), ("normal", "float64"), ("truncated_central", "bfloat16")]
FUSED = {"avx2": "vfmadd", "avx512": "vfmadd", "neon": "fmla"}
CALLED = re.compile(r"^\s*(?:callq?|jmp|bl?)\s+([A-Za-z_]\w*)(?:@PLT)?\s*$", re.MULTILINE)


@pytest.mark.nightly
@pytest.mark.parametrize(("law", "dtype"), SOME)
@pytest.mark.parametrize("target", REGISTERS)
def test_assembly_has_the_registers_of_its_machine(target, law, dtype):
    """And it calls nothing but the C library's fma, where the CPU has none."""
    assembly = explain(row(law, dtype), target, assembly=True)
    present, absent = REGISTERS[target]
    assert [pattern for pattern in present if not re.search(pattern, assembly)] == []
    assert [pattern for pattern in absent if re.search(pattern, assembly)] == []
    assert {"tiles:", "attempt:"} <= {line.split()[0] for line in assembly.splitlines() if line.strip()}
    fma = {"fma", "fmaf"} if target in ("sse2", "avx") and law != "bits" else set()
    called = {name for name in CALLED.findall(assembly) if not name.startswith("LBB")}
    assert called <= fma
    assert bool(called) == bool(fma)
    assert law == "bits" or target not in FUSED or FUSED[target] in assembly


@pytest.mark.parametrize(("target", "instruction"), [("avx2", "vcvtps2ph"), ("avx512", "vcvtps2ph"), ("neon", "fcvtn")])
def test_float16_by_the_cpu_s_conversion(target, instruction):
    assert instruction in explain(row("uniform_within", "float16"), target, assembly=True)


@pytest.mark.parametrize("target", ["sse2", "avx"])
def test_float16_by_integers_where_the_cpu_has_no_conversion(target):
    """LLVM's own way would be a function of a library."""
    assembly = explain(row("uniform_within", "float16"), target, assembly=True)
    assert set(CALLED.findall(assembly)) == {"fmaf"}
    assert "cvtps2ph" not in assembly


#: What machines call themselves, and their registers.
MACHINES = {"x86_64": r"[xyz]mm\d", "amd64": r"[xyz]mm\d", "aarch64": r"\bv\d+\.", "arm64": r"\bv\d+\."}


@pytest.mark.parametrize(("law", "dtype"), SOME[1:3])
def test_assembly_of_this_machine(law, dtype):
    assembly = explain(row(law, dtype), assembly=True)
    assert re.search(MACHINES.get(platform.machine().lower(), "tiles"), assembly)


# LLVM's code

FAST = re.compile(r"\b(fast|contract|reassoc|afn|arcp)\b")


@pytest.mark.parametrize("target", [None, *TARGETS])
def test_llvm_s_code_is_the_default(target):
    text = explain(row("uniform", "float32"), target)
    names = {"elements" if target == "ptx" else "attempt", "tiles"}
    assert set(re.findall(r"^define .*@(\w+)\(", text, re.MULTILINE)) == names
    assert FAST.search(text) is None


#: Rows that use every operation of reals, and some that use few.
OPERATIONS = [
    ("truncated_tails", "float64"), ("lognormal", "float32"), ("lognormal", "float64"), ("cauchy", "float32"),
    ("uniform_within", "float16"), ("truncated_central", "bfloat16"), ("normal_within", "float8_e4m3fn"), ("bernoulli", "bool"),
]  # fmt: skip
USED = {
    *("fadd", "fsub", "fmul", "fdiv", "fneg", "fcmp", "fptosi", "fptoui", "sitofp", "uitofp", "fptrunc"),
    *("llvm.fma.v32f32", "llvm.sqrt.v32f32", "llvm.fma.v16f64", "llvm.sqrt.v16f64"),
}


@pytest.mark.nightly
def test_no_flag_lets_llvm_change_a_value():
    texts = {pair: explain(row(*pair), "avx512") for pair in OPERATIONS}
    assert [pair for pair, text in texts.items() if FAST.search(text)] == []
    assert set(re.findall(r"\b(?:f\w+|[su]itofp|llvm\.\w+\.v\d+f\d+)\b", "".join(texts.values()))) >= USED


def test_a_flag_is_seen(monkeypatch):
    plain = Instructions.binary

    def fast(self, operation, a, b):
        if operation != "mul" or a.kind.group != "real":
            return plain(self, operation, a, b)
        return self.builder.fmul(a.value, b.value, flags=("contract",))

    monkeypatch.setattr(Instructions, "binary", fast)
    assert FAST.search(explain(row("normal", "float32"), "avx512"))


@pytest.mark.parametrize("target", ["gpu", "AVX2", "sse"])
@pytest.mark.parametrize("assembly", [False, True])
def test_an_unknown_target_is_an_error_that_names_the_known_ones(target, assembly):
    with pytest.raises(ValueError, match=re.escape(repr(target))) as raised:
        explain(row("uniform", "float32"), target, assembly=assembly)
    assert all(name in str(raised.value) for name in TARGETS)
