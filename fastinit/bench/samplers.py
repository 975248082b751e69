"""The samplers of a table: the stores, fastinit, and the other libraries, each made ready for a job."""

from __future__ import annotations

from typing import NamedTuple

from fastinit.bench.measure import Call, Job, fill_call, into, touched
from fastinit.bench.stores import passes, store
from fastinit.peers import libraries, samplers
from fastinit.peers.interface import Request

#: No fill can be much faster than these: through the caches, and past them.
STORES = ("store", "nontemporal")
#: Those that the others are compared with.
REFERENCES = (*STORES, "fastinit")
#: Keras is left out: its samplers are those of its backend.
PEERS = tuple(name for name in libraries.TITLES if name != "keras")
TITLES = {"store": "store", "nontemporal": "NT store", "fastinit": "fastinit", **libraries.TITLES, "cupy": "CuPy"}


class Description(NamedTuple):
    """What is called, whether it makes a new array in each call, whether it uses one thread whatever is set."""

    label: str
    allocates: bool = False
    serial: bool = False


def describe(library: str, job: Job) -> Description:
    """What a library calls for a job, without importing the library; Missing says why there is nothing."""
    if job.device == "cuda":
        from fastinit.bench import device

        return Description(device.label(library, job.law))
    if library in STORES:
        return Description("parallel store of a constant" if library == "store" else "parallel non-temporal store")
    if library == "fastinit":
        return Description(f"fastinit {job.law}")
    method = samplers.find(library, job.law, job.dtype)
    return Description(method.label, not method.fills, method.serial)


def references(job: Job) -> tuple[str, ...]:
    """The references that a job has: a device's memory has one kind of store."""
    return tuple(name for name in REFERENCES if job.device == "cpu" or name != "nontemporal")


def ready(library: str, job: Job) -> tuple[Call, int]:
    """A library's call for a job, and how many values it makes; peers.Missing says why there is none."""
    if job.device == "cuda":
        from fastinit.bench import device

        return device.ready(library, job), job.values
    if library in STORES:
        return _store(job, library == "nontemporal")
    if library == "fastinit":
        return fill_call(job.law, job.values, job.dtype, job.buffer), job.values
    values = min(job.values, samplers.find(library, job.law, job.dtype).most)
    sampler = samplers.make(library, Request(job.law, job.dtype, threads=job.threads))
    fill = sampler.fill
    if fill is None or job.buffer == "fresh":
        return lambda: sampler.draw(values), values
    out = sampler.view(touched(values, job.dtype))
    return lambda: fill(out), values


def _store(job: Job, nontemporal: bool) -> tuple[Call, int]:
    """A store of small touched buffers passes over them several times, so its threads need not be woken for each pass."""
    count = 1 if job.buffer == "fresh" else passes(touched(job.values, job.dtype).nbytes)
    return into(job.buffer, lambda out: store(out, nontemporal, count), job.values, job.dtype), count * job.values
