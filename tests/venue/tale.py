"""A recording written by hand, and a floor that plays it while the clock stands at the test's will.

Prices and sizes are whole numbers here: 1 is a price of 1.00 and a size of 0.001. Grids are learnt
from a recording, so every tale tells of the level 1 at size 1, far away from what happens.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from appliance.abi.market import Market
from appliance.abi.trading import Side
from appliance.abi.units import NS_PER_MS
from appliance.cold.line import Line, write
from appliance.cold.synthetic.matching import Prevention
from appliance.cold.venue.exchange import Printed
from appliance.cold.venue.floor import Floor
from appliance.cold.venue.instrument import Instrument
from appliance.cold.venue.listed import Recording, recorded
from appliance.cold.venue.order import ClientOrder, Draft

Sizes = Mapping[int, int]
START_MS = 1_767_571_200_000
FAR = {1: 1}  # a bid that gives the grids
NONE: Sizes = {}


class Tale:
    """Depth, trades and snapshots of BTCUSDT as a recorder writes them down."""

    def __init__(self, market: Market) -> None:
        self.market = market
        self.lines: list[Line] = []
        self._usdm = market == Market.USDM
        self._last_id, self._trade_id = 1000, 0
        self._received_ns = START_MS * NS_PER_MS

    def begin(self, bids: Sizes, asks: Sizes) -> "Tale":
        """A snapshot at 0 ms, and a difference that goes on from it."""
        self.snapshot(self._last_id, FAR | dict(bids), asks)
        return self.change(0)

    def snapshot(self, last_id: int, bids: Sizes, asks: Sizes) -> "Tale":
        times = {"E": START_MS, "T": START_MS} if self._usdm else {}
        rows = {"bids": self._rows(bids), "asks": self._rows(asks)}
        return self._write({"lastUpdateId": last_id} | times | rows)

    def change(self, at_ms: int, bids: Sizes = FAR, asks: Sizes = NONE, lost: int = 0) -> "Tale":
        """Sizes from now on; ``lost`` ids before it were never recorded."""
        previous = self._last_id + lost
        self._last_id = previous + 3
        data: dict[str, Any] = {"e": "depthUpdate", "E": START_MS + at_ms}
        if self._usdm:
            data["T"] = START_MS + at_ms
        data |= {"s": "BTCUSDT", "U": previous + 1, "u": self._last_id}
        if self._usdm:
            data["pu"] = previous
        data |= {"b": self._rows(bids), "a": self._rows(asks)}
        return self._write({"stream": "btcusdt@depth@100ms", "data": data})

    def trade(self, at_ms: int, taker: int, price: int, size: int, kind: str = "") -> "Tale":
        """``kind``: USD-M's X, for trades that were not made at the market."""
        self._trade_id += 1
        stamp = START_MS + at_ms
        data: dict[str, Any] = {"e": "trade", "E": stamp, "s": "BTCUSDT", "t": self._trade_id}
        data |= {"p": self._price(price), "q": self._size(size), "T": stamp}
        data |= {"X": kind or "MARKET"} if self._usdm else {}
        data |= {"m": taker == Side.SELL} | ({} if self._usdm else {"M": True})
        return self._write({"stream": "btcusdt@trade", "data": data})

    def write(self, path: Path) -> Path:
        """As a file."""
        write(path, self.lines)
        return path

    def _write(self, form: dict[str, Any]) -> "Tale":
        """Everything is received in the order in which it is told, whatever its stamps say."""
        self._received_ns += NS_PER_MS
        self.lines.append(Line(self._received_ns, json.dumps(form).encode()))
        return self

    def _rows(self, sizes: Sizes) -> list[list[str]]:
        return [[self._price(price), self._size(size)] for price, size in sizes.items()]

    def _price(self, price: int) -> str:
        return f"{price}.{0:0{2 if self._usdm else 8}d}"

    def _size(self, size: int) -> str:
        return f"{size // 1000}.{size % 1000:03d}" + ("" if self._usdm else "00000")


class Played:
    """A tale while it is played; ``until`` moves the clock."""

    def __init__(
        self, tale: Tale, folder: Path, *, speed: float = 1, repeats: bool = False
    ) -> None:
        path = tale.write(folder / "tale.gz")
        listed = recorded(Recording([path], speed=speed, repeats=repeats), seed=1)
        self._begin(listed[tale.market], tale.market)

    @classmethod
    def of(cls, instruments: list[Instrument], market: Market) -> "Played":
        """Of a recording that is no tale."""
        played = cls.__new__(cls)
        played._begin(instruments, market)
        return played

    def _begin(self, instruments: list[Instrument], market: Market) -> None:
        self.floor = Floor(market, instruments)
        self.account: Any = self.floor.open_account("client")
        (self.instrument,) = instruments
        self.start_ns = self.instrument.source.next_ns
        self.printed: list[Printed] = []
        self.floor.exchange.publish = self.printed.append
        self.now_ns = self.start_ns
        self._orders = 0
        self.until(0)

    def until(self, at_ms: float) -> "Played":
        """Everything that happens up to ``at_ms`` of the venue's clock, that moment included."""
        self.now_ns = self.start_ns + int(at_ms * NS_PER_MS)
        self.floor.advance(self.now_ns)
        return self

    def place(self, side: int, price: int, size: int, **more: Any) -> ClientOrder:
        self._orders += 1
        draft = Draft(
            symbol="BTCUSDT",
            side=side,
            kind="LIMIT" if price else "MARKET",
            time_in_force=more.pop("time_in_force", "GTC"),
            price_ticks=price,
            lots=size,
            client_id=f"c{self._orders}",
            prevention=Prevention.NONE,
            **more,
        )
        return self.floor.exchange.place(self.account, draft, self.now_ns)

    @property
    def bids(self) -> dict[int, int]:
        return dict(self.instrument.engine.bids.depth(100))

    @property
    def asks(self) -> dict[int, int]:
        return dict(self.instrument.engine.asks.depth(100))

    @property
    def prints(self) -> list[tuple[int, int, int]]:
        """(taker, price, size) of every trade so far."""
        return [
            (Side.SELL if p.maker_buys else Side.BUY, p.price_ticks, p.lots)
            for printed in self.printed
            for p in printed.prints
        ]
