"""The fills that torch makes of its words, for values that lie side by side in memory."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import numpy.typing as npt

from fastinit.arguments import dtypes
from fastinit.kernels.threads import address_of
from fastinit.torch.values import kernels
from fastinit.torch.values.laws import UNIT, Law
from fastinit.torch.values.residence import is_written
from fastinit.torch.values.sequence import Job, Sequence, fill
from fastinit.torch.values.trace import BEFORE, CHUNK, STILL

#: Values that torch transforms together. If the number of all is no multiple, it makes the last so many anew.
GROUP = 16
#: Bytes from which on values are written past the caches: what would stay in them is overwritten before it is read.
STREAM_FROM = 16 << 20

Array = npt.NDArray[Any]


def _real(law: Law, number: float) -> Any:
    """A parameter in the dtype's arithmetic: float64, or float32 for the others."""
    return np.float64(number) if law.dtype == "float64" else np.float32(number)


def stored(law: Law, number: float) -> Array:
    """A number in the dtype, as an array of one."""
    with np.errstate(over="ignore"):
        return np.array([_real(law, number)]).astype(dtypes.resolve(law.dtype).dtype)


def _bits(values: Array) -> Array:
    return values.view(f"u{values.itemsize}")


def ordered(values: Array) -> Array:
    """`laws.ordered` for arrays."""
    bits = _bits(values)
    top = bits.dtype.type(1 << 8 * bits.itemsize - 1)
    return np.where(bits & top, ~bits, bits ^ top)


def _bound(law: Law, number: float, zero: float) -> int:
    """A bound as `ordered` has it; one that is 0 becomes this zero, so that neither zero is outside."""
    value = stored(law, number)
    value[value == 0] = zero
    return int(ordered(value)[0])


def _doubles(*numbers: float) -> ctypes.Array[ctypes.c_double]:
    return (ctypes.c_double * len(numbers))(*numbers)


def _job(law: Law, *numbers: float) -> Job:
    return Job(law, kernels.fill(law), _doubles(*numbers))


def _fill_units(sequence: Sequence, job: Job, out: Array, count: int) -> Sequence:
    """Fill so many values, whole units, past the caches if the memory is large and was written before."""
    address = address_of(out)
    if out.nbytes >= STREAM_FROM and address % 64 == 0 and is_written(address, out.nbytes):
        job = job._replace(code=kernels.fill(job.law, "streaming"))
    return fill(sequence, job, address, count * job.law.words)


def _rest(sequence: Sequence, job: Job, like: Array, count: int) -> Array:
    """So many values, fewer than a unit before the end of which more are made."""
    memory: Any = (ctypes.c_char * ((count + UNIT) * like.itemsize))()
    sequence.fill(job, ctypes.addressof(memory), count * job.law.words)
    values: Array = np.frombuffer(memory, like.dtype, count)
    return values


def uniform(law: Law, sequence: Sequence, out: Array, low: float, high: float) -> Sequence:
    """Fill as `uniform_(low, high)` does; return the place behind the words that it uses up."""
    start, end = _real(law, low), _real(law, high)
    numbers = [start, end - start, end]
    if out.itemsize == 2:
        last = stored(law, high)
        mask = 0xFFFF if last.astype(bool)[0] else 0x7FFF  # both zeros are the end
        numbers += [_bits(stored(law, low))[0], _bits(last)[0] & mask, mask]
    job = _job(law, *numbers)
    whole = out.size // law.unit * law.unit
    sequence = _fill_units(sequence, job, out, whole)
    if whole < out.size:
        out[whole:] = _rest(sequence, job, out, out.size - whole)
    return sequence


def _whole_units(law: Law, count: int) -> int:
    """How many values units make before the last ones, which are made anew unless there are only whole groups."""
    return (count if count % GROUP == 0 else count - GROUP) // law.unit * law.unit


def _last_normals(sequence: Sequence, job: Job, out: Array) -> Array:
    """The values behind the whole units. Only for the dtypes of two bytes torch makes no word of an incomplete group."""
    begin, groups = _whole_units(job.law, out.size), out.size // GROUP * GROUP
    values = np.empty(out.size - begin, out.dtype)
    made = (groups if out.itemsize == 2 else out.size) - begin
    values[:made] = _rest(sequence, job, out, made)
    if groups < out.size:
        values[-GROUP:] = _rest(sequence, job, out, GROUP)
    return values


def normal(law: Law, sequence: Sequence, out: Array, mean: float, std: float) -> Sequence:
    """Fill at least 16 values as `normal_(mean, std)` does; return the place behind the words that it uses up."""
    job, whole = _job(law, _real(law, mean), _real(law, std)), _whole_units(law, out.size)
    sequence = _fill_units(sequence, job, out, whole)
    out[whole:] = _last_normals(sequence, job, out)
    return sequence


def truncated_normal(law: Law, sequence: Sequence, out: Array, mean: float, std: float, a: float, b: float) -> Sequence:
    """Fill at least 16 values as `trunc_normal_` does where it draws normal values.

    It replaces those outside [a, b] by the ones at their places in whole tensors of new normal values, until none is outside.
    """
    low, high = _bound(law, a, -0.0), _bound(law, b, 0.0)
    numbers = _doubles(_real(law, mean), _real(law, std), low, high)
    whole = _whole_units(law, out.size)
    flags = np.full(-(-whole // CHUNK), STILL, np.uint8)
    job, last = Job(law, kernels.fill(law, "again"), numbers, flags), _job(law, *numbers[:2])

    def outside(values: Array) -> npt.NDArray[np.bool_]:
        places = ordered(values)
        return (places < low) | (places > high)

    place = normal(law, sequence, out, mean, std)
    while True:
        wrong = outside(out[whole:])
        after = fill(place, job, address_of(out), whole)
        values = _last_normals(after, last, out)
        if not (wrong.any() or (flags & BEFORE).any()):
            return place
        out[whole:][wrong] = values[wrong]
        place = after
        if not (outside(out[whole:]).any() or (flags & STILL).any()):
            return place
