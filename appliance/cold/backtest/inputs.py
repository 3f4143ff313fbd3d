"""The files of a backtest: recordings, or hftbacktest's .npz; what they hold, and their Sources."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import gcd
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from appliance.abi.market import Market
from appliance.cold import grid, instrument_table
from appliance.cold.backtest.frames import RecordedHistory
from appliance.cold.backtest.history import InMemory, Rows, Source
from appliance.cold.backtest.npz import EVENT, decimals_e8, rows_of
from appliance.cold.errors import ApplianceError
from appliance.cold.exchange_info import load_exchange_info
from appliance.cold.instrument_table import Instruments
from appliance.cold.recording import ReadReport, load_chunks
from appliance.cold.strategy_loader import Strategy

CHUNK_BYTES = 64 << 20
Watch = Callable[[int], None]


@dataclass(frozen=True)
class Wanted:
    """What the command line says of its input."""

    files: tuple[Path, ...]
    symbols: tuple[str, ...]  # none: all
    snapshots: tuple[str, ...]
    exchange_info: str | None
    market: Market  # of .npz files, which do not say


class History:
    """All of a backtest's input; ``learn`` first, then ``sources`` once."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._npz = [path for path in wanted.files if path.suffix == ".npz"]
        if self._npz and len(self._npz) != len(wanted.files):
            raise ApplianceError("recordings and .npz files cannot be mixed: convert one of them")
        self._events: dict[str, list[Path]] = {}
        self.report = ReadReport()
        self.recorded: RecordedHistory | None = None

    def learn(self, progress: Callable[[int, int], None]) -> Instruments:
        """Instruments and their grids, from a first pass over all of it."""
        wanted = self._wanted
        rules = load_exchange_info(wanted.exchange_info) if wanted.exchange_info else None
        symbols = list(wanted.symbols) or None
        if self._npz:
            learnt = self._learn_npz()
        else:
            learnt = grid.learn(self._arenas(progress, self.report), symbols)
        return instrument_table.build(learnt, rules, symbols if not self._npz else None)

    def sources(self, instruments: Instruments, strategy: Strategy) -> Sequence[Source]:
        """One an instrument."""
        if not self._npz:
            self.recorded = RecordedHistory(instruments, strategy, self._arenas(None, None))
            return self.recorded.sources()
        return [
            _EventFiles(self._events[symbol], instruments.records[k]).whole()
            for k, symbol in enumerate(instruments.symbols)
        ]

    def _arenas(self, progress: Any, report: ReadReport | None) -> Iterator[Any]:
        wanted = self._wanted
        return load_chunks(
            [str(path) for path in wanted.files],
            wanted.snapshots,
            CHUNK_BYTES,
            progress,
            report=report,
        )

    def _learn_npz(self) -> list[grid.Learnt]:
        names = self._wanted.symbols
        if names and len(names) not in (1, len(self._npz)):
            raise ApplianceError("--symbols: give one for all .npz files, or one for each")
        found = []
        for k, path in enumerate(self._npz):
            symbol = names[min(k, len(names) - 1)] if names else path.stem.split("_")[0].upper()
            self._events.setdefault(symbol, []).append(path)
        for symbol, paths in self._events.items():
            prices = quantities = first = count = 0
            for path in paths:
                events = load_events(path)
                px, qty = decimals_e8(events)
                prices, quantities = gcd(prices, _gcd(px)), gcd(quantities, _gcd(qty))
                first = first or (int(px[px > 0][0]) if (px > 0).any() else 0)
                count += len(events)
            found.append(
                grid.Learnt(
                    symbol, self._wanted.market, prices, quantities, first, count, alone=True
                )
            )
        return found


class _EventFiles:
    """.npz files of one instrument, in the order of their time."""

    def __init__(self, paths: Sequence[Path], instrument: Any) -> None:
        self._paths = paths
        self._grids = int(instrument["price_grid_e8"]), int(instrument["quantity_grid_e8"])

    def whole(self) -> Source:
        """One file alone is in memory, as it is; of more there is one at a time."""
        if len(self._paths) == 1:
            return InMemory(next(self.blocks()))
        return self

    def blocks(self) -> Iterator[Rows]:
        before_ns = 0
        for path in self._paths:
            rows = rows_of(load_events(path), *self._grids)
            if len(rows):
                if int(rows["local_ns"][0]) < before_ns:
                    raise ApplianceError(f"{path}: begins before the file in front of it ends")
                before_ns = int(rows["local_ns"][-1])
            yield rows


def load_events(path: Path) -> Rows:
    """hftbacktest's array ``data``. ApplianceError: it is no such file."""
    try:
        with np.load(path) as file:
            events: Rows = file["data"]
    except (OSError, ValueError, KeyError, BadZipFile, EOFError) as error:
        reason = getattr(error, "strerror", None) or "not an .npz of hftbacktest (no array 'data')"
        raise ApplianceError(f"{path}: {reason}") from None
    if set(EVENT.names or ()) - set(events.dtype.names or ()):
        raise ApplianceError(f"{path}: its array 'data' has other fields than hftbacktest's events")
    return events


def _gcd(values: Any) -> int:
    return int(np.gcd.reduce(values)) if len(values) else 0
