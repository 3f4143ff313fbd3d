"""What a folder of recordings holds, on disk: two JSON files, each replaced as a whole.

::

    recording.json  the place in the capture ring and the files that grow: written with every
                    commit, after their bytes. What it does not vouch for is no part of the
                    recording.
    manifest.json   the files that are over, with counts and SHA-256, and the gaps: written when
                    one of them changes
"""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from sidecar.recorder.tape import Segment

GAPS_MAX: Final = 1000  # the latest
MANIFEST_NAME: Final = "manifest.json"
OPEN_NAME: Final = "recording.json"
FORMAT: Final = "<receive time, ns since 1970> <frame>, gzip"
UNCOMMITTED: Final = ".uncommitted"


@dataclass(frozen=True)
class Cursor:
    """How far the capture ring of a run has been read."""

    epoch: int = 0  # 0: of none
    position: int = 0
    number: int = 0
    ended: bool = False  # the run is over, and all of it was read
    last_ns: int = 0  # stamp of the last line


@dataclass(frozen=True)
class Gap:
    """What is not in the recording."""

    why: str
    at_ns: int
    lost_frames: int | None  # None: nobody knows

    def told(self) -> dict[str, Any]:
        return {"why": self.why, "at_ns": self.at_ns, "lost_frames": self.lost_frames}


@dataclass
class Manifest:
    """Of one folder."""

    folder: Path
    cursor: Cursor = field(default_factory=Cursor)
    growing: dict[str, Segment] = field(default_factory=dict)  # by symbol
    over: list[Segment] = field(default_factory=list)
    unstored: list[Segment] = field(default_factory=list)  # of these, not in manifest.json yet
    gaps: list[Gap] = field(default_factory=list)
    gaps_n: int = 0  # ever
    dropped_n: int = 0  # files that went for want of room
    dropped_to_ns: int = 0

    @classmethod
    def load(cls, folder: Path) -> "Manifest":
        """Of what is there. ValueError: it is damaged, and says how."""
        told, now = _read(folder / MANIFEST_NAME), _read(folder / OPEN_NAME)
        made = cls(folder)
        try:
            made.over = [Segment(**one) for one in told.get("files", ())]
            made.gaps = [Gap(**one) for one in told.get("gaps", ())]
            made.gaps_n = told.get("gaps_total", 0)
            made.dropped_n = told.get("dropped", {}).get("files", 0)
            made.dropped_to_ns = told.get("dropped", {}).get("to_ns", 0)
            made.cursor = Cursor(**now.get("cursor", {}))
            known = {one.file for one in made.over}
            late = [Segment(**one) for one in now.get("over", ())]
            late = [one for one in late if (folder / one.file).exists()]  # not dropped since
            made.unstored = [one for one in late if one.file not in known]
            made.over += made.unstored
            growing = [Segment(**one) for one in now.get("files", ())]
        except (TypeError, AttributeError) as error:
            raise ValueError(f"{folder}: not a manifest of this version: {error}") from None
        made.growing = {one.symbol: one for one in growing}
        return made

    def set_aside(self) -> list[str]:
        """Files of recordings that nobody vouches for get another name; which they were."""
        known = {one.file for one in (*self.over, *self.growing.values())}
        strays = [path for path in self.folder.glob("*.gz") if path.name not in known]
        for path in strays:
            path.rename(path.with_name(path.name + UNCOMMITTED))
        return sorted(path.name for path in strays)

    def note_gap(self, gap: Gap) -> None:
        self.gaps = [*self.gaps, gap][-GAPS_MAX:]
        self.gaps_n += 1

    def keep(self, cursor: Cursor, growing: list[Segment], over: list[Segment]) -> None:
        """From here on this is what the folder holds. OSError: it is what it was before."""
        told = {
            "cursor": vars(cursor),
            "files": [one.told() for one in growing],
            "over": [one.told() for one in (*self.unstored, *over)],
        }
        _replace(self.folder / OPEN_NAME, told)
        self.cursor, self.growing = cursor, {one.symbol: one for one in growing}
        self.over += over
        self.unstored += over

    def store(self) -> None:
        """The files that are over and the gaps. OSError: they are in neither file's way."""
        told = {
            "format": FORMAT,
            "files": [one.told() for one in self.over],
            "gaps": [one.told() for one in self.gaps],
            "gaps_total": self.gaps_n,
            "dropped": {"files": self.dropped_n, "to_ns": self.dropped_to_ns},
        }
        _replace(self.folder / MANIFEST_NAME, told)
        self.unstored = []

    @property
    def bytes_n(self) -> int:
        return sum(one.bytes for one in (*self.over, *self.growing.values()))

    def drop_oldest(self) -> int:
        """Remove the file that is over longest. Its bytes; 0: there is none."""
        if not self.over:
            return 0
        oldest = min(self.over, key=lambda one: one.last_ns)
        (self.folder / oldest.file).unlink(missing_ok=True)
        self.over.remove(oldest)
        self.dropped_n += 1
        self.dropped_to_ns = max(self.dropped_to_ns, oldest.last_ns)
        return oldest.bytes


def _read(path: Path) -> dict[str, Any]:
    try:
        told = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise ValueError(f"{path} is damaged: {error}") from None
    if not isinstance(told, dict):
        raise ValueError(f"{path} is damaged: no JSON object")
    return told


def _replace(path: Path, told: dict[str, Any]) -> None:
    temporary = path.with_name(path.name + ".new")
    with temporary.open("w") as file:
        json.dump(told, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
