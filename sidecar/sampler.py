"""Once an interval: read every run, make lines of it, put them into the spool.

What does not reach the spool is not lost: the readers keep their places, and the next interval is a
longer one. What cannot be kept or sent for good is told in ``lc_gap``, which is of the class that
goes last.
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from appliance.abi.telemetry import REGION_DIRECTORY, REGION_PREFIX, REGION_SUFFIX
from sidecar.interval import Interval
from sidecar.journal_copies import JournalCopies
from sidecar.line import LineError, Value, head, line
from sidecar.model import HOST, points
from sidecar.places import newest
from sidecar.point import Class, Point
from sidecar.recorder.recorder import Recorder
from sidecar.region_reader import SET_BACK_NS, RegionReader
from sidecar.sender import Sender
from sidecar.spool import Spool

INTERVAL_NS: Final = 1_000_000_000
LANES: Final = 1000
RUNS_MAX: Final = 16  # of one host; what there is more is told of


@dataclass
class Sampled:
    """What the sampler has done since it began."""

    intervals_n: int = 0
    lines_n: int = 0
    shed_lines_n: int = 0
    unfit_points_n: int = 0
    write_faults_n: int = 0
    events_missed_n: int = 0
    gaps_n: int = 0  # in the record
    said: str = ""  # what is amiss at present
    read_us: int = 0  # of the last interval


class Sampler:
    """``step`` once an interval, by one thread."""

    def __init__(
        self,
        spool: Spool,
        sender: Sender | None,
        names: Iterable[str] = (),
        directory: Path = Path(REGION_DIRECTORY),
        recorder: Recorder | None = None,
        copies: JournalCopies | None = None,
    ) -> None:
        """``names`` of runs; none: whatever runs on this host. Of ``recorder`` and ``copies`` it
        tells how they are."""
        self._spool, self._sender = spool, sender
        self._recorder, self._copies = recorder, copies
        self._names, self._directory = tuple(names), directory
        self._readers: dict[str, RegionReader] = {}
        self._damaged_bytes_n = dict.fromkeys(Class, 0)
        self._untold: list[Point] = []  # gaps that are not in the spool yet
        self._series: dict[tuple[str, ...], bytes] = {}
        self.sampled = Sampled()
        self._last_end_ns = spool.streams[Class.MUST].last_end_ns
        lane_ns = self._last_end_ns % INTERVAL_NS
        self._lane_ns = lane_ns if lane_ns < LANES else 0  # how often the clock was set back
        if spool.places_lost:
            last_ns = self._last_end_ns
            self._note_gap("sidecar", "places_lost", (0, last_ns), 0, last_ns + 1)

    def step(self, end_ns: int) -> list[Interval]:
        """One interval that ends at ``end_ns``, or as soon after as no other did; what was read and
        kept."""
        began_s = time.perf_counter()
        self.sampled.said = ""
        end_ns = self._stamp(end_ns)
        self._find_runs()
        found = [(name, one.read(end_ns)) for name, one in sorted(self._readers.items())]
        intervals = [interval for _, interval in found if interval is not None]
        told = [point for interval in intervals for point in points(interval)]
        self._note_gaps(intervals, end_ns)
        self.sampled.read_us = int((time.perf_counter() - began_s) * 1e6)
        told += [*self._untold, self._own(end_ns)]
        lines = self._lines(told)
        places = {name: one.pending for name, one in self._readers.items()}
        try:
            self._spool.commit(end_ns, lines, newest(self._spool.places | places))
        except OSError as error:
            self.sampled.write_faults_n += 1
            self.sampled.said = f"{self._spool.folder}: {error.strerror}: nothing is lost yet"
            return []
        self._untold.clear()
        others = [reader.keep() for reader in self._readers.values()]
        self.sampled.intervals_n += 1
        self.sampled.lines_n += len(told)
        self.sampled.events_missed_n += sum(one.events_missed_n for one in intervals)
        if any(others):  # a run that took another's place may not live for an interval
            intervals += self.step(end_ns + 1)
        return intervals

    def told(self) -> dict[str, Any]:
        complaints = [one.complaint for one in self._readers.values() if one.complaint]
        return asdict(self.sampled) | {"runs": sorted(self._readers), "complaints": complaints}

    def recorder_told(self) -> dict[str, Any] | None:
        return None if self._recorder is None else self._recorder.told()

    def copies_told(self) -> dict[str, Any] | None:
        return None if self._copies is None else self._copies.told()

    def close(self) -> None:
        for reader in self._readers.values():
            reader.close()

    def _stamp(self, end_ns: int) -> int:
        """Two intervals never end at one moment: their points would be the same. After a clock was
        set back, moments come a second time: then they are told apart by nanoseconds."""
        last_ns = self._last_end_ns
        if last_ns - end_ns > SET_BACK_NS:
            self._lane_ns += 1
            stamp_ns = end_ns + self._lane_ns
            self._note_gap("sidecar", "clock_set_back", (stamp_ns, last_ns), 0, stamp_ns)
        else:
            stamp_ns = max(end_ns + self._lane_ns, last_ns + 1)
        self._last_end_ns = stamp_ns
        return stamp_ns

    # ---- parts of a step -------------------------------------------------------------------------

    def _find_runs(self) -> None:
        names = self._names or [
            path.name[len(REGION_PREFIX) : -len(REGION_SUFFIX)]
            for path in sorted(self._directory.glob(f"{REGION_PREFIX}*{REGION_SUFFIX}"))
        ]
        for name in [name for name, one in self._readers.items() if one.is_gone]:
            del self._readers[name]
        for name in names:
            if name not in self._readers and len(self._readers) < RUNS_MAX:
                path = self._directory / f"{REGION_PREFIX}{name}{REGION_SUFFIX}"
                self._readers[name] = RegionReader(path, self._spool.places.get(name))
            elif name not in self._readers:
                self.sampled.said = f"more than {RUNS_MAX} runs: {name} is left out"

    def _note_gaps(self, intervals: list[Interval], end_ns: int) -> None:
        """What will never be told, so that nobody takes its absence for silence."""
        for interval in intervals:
            if interval.events_missed_n:
                span_ns = (interval.start_ns, interval.end_ns)
                lost_n = interval.events_missed_n
                self._note_gap(interval.run.name, "events_missed", span_ns, lost_n, end_ns)
        for kind, dropped in self._spool.make_room():
            if self._sender is not None and dropped.last > self._sender.lanes[kind].oldest:
                self.sampled.shed_lines_n += dropped.lines_n
                span_ns = (dropped.from_ns, dropped.to_ns)
                self._note_gap("sidecar", f"shed_{kind.label}", span_ns, dropped.lines_n, end_ns)
        for kind, bytes_n in self._spool.damaged_bytes_n.items():
            new_n = bytes_n - self._damaged_bytes_n[kind]
            if new_n > 0:
                self._damaged_bytes_n[kind] = bytes_n
                self._note_gap("sidecar", f"damaged_{kind.label}", (0, end_ns), new_n, end_ns)

    def _note_gap(
        self, proc: str, why: str, span_ns: tuple[int, int], lost_n: int, end_ns: int
    ) -> None:
        tags = {"host": HOST, "proc": proc, "why": why}
        fields: dict[str, Value] = {"from_ns": span_ns[0], "to_ns": span_ns[1], "lost": lost_n}
        # Two of them at one moment would be one point.
        time_ns = end_ns + len(self._untold)
        self.sampled.gaps_n += 1
        self._untold.append(Point(Class.MUST, "lc_gap", tags, fields, time_ns))

    def _own(self, end_ns: int) -> Point:
        fields: dict[str, Value] = {
            "spool_bytes": self._spool.bytes_n,
            "intervals": self.sampled.intervals_n,
            "read_us": self.sampled.read_us,
            "shed": self.sampled.shed_lines_n,
            "write_faults": self.sampled.write_faults_n,
            "unfit": self.sampled.unfit_points_n,
            "gaps": self.sampled.gaps_n,
        }
        if self._sender is not None:
            sent = self._sender.sent
            fields |= {
                "sent": sent.lines_n,
                "retries": sent.retries_n,
                "quarantined": sent.quarantined_n,
                "last_ok_age_s": max(end_ns - sent.last_ok_ns, 0) // 10**9
                if sent.last_ok_ns
                else -1,
            }
        if (recorded := self.recorder_told()) is not None:
            fields |= {name: recorded[name] for name in ("frames", "lost_frames")}
            fields["recorded_bytes"] = recorded["bytes"]
        if (copied := self.copies_told()) is not None:
            fields |= {f"journal_{name}": copied[name] for name in ("behind", "faults")}
        return Point(Class.MUST, "lc_side", {"host": HOST, "proc": "sidecar"}, fields, end_ns)

    def _lines(self, told: Iterable[Point]) -> Mapping[Class, bytes]:
        parts: dict[Class, list[bytes]] = defaultdict(list)
        for point in told:
            key = (point.measurement, *point.tags.values())
            try:
                series = self._series.get(key)
                if series is None:
                    series = self._series[key] = head(point.measurement, point.tags)
                made = line(series, point.fields, point.time_ns)
            except LineError as error:
                self.sampled.unfit_points_n += 1
                self.sampled.said = f"{point.measurement}: {error}"
                continue
            if made is not None:
                parts[point.kind].append(made)
        return {kind: b"".join(lines) for kind, lines in parts.items()}
