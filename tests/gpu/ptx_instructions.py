"""One PTX instruction as a C statement that means what NVIDIA's PTX ISA says, with the host's IEEE operations.

Strict: an unknown instruction is an error, and so is a real operation without `.rn`. So the driver's assembler can neither
contract, nor approximate, nor flush to zero what passes here.
"""

import re

#: What cvt may take.
SOURCES = {"f32", "f64", *(f"{sign}{bits}" for sign in "us" for bits in (8, 16, 32, 64))}
#: The C type of a register of so many bits.
WORD = {1: "u8", 8: "u8", 16: "u16", 32: "u32", 64: "u64"}
RELATIONS = {
    "eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=",
    "lo": "<", "ls": "<=", "hi": ">", "hs": ">=", "neu": "!=",
}  # fmt: skip
#: Relations of reals that hold where an operand is NaN: of the ordered ones, only `ne` needs a look.
UNORDERED = {"ltu": ">=", "leu": ">", "gtu": "<=", "geu": "<"}
SPECIAL = {"%tid.x": "tid", "%ctaid.x": "ctaid", "%ntid.x": "ntid", "%nctaid.x": "nctaid"}
ARITHMETIC = {"add": "+", "sub": "-", "mul": "*", "div": "/"}
BITWISE = {"and": "&", "or": "|", "xor": "^"}


class UnknownInstructionError(ValueError):
    """An instruction that this translator does not know, or that does not round as it must."""


def width(kind):
    """The bits of a PTX type."""
    if kind != "pred" and not re.fullmatch(r"[busf](8|16|32|64)", kind):
        raise UnknownInstructionError(f"type {kind}")
    return 1 if kind == "pred" else int(kind[1:])


def operand(text):
    """A register or an integer or real constant as its bits."""
    text = text.strip()
    if text in SPECIAL:
        return SPECIAL[text]
    if match := re.fullmatch(r"0[fF]([0-9A-Fa-f]{8})|0[dD]([0-9A-Fa-f]{16})", text):
        return f"0x{match[1] or match[2]}ull"
    if re.fullmatch(r"%(?:p|rs|r|rd|f|fd|h|hh)\d+|%SPL?|__local_depot\d+", text):
        return text.lstrip("%") if text.startswith("%") else f"(u64){text}"
    if match := re.fullmatch(r"(-?\d+|0x[0-9A-Fa-f]+)U?", text):
        return f"((u64){int(match[1], 0) & 2**64 - 1}ull)"
    if text in ("true", "false"):
        return str(int(text == "true"))
    raise UnknownInstructionError(f"operand {text}")


def typed(text, kind):
    """An operand as a C value of its PTX type."""
    bits = operand(text)
    if kind in ("f32", "f64"):
        return f"{kind}({bits})"
    return bits if kind == "pred" else f"(({'int' if kind[0] == 's' else 'uint'}{kind[1:]}_t){bits})"


def split(text):
    """Operands, of which some are lists in braces or addresses in brackets."""
    return [part.strip() for part in re.findall(r"\s*(\{[^}]*\}|\[[^\]]*\]|[^,\s{\[][^,]*)", text) if part.strip()]


def real(parts, args):
    """add, sub, mul, div, fma, sqrt, neg, abs, min, max of reals."""
    name, kind = parts[0], parts[-1]
    values = [typed(x, kind) for x in args[1:]]
    suffix = "f" if kind == "f32" else ""
    if name in ("neg", "abs", "min", "max"):
        if len(parts) != 2:
            raise UnknownInstructionError(".".join(parts))
        one = {"neg": f"-{values[0]}", "abs": f"fabs{suffix}({values[0]})"}
        value = one.get(name) or f"{name}imum({', '.join(values)})"
    else:
        if parts[1:-1] != ["rn"]:
            raise UnknownInstructionError(f"{'.'.join(parts)} must say .rn and nothing else of its rounding")
        sign = ARITHMETIC.get(name)
        value = f"{values[0]} {sign} {values[1]}" if sign else f"{name}{suffix}({', '.join(values)})"
    return f"bits{kind[1:]}({value})"


