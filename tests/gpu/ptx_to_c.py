"""PTX of one kernel as C: a thread is a call, and a grid is two loops. `ptx_instructions.py` has the instructions."""

import ctypes
import hashlib
import os
import re
import subprocess
import threading

from tests.gpu.ptx_instructions import WORD, UnknownInstructionError, instruction

HEAD = r"""
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <math.h>
typedef uint8_t u8; typedef uint16_t u16; typedef uint32_t u32; typedef uint64_t u64;
static inline float f32(u32 x) { float y; memcpy(&y, &x, 4); return y; }
static inline double f64(u64 x) { double y; memcpy(&y, &x, 8); return y; }
static inline u32 bits32(float x) { u32 y; memcpy(&y, &x, 4); return y; }
static inline u64 bits64(double x) { u64 y; memcpy(&y, &x, 8); return y; }
static inline u16 half(float x) { _Float16 h = (_Float16)x; u16 y; memcpy(&y, &h, 2); return y; }
/* Of NaN and a number the number, and -0 is less than 0. A double holds every float. */
static inline double minimum(double a, double b) {
  return a != a ? b : b != b ? a : a < b || (a == b && signbit(a)) ? a : b;
}
static inline double maximum(double a, double b) { return -minimum(-a, -b); }
static inline float whole(u16 x) { _Float16 h; memcpy(&h, &x, 2); return (float)h; }
static inline u64 shl(u64 a, u32 n, int bits) { return n >= (u32)bits ? 0 : a << n; }
static inline u64 shr(u64 a, u32 n, int bits) { return n >= (u32)bits ? 0 : a >> n; }
static inline int64_t sar(int64_t a, u32 n, int bits) { return a >> (n >= (u32)bits ? bits - 1 : (int)n); }
static inline u64 bfe(u64 a, u32 at, u32 n, int bits) { u64 x = shr(a, at, bits); return n >= 64 ? x : x & ((1ull << n) - 1); }
static inline u32 prmt(u32 a, u32 b, u32 c) {
  u64 both = (u64)b << 32 | a; u32 out = 0;
  for (int i = 0; i < 4; i++) {
    u32 s = c >> 4 * i & 15, byte = both >> 8 * (s & 7) & 255;
    out |= (s & 8 ? (byte & 128 ? 255u : 0u) : byte) << 8 * i;
  }
  return out;
}
/* Towards zero, and the nearest that there is where a number does not fit. NaN is refused: it differs between types. */
static inline u32 cut_u32(double x) { if (x != x) abort(); return x <= 0 ? 0 : x >= 0x1p32 ? UINT32_MAX : (u32)x; }
static inline u32 cut_s32(double x) {
  if (x != x) abort();
  return (u32)(x <= -0x1p31 ? INT32_MIN : x >= 0x1p31 ? INT32_MAX : (int32_t)x);
}
static inline u64 cut_s64(double x) {
  if (x != x) abort();
  return (u64)(x <= -0x1p63 ? INT64_MIN : x >= 0x1p63 ? INT64_MAX : (int64_t)x);
}
static inline u64 cut_u64(double x) { if (x != x) abort(); return x <= 0 ? 0 : x >= 0x1p64 ? UINT64_MAX : (u64)x; }
"""


def translate(ptx):
    """C of the PTX's kernel: `run(grid, threads, parameters)`, and the sizes of its parameters in bits."""
    if len(re.findall(r"\.(?:entry|func|shared|global|const)\s", ptx)) != 1:
        raise UnknownInstructionError("there must be one kernel, no function and no variable outside of it")
    match = re.search(r"\.entry\s+(\w+)\((.*?)\)[^{]*\{(.*)\n\}", ptx, re.DOTALL)
    declared = re.findall(r"\.param\s+\.[a-z]+(\d+)\s+(\w+)", match[2])
    parameters = [name for _, name in declared]
    lines = [
        HEAD,
        "static _Thread_local u64 misplaced;",
        "static void one(u32 tid, u32 ctaid, u32 ntid, u32 nctaid, void** P) {",
    ]
    for line in match[3].split("\n"):
        line = re.sub(r"//.*", "", line).strip()
        if found := re.fullmatch(r"\.reg\s+\.([a-z]+)(\d*)\s+%(\w+?)<(\d+)>;", line):
            word = WORD[int(found[2] or 1)]
            lines.append(f"{word} {', '.join(f'{found[3]}{i}' for i in range(int(found[4])))};")
        elif found := re.fullmatch(r"\.reg\s+\.b64\s+%(SPL?);", line):
            lines.append(f"u64 {found[1]};")
        elif found := re.fullmatch(r"\.local\s+\.align (\d+) \.b8\s+(\w+)\[(\d+)\];", line):
            lines.append(f"u8 {found[2]}[{found[3]}] __attribute__((aligned({found[1]})));")
            lines.append(f"const u64 local_begin = (u64){found[2]}, local_end = local_begin + {found[3]};")
        elif line.endswith(":"):
            lines.append(line.replace("$", "L") + ";")
        elif line and line not in ("{", "}") and not line.startswith((".pragma", ".loc", ".file")):
            lines.append(instruction(line, parameters))
    lines.append("}")
    lines.append("u64 run(u32 grid, u32 threads, void** P) { misplaced = 0;")
    lines.append("for (u32 b = 0; b < grid; b++) for (u32 t = 0; t < threads; t++) one(t, b, threads, grid, P);")
    lines.append("return misplaced; }")
    return "\n".join(lines), [int(bits) for bits, _ in declared]


def build(ptx, folder):
    """The kernel as a function of a grid, threads of a block, and an array of pointers to parameters."""
    source, sizes = translate(ptx)
    library = folder / f"{hashlib.sha256(source.encode()).hexdigest()[:24]}.so"
    if not library.exists():  # other processes may build it too
        temporary = library.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
        options = ["-O1", "-w", "-march=native", "-ffp-contract=off", "-fwrapv", "-shared", "-fPIC"]
        subprocess.run(["cc", *options, "-o", str(temporary), "-x", "c", "-", "-lm"], input=source, text=True, check=True)
        temporary.replace(library)
    run = ctypes.CDLL(str(library)).run
    run.argtypes, run.restype = [ctypes.c_uint32, ctypes.c_uint32, ctypes.c_void_p], ctypes.c_uint64
    return run, sizes
