"""Recordings as history: frames through the live loop's decoder and books, a Source an instrument.

Import only after compile_cache.prepare.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import numpy as np

from appliance.abi import control as c
from appliance.abi.history import AT_LOCAL
from appliance.cold import boot
from appliance.cold.backtest.history import Rows, empty_rows
from appliance.cold.backtest.order import Sorter
from appliance.cold.clerk_desk import ClerkDesk
from appliance.cold.instrument_table import Instruments
from appliance.cold.loop import Feed
from appliance.cold.quarantine import Quarantine
from appliance.cold.recording import Arena
from appliance.cold.session import clerk_of, hints_of
from appliance.cold.strategy_loader import load_strategy
from appliance.hot.backtest import rows_of_frames as maker
from appliance.hot.rings import make_rings
from appliance.hot.telemetry import make_telemetry

RING_BYTES: Final = 16 << 20
FRAMES_AT_ONCE: Final = 4096


class RecordedHistory:
    """All instruments of a recording, read once and handed out to one Source each.

    Where one Source is asked for more than the others, theirs is kept until they ask; with each
    chunk every instrument gets a row that says how far the recording was read, so that none waits
    for one that has fallen silent.
    """

    def __init__(
        self,
        instruments: Instruments,
        arenas: Iterable[Arena],
    ) -> None:
        symbols, records = instruments.symbols, instruments.records
        self._instruments = instruments
        self.symbols, self.records = symbols, records
        nobody = load_strategy("idle", {})
        telemetry, rings = make_telemetry(len(symbols)), make_rings(RING_BYTES)
        self._core = boot.make_core(records, symbols, nobody, telemetry, rings, epoch=0)
        self._core.control[c.LOCKSTEP] = 1
        self._core.control[c.TIMER_NS] = 0
        self.quarantine = Quarantine()
        self._desk = ClerkDesk(self._core, clerk_of(instruments), self.quarantine)
        self._maker = maker.make_row_maker()
        self._waiting: list[deque[Rows]] = [deque() for _ in symbols]
        self.sorters = [Sorter() for _ in symbols]
        self._chunks = self._converted(arenas)
        self.frames_n = 0

    def sources(self) -> "list[RecordedSource]":
        return [RecordedSource(self, k) for k in range(len(self._waiting))]

    def book_remarks(self) -> list[str]:
        """What was amiss with the books, a line each."""
        told = []
        for symbol, book in zip(self.symbols, self._core.books.heads, strict=True):
            if not int(book.lives_n):
                told.append(f"{symbol}: its book was never whole: no snapshot fits the differences")
            for count, what in (
                (int(book.gaps_n), "differences were missing"),
                (int(book.crossed_n), "it was crossed"),
            ):
                if count:
                    told.append(f"{symbol}: the book was lost {count} times because {what}")
        return told

    def next_block(self, k: int) -> Rows | None:
        """The next rows of instrument ``k``, or None: there are no more."""
        while not self._waiting[k]:
            if not next(self._chunks, False):
                return None
        return self._waiting[k].popleft()

    def _converted(self, arenas: Iterable[Arena]) -> Iterator[bool]:
        """Each time some more rows wait."""
        convert: Callable[[Any, Any], int] = maker.rows_of_frames
        for arena in arenas:
            symbols = self._instruments.symbols
            hints = hints_of(arena, symbols, alone=self._instruments.alone)
            feed = Feed(self._core, arena, hints)
            while feed.left_n:
                self.frames_n += feed.push(FRAMES_AT_ONCE)
                while (why := convert(self._core, self._maker)) != maker.EMPTY:
                    if why == maker.CLERK:
                        self._desk.serve()
                    else:
                        yield self._hand_out()
            yield self._hand_out()
        yield self._hand_out(is_last=True)

    def _hand_out(self, *, is_last: bool = False) -> bool:
        count = int(self._maker.words[0])
        rows = np.array(self._maker.rows[:count])
        owners = self._maker.instruments[:count].copy()
        self._maker.words[0] = 0
        now_ns = int(self._core.control[c.NOW_NS])
        for k, sorter in enumerate(self.sorters):
            mine = rows[owners == k]
            ordered = sorter.take(np.concatenate((mine, _read_until(now_ns))), is_last=is_last)
            if len(ordered):
                self._waiting[k].append(ordered)
        return True


def _read_until(now_ns: int) -> Rows:
    """A row of nothing: what was recorded until then was read."""
    row = empty_rows(1)
    row["kind"] = AT_LOCAL
    row["local_ns"] = row["exchange_ns"] = now_ns
    return row


class RecordedSource:
    """One instrument of a RecordedHistory."""

    def __init__(self, history: RecordedHistory, k: int) -> None:
        self._history, self._k = history, k

    def blocks(self) -> Iterator[Rows]:
        while (rows := self._history.next_block(self._k)) is not None:
            yield rows
