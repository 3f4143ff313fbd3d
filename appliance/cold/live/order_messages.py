"""What the venue says of orders, as REPORT records (binance-protocol 3, 4 and 5).

Spot tells the value of what was executed in all; USD-M its last fill only, so that a report whose
predecessor was lost makes the order UNKNOWN, and the venue is asked.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from appliance.abi.market import Market
from appliance.abi.trading import ORDER_SLOT_BITS, Report, Side
from appliance.abi.units import E8, INT64_MAX, NS_PER_MS
from appliance.cold.live.rest_client import UNKNOWN_CODES
from appliance.hot.order_reports import FOREIGN_KEY

# Plain or with a short exponent: nothing that takes long to expand.
_DECIMAL: Final = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,2})?")
_CLIENT_ID: Final = re.compile(r"l([cx])-([0-9a-f]{8})-([0-9a-f]{12})-([0-9a-f]{4})")
_EXECUTIONS: Final = {
    "NEW": Report.ACCEPTED,
    "TRADE": Report.FILL,
    "CANCELED": Report.CANCELED,
    "REJECTED": Report.REJECTED,
    "EXPIRED": Report.EXPIRED,
}
_STATUSES: Final = {
    "NEW": Report.ACCEPTED,
    "PENDING_NEW": Report.ACCEPTED,
    "PARTIALLY_FILLED": Report.ACCEPTED,
    "FILLED": Report.FILL,
    "CANCELED": Report.CANCELED,
    "REJECTED": Report.REJECTED,
    "EXPIRED": Report.EXPIRED,
    "EXPIRED_IN_MATCH": Report.EXPIRED,
}


@dataclass
class Said:
    """One report in the making; see abi/trading.REPORT."""

    report: Report
    order_key: int
    instrument: int
    side: int = 0
    price_ticks: int = 0
    quantity_lots: int = 0
    tells_total: int = 0
    filled_lots: int = 0
    filled_tick_lots: int = 0
    venue_ns: int = 0
    venue_id: int = 0
    maker: int = 0
    trade_id: int = -1  # not in the record: tells fills of foreign orders apart


@dataclass(frozen=True)
class Grid:
    """The units of one instrument."""

    price_e8: int
    quantity_e8: int

    def ticks(self, text: str) -> int:
        """ValueError: between two ticks."""
        return _whole(_number(text) * E8 / self.price_e8)

    def lots(self, text: str) -> int:
        """ValueError: between two lots."""
        return _whole(_number(text) * E8 / self.quantity_e8)

    def value(self, text: str) -> int:
        """Quote amount in tick-lots; 0 where its decimals do not tell it exactly."""
        amount = _number(text) * E8 * E8 / (self.price_e8 * self.quantity_e8)
        return int(amount) if amount.denominator == 1 else 0


class OrderMessages:
    """Reads the messages of one session."""

    def __init__(self, market: Market, epoch: int, grids: Mapping[str, tuple[int, Grid]]) -> None:
        """``grids``: symbol -> (instrument, its units)."""
        self._market = market
        self._epoch = f"{epoch:08x}"
        self._grids = grids

    def key_of(self, client_id: object) -> tuple[str, int]:
        """(c for an order or x for its cancel, key); ("", FOREIGN_KEY): not of this session."""
        match = _CLIENT_ID.fullmatch(client_id) if isinstance(client_id, str) else None
        if match is None or match[2] != self._epoch:
            return "", FOREIGN_KEY
        key = int(match[3], 16) << ORDER_SLOT_BITS | int(match[4], 16)
        return (match[1], key) if key <= INT64_MAX else ("", FOREIGN_KEY)

    def execution_report(self, event: Mapping[str, Any]) -> Said | None:
        """Spot: an ``executionReport``; None: nothing that changes an order."""
        report = _EXECUTIONS.get(event["x"])
        if event["x"] == "TRADE_PREVENTION" and event["X"] == "EXPIRED_IN_MATCH":
            report = Report.EXPIRED
        if report is None:
            return None
        client_id = event["C"] if event.get("C") else event["c"]  # C: the order's, on its cancel
        said = self._begin(report, event["s"], client_id)
        if said is None:
            return None
        grid = self._grids[event["s"]][1]
        self._execution(said, grid, event)
        said.filled_tick_lots = grid.value(event["Z"]) if said.filled_lots else 0
        return said

    def order_trade_update(self, event: Mapping[str, Any]) -> Said | None:
        """USD-M: an ``ORDER_TRADE_UPDATE``."""
        order = event["o"]
        kinds = {**_EXECUTIONS, "AMENDMENT": Report.ACCEPTED, "CALCULATED": Report.FILL}
        report = kinds.get(order["x"])
        said = None if report is None else self._begin(report, order["s"], order["c"])
        if said is None:
            return None
        self._execution(said, self._grids[order["s"]][1], {**order, "E": event["E"]})
        return said

    def _begin(self, report: Report, symbol: str, client_id: object) -> Said | None:
        if symbol not in self._grids:
            return None
        return Said(report, self.key_of(client_id)[1], self._grids[symbol][0])

    def _execution(self, said: Said, grid: Grid, event: Mapping[str, Any]) -> None:
        said.side = int(Side.BUY if event["S"] == "BUY" else Side.SELL)
        said.venue_ns = int(event["E"]) * NS_PER_MS
        said.venue_id = int(event["i"])
        said.trade_id = int(event["t"])
        said.maker = int(bool(event["m"]))
        said.tells_total, said.filled_lots = 1, grid.lots(event["z"])
        if said.report == Report.FILL:
            said.price_ticks, said.quantity_lots = grid.ticks(event["L"]), grid.lots(event["l"])

    def order_status(self, order: Mapping[str, Any], key: int, now_ns: int) -> Said | None:
        """An order as a query or a cancel's reply shows it: everything executed, and its state."""
        report = _STATUSES.get(order["status"])
        if report is None or order["symbol"] not in self._grids:
            return None
        instrument, grid = self._grids[order["symbol"]]
        said = Said(report, key, instrument, venue_ns=now_ns)
        said.side = int(Side.BUY if order["side"] == "BUY" else Side.SELL)
        said.venue_id = int(order["orderId"])
        if "executedQty" in order:
            said.tells_total, said.filled_lots = 1, grid.lots(order["executedQty"])
            worth = "cummulativeQuoteQty" if self._market == Market.SPOT else "cumQuote"
            if said.filled_lots and worth in order:
                said.filled_tick_lots = grid.value(order[worth])
            if said.report == Report.FILL and said.filled_lots:
                said.price_ticks = said.filled_tick_lots // said.filled_lots
                said.quantity_lots = said.filled_lots
        return said

    def reply(self, answer: Mapping[str, Any], now_ns: int) -> tuple[Said | None, int]:
        """What a WebSocket API reply to an order or cancel says; (report, code of an error or 0).

        The outcomes: accepted, refused, unknown. An order that the venue calls unknown when we
        cancel it has ended, or is not what we think: it is asked for.
        """
        letter, key = self.key_of(answer.get("id"))
        if not letter:
            return None, _code(answer)
        status, code = int(answer.get("status", 0)), _code(answer)
        said = Said(Report.UNKNOWN, key, -1, venue_ns=now_ns)
        if status == 200:
            result = answer["result"]
            if letter == "x":
                return self.order_status(result, key, now_ns), 0
            said.report, said.venue_id = Report.ACCEPTED, int(result["orderId"])
            said.instrument = self._grids.get(result["symbol"], (-1,))[0]
            return said, 0
        if letter == "c" and 400 <= status < 500 and code not in UNKNOWN_CODES:
            duplicate = code == -2010 and "Duplicate" in str(answer["error"].get("msg"))
            if not duplicate and code != -4116:
                said.report = Report.REJECTED
        elif letter == "x" and status in (418, 429):
            # Not done, and may be asked for again; but only when the time for an answer is over,
            # lest a strategy does at once, and makes the venue's ban longer.
            return None, code
        return said, code


def _code(answer: Mapping[str, Any]) -> int:
    error = answer.get("error")
    return int(error.get("code", 0)) if isinstance(error, dict) else 0


def _number(text: str) -> Fraction:
    if not _DECIMAL.fullmatch(text):
        raise ValueError(f"{text[:40]!r} is no decimal number")
    return Fraction(text)


def _whole(number: Fraction) -> int:
    if number.denominator != 1:
        raise ValueError(f"{number} is between two units")
    return int(number)