def integer(parts, args):
    """Operations on integers and bits; None if there is none of this name."""
    name, kind, x = parts[0], parts[-1], args[1:]
    bits = width(kind)
    if name in ("add", "sub") and len(parts) == 2:
        return f"{operand(x[0])} {ARITHMETIC[name]} {operand(x[1])}"
    if name in ("mul", "mad"):
        wide = f"({'int' if kind[0] == 's' else 'uint'}{bits * 2 if parts[1] == 'wide' else bits}_t)"
        if parts[1] not in ("lo", "wide"):
            return None
        product = f"{wide}{typed(x[0], kind)} * {wide}{typed(x[1], kind)}"
        return product if name == "mul" else f"{product} + {operand(x[2])}"
    if name in ("div", "rem") and kind[0] == "u":
        return f"{typed(x[0], kind)} {'/' if name == 'div' else '%'} {typed(x[1], kind)}"
    if name in BITWISE:
        return f"{operand(x[0])} {BITWISE[name]} {operand(x[1])}"
    if name == "not":
        return f"!{operand(x[0])}" if kind == "pred" else f"~{operand(x[0])}"
    if name == "neg":
        return f"-{operand(x[0])}"
    if name == "shl":
        return f"shl({operand(x[0])}, {operand(x[1])}, {bits})"
    if name == "shr":
        return f"{'sar' if kind[0] == 's' else 'shr'}({typed(x[0], kind)}, {operand(x[1])}, {bits})"
    if name == "bfe" and kind[0] == "u":
        return f"bfe({', '.join(map(operand, x))}, {bits})"
    if name == "prmt" and len(parts) == 2:
        return f"prmt({', '.join(map(operand, x))})"
    if name in ("min", "max") and kind[0] in "us":
        sign = "<" if name == "min" else ">"
        return f"{typed(x[0], kind)} {sign} {typed(x[1], kind)} ? {operand(x[0])} : {operand(x[1])}"
    if name == "selp":
        return f"{operand(x[2])} ? {operand(x[0])} : {operand(x[1])}"
    if name in ("mov", "cvta") and not x[0].startswith("{"):
        return operand(x[0])
    return None


def compared(parts, args):
    """setp of two numbers."""
    if parts[1:] in (["nan", "f32"], ["nan", "f64"]):
        a, b = (typed(x, parts[2]) for x in args[1:])
        return f"{a} != {a} || {b} != {b}"
    if len(parts) != 3 or parts[1] not in {*RELATIONS, *UNORDERED}:
        raise UnknownInstructionError(".".join(parts))
    a, b = (typed(x, parts[2]) for x in args[1:])
    if parts[1] in UNORDERED:
        return f"!({a} {UNORDERED[parts[1]]} {b})"
    if parts[1] == "ne" and parts[2] in ("f32", "f64"):
        return f"{a} < {b} || {a} > {b}"
    return f"{a} {RELATIONS[parts[1]]} {b}"


def converted(parts, args):
    """cvt, with the roundings that exist between these types."""
    to, have, modes = parts[-2], parts[-1], parts[1:-2]
    if to in ("f16", "f16x2"):
        wanted = ["rn"]
    elif to in ("f32", "f64"):
        wanted = [] if (have, to) in (("f32", "f64"), ("f16", "f32")) else ["rn"]
    else:
        wanted = ["rzi"] if have in ("f32", "f64") else []
    known = have in SOURCES or (have, to) == ("f16", "f32")
    if modes != wanted or (to in ("f16", "f16x2") and have != "f32") or not known:
        raise UnknownInstructionError(".".join(parts))
    if to == "f16x2":
        return f"(u32)half(f32({operand(args[1])})) << 16 | half(f32({operand(args[2])}))"
    if to == "f16":
        return f"half(f32({operand(args[1])}))"
    if have == "f16":
        return f"bits32(whole({operand(args[1])}))"
    if to in ("f32", "f64"):
        return f"bits{to[1:]}(({'float' if to == 'f32' else 'double'}){typed(args[1], have)})"
    if modes == ["rzi"]:
        return f"cut_{to}({typed(args[1], have)})"
    return f"({'int' if to[0] == 's' else 'uint'}{to[1:]}_t){typed(args[1], have)}"


