"""What the records of a journal add up to: positions, open orders, the day, the state.

Plain Python, on purpose: it is what ``appliance journal --replay`` prints, what a start recovers
from, and what tests hold the loop's own tables against.
"""

from collections.abc import Iterable
from typing import Any, Final

from appliance.abi.journal import (
    JOURNAL_DAY,
    JOURNAL_POSITION,
    JOURNAL_SYMBOL,
    JournalKind,
)
from appliance.abi.trading import OrderState
from appliance.abi.trading_state import Cause, TradingState
from appliance.cold.ledger import Day, Holding, JournalOrder, Latch, Ledger, Symbol

_ENDS: Final = {
    OrderState.FILLED,
    OrderState.CANCELED,
    OrderState.REJECTED,
    OrderState.EXPIRED,
}
_REPORTS: Final = range(JournalKind.ACKNOWLEDGED, JournalKind.UNKNOWN + 1)
FOREIGN: Final = -1  # order_key of what we never sent


class JournalError(Exception):
    """Records that contradict one another: a defect of ours, or not our records."""


def replay(records: Iterable[Any]) -> Ledger:
    """The ledger after ``records`` (JOURNAL, in their order). JournalError.

    What stands before the first complete session start (SESSION to DAY) has no effect.
    """
    reader = LedgerReader()
    for record in records:
        reader.take(record)
    return reader.ledger


