"""Runs the compiled simulation: brings rows when it needs them, takes away what it noted down.

Import only after compile_cache.prepare, and run in a process whose strategy is bound.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from appliance.abi import control as c
from appliance.abi.counters import REJECT_BASE
from appliance.abi.history import (
    AT_EXCHANGE,
    AT_LOCAL,
    GAP,
    HISTORY,
    REFUSALS,
    SAMPLE,
    VENUE_LOG,
    WHAT_MASK,
    Queue,
    What,
)
from appliance.abi.market import Market
from appliance.abi.trading import Report
from appliance.abi.units import E8, INT64_MAX, NS_PER_S
from appliance.cold import boot
from appliance.cold.backtest.history import InMemory, Rows, Source
from appliance.hot.backtest import samples as w
from appliance.hot.backtest import simulation as s
from appliance.hot.backtest import venue_state as v
from appliance.hot.backtest.depth import WINDOW_BITS_MAX, WINDOW_BITS_MIN, make_depth
from appliance.hot.backtest.latency import Latency
from appliance.hot.core import Core

BUFFER_ROWS: Final = 1 << 20  # of all instruments together
BUFFER_ROWS_LEAST: Final = 1 << 14  # of each
PREFAULT_BYTES_MAX: Final = 256 << 20


@dataclass(frozen=True)
class Assumptions:
    """What the simulated venue is taken to be like."""

    latency: Latency
    queue: Queue = Queue.RISK_AVERSE
    power: float = 3.0  # of the POWER queues
    partial_fills: bool = False
    sample_ns: int = 60 * NS_PER_S  # of the equity


@dataclass
class Noted:
    """What a run left behind, in order."""

    log: Any  # VENUE_LOG records
    samples: Any  # SAMPLE records
    refusals: Any  # REFUSALS records
    gaps: Any  # GAP records
    traded_tick_lots: tuple[float, ...]  # by the market, of each instrument
    rows_n: int
    first_ns: int
    last_ns: int


class _Feed:
    """Rows of one instrument into its part of the buffer."""

    def __init__(self, source: Source, buffer: Rows, first: int, size: int) -> None:
        self._blocks: Iterator[Rows] = source.blocks()
        self._block = buffer[:0]
        self._buffer, self._first, self._size = buffer, first, size
        self.rows_n, self.traded_tick_lots = 0, 0.0

    def refill(self, cursor: Any) -> None:
        """Drops what both sides have seen, and puts as much behind the rest as there is room."""
        kept = min(int(cursor.exchange_at), int(cursor.local_at))
        left = int(cursor.end) - kept
        buffer, first = self._buffer, self._first
        buffer[first : first + left] = buffer[kept : kept + left].copy()
        end = first + left
        while end < first + self._size:
            if not len(self._block):
                block = next(self._blocks, None)
                if block is None:
                    cursor.is_last = 1
                    break
                self._block = block
                self.traded_tick_lots += _traded(block)
            count = min(len(self._block), first + self._size - end)
            buffer[end : end + count] = self._block[:count]
            self._block = self._block[count:]
            end += count
            self.rows_n += count
        shift = kept - first
        cursor.exchange_at -= shift
        cursor.local_at -= shift
        cursor.end = end

    def is_stuck(self, cursor: Any) -> bool:
        """One side is so far behind the other that nothing can be dropped."""
        kept = min(int(cursor.exchange_at), int(cursor.local_at))
        return int(cursor.end) - kept == self._size

    def move(self, cursor: Any, buffer: Rows, first: int, size: int) -> None:
        """To a larger part of a larger buffer."""
        at, end = self._first, int(cursor.end)
        buffer[first : first + end - at] = self._buffer[at:end]
        for name in ("exchange_at", "local_at", "end"):
            cursor[name] += first - at
        self._buffer, self._first, self._size = buffer, first, size


class _InPlace:
    """Rows that lie in memory already, all of them: they are the buffer."""

    def __init__(self, rows: Rows) -> None:
        self.rows_n = len(rows)
        starts = range(0, len(rows), BUFFER_ROWS)
        self.traded_tick_lots = sum(_traded(rows[at : at + BUFFER_ROWS]) for at in starts)

    def refill(self, cursor: Any) -> None:
        cursor.end, cursor.is_last = self.rows_n, 1


def _traded(rows: Rows) -> float:
    """Price times quantity of what others traded, as we heard of it."""
    mine = rows[rows["kind"] & (WHAT_MASK | AT_LOCAL) == What.TRADE | AT_LOCAL]
    return float(mine["ticks"].astype(np.float64) @ mine["lots"].astype(np.float64))


class Engine:
    """One backtest over one Source an instrument of ``core``."""

    def __init__(
        self,
        core: Core,
        sources: Sequence[Source],
        prices_ticks: Sequence[int],
        assumptions: Assumptions,
        *,
        buffer_rows: int = 0,
    ) -> None:
        """``prices_ticks``: about where each instrument trades."""
        n = len(sources)
        self.core = core
        self.sim = _simulation(core, prices_ticks, assumptions)
        size = buffer_rows or max(BUFFER_ROWS // n, BUFFER_ROWS_LEAST)
        self._feeds: list[_Feed | _InPlace]
        if n == 1 and isinstance(sources[0], InMemory) and not buffer_rows:
            self._rows = sources[0].rows.view(np.recarray)
            self._feeds = [_InPlace(sources[0].rows)]
        else:
            self._rows = np.zeros(n * size, HISTORY).view(np.recarray)
            self._feeds = [_Feed(one, self._rows, k * size, size) for k, one in enumerate(sources)]
        for k, cursor in enumerate(self.sim.cursors):
            cursor.exchange_at = cursor.local_at = cursor.end = k * size
        self._log, self._samples = _Spool(VENUE_LOG), _Spool(SAMPLE)
        self._refusals, self._gaps = _Spool(REFUSALS), _Spool(GAP)
        core.control[c.PAPER] = c.Matching.HISTORY
        if self.sim.depth.lots.nbytes < PREFAULT_BYTES_MAX:
            boot.prefault((core, self.sim))

    def run(
        self,
        watch: Callable[[int], None] = lambda _: None,
        moments: Sequence[tuple[int, Callable[[], None]]] = (),
    ) -> Noted:
        """To the end; ``watch`` is told now and then how many rows were read. ``moments``, in their
        order: what somebody does before the first step behind a time."""
        core, sim, words = self.core, self.sim, self.sim.words
        for feed, cursor in zip(self._feeds, sim.cursors, strict=True):
            feed.refill(cursor)
        first_ns = self._begin()
        core.control[c.COMMAND] = c.Command.RUN
        run: Callable[..., int] = s.run_history
        waiting = list(moments)
        words[w.PAUSE_NS] = waiting[0][0] if waiting else INT64_MAX
        while (back := run(core, sim, self._rows)) != s.Back.END:
            if back == s.Back.MOMENT:
                waiting.pop(0)[1]()
                words[w.PAUSE_NS] = waiting[0][0] if waiting else INT64_MAX
            if back == s.Back.ROWS:
                k = int(words[w.NEEDS])
                self._refill(k)
            elif back == s.Back.TAKE:
                self._take()
            watch(self.rows_n)
        core.control[c.COMMAND] = c.Command.STOP
        self._take()
        if sim.venue.words[v.CROWDED]:
            raise RuntimeError("a step brought more reports than there is room for")
        log = self._log.records()
        # What was under way at the last step happened after it.
        last_ns = max(int(core.control[c.NOW_NS]), int(log.exchange_ns.max(initial=0)))
        self._note_last_refusals(last_ns)
        return Noted(
            log=log,
            samples=self._samples.records(),
            refusals=self._refusals.records(),
            gaps=self._gaps.records(),
            traded_tick_lots=tuple(feed.traded_tick_lots for feed in self._feeds),
            rows_n=self.rows_n,
            first_ns=first_ns,
            last_ns=last_ns,
        )

    def _note_last_refusals(self, last_ns: int) -> None:
        """Those behind the last sample."""
        counts = self.core.telemetry.counters[REJECT_BASE:, 0]
        left = counts[: len(self.sim.refused)] - self.sim.refused
        reasons = np.flatnonzero(left)
        last = np.zeros(len(reasons), REFUSALS)
        last["time_ns"], last["reason"], last["count_n"] = last_ns, reasons, left[reasons]
        self._refusals.add(last)

    def _refill(self, k: int) -> None:
        """Rows for instrument ``k``; in a larger buffer, if one side waits for all of this one."""
        feed, cursor = self._feeds[k], self.sim.cursors[k]
        if isinstance(feed, _Feed) and feed.is_stuck(cursor):
            size = 2 * len(self._rows) // len(self._feeds)
            self._rows = np.zeros(size * len(self._feeds), HISTORY).view(np.recarray)
            for n, (one, at) in enumerate(zip(self._feeds, self.sim.cursors, strict=True)):
                assert isinstance(one, _Feed)
                one.move(at, self._rows, n * size, size)
        feed.refill(cursor)

    @property
    def rows_n(self) -> int:
        return sum(feed.rows_n for feed in self._feeds)

    def _begin(self) -> int:
        """Timers and samples start at the first multiple after the first row. When that is."""
        first_ns = INT64_MAX
        for cursor in self.sim.cursors:
            rows = self._rows[int(cursor.exchange_at) : int(cursor.end)]
            for mark, name in ((AT_EXCHANGE, "exchange_ns"), (AT_LOCAL, "local_ns")):
                at = next((k for k in range(len(rows)) if int(rows["kind"][k]) & mark), None)
                first_ns = first_ns if at is None else min(first_ns, int(rows[name][at]))
        if first_ns == INT64_MAX:
            first_ns = 0
        control, words = self.core.control, self.sim.words
        if period_ns := int(control[c.TIMER_NS]):
            control[c.TIMER_DUE_NS] = first_ns - first_ns % period_ns + period_ns
        words[w.SAMPLE_DUE_NS] = first_ns - first_ns % words[w.SAMPLE_NS] + words[w.SAMPLE_NS]
        return first_ns

    def _take(self) -> None:
        venue, words = self.sim.venue, self.sim.words
        self._log.add(venue.log[: venue.words[v.LOG_N]])
        self._samples.add(self.sim.samples[: words[w.SAMPLES_N]])
        self._refusals.add(self.sim.refusals[: words[w.REFUSALS_N]])
        self._gaps.add(self.sim.gaps[: words[w.GAPS_N]])
        venue.words[v.LOG_N] = words[w.SAMPLES_N] = 0
        words[w.REFUSALS_N] = words[w.GAPS_N] = 0


class _Spool:
    """Records on disk, in a file without a name: a run of months does not grow in memory."""

    def __init__(self, dtype: "np.dtype[np.void]") -> None:
        self._dtype, self._count = dtype, 0
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the records

    def add(self, records: Any) -> None:
        self._file.write(np.asarray(records).tobytes())
        self._count += len(records)

    def records(self) -> Any:
        """All of them, read only."""
        self._file.flush()
        if not self._count:
            return np.zeros(0, self._dtype).view(np.recarray)
        return np.memmap(self._file, self._dtype, "r", shape=(self._count,)).view(np.recarray)


def _simulation(core: Core, prices_ticks: Sequence[int], assumed: Assumptions) -> s.Simulation:
    instruments = core.gate.instruments
    bits = tuple(
        min(max(max(price, 1).bit_length(), WINDOW_BITS_MIN), WINDOW_BITS_MAX)
        for price in prices_ticks
    )
    lot_sizes = np.array([int(one.quantity_grid_e8) / E8 for one in instruments])
    latency = assumed.latency._replace(words=assumed.latency.words.copy())  # it draws anew
    venue = v.make_venue(make_depth(bits), latency, lot_sizes)
    venue.words[v.QUEUE], venue.power[0] = assumed.queue, assumed.power
    venue.words[v.FILLS] = v.PARTIAL_FILLS if assumed.partial_fills else v.WHOLE_FILLS
    is_spot = int(instruments[0].market) == Market.SPOT
    venue.words[v.POST_ONLY_REPORT] = Report.REJECTED if is_spot else Report.EXPIRED
    sim = s.make_simulation(venue, make_depth(bits), len(instruments))
    sim.words[w.SAMPLE_NS] = assumed.sample_ns
    return sim
