"""Recordings as input: what they hold, a Source an instrument."""

from collections.abc import Iterator
from typing import Any

from appliance.cold import grid
from appliance.cold.backtest.frames import RecordedHistory
from appliance.cold.backtest.history import Source
from appliance.cold.backtest.order import Sorter, remarks
from appliance.cold.backtest.wanted import Progress, Wanted
from appliance.cold.grid import Learnt
from appliance.cold.instrument_table import Instruments
from appliance.cold.recording import ReadReport, load_chunks

CHUNK_BYTES = 8 << 20


class Recordings:
    """Files of frames; several symbols may be in each."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._report = ReadReport()
        self._symbols: tuple[str, ...] = ()
        self._sorters: list[Sorter] = []
        self._recorded: RecordedHistory | None = None

    def learn(self, progress: Progress) -> list[Learnt]:
        """Symbols and grids, from a first pass over all of it."""
        symbols = list(self._wanted.symbols) or None
        return grid.learn(self._arenas(progress, self._report), symbols)

    def sources(self, instruments: Instruments) -> list[Source]:
        """In the order of the instruments."""
        recorded = RecordedHistory(instruments, self._arenas(None, None))
        self._symbols, self._sorters = instruments.symbols, recorded.sorters
        self._recorded = recorded
        return list(recorded.sources())

    @property
    def shifts_ns(self) -> dict[str, int]:
        """What was added to the times of each symbol's messages, when its source has been read."""
        return {s: one.shift_ns for s, one in zip(self._symbols, self._sorters, strict=True)}

    def notes(self) -> list[str]:
        """What was odd, a line each."""
        told = self._report.remarks()
        for symbol, sorter in zip(self._symbols, self._sorters, strict=True):
            told += [f"{symbol}: {line}" for line in remarks(sorter)]
        return told + (self._recorded.book_remarks() if self._recorded else [])

    def _arenas(self, progress: Any, report: ReadReport | None) -> Iterator[Any]:
        wanted = self._wanted
        paths = [str(path) for path in wanted.files]
        return load_chunks(paths, wanted.snapshots, CHUNK_BYTES, progress, report=report)
