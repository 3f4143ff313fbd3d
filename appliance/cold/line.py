"""A recorded frame: what it is, how it is written down, and what reading them found."""

import gzip
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from appliance.abi.units import NS_PER_S
from appliance.cold.errors import ApplianceError


class Line(NamedTuple):
    """A frame and what its recording says about it."""

    receive_ns: int | None  # local clock, Unix epoch; None: the line has no stamp
    frame: bytes
    is_rest: bool = False  # a snapshot that was asked for
    symbol: str | None = None  # of a snapshot, where the recording names it


class Broken(StrEnum):
    """Why a line was left out."""

    NO_STAMP = "no stamp"
    BAD_STAMP = "stamp not a time"
    NO_FRAME = "no frame"
    BACKWARDS = "receive time runs backwards"
    LEAP = "receive time leaps ahead"
    TOO_LONG = "line too long"
    CUT = "last line cut off"


@dataclass(slots=True)
class ReadReport:
    """What reading found. Grows while lines are taken; complete when they are exhausted."""

    lines: int = 0  # that are not blank
    frames: int = 0  # delivered
    broken: Counter[Broken] = field(default_factory=Counter)
    truncated: bool = False
    ignored: int = 0  # sound lines that are no frames: REST replies other than depth
    first_ns: int | None = None
    last_ns: int | None = None
    connections: list[str] = field(default_factory=list)  # what the header lines say

    def add(self, other: "ReadReport") -> None:
        """What another file had as well."""
        self.lines += other.lines
        self.frames += other.frames
        for kind, n in other.broken.items():
            self.broken[kind] += n
        self.truncated |= other.truncated
        self.ignored += other.ignored
        self.connections += other.connections
        firsts = [ns for ns in (self.first_ns, other.first_ns) if ns is not None]
        lasts = [ns for ns in (self.last_ns, other.last_ns) if ns is not None]
        self.first_ns, self.last_ns = min(firsts, default=None), max(lasts, default=None)

    def as_dict(self) -> dict[str, object]:
        """Plain values, for JSON."""
        return {
            "lines": self.lines,
            "frames": self.frames,
            "broken": {kind.name.lower(): n for kind, n in sorted(self.broken.items()) if n},
            "truncated": self.truncated,
            "ignored": self.ignored,
            "first_ns": self.first_ns,
            "last_ns": self.last_ns,
        }

    def remarks(self) -> list[str]:
        """What a user should hear of, a line each; nothing if all was well."""
        said = [f"{n} lines left out: {kind}" for kind, n in sorted(self.broken.items()) if n]
        if self.truncated:
            said.append("a file is cut off or damaged; read up to there")
        if self.ignored:
            said.append(f"{self.ignored} REST replies are no depth snapshots and were left out")
        return said


def encode_line(line: Line) -> bytes:
    """The line as text that ``read`` understands, with its line end.

    A snapshot that names its symbol takes the REST form, which is the only one with room for it.
    """
    if line.receive_ns is None:
        return line.frame + b"\n"
    if line.is_rest and line.symbol is not None:
        seconds, fraction = divmod(line.receive_ns, NS_PER_S)
        url = f"rest://venue/depth?symbol={line.symbol}"
        return f"{url} -> {seconds}.{fraction:09d}: ".encode() + line.frame + b"\n"
    return b"%d %s\n" % (line.receive_ns, line.frame)


def write(path: str | Path, lines: Iterable[Line]) -> int:
    """Write a recording, as gzip if the name ends in ``.gz``; returns the number of lines.

    The bytes depend on the lines alone: a gzip header carries no time and no name.
    """
    path = Path(path)
    count = 0
    try:
        with path.open("wb") as file:
            if path.suffix == ".gz":
                with gzip.GzipFile("", "wb", 6, file, mtime=0) as packed:
                    for line in lines:
                        count += 1
                        packed.write(encode_line(line))
            else:
                for line in lines:
                    count += 1
                    file.write(encode_line(line))
    except OSError as error:
        raise ApplianceError(f"{path} cannot be written: {error.strerror or error}") from None
    return count
