"""CPUs that code can be made for without having one."""

from __future__ import annotations

from fastinit.kernels.machine import Machine

_X86, _ARM = "x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"
#: What --target names, besides this machine.
TARGETS = {
    "sse2": Machine(_X86, "x86-64", ""),
    "avx": Machine(_X86, "sandybridge", "+avx"),
    "avx2": Machine(_X86, "haswell", "+avx2,+fma,+f16c"),
    "avx512": Machine(_X86, "skylake-avx512", "+avx2,+fma,+f16c,+avx512f,+avx512bw,+avx512dq,+avx512vl"),
    "neon": Machine(_ARM, "generic", "+neon,+fp-armv8"),
}
