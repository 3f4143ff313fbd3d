"""A segment of the spool: a header, then records one behind the other, each with its checksum.

::

    HEADER   magic 8 · class 8 · created_ns 8
    RECORD   magic 4 · bytes 4 · number 8 · end_ns 8 · lines 4 · crc32 4 · payload (zlib of lines)

Records only follow one another: a file that ends in the middle of one was being written when the
power went or the process was killed, and that record never counted. What is damaged in the middle
is passed over up to the next whole record, and told.
"""

import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

_HEADER: Final = struct.Struct("<8s8sq")
_RECORD: Final = struct.Struct("<4sIqqII")
_MAGIC: Final = b"LCSPOOL1"
_RECORD_MAGIC: Final = b"LCR1"
HEADER_BYTES: Final = _HEADER.size
PAYLOAD_BYTES_MAX: Final = 16 * 1024 * 1024
_COMPRESSION: Final = 1  # a tenth of the size; more effort gains little


class Record(NamedTuple):
    """One class's lines of one interval, and where the next record begins."""

    number: int  # of the interval
    end_ns: int
    lines_n: int
    lines: bytes
    next_offset: int


@dataclass(frozen=True)
class Damage:
    """``bytes_n`` from ``offset`` on are not what was written."""

    offset: int
    bytes_n: int
    is_tail: bool  # the last record, unfinished: nothing was lost


def create(path: Path, kind: str, created_ns: int) -> int:
    """A new, empty segment, open for appending; its file descriptor."""
    fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_APPEND | os.O_CLOEXEC, 0o640)
    os.write(fd, _HEADER.pack(_MAGIC, kind.encode().ljust(8, b"\0"), created_ns))
    return fd


def encode(number: int, end_ns: int, lines: bytes) -> bytes:
    """One record."""
    payload = zlib.compress(lines, _COMPRESSION)
    assert len(payload) <= PAYLOAD_BYTES_MAX
    fields = (_RECORD_MAGIC, len(payload), number, end_ns, lines.count(b"\n"))
    check = zlib.crc32(payload, zlib.crc32(_RECORD.pack(*fields, 0)))
    return _RECORD.pack(*fields, check) + payload


def read(data: bytes, offset: int = 0) -> Iterator[Record | Damage]:
    """The records of a segment's bytes from ``offset`` on, and where between them is something
    else."""
    if offset == 0:
        if not data.startswith(_MAGIC):
            yield Damage(0, len(data), is_tail=len(data) < HEADER_BYTES)
            return
        offset = HEADER_BYTES
    while offset < len(data):
        record = _record_at(data, offset)
        if record is not None:
            yield record
            offset = record.next_offset
            continue
        begin, offset = offset, _next_record(data, offset + 1)
        is_tail = offset == len(data) and _is_unfinished(data, begin)
        yield Damage(begin, offset - begin, is_tail)


def _next_record(data: bytes, offset: int) -> int:
    """Where the next whole record begins, or the end."""
    while (offset := data.find(_RECORD_MAGIC, offset)) >= 0:
        if _record_at(data, offset) is not None:
            return offset
        offset += 1
    return len(data)


def _is_unfinished(data: bytes, offset: int) -> bool:
    """Whether what begins there may be a record of which the end was never written."""
    left = len(data) - offset
    if left < _RECORD.size:
        return _RECORD_MAGIC.startswith(data[offset : offset + len(_RECORD_MAGIC)])
    magic, length, *_ = _RECORD.unpack_from(data, offset)
    known: bool = magic == _RECORD_MAGIC and length <= PAYLOAD_BYTES_MAX
    return known and left < _RECORD.size + int(length)


def _record_at(data: bytes, offset: int) -> Record | None:
    if len(data) - offset < _RECORD.size:
        return None
    magic, length, number, end_ns, lines_n, check = _RECORD.unpack_from(data, offset)
    end = offset + _RECORD.size + length
    if magic != _RECORD_MAGIC or length > PAYLOAD_BYTES_MAX or end > len(data):
        return None
    fields = _RECORD.pack(magic, length, number, end_ns, lines_n, 0)
    payload = data[offset + _RECORD.size : end]
    if zlib.crc32(payload, zlib.crc32(fields)) != check:
        return None
    return Record(number, end_ns, lines_n, zlib.decompress(payload), end)
