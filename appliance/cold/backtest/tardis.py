"""Tardis' CSV files as input: ``incremental_book_L2`` and ``trades``, plain or gzip.

Columns (docs.tardis.dev, "Downloadable CSV files"): exchange, symbol, timestamp and local_timestamp
in µs; of a book is_snapshot, side (bid, ask), price, amount: 0 takes the level away; of trades id,
side (of who took: buy, sell, unknown), price, amount. A snapshot is every row of it in one go, and
takes the place of the book.
"""

import csv
import gzip
import heapq
import io
import zlib
from collections.abc import Iterator, Sequence
from math import gcd
from pathlib import Path
from typing import Any, Final, NamedTuple

from appliance.abi.history import AT_EXCHANGE, AT_LOCAL, BUY, SELL, What
from appliance.abi.units import E8, NO_ID, NS_PER_US
from appliance.cold.backtest.history import Rows, Source, empty_rows, whole_messages
from appliance.cold.backtest.order import Sorter, remarks
from appliance.cold.backtest.wanted import Progress, Wanted
from appliance.cold.errors import ApplianceError
from appliance.cold.grid import Learnt
from appliance.cold.instrument_table import Instruments

COMMON: Final = ("symbol", "timestamp", "local_timestamp", "side", "price", "amount")
BOOK: Final = "is_snapshot"
TRADES: Final = "id"
BLOCK_ROWS: Final = 1 << 16
BOTH: Final = AT_EXCHANGE | AT_LOCAL
_SIDES: Final = {"bid": BUY, "ask": SELL, "buy": BUY, "sell": SELL, "unknown": 0}
_AMOUNT_MOST: Final = 10**10  # what a float64 holds to the eighth decimal, and more than exists


class Entry(NamedTuple):
    """A line: times in ns, numbers times 10**8."""

    local_ns: int
    exchange_ns: int
    symbol: str
    kind: int  # What | side
    price_e8: int
    amount_e8: int
    starts_snapshot: bool


class TardisFiles:
    """Files of one or more symbols, merged by their local times."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._sorters: dict[str, Sorter] = {}
        self._paths: dict[str, dict[Path, None]] = {}  # of each symbol, in their order

    def learn(self, progress: Progress) -> list[Learnt]:
        """Symbols and grids, from a first pass over all of it."""
        found: dict[str, list[int]] = {}  # price grid, quantity grid, first price, rows
        count = 0
        for path in self._wanted.files:
            for entry in entries_of(path):
                one = found.setdefault(entry.symbol, [0, 0, 0, 0])
                one[0], one[1] = gcd(one[0], entry.price_e8), gcd(one[1], entry.amount_e8)
                one[2], one[3] = one[2] or entry.price_e8, one[3] + 1
                self._paths.setdefault(entry.symbol, {})[path] = None
                count += 1
                if count % BLOCK_ROWS == 0:
                    progress(count, 0)
        wanted = self._wanted.symbols or tuple(found)
        for symbol in wanted:
            if symbol not in found:
                raise ApplianceError(f"no {symbol} in these files; there are: {', '.join(found)}")
        market = self._wanted.market
        learnt = []
        for symbol in wanted:
            price, quantity, first, count = found[symbol]
            alone = len(found) == 1
            learnt.append(Learnt(symbol, market, price, quantity, first, count, alone=alone))
        return learnt

    def sources(self, instruments: Instruments) -> list[Source]:
        """In the order of the instruments. Each reads the files that it is in anew."""
        made: list[Source] = []
        for symbol, record in zip(instruments.symbols, instruments.records, strict=True):
            sorter = self._sorters[symbol] = Sorter()
            made.append(_OneSymbol(tuple(self._paths[symbol]), symbol, record, sorter))
        return made

    def notes(self) -> list[str]:
        """What was odd, a line each."""
        return [f"{symbol}: {line}" for symbol, s in self._sorters.items() for line in remarks(s)]


class _OneSymbol:
    def __init__(self, paths: Sequence[Path], symbol: str, instrument: Any, sorter: Sorter) -> None:
        self._paths, self._symbol, self._sorter = paths, symbol, sorter
        self._grids = int(instrument["price_grid_e8"]), int(instrument["quantity_grid_e8"])

    def blocks(self) -> Iterator[Rows]:
        return whole_messages(self._rows())

    def _rows(self) -> Iterator[Rows]:
        block: list[tuple[int, ...]] = []
        for entry in self._entries():
            times = entry.exchange_ns, entry.local_ns
            if entry.starts_snapshot:
                block.append((What.CLEAR | BOTH, *times, 0, 0, NO_ID))
            units = entry.price_e8 // self._grids[0], entry.amount_e8 // self._grids[1]
            block.append((entry.kind | BOTH, *times, *units, NO_ID))
            if len(block) >= BLOCK_ROWS:
                yield self._sorter.take(_array(block))
                block.clear()
        yield self._sorter.take(_array(block), is_last=True)

    def _entries(self) -> Iterator[Entry]:
        streams = [entries_of(path) for path in self._paths]
        merged = heapq.merge(*streams, key=lambda entry: entry.local_ns)
        return (entry for entry in merged if entry.symbol == self._symbol)


def _array(block: list[tuple[int, ...]]) -> Rows:
    rows = empty_rows(len(block))
    if block:
        rows[:] = block
    return rows


def entries_of(path: Path) -> Iterator[Entry]:
    """The lines of a file. ApplianceError names the first that is none."""
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            data: Any = gzip.GzipFile(fileobj=raw) if packed else raw
            with io.TextIOWrapper(data, encoding="ascii", newline="") as text:
                yield from _parsed(path, csv.reader(text))
    except (OSError, EOFError, UnicodeDecodeError, zlib.error, csv.Error) as error:
        reason = getattr(error, "strerror", None) or "not a CSV file, or a cut one"
        raise ApplianceError(f"{path}: {reason}") from None


def _parsed(path: Path, lines: Iterator[list[str]]) -> Iterator[Entry]:
    header = next(lines, [])
    missing = [name for name in COMMON if name not in header]
    if missing or (BOOK in header) == (TRADES in header):
        raise ApplianceError(
            f"{path}: not Tardis' incremental_book_L2 or trades: it has no {', '.join(missing)}"
            if missing
            else f"{path}: neither {BOOK} (of books) nor {TRADES} (of trades) among its columns"
        )
    at = [header.index(name) for name in COMMON]
    snapshot_at = header.index(BOOK) if BOOK in header else -1
    in_snapshot = False
    for number, line in enumerate(lines, 2):
        try:
            symbol, exchange, local, side, price, amount = (line[k] for k in at)
            is_snapshot = snapshot_at >= 0 and line[snapshot_at] == "true"
            kind = int(What.TRADE)
            if snapshot_at >= 0:
                kind = int(What.SNAPSHOT if is_snapshot else What.DEPTH)
            yield Entry(
                int(local) * NS_PER_US,
                int(exchange) * NS_PER_US,
                symbol.upper(),
                kind | _SIDES[side],
                _decimal_e8(price),
                _decimal_e8(amount),
                is_snapshot and not in_snapshot,
            )
            in_snapshot = is_snapshot
        except (ValueError, KeyError, IndexError):
            raise ApplianceError(f"{path}:{number}: {','.join(line)[:120]!r} is no row") from None


def _decimal_e8(text: str) -> int:
    value = float(text)
    if not 0 <= value <= _AMOUNT_MOST:
        raise ValueError(text)
    return round(value * E8)
