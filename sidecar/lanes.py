"""What of a stream is still to be sent: a live lane, and what it left behind.

The live lane sends what is new. When it is more than FRESH_S behind, it jumps to the end: whoever
looks at a dashboard sees the present first. What it jumped over becomes a stretch of the backfill,
which is sent oldest first whenever the live lanes have nothing.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from sidecar.point import Class
from sidecar.segment import HEADER_BYTES
from sidecar.stream import Position

FRESH_NS: Final = 5_000_000_000
START: Final = Position(1, HEADER_BYTES)
FILE_NAME: Final = "cursor.json"


class Lanes:
    """Of one stream; positions only."""

    def __init__(self, live: Position = START) -> None:
        self.live = live
        self.stretches: list[tuple[Position, Position]] = []  # of the backfill, oldest first

    @property
    def oldest(self) -> Position:
        """Before it, everything has been sent."""
        return self.stretches[0][0] if self.stretches else self.live

    def jump(self, end: Position) -> None:
        """The live lane goes to ``end``; what lies between is for the backfill."""
        if end > self.live:
            if self.stretches and self.stretches[-1][1] == self.live:
                self.stretches[-1] = (self.stretches[-1][0], end)
            else:
                self.stretches.append((self.live, end))
            self.live = end

    def sent(self, end: Position, *, live: bool) -> None:
        """Up to ``end`` of a lane was taken by the server."""
        if live:
            self.live = end
        elif end >= self.stretches[0][1]:
            self.stretches.pop(0)
        else:
            self.stretches[0] = (end, self.stretches[0][1])

    def told(self) -> dict[str, Any]:
        return {"live": self.live, "backfill": self.stretches}

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "Lanes":
        lanes = cls(Position(*told["live"]))
        lanes.stretches = [(Position(*a), Position(*b)) for a, b in told["backfill"]]
        return lanes


def load(folder: Path) -> dict[Class, Lanes]:
    """Where each stream stands. Lost or damaged: at the beginning; a second time does no harm."""
    try:
        told = json.loads((folder / FILE_NAME).read_text())
        return {kind: Lanes.of(told[kind]) for kind in Class}
    except (OSError, ValueError, KeyError, TypeError):
        return {kind: Lanes() for kind in Class}


def store(folder: Path, lanes: Mapping[Class, Lanes]) -> None:
    """Atomically. Not synced: an older place only sends something twice."""
    temporary = folder / f"{FILE_NAME}.new"
    temporary.write_text(json.dumps({kind: one.told() for kind, one in lanes.items()}))
    temporary.replace(folder / FILE_NAME)
