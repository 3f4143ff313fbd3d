"""A reader's look at one telemetry region: NumPy and the standard library only.

A RegionView stays usable after its writer has died or was replaced: the old mapping keeps the last
figures. Order of loads: what stands here is correct where loads are not reordered with one another
(x86-64).
"""

import contextlib
import mmap
import time
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.abi import telemetry as layout
from appliance.abi.broadcast_reader import BroadcastReader
from appliance.abi.counter_metadata import METADATA, read_counter_infos
from appliance.abi.event import EVENT
from appliance.abi.histogram_layout import percentiles
from appliance.abi.limits import INSTRUMENTS_MAX
from appliance.abi.market import Market, symbol_text
from appliance.abi.process_identity import is_alive
from appliance.abi.region_report import Health, LimitUse, RingUse, StageSummary, read_identity
from appliance.abi.ring_layout import TAIL
from appliance.abi.telemetry import Lifecycle, Section, Stage

SEQLOCK_TRIES_MAX: Final = 64  # then the last good value is given, and counted
HEARTBEAT_AGE_MAX_NS: Final = 2_000_000_000  # a loop that spins and says nothing this long hangs

_SYMBOL_WORD: Final = 1  # of a status record, behind the sequence

Words = npt.NDArray[np.int64]
Records = npt.NDArray[np.void]


