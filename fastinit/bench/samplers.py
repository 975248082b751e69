"""The samplers of a table: the store, fastinit, and the other libraries, each made ready for a job."""

from __future__ import annotations

from fastinit.bench.measure import Call, Job, fill_call, store_call, touched
from fastinit.peers import libraries, samplers
from fastinit.peers.interface import Request

#: The two that the others are compared with.
REFERENCES = ("store", "fastinit")
#: Keras is left out: its samplers are those of its backend.
PEERS = tuple(name for name in libraries.TITLES if name != "keras")
TITLES = {"store": "parallel store", "fastinit": "fastinit", **libraries.TITLES, "cupy": "CuPy"}


def ready(library: str, job: Job) -> tuple[Call, int]:
    """A library's call for a job, and how many values it makes; peers.Missing says why there is none."""
    if job.device == "cuda":
        from fastinit.bench import device

        return device.ready(library, job), job.values
    if library == "store":
        return store_call(job.values, job.dtype, job.buffer), job.values
    if library == "fastinit":
        return fill_call(job.law, job.values, job.dtype, job.buffer), job.values
    values = min(job.values, samplers.find(library, job.law, job.dtype).most)
    sampler = samplers.make(library, Request(job.law, job.dtype, threads=job.threads))
    fill = sampler.fill
    if fill is None or job.buffer == "fresh":
        return lambda: sampler.draw(values), values
    out = sampler.view(touched(values, job.dtype))
    return lambda: fill(out), values
