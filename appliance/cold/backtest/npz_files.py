"""hftbacktest's .npz files as input: what they hold, a Source an instrument."""

from collections.abc import Iterator, Sequence
from math import gcd
from pathlib import Path
from typing import Any, Final

import numpy as np

from appliance.abi.history import HISTORY
from appliance.cold.backtest.history import InMemory, Rows, Source, whole_messages
from appliance.cold.backtest.npz import blocks_of, decimals_e8, rows_of
from appliance.cold.backtest.wanted import Progress, Wanted
from appliance.cold.errors import ApplianceError
from appliance.cold.grid import Learnt
from appliance.cold.instrument_table import Instruments

IN_MEMORY_ROWS_MAX: Final = (256 << 20) // HISTORY.itemsize


class EventFiles:
    """Files of one or more symbols; those of a symbol follow one another."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._paths: dict[str, list[Path]] = {}
        self._counts: dict[str, int] = {}
        names = wanted.symbols
        if len(names) > 1 and len(names) != len(wanted.files):
            raise ApplianceError("--symbols: give one for all .npz files, or one for each")
        for k, path in enumerate(wanted.files):
            symbol = names[min(k, len(names) - 1)] if names else path.stem.split("_")[0].upper()
            self._paths.setdefault(symbol, []).append(path)

    def learn(self, progress: Progress) -> list[Learnt]:
        """Symbols and grids, from a first pass over all of it."""
        return [self._learn(symbol, progress) for symbol in self._paths]

    def _learn(self, symbol: str, progress: Progress) -> Learnt:
        price = quantity = first = count = 0
        for path in self._paths[symbol]:
            for events in blocks_of(path):
                px, qty = decimals_e8(events)
                price = gcd(price, int(np.gcd.reduce(px, initial=0)))
                quantity = gcd(quantity, int(np.gcd.reduce(qty, initial=0)))
                first = first or (int(px[px > 0][0]) if (px > 0).any() else 0)
                count += len(events)
                progress(count, 0)
        self._counts[symbol] = count
        return Learnt(symbol, self._wanted.market, price, quantity, first, count, alone=True)

    def sources(self, instruments: Instruments) -> list[Source]:
        """In the order of the instruments."""
        made: list[Source] = []
        for k, symbol in enumerate(instruments.symbols):
            source = _Files(self._paths[symbol], instruments.records[k])
            if self._counts[symbol] <= IN_MEMORY_ROWS_MAX // len(instruments.symbols):
                made.append(InMemory(np.concatenate(list(source.blocks()))))
            else:
                made.append(source)
        return made

    def notes(self) -> list[str]:
        return []


class _Files:
    """.npz files of one instrument, one after the other."""

    def __init__(self, paths: Sequence[Path], instrument: Any) -> None:
        self._paths = paths
        self._grids = int(instrument["price_grid_e8"]), int(instrument["quantity_grid_e8"])

    def blocks(self) -> Iterator[Rows]:
        return whole_messages(self._rows())

    def _rows(self) -> Iterator[Rows]:
        before_ns = 0
        for path in self._paths:
            first = True
            for events in blocks_of(path):
                rows = rows_of(events, *self._grids)
                if first and len(rows) and int(rows["local_ns"][0]) < before_ns:
                    raise ApplianceError(f"{path}: begins before the file in front of it ends")
                first = False
                before_ns = max(before_ns, int(rows["local_ns"].max(initial=0)))
                yield rows
