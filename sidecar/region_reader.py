"""Reads one run after the other under one name, and never subtracts one from the other.

Attaches when there is a region, reads an interval whenever it is asked, and sees that the run was
replaced by any of four signs: another file, another epoch, another process, a heart that stopped
(region_view.py). Before it lets go of a run that is over it reads the rest of it: the old mapping
keeps the last figures.

An interval counts when it is kept (``keep``: it is in the spool). One that is not is read again,
as a part of a longer one: counts and histograms lose nothing, events as long as their ring holds.
"""

import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from appliance.abi.region import RegionError, RegionMissing, attach
from appliance.abi.region_report import Health
from appliance.abi.region_view import RegionView
from sidecar.interval import Began, Interval
from sidecar.process_figures import process_figures
from sidecar.totals import Totals, read_totals

EVENTS_MAX: Final = 20_000  # of one interval; the ring holds fewer
SET_BACK_NS: Final = 60 * 10**9  # more than this, and the clock was set back: so be it
TOLD_AGAIN_S: Final = 10.0  # how long the figures of a run that has ended are still told
_OVER: Final = (Health.REPLACED, Health.GONE)


@dataclass
class Place:
    """How far a run has been read: kept over a restart of the reader, too."""

    epoch: int = 0  # 0: none
    end_ns: int = 0
    totals: Totals = field(default_factory=Totals)
    restarts_n: int = 0
    build: str = ""  # what ran: version and strategy
    before: str = ""  # and in the run before this one
    is_new: bool = False  # nothing of the run was told yet


class RegionReader:
    """Of the region at ``path``. Not for several threads."""

    def __init__(self, path: Path, place: Place | None = None) -> None:
        self.path = path
        self.place = place or Place()
        self.complaint = ""  # why there is no region to be read, in one line
        self._view: RegionView | None = None
        self._next: Place | None = None
        self._is_over = False  # what was read is the last of its run
        self._ended_s: float | None = None

    def read(self, end_ns: int) -> Interval | None:
        """What has happened up to now, which is called ``end_ns``; None if there is nothing."""
        self._next = None
        if self._view is None and not self._attach(end_ns):
            return None
        assert self._view is not None
        health = self._view.health()
        self._is_over = health in _OVER
        if not self._is_over and self._was_told(health):
            if not self.path.exists():
                self.close()
            return None
        return self._interval(self._view, health, end_ns)

    @property
    def is_gone(self) -> bool:
        """Nothing is there to be read, nor was anything read that is not kept."""
        return self._view is None and not self.path.exists()

    @property
    def pending(self) -> Place:
        """Where the next interval begins once what was read last is safe."""
        return self.place if self._next is None else self._next

    def keep(self) -> bool:
        """What was read last is safe: the next interval begins behind it. Whether that was the last
        of its run, and another one is there."""
        if self._next is None:
            return False
        self.place, self._next = self._next, None
        if self._is_over:
            self.close()
        return self._is_over and self.path.exists()

    def close(self) -> None:
        """Let go of the region; it may be read again."""
        if self._view is not None:
            self._view.close()
        self._view = None
        self._ended_s = None

    def _attach(self, end_ns: int) -> bool:
        try:
            view = attach(self.path)
        except RegionError as error:
            self.complaint = "" if isinstance(error, RegionMissing) else str(error)
            return False
        self.complaint = ""
        self._view = view
        if view.identity.epoch != self.place.epoch:
            began_ns = max(view.identity.created_ns, self.place.end_ns)
            self.place = Place(
                view.identity.epoch,
                min(began_ns, end_ns - 1),
                restarts_n=self.place.restarts_n + 1,
                build=f"{view.identity.version} {view.identity.strategy}".strip(),
                before=self.place.build,
                is_new=True,
            )
        return True

    def _was_told(self, health: Health) -> bool:
        """Whether the run has ended so long ago, and been read since, that nothing is to say."""
        if _runs(health):
            self._ended_s = None
            return False
        now_s = time.monotonic()
        if self._ended_s is None:
            self._ended_s = now_s
        return now_s - self._ended_s > TOLD_AGAIN_S

    def _interval(self, view: RegionView, health: Health, end_ns: int) -> Interval:
        place = self.place
        view.events_position = place.totals.events_n
        events, missed_n = view.events(EVENTS_MAX)
        totals = read_totals(view).at_least(place.totals)
        if end_ns > place.end_ns - SET_BACK_NS:
            end_ns = max(end_ns, place.end_ns + 1)
        self._next = replace(place, end_ns=end_ns, totals=totals, is_new=False)
        return Interval(
            run=view.identity,
            start_ns=min(place.end_ns, end_ns),
            end_ns=end_ns,
            health=health,
            totals=totals,
            added=totals.since(place.totals),
            beats_n=view.beats_n,
            heartbeat_age_ns=view.heartbeat_age_ns(),
            restarts_n=place.restarts_n,
            began=Began(place.build, place.before) if place.is_new else None,
            statuses=view.statuses(),
            rings=view.rings(),
            limits=view.limits(),
            process=view.process(),
            events=events,
            events_from_n=place.totals.events_n + missed_n,
            events_missed_n=missed_n,
            torn_retries_n=view.torn_retries_n,
            figures=process_figures(view.identity.process.pid) if _runs(health) else None,
        )


def _runs(health: Health) -> bool:
    return health.is_good or health is Health.STALE
