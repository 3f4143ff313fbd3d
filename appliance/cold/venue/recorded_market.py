"""What a recording says of a market, put in the order of the exchange's own clock.

Of a recording count depth differences, trades (aggregates where no trades were recorded) and REST
snapshots. bookTickers, partial books, mark prices and trades that were not made at the market are
left out: the venue makes its own of the book.

A recorder receives several streams, and they overtake each other. The venue is the exchange, so an
event happens at its exchange time (``T``, else ``E``), trades before a difference of the same
millisecond: what a difference takes off a price has then already been seen as trades. A snapshot
stands where its id belongs, whenever it came. Before the first snapshot that the differences go on
from there is no market; behind a gap the book stands still until another snapshot fits.
"""

import json
import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import gcd
from pathlib import Path
from typing import Any, Final, NamedTuple

from appliance.abi.market import Market
from appliance.abi.trading import Side
from appliance.abi.units import E8, NS_PER_MS, NS_PER_US
from appliance.cold.errors import ApplianceError
from appliance.cold.exchange_info import decimal_e8
from appliance.cold.recording import Line, SnapshotFile, read
from appliance.cold.synthetic.symbols import ORDER_QUOTE, Contract

_MICROSECONDS_FROM: Final = 10**15
_FULL_DEPTH: Final = re.compile(r"depth(?:@\d+ms)?")
_TICKER: Final = b"@bookTicker"
_HEAD_BYTES: Final = 96  # a stream's name ends before
Rows = list[list[str]]


class Deal(NamedTuple):
    """A recorded trade. ``taker`` is the Side that took liquidity; prices and sizes in e8."""

    at_ns: int
    taker: int
    price_e8: int
    quantity_e8: int


class Change(NamedTuple):
    """A recorded difference, or (``whole``) a snapshot: (price, quantity) in e8 from ``start``."""

    at_ns: int
    whole: bool
    start: int  # in ``RecordedMarket.levels``
    bids_n: int
    asks_n: int


class _Difference(NamedTuple):
    change: Change
    first_id: int
    last_id: int
    previous_id: int  # 0 on spot


@dataclass
class RecordedMarket:
    """One symbol of one market. ``levels``: price, quantity, price, quantity, ..."""

    contract: Contract
    levels: "array[int]"
    events: list[Change | Deal]
    gaps: int  # places where differences are missing

    @property
    def first_ns(self) -> int:
        return self.events[0].at_ns

    @property
    def last_ns(self) -> int:
        return self.events[-1].at_ns


@dataclass
class _Gathered:
    """All that was read of one symbol."""

    levels: "array[int]" = field(default_factory=lambda: array("q"))
    differences: list[_Difference] = field(default_factory=list)
    snapshots: list[tuple[int, Change]] = field(default_factory=list)  # with their ids
    trades: list[Deal] = field(default_factory=list)
    aggregates: list[Deal] = field(default_factory=list)
    price_digits: int = 0
    quantity_digits: int = 0

    def change(self, at_ns: int, whole: bool, bids: Rows, asks: Rows) -> Change:
        start = len(self.levels)
        for price, quantity in (*bids, *asks):
            self.levels.extend((decimal_e8(price), decimal_e8(quantity)))
        for price, quantity in (*bids[:1], *asks[:1]):
            self._see(price, quantity)
        return Change(at_ns, whole, start, len(bids), len(asks))

    def deal(self, data: dict[str, Any]) -> Deal:
        self._see(data["p"], data["q"])
        taker = Side.SELL if data["m"] else Side.BUY
        price_e8, quantity_e8 = decimal_e8(data["p"]), decimal_e8(data["q"])
        return Deal(_stamp_ns(data["T"]), taker, price_e8, quantity_e8)

    def _see(self, price: str, quantity: str) -> None:
        self.price_digits = max(self.price_digits, len(price.partition(".")[2]))
        self.quantity_digits = max(self.quantity_digits, len(quantity.partition(".")[2]))


def read_markets(
    paths: Sequence[Path],
    snapshots: Sequence[SnapshotFile] = (),
    symbols: Sequence[str] | None = None,
) -> list[RecordedMarket]:
    """Every symbol in the files that has a book, or those of ``symbols``. Raises ApplianceError."""
    found: dict[tuple[Market, str], _Gathered] = {}
    for path in paths:
        _gather(found, read(path), None)
    for file in snapshots:
        _gather(found, read(file.path), file.symbol)
    wanted = [key for key in found if symbols is None or key[1] in symbols]
    missing = set(symbols or ()) - {symbol for _, symbol in wanted}
    if missing or not wanted:
        raise ApplianceError(f"not in the recording: {', '.join(sorted(missing)) or 'any market'}")
    return [_market(*key, found[key]) for key in wanted]


