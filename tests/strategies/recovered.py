"""A venue of a few rows in memory that obeys, and a journal that does not know how it ended."""

import asyncio
import json
from pathlib import Path
from typing import Any

from appliance.abi.market import Market
from appliance.cold.journal_text import order_text
from appliance.cold.ledger import JournalOrder
from appliance.cold.live import comparison
from appliance.cold.live.recovery import Recovery
from appliance.cold.live.rest_client import Refused, Unclear
from appliance.cold.run_journal import RunJournal
from tests.strategies.journals import COINS, EPOCH, NOW_NS

SPOT, USDM = Market.SPOT, Market.USDM
KEY = 1 << 16 | 3
NO_SUCH = Refused("no such order", 400, -2013)
UNKNOWN_CANCEL = Refused("unknown order sent", 400, -2011)
NAME = COINS[0].name


class Venue:
    """Orders by client id, trades, positions; what was asked."""

    def __init__(self) -> None:
        self.orders: dict[str, dict[str, Any]] = {}
        self.trades: list[dict[str, Any]] = []
        self.open: list[dict[str, Any]] = []
        self.positions: list[dict[str, Any]] = []
        self.calls: list[tuple[str, str, Any]] = []
        self.now_ms = NOW_NS // 10**6 + 60_000
        self.late: list[dict[str, Any]] = []  # orders that arrive while we ask
        self.failures = 0

    async def signed(self, method: str, path: str, params: Any = None) -> Any:
        self.calls.append((method, path, params))
        if self.failures:
            self.failures -= 1
            raise Unclear(f"{path}: HTTP 503")
        if path == "/order":
            return self.order(method, params)
        if path == "/openOrders":
            return [row for row in self.open if row["symbol"] == params["symbol"]]
        if path in ("/myTrades", "/userTrades"):
            return self.some_trades(params)
        assert path == "/fapi/v3/positionRisk"
        return self.positions

    def order(self, method: str, params: Any) -> Any:
        if "orderId" in params:
            found = [row for row in self.open if row["orderId"] == params["orderId"]]
            if not found:
                raise UNKNOWN_CANCEL
            self.open.remove(found[0])
            return found[0]
        row = self.orders.get(params["origClientOrderId"])
        if row is None and method == "GET" and self.late:
            late = self.late.pop()
            self.orders[late["clientOrderId"]] = late
        if row is None:
            raise UNKNOWN_CANCEL if method == "DELETE" else NO_SUCH
        if method == "DELETE":
            if row["status"] not in ("NEW", "PARTIALLY_FILLED"):
                raise UNKNOWN_CANCEL
            row["status"] = "CANCELED"
        return row

    def some_trades(self, params: Any) -> Any:
        assert params["endTime"] - params["startTime"] < comparison.DAY_MS
        found = [
            row
            for row in self.trades
            if row["symbol"] == params["symbol"]
            and params["startTime"] <= row["time"] <= params["endTime"]
        ]
        return found[: params["limit"]]

    async def public(self, path: str) -> bytes:
        assert path == "/time"
        return json.dumps({"serverTime": self.now_ms}).encode()


def an_order(status: str, executed: str, worth: str = "0", number: int = 77) -> dict[str, Any]:
    return {
        "symbol": NAME,
        "clientOrderId": order_text(EPOCH, KEY),
        "orderId": number,
        "status": status,
        "side": "BUY",
        "origQty": "0.05",
        "executedQty": executed,
        "cummulativeQuoteQty": worth,
        "cumQuote": worth,
    }


def a_trade(number: int, order: int, quantity: str = "0.01", after_ms: int = 10) -> dict[str, Any]:
    return {
        "symbol": NAME,
        "id": number,
        "orderId": order,
        "price": "1",
        "qty": quantity,
        "time": NOW_NS // 10**6 + after_ms,
        "isBuyer": True,
        "side": "BUY",
    }


def owes(journal: RunJournal, **changed: Any) -> JournalOrder:
    """An order of 5 lots at 100 whose end the journal does not tell."""
    order = JournalOrder(EPOCH, KEY, COINS[0], 1, 100, 5, 0)
    for name, value in changed.items():
        setattr(order, name, value)
    journal.ledger.orders[EPOCH, KEY] = order
    return order


def recover(
    journal: RunJournal, venue: Venue, market: Market = SPOT, *, takes: bool = True
) -> list[str]:
    made = Recovery(
        venue,  # type: ignore[arg-type]
        market,
        list(COINS),
        journal,
        lambda _text: None,
        takes_foreign=takes,
    )
    asyncio.run(made.run())
    return made.comparison.foreign


def held(journal: RunJournal) -> int:
    return journal.ledger.holdings[NAME].position_lots


def opened(folder: Path) -> RunJournal:
    """A journal that is small, so that it opens at once."""
    return RunJournal(folder, "run", print, "", 256)