def moved_in_parts(parts, args):
    """A mov that packs registers into a wider one, or takes one apart."""
    bits = width(parts[-1])
    if args[1].startswith("{"):
        lanes = [x.strip() for x in args[1].strip("{}").split(",")]
        each = bits // len(lanes)
        packed = " | ".join(f"(({WORD[bits]})({WORD[each]}){operand(x)} << {i * each})" for i, x in enumerate(lanes))
        return f"{args[0].lstrip('%')} = {packed};"
    lanes = [x.strip() for x in args[0].strip("{}").split(",")]
    each = bits // len(lanes)
    taken = (f"{x.lstrip('%')} = ({WORD[each]})({operand(args[1])} >> {i * each});" for i, x in enumerate(lanes) if x != "_")
    return "{ " + " ".join(taken) + " }"


def memory(parts, args):
    """ld and st of one register or a vector, to or from any address; accesses that are misplaced are counted."""
    is_load = parts[0] == "ld"
    place, registers = (args[1], args[0]) if is_load else (args[0], args[1])
    match = re.fullmatch(r"\[(%\w+)(?:\+(-?\d+))?\]", place)
    if match is None or set(parts[1:-1]) - {"global", "local", "v2", "v4"}:
        raise UnknownInstructionError(".".join(parts))
    address, size = f"({match[1][1:]} + {match[2] or 0})", width(parts[-1]) // 8
    lanes = [x.strip() for x in registers.strip("{}").split(",")]
    if len(lanes) != next((int(part[1]) for part in parts if part in ("v2", "v4")), 1):
        raise UnknownInstructionError(f"{'.'.join(parts)} of {registers}")
    steps = [f"if ({address} % {size * len(lanes)}) misplaced++;"]
    if "local" in parts:
        end = f"{address} + {size * len(lanes)}"
        steps.append(f"if ({address} < local_begin || {end} > local_end) {{ misplaced++; return; }}")
    for i, x in enumerate(lanes):
        at = f"(void*)({address} + {i * size})"
        if is_load:
            steps.append(f"{{ {WORD[8 * size]} t; memcpy(&t, {at}, {size}); {x.lstrip('%')} = t; }}")
        else:
            steps.append(f"{{ {WORD[8 * size]} t = ({WORD[8 * size]}){operand(x)}; memcpy({at}, &t, {size}); }}")
    return "{ " + " ".join(steps) + " }"


def instruction(line, parameters):
    """One instruction as a C statement."""
    guard = ""
    if match := re.match(r"@(!?)%(\w+)\s+(.*)", line):
        guard, line = f"if ({match[1]}{match[2]}) ", match[3]
    if match := re.fullmatch(r"\{ \.reg \.b(?:16|32) tmp; (mov\.b(?:32|64) \{.*?\}, %r\w+;) \}", line):
        line = re.sub(r"\btmp\b", "_", match[1])  # before PTX 7.1 there was no `_` for what is not wanted
    match = re.fullmatch(r"([\w.]+)(?:\s+(.*?))?;", line)
    if match is None:
        raise UnknownInstructionError(line)
    parts, args = match[1].split("."), split(match[2] or "")
    name, kind = parts[0], parts[-1]
    if parts == ["ret"]:
        return guard + "return;"
    if parts in (["bra"], ["bra", "uni"]):
        return f"{guard}goto {args[0].replace('$', 'L')};"
    if name == "ld" and parts[1:-1] == ["param"]:
        return f"{args[0][1:]} = *(const {WORD[width(kind)]}*)P[{parameters.index(args[1].strip('[]'))}];"
    if name in ("ld", "st"):
        return guard + memory(parts, args)
    if name == "mov" and "{" in args[0] + args[1]:
        return guard + moved_in_parts(parts, args)
    if name == "setp":
        value = compared(parts, args)
    elif name == "cvt":
        value = converted(parts, args)
    elif kind in ("f32", "f64") and name in (*ARITHMETIC, "fma", "sqrt", "neg", "abs", "min", "max"):
        value = real(parts, args)
    else:
        value = integer(parts, args)
    if value is None:
        raise UnknownInstructionError(line)
    return f"{guard}{args[0].lstrip('%')} = {value};"