class RegionView:
    """A read-only look at one run. Not for several threads at once."""

    def __init__(self, path: Path, mapping: mmap.mmap, inode: tuple[int, int]) -> None:
        """Use ``appliance.abi.region.attach``: it checks what stands here."""
        self.path = path
        self._mapping = mapping
        self._inode = inode
        self.torn_retries_n = 0  # reads of a record that had to be repeated
        self.torn_given_up_n = 0  # reads answered with the last good value, or not at all
        self._watched_beats_n, self._watched_ns = -1, 0
        self._header: Records = np.frombuffer(mapping, layout.HEADER, 1)
        self._heartbeat = self._words_at(layout.HEARTBEAT_OFFSET, layout.BLOCK_WORDS)
        self._lifecycle = self._words_at(layout.LIFECYCLE_OFFSET, layout.BLOCK_WORDS)
        self._clock = self._words_at(layout.CLOCK_OFFSET, layout.BLOCK_WORDS)
        self._counters = self._words(Section.COUNTERS)
        self._histograms = self._words(Section.HISTOGRAMS)
        self._stages = self._words(Section.STAGES)
        self._status_words = self._words(Section.STATUS)
        self._rings = self._records(Section.RINGS, layout.RING)
        self._limits = self._records(Section.LIMITS, layout.LIMIT_USE)
        self._process = self._records(Section.PROCESS, layout.PROCESS)
        self.identity = read_identity(self._header[0])
        self._last_status: dict[int, Records] = {}
        self.counter_infos = read_counter_infos(self._records(Section.METADATA, METADATA))
        self._events = BroadcastReader(mapping, layout.SECTIONS[Section.EVENTS].offset, EVENT)

    # --- lifetime ---------------------------------------------------------------------------------

    def __enter__(self) -> "RegionView":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the mapping; no figure can be read afterwards."""
        for name, value in list(self.__dict__.items()):
            if isinstance(value, np.ndarray | BroadcastReader):
                delattr(self, name)
        # Somebody may still hold an array of ours; the mapping then goes with the last of them.
        with contextlib.suppress(BufferError):
            self._mapping.close()

    # --- the run ----------------------------------------------------------------------------------

    @property
    def lifecycle(self) -> Lifecycle:
        return Lifecycle(int(self._lifecycle[layout.LIFECYCLE_STATE]))

    @property
    def beats_n(self) -> int:
        """Beats of the hot loop so far."""
        return int(self._heartbeat[layout.BEAT_N])

    def heartbeat_age_ns(self) -> int | None:
        """Since the last beat of the hot loop; None before the first.

        The larger of two ages: by the beat's own wall-clock time, and as long as this view has
        watched the count stand still. So a wall clock that was set back hides no dead loop.
        """
        beats_n, now_ns = self.beats_n, time.monotonic_ns()
        if beats_n != self._watched_beats_n:
            self._watched_beats_n, self._watched_ns = beats_n, now_ns
        if beats_n == 0:
            return None
        by_clock_ns = time.time_ns() - int(self._heartbeat[layout.BEAT_NS])
        return max(by_clock_ns, now_ns - self._watched_ns, 0)

    def clock_pair(self) -> tuple[int, int]:
        """(CLOCK_MONOTONIC, CLOCK_REALTIME) of one moment, as the writer saw them."""
        for _ in range(SEQLOCK_TRIES_MAX):
            words = self._clock.copy()
            sequence = int(words[layout.CLOCK_SEQUENCE])
            if sequence % 2 == 0 and sequence == int(self._clock[layout.CLOCK_SEQUENCE]):
                break
            self.torn_retries_n += 1
        return int(words[layout.CLOCK_MONOTONIC_NS]), int(words[layout.CLOCK_REALTIME_NS])

    def restarted(self) -> bool:
        """Whether the path now leads to another run: attach anew, subtract nothing across."""
        try:
            stat = self.path.stat()
        except OSError:
            return False
        if (stat.st_dev, stat.st_ino) != self._inode:
            return True
        return int(self._header["epoch"][0]) != self.identity.epoch

    def health(self, age_max_ns: int = HEARTBEAT_AGE_MAX_NS) -> Health:
        """The writer's state, as far as it can be known from outside."""
        if self.restarted():
            return Health.REPLACED
        state = self.lifecycle
        if state is Lifecycle.CLEAN:
            return Health.ENDED
        if state is Lifecycle.FAILED:
            return Health.FAILED
        if not is_alive(self.identity.process):
            return Health.DEAD
        if not self.path.exists():
            return Health.GONE
        if state is Lifecycle.DRAINED:
            return Health.DRAINED
        age_ns = self.heartbeat_age_ns()
        if state is Lifecycle.STARTING or age_ns is None:
            return Health.STARTING
        return Health.STALE if age_ns > age_max_ns else Health.RUNNING

    # --- figures ----------------------------------------------------------------------------------

    def counters(self) -> dict[str, int]:
        """Every counter's value by label (``frames``, ``reject.position``, ``fault.not_json``)."""
        values = self._counters[:: layout.COUNTER_WORDS].copy()
        return {info.label: int(values[info.id]) for info in self.counter_infos}

    def histogram(self, stage: Stage) -> Words:
        """A copy of the buckets of ``stage``; the cumulative counts since the start."""
        buckets = layout.SECTIONS[Section.HISTOGRAMS].stride_bytes // 8
        return self._histograms[stage * buckets : (stage + 1) * buckets].copy()

    def stage(self, stage: Stage) -> StageSummary:
        """Percentiles of ``stage``; ``n`` is the sum of the buckets that were read."""
        counts = self.histogram(stage)
        n = int(counts.sum())
        if n == 0:
            return StageSummary(0, 0, 0, 0, 0, 0, 0)
        row = self._stages[stage * layout.STAGE_WORDS : (stage + 1) * layout.STAGE_WORDS].copy()
        # A bucket is counted before these words are stored: they may be behind by one value.
        maximum = max(int(row[layout.STAGE_MAX_NS]), 0)
        p50, p99, p999 = (min(v, maximum) for v in percentiles(counts, (50, 99, 99.9)))
        mean = int(row[layout.STAGE_SUM_NS]) // max(int(row[layout.STAGE_N]), 1)
        return StageSummary(n, p50, p99, p999, maximum, int(row[layout.STAGE_MIN_NS]), mean)

    def stage_sum_ns(self, stage: Stage) -> int:
        """Of all values since the start; may be behind the buckets by one value."""
        return int(self._stages[stage * layout.STAGE_WORDS + layout.STAGE_SUM_NS])

    def stages(self) -> dict[str, StageSummary]:
        """Every stage's summary by its name in lower case."""
        return {stage.name.lower(): self.stage(stage) for stage in Stage}

    def status(self, instrument: int) -> Records | None:
        """A consistent copy (one record) of the status of ``instrument``.

        After SEQLOCK_TRIES_MAX disturbed reads: the last good one, or None if there never was one.
        """
        if not 0 <= instrument < INSTRUMENTS_MAX:
            raise IndexError(f"instrument {instrument} of {INSTRUMENTS_MAX}")
        first = instrument * layout.STATUS_WORDS
        for _ in range(SEQLOCK_TRIES_MAX):
            before = int(self._status_words[first])
            if before % 2 == 0:
                words = self._status_words[first : first + layout.STATUS_WORDS].copy()
                if int(self._status_words[first]) == before:
                    record: Records = words.view(layout.STATUS)
                    self._last_status[instrument] = record
                    return record
            self.torn_retries_n += 1
            time.sleep(0)  # the writer may wait for this very core
        self.torn_given_up_n += 1
        return self._last_status.get(instrument)

    def statuses(self) -> dict[str, Records]:
        """Every instrument's status by symbol, in the order of the instruments.

        A symbol that stands there a second time (on another market) has that market's name behind.
        """
        found: dict[str, Records] = {}
        for instrument in range(INSTRUMENTS_MAX):
            if not self._status_words[instrument * layout.STATUS_WORDS + _SYMBOL_WORD]:
                break
            record = self.status(instrument)
            if record is not None:
                symbol = symbol_text(record["symbol"][0])
                if symbol in found:
                    symbol = f"{symbol}.{Market(int(record['market'][0])).name}"
                found[symbol] = record
        return found

    def rings(self) -> list[RingUse]:
        """Occupancy of every ring that has a name."""
        rows = self._rings.copy()
        return [
            RingUse(
                symbol_text(row["name"]),
                int(row["capacity"]),
                int(row["used"]),
                int(row["high_water"]),
                int(row["missed"]),
            )
            for row in rows
            if row["name"].any()
        ]

    def limits(self) -> list[LimitUse]:
        """How much of each limit that accumulates is used; those that are off are left out."""
        return [
            LimitUse(symbol_text(row["name"]), int(row["used"]), int(row["limit"]))
            for row in self._limits.copy()
            if row["limit"] > 0 and row["name"].any()
        ]

    def process(self) -> dict[str, int]:
        """The words of the PROCESS record by name."""
        record = self._process.copy()[0]
        return {name: int(record[name]) for name in layout.PROCESS.names or ()}

    def latest_events(self, n: int) -> Records:
        """The newest ``n`` events, oldest first, without moving the place of ``events``."""
        place = self._events.position
        tail = int(self._words_at(layout.SECTIONS[Section.EVENTS].offset, TAIL + 1)[TAIL])
        self._events.position = max(tail - n, 0)
        records, _ = self._events.poll(n)
        self._events.position = place
        return records

    @property
    def events_position(self) -> int:
        """How many events the next call of ``events`` leaves behind: read before, or missed."""
        return self._events.position

    @events_position.setter
    def events_position(self, position: int) -> None:
        self._events.position = position

    def events(self, max_n: int) -> tuple[Records, int]:
        """The next events, oldest first, and how many were overwritten before they were read."""
        records, missed = self._events.poll(max_n)
        return records, missed

    # --- arrays over the mapping ------------------------------------------------------------------

    def _words_at(self, offset: int, count: int) -> Words:
        return np.frombuffer(self._mapping, "<i8", count, offset)

    def _words(self, section: Section) -> Words:
        place = layout.SECTIONS[section]
        return self._words_at(place.offset, place.length_bytes // 8)

    def _records(self, section: Section, dtype: np.dtype[np.void]) -> Records:
        place = layout.SECTIONS[section]
        return np.frombuffer(
            self._mapping, dtype, place.length_bytes // dtype.itemsize, place.offset
        )