def _gather(
    found: dict[tuple[Market, str], _Gathered], lines: Iterator[Line], symbol: str | None
) -> None:
    nameless: list[dict[str, Any]] = []
    mine: list[tuple[Market, str]] = []
    for line in lines:
        if _TICKER in line.frame[:_HEAD_BYTES]:
            continue
        try:
            form = json.loads(line.frame)
            stream, data = form.get("stream", ""), form.get("data", form)
            if "lastUpdateId" in data and not stream:
                name = symbol or line.symbol
                if name is None:
                    nameless.append(data)
                else:
                    key = Market.USDM if "T" in data else Market.SPOT, name
                    _add_snapshot(found.setdefault(key, _Gathered()), data)
                continue
            whose = _add(found, stream.partition("@")[2], data)
            if whose is not None and whose not in mine:
                mine.append(whose)
        except (ValueError, TypeError, KeyError, AttributeError):
            continue  # not what we look for, or spoilt: a gap will show
    for data in nameless:
        market = Market.USDM if "T" in data else Market.SPOT
        keys = [key for key in mine or found if key[0] == market]
        if len(keys) == 1:  # with more symbols nobody can tell whose it is
            _add_snapshot(found[keys[0]], data)


def _add_snapshot(gathered: _Gathered, data: dict[str, Any]) -> None:
    change = gathered.change(0, True, data["bids"], data["asks"])
    gathered.snapshots.append((data["lastUpdateId"], change))


def _add(
    found: dict[tuple[Market, str], _Gathered], part: str, data: dict[str, Any]
) -> tuple[Market, str] | None:
    """Take one event down; whose it was, None if it is of no use."""
    event = data.get("e")
    if event == "depthUpdate":
        if part and not _FULL_DEPTH.fullmatch(part):
            return None
        key = Market.USDM if "pu" in data else Market.SPOT, data["s"]
        gathered = found.setdefault(key, _Gathered())
        at_ns = _stamp_ns(data.get("T", data["E"]))
        change = gathered.change(at_ns, False, data["b"], data["a"])
        ids = data["U"], data["u"], data.get("pu", 0)
        gathered.differences.append(_Difference(change, *ids))
        return key
    if event in ("trade", "aggTrade") and data.get("X", "MARKET") == "MARKET":
        key = Market.SPOT if "M" in data else Market.USDM, data["s"]
        gathered = found.setdefault(key, _Gathered())
        deals = gathered.trades if event == "trade" else gathered.aggregates
        deals.append(gathered.deal(data))
        return key
    return None


def _stamp_ns(stamp: int) -> int:
    return stamp * (NS_PER_US if stamp >= _MICROSECONDS_FROM else NS_PER_MS)


def _market(market: Market, symbol: str, gathered: _Gathered) -> RecordedMarket:
    changes, gaps = _connected(market, gathered)
    if not changes:
        raise ApplianceError(
            f"the recording of {symbol} has no snapshot that its depth goes on from;"
            " name one with --snapshot"
        )
    start_ns = changes[0].at_ns
    deals = [d for d in gathered.trades or gathered.aggregates if d.at_ns >= start_ns]
    # sorted() is stable: snapshot before difference, and trades before both by the rank
    every: list[Change | Deal] = [changes[0], *deals, *changes[1:]]
    events = sorted(every, key=lambda e: (e.at_ns, isinstance(e, Change) and e is not every[0]))
    contract = _contract(market, symbol, gathered)
    return RecordedMarket(contract, gathered.levels, events, gaps)


def _connected(market: Market, gathered: _Gathered) -> tuple[list[Change], int]:
    """Differences that follow one another, a snapshot before each run; and the gaps."""
    kept: list[Change] = []
    last_id = gaps = at_ns = 0
    for change, first_id, until_id, previous_id in sorted(
        gathered.differences, key=lambda difference: difference.last_id
    ):
        if until_id <= last_id:
            continue  # seen on another connection
        at_ns = max(at_ns, change.at_ns)  # the order of ids is the order of things
        goes_on = previous_id == last_id if market == Market.USDM else first_id == last_id + 1
        if last_id and not goes_on:
            gaps += 1
            last_id = 0
        if not last_id:
            before_id = previous_id if market == Market.USDM else first_id - 1
            last = until_id if market == Market.USDM else until_id - 1
            fits = [s for at_id, s in gathered.snapshots if before_id <= at_id <= last]
            if not fits:
                continue
            kept.append(fits[-1]._replace(at_ns=at_ns))
        kept.append(change._replace(at_ns=at_ns))
        last_id = until_id
    return kept, gaps


def _contract(market: Market, symbol: str, gathered: _Gathered) -> Contract:
    """Grids that hold every recorded number, and numbers written as they were recorded."""
    deals = gathered.trades or gathered.aggregates
    price_grid_e8, quantity_grid_e8 = gcd(*gathered.levels[::2]), gcd(*gathered.levels[1::2])
    for deal in deals:
        price_grid_e8 = gcd(price_grid_e8, deal.price_e8)
        quantity_grid_e8 = gcd(quantity_grid_e8, deal.quantity_e8)
    start_e8 = deals[0].price_e8 if deals else gathered.levels[gathered.snapshots[0][1].start]
    return Contract(
        symbol=symbol,
        market=market,
        price_grid_e8=price_grid_e8,
        quantity_grid_e8=quantity_grid_e8,
        start_ticks=start_e8 // price_grid_e8,
        order_lots=max(1, ORDER_QUOTE * E8 * E8 // (start_e8 * quantity_grid_e8)),
        price_digits=gathered.price_digits,
        quantity_digits=gathered.quantity_digits,
    )
