"""The record of everything that was read: on disk first, then wherever it is to go.

Three streams by class (point.py), a file of the places read so far, and a lock: a folder belongs to
one sidecar. ``commit`` writes one interval of all runs:

1. DETAIL and SHOULD, 2. the places, under the interval's number, in one of two files in turns,
3. MUST: with that record the interval counts.

Killed anywhere in between, the next start finds the last MUST record, cuts the other streams back
to its number and takes the places of that number. So nothing is counted twice and nothing is left
out, whatever died.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from sidecar import places
from sidecar.own_folder import FolderError, take
from sidecar.places import Places
from sidecar.point import Class
from sidecar.segment import Record
from sidecar.stream import Dropped, Position, Stream

DISK_RESERVE_BYTES: Final = 64 * 1024 * 1024  # left to others


class SpoolError(Exception):
    """The folder cannot be used; one line for the user."""


class Spool:
    """``commit`` and ``make_room`` for one thread; the streams may be read by another."""

    def __init__(self, folder: Path, bytes_max: int) -> None:
        """SpoolError: another sidecar has it, or it is not to be written."""
        self.folder, self.bytes_max = folder, bytes_max
        try:
            self._lock_fd = take(folder, "the spool", "with --spool")
        except FolderError as error:
            raise SpoolError(str(error)) from None
        must = Stream(folder, Class.MUST, None)
        self.number = must.last_number  # of the last interval that counts
        self.streams: Mapping[Class, Stream] = {
            Class.MUST: must,
            Class.SHOULD: Stream(folder, Class.SHOULD, self.number),
            Class.DETAIL: Stream(folder, Class.DETAIL, self.number),
        }
        told = places.load(folder, self.number)
        self.places: Places = told or {}
        self.places_lost = self.number > 0 and told is None
        self._damages: set[tuple[Class, Position]] = set()
        self.damaged_bytes_n = dict.fromkeys(Class, 0)  # met so far
        for kind, stream in self.streams.items():
            for segment, damage in stream.damages:
                end = Position(segment, damage.offset + damage.bytes_n)
                self.note_damage(kind, end, damage.bytes_n)

    @property
    def bytes_n(self) -> int:
        return sum(stream.bytes_n for stream in self.streams.values())

    def commit(self, end_ns: int, lines: Mapping[Class, bytes], read: Places) -> None:
        """All of one interval, or (OSError) nothing of it."""
        number = self.number + 1
        try:
            for kind in (Class.DETAIL, Class.SHOULD):
                if lines.get(kind):
                    self.streams[kind].append(number, end_ns, lines[kind])
                    self.streams[kind].sync()
            places.store(self.folder, number, read)
            self.streams[Class.MUST].append(number, end_ns, lines.get(Class.MUST, b""))
            self.streams[Class.MUST].sync()
        except OSError:
            for stream in self.streams.values():
                stream.take_back(number)
            raise
        self.number, self.places = number, read

    def note_damage(self, kind: Class, end: Position, bytes_n: int) -> None:
        """What could not be read, up to ``end``, is told with the next interval, once."""
        if (kind, end) not in self._damages:
            self._damages.add((kind, end))
            self.damaged_bytes_n[kind] += bytes_n

    def make_room(self) -> list[tuple[Class, Dropped]]:
        """Removes what is worth least until the spool is within its bounds; what that was.

        Above 70 % of them the oldest DETAIL goes, above 85 % the oldest SHOULD, above 95 % the
        oldest MUST. Room that the disk does not have counts like room that is not allowed.
        """
        gone = []
        most = self._bytes_max()
        for kind, share in ((Class.DETAIL, 0.70), (Class.SHOULD, 0.85), (Class.MUST, 0.95)):
            while self.bytes_n > share * most:
                dropped = self.streams[kind].drop_oldest()
                if dropped is None:
                    break
                gone.append((kind, dropped))
        return gone

    def _bytes_max(self) -> int:
        disk = os.statvfs(self.folder)
        free = disk.f_bavail * disk.f_frsize - DISK_RESERVE_BYTES
        return min(self.bytes_max, max(self.bytes_n + free, 1))

    def last_record(self, kind: Class) -> Record | None:
        """The newest of a stream."""
        found = None
        stream = self.streams[kind]
        end = stream.end
        for piece in stream.pieces(end._replace(offset=0), end):
            if isinstance(piece.found, Record):
                found = piece.found
        return found

    def close(self) -> None:
        for stream in self.streams.values():
            stream.close()
        os.close(self._lock_fd)
