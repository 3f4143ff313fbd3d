"""A file, plain or gzip, as batches of raw lines in bounded memory.

Knows bytes, blocks and line ends; what stands in a line is ``recording``'s business.
"""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from appliance.cold.errors import ApplianceError

BLOCK_BYTES: Final = 1 << 20
LINE_BYTES_MAX: Final = 8 << 20  # a 5,000-level snapshot has 360 kB
_SALVAGE_BYTES: Final = 64
_MAGIC_BYTES: Final = 8
_GZIP_MAGIC: Final = b"\x1f\x8b"
_OTHER_MAGICS: Final = {
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\xfd7zXZ\x00": "xz",
    b"BZh": "bzip2",
    b"PK\x03\x04": "zip",
    b"\x04\x22\x4d\x18": "lz4",
}

Progress = Callable[[int, int], None]
"""Called with the bytes of the file read so far and its size (0 when nobody knows it)."""


class _Source(Protocol):
    def read(self, size: int, /) -> bytes: ...

    def close(self) -> None: ...


@dataclass(slots=True)
class Endings:
    """What became of the lines that the caller never sees."""

    truncated: bool = False  # the file stops, or turns to rubbish, before its proper end
    too_long: int = 0  # lines of more than line_bytes_max
    cut: int = 0  # 1: the last line has no end


@dataclass(slots=True)
class ByteLines:
    """One opened file. Iterate once: lists of lines without their line ends.

    The memory needed is a few blocks and at most line_bytes_max of one line.
    """

    path: Path
    endings: Endings = field(default_factory=Endings)
    progress: Progress | None = None
    line_bytes_max: int = LINE_BYTES_MAX
    _file: _Source = field(init=False)
    _first: bytes = field(init=False)
    _size: int = field(init=False, default=0)
    _done: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        try:
            self._file = self.path.open("rb", buffering=0)
            self._size = self.path.stat().st_size
            self._first = self._read()
            while 0 < len(self._first) < _MAGIC_BYTES and (more := self._read()):
                self._first += more  # a pipe gives what it has
        except IsADirectoryError:
            raise ApplianceError(f"{self.path} is a directory; name a file in it") from None
        except FileNotFoundError:
            raise ApplianceError(f"{self.path} does not exist; check the path") from None
        except PermissionError:
            raise ApplianceError(f"{self.path} may not be read; check its permissions") from None
        except (OSError, ValueError) as error:
            raise ApplianceError(f"{self.path} cannot be read: {_reason(error)}") from None
        if not self._first:
            self._file.close()
            raise ApplianceError(f"{self.path} is empty; there is nothing to read")
        for magic, name in _OTHER_MAGICS.items():
            if self._first.startswith(magic):
                self._file.close()
                raise ApplianceError(f"{self.path} is {name}-compressed; give it plain or as gzip")

    def close(self) -> None:
        """Let go of the file; iterating to the end does so too."""
        self._file.close()

    def __del__(self) -> None:
        if hasattr(self, "_file"):  # else opening it failed
            self._file.close()

    def __iter__(self) -> Iterator[list[bytes]]:
        try:
            yield from self._batches()
        finally:
            self._file.close()

    def _read(self) -> bytes:
        try:
            data = self._file.read(BLOCK_BYTES)
        except IsADirectoryError:
            raise
        except OSError as error:
            raise ApplianceError(f"{self.path} cannot be read: {_reason(error)}") from None
        self._done += len(data)
        if self.progress is not None:
            self.progress(self._done, self._size)
        return data

    def _batches(self) -> Iterator[list[bytes]]:
        gzipped = self._first.startswith(_GZIP_MAGIC)
        pieces: list[bytes] = []  # of the line that has no end yet
        pieces_bytes = 0
        skipping = False
        for number, block in enumerate(self._inflated() if gzipped else self._plain()):
            if number == 0 and b"\0" in block.partition(b"\n")[0]:
                raise ApplianceError(f"{self.path} is not text; a recording is lines of frames")
            lines = block.split(b"\n")
            if len(lines) > 1:
                pieces.append(lines[0])
                lines[0] = b"".join(pieces)
                if skipping or len(lines[0]) > self.line_bytes_max:
                    self.endings.too_long += not skipping
                    del lines[0]
                pieces, pieces_bytes, skipping = [], 0, False
            last = lines.pop()
            if lines:
                yield lines
            if not skipping:
                pieces.append(last)
                pieces_bytes += len(last)
                if pieces_bytes > self.line_bytes_max:
                    pieces, skipping = [], True
                    self.endings.too_long += 1
        yield from self._last_line(b"".join(pieces).rstrip())

    def _last_line(self, text: bytes) -> Iterator[list[bytes]]:
        """The line without an end: whole if it looks so, and if the file has not lost its tail."""
        if not text:
            return
        if self.endings.truncated or text[-1:] not in b"}]":
            self.endings.truncated = True
            self.endings.cut = 1
        else:
            yield [text]

    def _plain(self) -> Iterator[bytes]:
        block = self._first
        while block:
            yield block
            block = self._read()

    def _inflated(self) -> Iterator[bytes]:
        """Every member of a gzip file, up to where it breaks off."""
        inflater = zlib.decompressobj(wbits=31)
        data = self._first
        while True:
            if inflater.eof:
                data = (data or self._read()).lstrip(b"\0")
                if not data:
                    return
                inflater = zlib.decompressobj(wbits=31)
            before = inflater.copy()
            try:
                block = inflater.decompress(data, BLOCK_BYTES)
            except zlib.error:
                self.endings.truncated = True
                yield _salvage(before, data)
                return
            if block:
                yield block
            data = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
            # A full block may leave output behind that needs no more input: ask before reading on.
            if not data and not inflater.eof and len(block) < BLOCK_BYTES:
                data = self._read()
                if not data:
                    self.endings.truncated = True
                    return


def _salvage(inflater: "zlib._Decompress", data: bytes) -> bytes:
    """What ``data`` holds before the damage."""
    sound = bytearray()
    try:
        for start in range(0, len(data), _SALVAGE_BYTES):
            sound += inflater.decompress(data[start : start + _SALVAGE_BYTES])
            if len(sound) > BLOCK_BYTES:  # the damage was found before that much came out
                break
    except zlib.error:
        pass
    return bytes(sound)


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
