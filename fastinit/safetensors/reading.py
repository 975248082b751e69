"""Headers, read without the safetensors library: it refuses a file whose data part is missing, which `--like` accepts.

The file is untrusted: each entry is checked as it is read, and memory stays in proportion to the header.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import stat
from collections.abc import Iterator
from typing import Any, BinaryIO

from fastinit.files.atomic import PathLike
from fastinit.safetensors.format import METADATA, MOST_HEADER_BYTES, Tensor, checked_name, checked_shape, kind, quoted

#: A tensor's entry: it has no inner braces, and 64 axes of 19 digits fit.
_ENTRY = re.compile(r"\{[^{}]{0,4096}\}")
_BLANKS = re.compile(r"[ \t\r\n]*+")

_decoder = json.JSONDecoder()

Entries = dict[str, tuple[Tensor, tuple[int, int]]]


@contextlib.contextmanager
def opened(path: PathLike) -> Iterator[BinaryIO]:
    """Open a regular file for reading. A pipe could block for ever, and a device may have no end."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        raise OSError(errno.EINVAL, "Not a regular file", str(path))
    with os.fdopen(descriptor, "rb") as file:
        yield file


class _Scanner:
    """Reads JSON token by token, so that no object is built before it is checked."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def _skip(self) -> None:
        blanks = _BLANKS.match(self.text, self.at)
        self.at = blanks.end() if blanks else self.at

    def take(self, sign: str) -> bool:
        self._skip()
        matches = self.text.startswith(sign, self.at)
        self.at += matches
        return matches

    def need(self, sign: str) -> None:
        if not self.take(sign):
            raise ValueError(f"expected {sign!r} at character {self.at}; got {self.text[self.at : self.at + 20]!r}")

    def string(self) -> str:
        self.need('"')
        value, self.at = _decoder.raw_decode(self.text, self.at - 1)
        return str(value)

    def entry(self) -> dict[str, Any]:
        self._skip()
        entry = _ENTRY.match(self.text, self.at)
        if entry is None:
            raise ValueError(f"expected a tensor's entry at character {self.at}; got {self.text[self.at : self.at + 20]!r}")
        self.at = entry.end()
        value: dict[str, Any] = json.loads(entry[0])
        return value

    def members(self) -> Iterator[str]:
        """The keys of an object; the caller reads each value before it asks for the next key."""
        self.need("{")
        if self.take("}"):
            return
        while True:
            key = self.string()
            self.need(":")
            yield key
            if not self.take(","):
                break
        self.need("}")

    def end(self) -> None:
        self._skip()
        if self.at < len(self.text):
            raise ValueError(f"expected nothing at character {self.at}; got {self.text[self.at : self.at + 20]!r}")


def _offsets(value: Any) -> tuple[int, int]:
    if not (isinstance(value, list) and len(value) == 2 and all(type(n) is int and n >= 0 for n in value)):
        raise ValueError(f"data_offsets must be two whole numbers, the second not below the first; got {quoted(value)}")
    return value[0], value[1]


def _tensor(name: str, entry: dict[str, Any]) -> tuple[Tensor, tuple[int, int]]:
    """A checked entry: the tensor and its offsets."""
    try:
        for key in ("dtype", "shape", "data_offsets"):
            if key not in entry:
                raise ValueError(f"its entry has no {key!r}")
        if not isinstance(entry["dtype"], str):
            raise ValueError(f"dtype must be text; got {quoted(entry['dtype'])}")
        tensor = Tensor(checked_name(name), checked_shape(entry["shape"]), kind(entry["dtype"]))
        begin, end = _offsets(entry["data_offsets"])
        if end - begin != tensor.nbytes:
            raise ValueError(f"data_offsets must hold the {tensor.nbytes:,} bytes of its shape and dtype; got {[begin, end]}")
    except (TypeError, ValueError) as error:
        raise ValueError(f"tensor {quoted(name)}: {error}") from None
    return tensor, (begin, end)


def _entries(text: str) -> Entries:
    """Every tensor of a header and its offsets, by name."""
    scanner, entries = _Scanner(text), Entries()
    seen = False
    for name in scanner.members():
        if name == METADATA:
            if seen:
                raise ValueError(f"{METADATA!r} must occur once; got it twice")
            seen = True
            for _ in scanner.members():
                scanner.string()
            continue
        if name in entries:
            raise ValueError(f"tensor {quoted(name)} must occur once; got it twice")
        entries[name] = _tensor(name, scanner.entry())
    scanner.end()
    return entries


def _in_order(entries: Entries) -> list[Tensor]:
    """The tensors in the order of the file, which must have neither gaps nor overlaps."""
    tensors = []
    expected = 0
    for tensor, (begin, end) in sorted(entries.values(), key=lambda entry: entry[1]):
        if begin != expected:
            fault = "overlap another tensor" if begin < expected else "leave a gap before it"
            raise ValueError(
                f"tensor {quoted(tensor.name)}: data_offsets must not {fault}; got {[begin, end]}, expected {expected}"
            )
        expected = end
        tensors.append(tensor)
    return tensors


def _text(file: BinaryIO) -> str:
    length = int.from_bytes(file.read(8), "little")
    rest = os.fstat(file.fileno()).st_size - 8
    if rest < 0 or length > rest:
        raise ValueError(f"the header must lie within the file; got {length:,} bytes of header, {max(rest, 0):,} in the file")
    if length > MOST_HEADER_BYTES:
        raise ValueError(f"the header must be at most {MOST_HEADER_BYTES:,} bytes; got {length:,}")
    return file.read(length).decode()


def read_header(path: PathLike) -> list[Tensor]:
    """The tensors of a file, in its order; only the header is read. Raises OSError, or ValueError with the tensor's name."""
    with opened(path) as file:
        try:
            return _in_order(_entries(_text(file)))
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{os.fspath(path)!r} is not a safetensors file: {' '.join(str(error).split())}") from None
