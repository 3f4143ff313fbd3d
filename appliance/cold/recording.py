"""Recordings: read line by line (``read``), or loaded for the hot loop (``load``).

An arena holds frames side by side in one array::

    data        frame 0 | frame 1 | frame 2 | ...            | 64 bytes of padding
    starts      offset of each frame in data
    lengths     its bytes
    receive_ns  its local stamp; NO_TIME where the recording has none
    is_rest     1: a snapshot that was asked for
    hints       index into symbols, -1: the recording does not name one
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from appliance.abi.limits import FRAME_PADDING_BYTES, SYMBOL_BYTES_MAX
from appliance.abi.units import NO_TIME
from appliance.cold.byte_lines import Progress
from appliance.cold.errors import ApplianceError
from appliance.cold.frame_lines import read
from appliance.cold.line import Broken, Line, ReadReport, encode_line, write
from appliance.cold.recording_files import in_time

__all__ = [
    "Arena",
    "Broken",
    "Line",
    "ReadReport",
    "SnapshotFile",
    "arena_of",
    "encode_line",
    "load",
    "load_chunks",
    "merged",
    "read",
    "write",
]

CHUNK_BYTES: Final = 64 << 20
NO_HINT: Final = -1


@dataclass(frozen=True, slots=True)
class SnapshotFile:
    """What ``--snapshot [SYMBOL=]FILE`` says."""

    path: Path
    symbol: str | None = None

    @classmethod
    def parse(cls, text: str) -> "SnapshotFile":
        """``NKNUSDT=a.json`` or ``a.json``; a file whose name has a ``=`` is still a file."""
        symbol, equals, name = text.partition("=")
        if not equals or "/" in symbol or Path(text).exists():
            return cls(Path(text))
        if not name or not 0 < len(symbol.encode()) <= SYMBOL_BYTES_MAX:
            raise ApplianceError(f"--snapshot {text} is not [SYMBOL=]FILE")
        return cls(Path(name), symbol.upper())


@dataclass(frozen=True, slots=True)
class Arena:
    """Frames in memory. Arrays are contiguous and writable; see the picture above."""

    data: NDArray[np.uint8]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    receive_ns: NDArray[np.int64]
    is_rest: NDArray[np.int64]
    hints: NDArray[np.int64]
    symbols: Sequence[str]  # shared by the chunks of a recording: it only grows
    report: ReadReport  # of everything read so far

    def __len__(self) -> int:
        return len(self.starts)

    def frame(self, index: int) -> bytes:
        """A copy of frame ``index``."""
        start = int(self.starts[index])
        return self.data[start : start + int(self.lengths[index])].tobytes()


def load(
    paths: Sequence[str | Path],
    snapshots: Sequence[SnapshotFile | str] = (),
    progress: Progress | None = None,
    *,
    report: ReadReport | None = None,
) -> Arena:
    """Whole recordings, in the order of their time, with the snapshots merged in.

    A stamped snapshot stands before the first frame that came no earlier; one without a stamp
    before the first frame of all, and takes its stamp. Raises ApplianceError.
    """
    return next(load_chunks(paths, snapshots, None, progress, report=report))


def load_chunks(
    paths: Sequence[str | Path],
    snapshots: Sequence[SnapshotFile | str] = (),
    chunk_bytes: int | None = CHUNK_BYTES,
    progress: Progress | None = None,
    *,
    report: ReadReport | None = None,
) -> Iterator[Arena]:
    """``load`` in arenas of about ``chunk_bytes`` of frames, for recordings larger than memory.

    The report is complete with the last arena.
    """
    report = ReadReport() if report is None else report
    symbols: list[str] = []
    chunk = _Chunk(symbols, report)
    for line in merged(paths, snapshots, progress, report=report):
        chunk.add(line)
        if chunk_bytes is not None and len(chunk.data) >= chunk_bytes:
            yield chunk.arena()
            chunk = _Chunk(symbols, report)
    if chunk.lengths:
        yield chunk.arena()


def arena_of(lines: Iterable[Line]) -> Arena:
    """Lines that come from somewhere else than a file, as one arena."""
    chunk = _Chunk([], ReadReport())
    for line in lines:
        chunk.add(line)
    return chunk.arena()


def merged(
    paths: Sequence[str | Path],
    snapshots: Sequence[SnapshotFile | str] = (),
    progress: Progress | None = None,
    *,
    report: ReadReport | None = None,
) -> Iterator[Line]:
    """The lines of several recordings and of snapshot files, in the order of the arena."""
    if not paths:
        raise ApplianceError("no recording was named; give at least one file")
    report = ReadReport() if report is None else report
    waiting = _snapshots(snapshots)
    waiting.reverse()  # the next one is the last
    for line in in_time([Path(path) for path in paths], progress, report):
        stamp = line.receive_ns
        while waiting:
            snapshot_ns = waiting[-1].receive_ns
            if snapshot_ns is None:
                yield waiting.pop()._replace(receive_ns=stamp)
            elif stamp is not None and snapshot_ns <= stamp:
                yield waiting.pop()
            else:
                break
        yield line
    yield from reversed(waiting)


def _snapshots(files: Iterable[SnapshotFile | str]) -> list[Line]:
    """The snapshots of all files: first those without a stamp, then the others by theirs."""
    found: list[Line] = []
    for file in files:
        wanted = SnapshotFile.parse(file) if isinstance(file, str) else file
        mine = [line for line in read(wanted.path) if line.is_rest or _may_be_snapshot(line.frame)]
        if not mine:
            raise ApplianceError(f"{wanted.path} holds no depth snapshot; it needs lastUpdateId")
        for line in mine:
            if wanted.symbol is not None and line.symbol not in (None, wanted.symbol):
                raise ApplianceError(
                    f"{wanted.path} holds a snapshot of {line.symbol}, not of {wanted.symbol}"
                )
            found.append(line._replace(is_rest=True, symbol=wanted.symbol or line.symbol))
    return sorted(found, key=lambda line: -1 if line.receive_ns is None else line.receive_ns)


def _may_be_snapshot(frame: bytes) -> bool:
    """``lastUpdateId`` need not come first; partial depth of a combined stream has it too."""
    return b'"lastUpdateId"' in frame and b'"stream"' not in frame


class _Chunk:
    """An arena while it grows."""

    def __init__(self, symbols: list[str], report: ReadReport) -> None:
        self.data = bytearray()
        self.lengths: list[int] = []
        self._receive_ns: list[int] = []
        self._rest: list[tuple[int, int]] = []  # frame, hint: few, so not a list as long as all
        self._symbols = symbols
        self._report = report

    def add(self, line: Line) -> None:
        if line.is_rest or line.symbol is not None:
            self._rest.append((len(self.lengths), self._hint(line.symbol)))
        self.data += line.frame
        self.lengths.append(len(line.frame))
        self._receive_ns.append(NO_TIME if line.receive_ns is None else line.receive_ns)

    def _hint(self, symbol: str | None) -> int:
        if symbol is None:
            return NO_HINT
        if symbol not in self._symbols:
            self._symbols.append(symbol)
        return self._symbols.index(symbol)

    def arena(self) -> Arena:
        self.data += bytes(FRAME_PADDING_BYTES)
        lengths = np.array(self.lengths, np.int64)
        is_rest = np.zeros(len(lengths), np.int64)
        hints = np.full(len(lengths), NO_HINT, np.int64)
        for frame, hint in self._rest:
            is_rest[frame] = 1
            hints[frame] = hint
        return Arena(
            data=np.frombuffer(self.data, np.uint8),
            starts=np.cumsum(lengths) - lengths,
            lengths=lengths,
            receive_ns=np.array(self._receive_ns, np.int64),
            is_rest=is_rest,
            hints=hints,
            symbols=self._symbols,
            report=self._report,
        )