class LedgerReader:
    """A ledger that follows the journal record by record."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self._coming: Ledger | None = None  # a session start whose DAY has not come yet

    def take(self, record: Any) -> None:
        """The next record. JournalError."""
        kind = int(record["kind"])
        if kind == JournalKind.LOST:
            self.ledger.lost_n += 1
            if self._coming is not None:
                self._coming.lost_n += 1
        elif kind == JournalKind.SESSION:
            lost_n = self.ledger.lost_n
            live, checked_ms = bool(record["observed"]), int(record["quantity_lots"])
            epoch, venue = int(record["epoch"]), int(record["tag"])
            self._coming = Ledger(epoch, live, venue, checked_ms, lost_n=lost_n)
            self._coming.latch = self.ledger.latch
        elif self._coming is not None:
            self._take_start(self._coming, kind, record)
        elif self.ledger.symbols or self.ledger.epoch:
            self._take(kind, record)
        self.ledger.sequence = int(record["sequence"])

    def _take_start(self, coming: Ledger, kind: int, record: Any) -> None:
        if kind == JournalKind.SYMBOL:
            self._symbol(coming, record)
        elif kind == JournalKind.POSITION:
            kept = _as(record, JOURNAL_POSITION)
            holding = coming.holdings[coming.symbols[int(record["instrument"])].name]
            for name in JOURNAL_POSITION.names or ():
                if hasattr(holding, name):
                    setattr(holding, name, int(kept[name]))
        elif kind == JournalKind.INTENT:
            self._intent(coming, record)
        elif kind == JournalKind.DAY:
            self._day(coming, record)
            self.ledger, self._coming = coming, None
        else:
            raise JournalError(f"record {record['sequence']}: {kind} within the start of a session")

    def _symbol(self, ledger: Ledger, record: Any) -> None:
        kept = _as(record, JOURNAL_SYMBOL)
        name = bytes(kept["symbol"]).rstrip(b"\0").decode(errors="replace")
        symbol = Symbol(
            name, int(kept["market"]), int(kept["price_grid_e8"]), int(kept["quantity_grid_e8"])
        )
        ledger.symbols[int(record["instrument"])] = symbol
        ledger.holdings[name] = Holding(symbol)

    def _day(self, ledger: Ledger, record: Any) -> None:
        kept = _as(record, JOURNAL_DAY)
        ledger.day = Day(
            int(kept["day_ends_ns"]),
            int(kept["venue_day_ends_ns"]),
            int(kept["messages_n"]),
            int(kept["fills_n"]),
            int(kept["venue_orders_n"]),
            int(kept["day_turnover_e8"]),
            int(kept["day_profit_e8"]),
            int(kept["profit_peak_e8"]),
        )
        if self._coming is None:
            for holding in ledger.holdings.values():
                holding.day_traded_lots = holding.bought_lots + holding.sold_lots

    def _take(self, kind: int, record: Any) -> None:
        ledger = self.ledger
        if kind == JournalKind.INTENT:
            self._intent(ledger, record)
            ledger.day.messages_n += 1
            ledger.day.venue_orders_n += 1
        elif kind == JournalKind.SENT:
            order = self._known(record)
            if order is not None:
                order.sent = True
        elif kind in _REPORTS:
            self._report(record)
        elif kind == JournalKind.CANCEL_SENT:
            ledger.day.messages_n += 1
        elif kind == JournalKind.DAY:
            self._day(ledger, record)
        elif kind == JournalKind.STATE:
            self._state(record)
        elif kind == JournalKind.GATE_REFUSAL:
            ledger.refusals_n += 1 + int(record["filled_lots"])
        elif kind == JournalKind.COMMAND:
            ledger.commands_n += 1
        else:
            raise JournalError(f"record {record['sequence']} has kind {kind}: there is none")

    def _state(self, record: Any) -> None:
        ledger = self.ledger
        state, cause = TradingState(int(record["observed"])), Cause(int(record["reason"]))
        ledger.state = state
        ledger.profit_e8, ledger.profit_known = int(record["filled_lots"]), True
        ledger.day.profit_peak_e8 = int(record["filled_tick_lots"])
        if cause != Cause.STOP and state <= TradingState.ACTIVE:
            reason, seen, limit = (
                int(record[n]) for n in ("limit", "price_ticks", "quantity_lots")
            )
            ledger.latch = Latch(state, cause, reason, seen, limit, int(record["time_ns"]))

    def _known(self, record: Any) -> JournalOrder | None:
        name = (int(record["epoch"]) or self.ledger.epoch, int(record["order_key"]))
        return self.ledger.orders.get(name) or self.ledger.ended.get(name)

    def _intent(self, ledger: Ledger, record: Any) -> None:
        epoch = int(record["epoch"]) or ledger.epoch
        key = int(record["order_key"])
        ledger.orders[epoch, key] = JournalOrder(
            epoch,
            key,
            ledger.symbols[int(record["instrument"])],
            int(record["side"]),
            int(record["price_ticks"]),
            int(record["quantity_lots"]),
            int(record["limit"]),
            OrderState.SENT if not record["epoch"] else OrderState.UNKNOWN,
            filled_lots=int(record["filled_lots"]),
            filled_tick_lots=int(record["filled_tick_lots"]),
            venue_id=int(record["venue_id"]),
            time_ns=int(record["time_ns"]),
        )

    def _report(self, record: Any) -> None:
        ledger = self.ledger
        side, lots = int(record["side"]), int(record["quantity_lots"])
        if record["order_key"] == FOREIGN:
            symbol = ledger.symbols[int(record["instrument"])]
            ledger.holdings[symbol.name].book(side, lots, lots * int(record["price_ticks"]))
            name = symbol.name, int(record["venue_id"])
            ledger.foreign_lots[name] = ledger.foreign_lots.get(name, 0) + lots
            self._fill(record)
            return
        order = self._known(record)
        if order is None:
            raise JournalError(f"record {record['sequence']} is of an order that none tells of")
        more_lots = int(record["filled_lots"]) - order.filled_lots
        value = int(record["filled_tick_lots"]) - order.filled_tick_lots
        if more_lots > 0:
            ledger.holdings[order.symbol.name].book(order.side, more_lots, value)
            order.filled_lots += more_lots
            order.filled_tick_lots += value
            self._fill(record)
        if record["venue_id"] > 0:
            order.venue_id = int(record["venue_id"])
        after = OrderState(int(record["reason"]))
        if after != OrderState.FREE:
            order.state = after
            if after in _ENDS:
                ledger.orders.pop((order.epoch, order.key), None)
                ledger.ended[order.epoch, order.key] = order

    def _fill(self, record: Any) -> None:
        self.ledger.day.fills_n += 1
        if not record["epoch"]:  # those of earlier sessions were found out without an account
            self.ledger.day.profit_peak_e8 = int(record["limit"])
            self.ledger.profit_e8, self.ledger.profit_known = int(record["observed"]), True


def _as(record: Any, layout: Any) -> Any:
    return record.reshape(1).view(layout)[0]
