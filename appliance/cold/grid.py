"""The first pass over a recording: which instruments it holds, their markets, their grids.

A grid that holds every number of a recording is the greatest common divisor of those numbers. The
tick of today's exchangeInfo is not enough: a book keeps levels from before the tick was changed.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import gcd
from typing import Final

import numpy as np

from appliance.abi.limits import INSTRUMENTS_MAX, SYMBOL_BYTES_MAX
from appliance.abi.market import Kind, Market
from appliance.cold.errors import ApplianceError
from appliance.cold.frame_event import Unusable, event_of, short
from appliance.cold.recording import NO_HINT, Arena
from appliance.hot import learn as hot_learn
from appliance.hot.learn import COLUMNS, learn_frames

FRAMES_AT_ONCE: Final = 8192
NAMES_SHOWN: Final = 5
BytesDone = Callable[[int, int], None]  # of frames, and 0: nobody knows how many there will be

_PARTIAL: Final = re.compile(r"depth(?:5|10|20)(?:@.*)?", re.DOTALL)
_DEPTH: Final = re.compile(r"depth(?:5|10|20)?(?:@.*)?", re.DOTALL)
# Whose form alone tells the market. Trades and snapshots count where there is nothing better.
_TELLING: Final = frozenset((Kind.DEPTH, Kind.PARTIAL, Kind.TICKER))
_PRICED: Final = frozenset((Kind.TICKER, Kind.TRADE, Kind.AGG_TRADE))


@dataclass(frozen=True, slots=True)
class Learnt:
    """An instrument of a recording. A grid or price of 0: the recording has no number but zero."""

    symbol: str
    market: Market
    price_grid_e8: int
    quantity_grid_e8: int
    first_price_e8: int  # of the first trade or touch; else of the first level
    frames_n: int
    # No other symbol is recorded: a snapshot that nobody named is its own
    alone: bool = field(default=True, compare=False)


@dataclass(slots=True)
class _Found:
    """What one symbol has shown so far."""

    price_grid_e8: int = 0
    quantity_grid_e8: int = 0
    first_e8: dict[int, int] = field(default_factory=dict)  # rank: 0 trade or touch .. 2
    markets: set[int] = field(default_factory=set)
    markets_guessed: set[int] = field(default_factory=set)
    frames_n: int = 0

    def add(self, kind: int, market: int, prices: int, quantities: int, first_e8: int) -> None:
        self.frames_n += 1
        self.price_grid_e8 = gcd(self.price_grid_e8, prices)
        self.quantity_grid_e8 = gcd(self.quantity_grid_e8, quantities)
        (self.markets if kind in _TELLING else self.markets_guessed).add(market)
        if first_e8:
            rank = 0 if kind in _PRICED else 2 if kind == Kind.DEPTH else 1
            self.first_e8.setdefault(rank, first_e8)

    def merge(self, other: "_Found") -> None:
        self.price_grid_e8 = gcd(self.price_grid_e8, other.price_grid_e8)
        self.quantity_grid_e8 = gcd(self.quantity_grid_e8, other.quantity_grid_e8)
        self.markets_guessed |= other.markets_guessed
        self.frames_n += other.frames_n
        for rank, price_e8 in other.first_e8.items():
            self.first_e8.setdefault(rank, price_e8)

    def learnt(self, symbol: str, *, alone: bool) -> Learnt:
        markets = self.markets or self.markets_guessed
        if len(self.markets) > 1:
            raise ApplianceError(
                f"{short(symbol)} is recorded on spot and on USD-M; give one market's recording"
            )
        first = self.first_e8[min(self.first_e8)] if self.first_e8 else 0
        market = Market(next(iter(markets))) if len(markets) == 1 else Market.SPOT
        grids = self.price_grid_e8, self.quantity_grid_e8
        return Learnt(symbol, market, *grids, first, self.frames_n, alone)


def learn(
    arenas: Iterable[Arena],
    wanted: Sequence[str] | None = None,
    progress: BytesDone | None = None,
) -> list[Learnt]:
    """The instruments of a recording in the order of their first frames, or those ``wanted``.

    Snapshots belong to the symbol of their hint, else to the only symbol that there is. Raises
    ApplianceError if there is no market data, or more than the appliance can hold.
    """
    survey = _Survey()
    done_bytes = 0
    for arena in arenas:
        for block_bytes in survey.take(arena):
            done_bytes += block_bytes
            if progress is not None:
                progress(done_bytes, 0)
    found = survey.by_symbol()
    if not found:
        raise ApplianceError(
            "no market data in the recording: no depth, bookTicker or trade frame names a symbol"
        )
    symbols = chosen(list(found), wanted)
    if len(symbols) > INSTRUMENTS_MAX:
        raise ApplianceError(
            f"{len(symbols)} symbols, {INSTRUMENTS_MAX} are possible:"
            " choose some with --symbols A,B"
        )
    for symbol in symbols:
        _check_symbol(symbol)
    return [found[symbol].learnt(symbol, alone=len(found) == 1) for symbol in symbols]


def chosen(symbols: Sequence[str], wanted: Sequence[str] | None) -> list[str]:
    """``symbols``, or those ``wanted`` in that order. ApplianceError if one is not there."""
    if wanted is None:
        return list(symbols)
    for symbol in wanted:
        if symbol not in symbols:
            shown = ", ".join(short(s)[1:-1] for s in symbols[:NAMES_SHOWN])
            more = "" if len(symbols) <= NAMES_SHOWN else f" and {len(symbols) - NAMES_SHOWN} more"
            raise ApplianceError(f"{short(symbol)} is not in the recording; it has {shown}{more}")
    return list(dict.fromkeys(wanted))


def _check_symbol(symbol: str) -> None:
    """What no order, frame or record could name. ApplianceError."""
    if len(symbol.encode()) > SYMBOL_BYTES_MAX:
        why = f"longer than {SYMBOL_BYTES_MAX} bytes"
    elif "@" in symbol or symbol.startswith("!") or any(c < " " for c in symbol):
        why = "not a name that the venue could give"
    else:
        return
    raise ApplianceError(f"the symbol {short(symbol)} is {why}; choose others with --symbols A,B")


class _Survey:
    """Everything found so far, by symbol."""

    def __init__(self) -> None:
        self._found: dict[str, _Found] = {}
        self._nameless = _Found()  # snapshots that nobody named
        self._rows = np.zeros((FRAMES_AT_ONCE, COLUMNS), np.int64)
        self._by_names: dict[tuple[int, bytes, bytes], _Found | None] = {}

    def by_symbol(self) -> dict[str, _Found]:
        if len(self._found) == 1 and self._nameless.frames_n:
            next(iter(self._found.values())).merge(self._nameless)
        return self._found

    def take(self, arena: Arena) -> Iterator[int]:
        """Yields the bytes of each block of frames when it is done."""
        for first in range(0, len(arena), FRAMES_AT_ONCE):
            block = slice(first, first + FRAMES_AT_ONCE)
            lengths = arena.lengths[block]
            rows = self._rows[: len(lengths)]
            starts = arena.starts[block]
            learn_frames(arena.data, starts, lengths, rows)  # type: ignore[no-untyped-call]
            for number, row in enumerate(rows.tolist(), first):
                if row[hot_learn.KIND] != Kind.OTHER:
                    self._add(arena, number, row)
            yield int(lengths.sum())

    def _add(self, arena: Arena, number: int, row: list[int]) -> None:
        assert len(row) == COLUMNS
        (kind, market, escaped, symbol_at, symbol_n, stream_at, stream_n) = row[:7]
        if kind == Kind.SNAPSHOT:
            found: _Found | None = self._of_snapshot(arena, int(arena.hints[number]))
        elif escaped:
            found = self._of_parsed(kind, arena.frame(number))
        else:
            symbol = arena.data[symbol_at : symbol_at + symbol_n].tobytes()
            stream = arena.data[stream_at : stream_at + stream_n].tobytes()
            names = kind, symbol, stream
            if names not in self._by_names:
                self._by_names[names] = self._of_bytes(kind, symbol, stream)
            found = self._by_names[names]
        if found is not None:
            found.add(
                kind,
                market,
                row[hot_learn.PRICE_GRID],
                row[hot_learn.QUANTITY_GRID],
                row[hot_learn.FIRST_PRICE],
            )

    def _of_snapshot(self, arena: Arena, hint: int) -> _Found:
        if hint == NO_HINT:
            return self._nameless
        return self._found.setdefault(arena.symbols[hint], _Found())

    def _of_parsed(self, kind: int, frame: bytes) -> _Found | None:
        """Names with escapes, by a JSON parser."""
        try:
            event = event_of(frame)
            if event is None:
                return None
            symbol = event.text("s") if "s" in event.keys else ""
            return self._of_names(kind, symbol, event.stream)
        except Unusable:
            return None

    def _of_bytes(self, kind: int, symbol: bytes, stream: bytes) -> _Found | None:
        try:
            return self._of_names(kind, symbol.decode(), stream.decode() if stream else None)
        except UnicodeDecodeError:
            return None

    def _of_names(self, kind: int, symbol: str, stream: str | None) -> _Found | None:
        """None: no stream of ours, or nobody's (the same rules as the clerk's)."""
        name, _, part = ("", "", None) if stream is None else stream.partition("@")
        if kind == Kind.PARTIAL:
            if part is None or _PARTIAL.fullmatch(part) is None:
                return None
            symbol = name.upper()  # it has none of its own
        elif kind == Kind.DEPTH and part is not None and _DEPTH.fullmatch(part) is None:
            return None
        return self._found.setdefault(symbol, _Found()) if symbol else None
