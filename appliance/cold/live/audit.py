"""While the loop trades: is its position the venue's, and is nothing open that nobody knows?

Asked at an interval and after each reconnect. A difference may be a fill that is still on its way,
so it blocks new orders at once, and halts when it is the same for longer than the session needs to
ask for every order. Only a person resumes then.
"""

import contextlib
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

import numpy as np

from appliance.abi.market import Market
from appliance.abi.trading import ORDER_SLOT_BITS, ORDER_SLOT_MASK, OrderState
from appliance.abi.units import E8
from appliance.cold.live.order_messages import OrderMessages
from appliance.cold.live.rest_client import Refused, RestClient, RestError
from appliance.hot.core import Core

AGAIN_S: Final = 2.0  # after a difference, or an answer that said nothing
CERTAIN_S: Final = 45.0  # twice what it takes until every live order was looked at
PAGE: Final = 1000


class Audit:
    """``is_due`` and ``ask`` as the session's other questions."""

    def __init__(
        self,
        core: Core,
        symbols: tuple[str, ...],
        market: Market,
        rest: RestClient,
        messages: OrderMessages,
        every_s: float,
        say: Callable[[str], None],
        on_mismatch: Callable[[str], None],
        *,
        takes_foreign: bool,
    ) -> None:
        """``on_mismatch``: told once of a difference that nothing explains. ``takes_foreign``:
        open orders that are not ours are cancelled; else they are such a difference."""
        self._core = core
        self._symbols = symbols
        self._market = market
        self._rest = rest
        self._messages = messages
        self._every_s = every_s
        self._say = say
        self._on_mismatch = on_mismatch
        self._takes_foreign = takes_foreign
        self._foreign: set[str] = set()  # open ones that were seen once
        positions = core.gate.positions["position_lots"]
        self._start_lots = [int(lots) for lots in positions[: len(symbols)]]
        self._traded_lots = [0] * len(symbols)  # by the venue, on spot
        self._next_id = [-1] * len(symbols)  # of the account's trades; -1: from now on
        self._since: dict[str, tuple[object, float]] = {}  # what differs, and since when
        self._due_s = 0.0
        self._told = False
        self.has_begun = market == Market.USDM
        self.asked_n = 0
        self.failed = ""

    def is_due(self) -> bool:
        """Whether to ``ask``; asked once, it is about to be."""
        if time.monotonic() < self._due_s:
            return False
        self._due_s = time.monotonic() + self._every_s
        return True

    def soon(self) -> None:
        """A connection was lost and is back."""
        self._due_s = min(self._due_s, time.monotonic() + AGAIN_S)

    @property
    def differs(self) -> bool:
        """Something is not as the venue says: no new orders meanwhile."""
        return bool(self._since)

    async def ask(self) -> None:
        """One comparison. RestError is kept in ``failed``, and it is asked again soon."""
        if not self.has_begun:
            await self.begin()
            return
        try:
            found = await self._compare()
            self.failed = ""
        except RestError as error:
            self.failed = str(error)
            self._due_s = time.monotonic() + AGAIN_S
            return
        self.asked_n += 1
        now_s = time.monotonic()
        kept = {name: self._since[name] for name in found if name in self._since}
        self._since = {
            name: kept[name] if name in kept and kept[name][0] == value else (value, now_s)
            for name, value in found.items()
        }
        if self._since:
            self._due_s = now_s + AGAIN_S
        lasting = [
            f"{name}: {value}"
            for name, (value, since_s) in self._since.items()
            if now_s - since_s >= CERTAIN_S
        ]
        if lasting and not self._told:
            self._told = True
            self._on_mismatch("; ".join(lasting))

    async def _compare(self) -> dict[str, str]:
        """What differs, by name; a symbol that traded meanwhile is left as it was."""
        found: dict[str, str] = {}
        fills_n = [self._fills_n(i) for i in range(len(self._symbols))]
        theirs = await self._positions() if self._market == Market.USDM else {}
        for i, symbol in enumerate(self._symbols):
            if self._market == Market.SPOT:
                theirs[symbol] = self._start_lots[i] + await self._spot_lots(i, symbol)
            ours = int(self._core.gate.positions[i].position_lots)
            if self._fills_n(i) != fills_n[i] or self._is_moving(i):
                if symbol in self._since:
                    found[symbol] = str(self._since[symbol][0])
            elif ours != theirs.get(symbol, 0):
                found[symbol] = f"we hold {ours} lots, the venue {theirs.get(symbol, 0)}"
            found |= await self._unknown_orders(symbol)
        return found

    def _fills_n(self, i: int) -> int:
        return int(self._core.gate.positions[i].fills_n)

    def _is_moving(self, i: int) -> bool:
        """An order that may be filled this moment, or whose fate is being asked for."""
        table = self._core.gateway.orders.table
        doubtful = (table["state"] == OrderState.SENT) | (table["state"] == OrderState.UNKNOWN)
        return bool(np.any(doubtful & (table["instrument"] == i)))

    async def _positions(self) -> dict[str, int]:
        rows = await self._rest.signed("GET", "/fapi/v3/positionRisk")
        return {
            row["symbol"]: self._lots(self._symbols.index(row["symbol"]), row["positionAmt"])
            for row in rows
            if row["symbol"] in self._symbols
        }

    def _lots(self, i: int, text: str) -> int:
        grid_e8 = int(self._core.gate.instruments[i].quantity_grid_e8)
        return int(Decimal(text) * E8 / grid_e8)

    async def _spot_lots(self, i: int, symbol: str) -> int:
        """What the account has traded of it since the start, signed."""
        while True:
            params: dict[str, str | int] = {"symbol": symbol, "limit": PAGE}
            if self._next_id[i] >= 0:
                params["fromId"] = self._next_id[i]
            rows: Any = await self._rest.signed("GET", "/myTrades", params)
            for row in rows:
                if self._next_id[i] >= 0:
                    lots = self._lots(i, row["qty"])
                    self._traded_lots[i] += lots if row["isBuyer"] else -lots
            last = max((int(row["id"]) for row in rows), default=-1)
            self._next_id[i] = max(self._next_id[i], last + 1, 0)
            if len(rows) < PAGE or "fromId" not in params:
                return self._traded_lots[i]

    async def begin(self) -> None:
        """On spot: from which of the account's trades on it counts. Before any order goes out."""
        try:
            if not self.has_begun:
                for i, symbol in enumerate(self._symbols):
                    await self._spot_lots(i, symbol)
                self.has_begun = True
        except RestError as error:
            self.failed = str(error)
            self._due_s = time.monotonic() + AGAIN_S

    async def _unknown_orders(self, symbol: str) -> dict[str, str]:
        rows: Any = await self._rest.signed("GET", "/openOrders", {"symbol": symbol})
        table = self._core.gateway.orders
        found = {}
        for row in rows:
            _, key = self._messages.key_of(row["clientOrderId"])
            name = f"{symbol} {row['clientOrderId']}"
            if key >= 0:
                if not _is_live(table, key):
                    found[name] = "open at the venue, and over for us"
            elif not self._takes_foreign:
                found[name] = "an open order that is not ours"
            elif name in self._foreign:
                await self._cancel(symbol, row, name)
            else:
                self._foreign.add(name)
        return found

    async def _cancel(self, symbol: str, row: Any, name: str) -> None:
        params: dict[str, str | int] = {"symbol": symbol, "orderId": int(row["orderId"])}
        with contextlib.suppress(Refused):  # it has ended meanwhile
            await self._rest.signed("DELETE", "/order", params)
            self._say(f"{name}: an open order that is not ours: cancelled")


def _is_live(orders: Any, key: int) -> bool:
    order = orders.table[key & ORDER_SLOT_MASK]
    return bool(order.generation == key >> ORDER_SLOT_BITS and order.state != OrderState.FREE)
