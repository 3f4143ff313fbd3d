"""Records of the journal for people and scripts."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import IntEnum
from typing import Any, Final

from appliance.abi.journal import JOURNAL_SYMBOL, JournalKind
from appliance.abi.operator import Operation, Result
from appliance.abi.refusal import Reject
from appliance.abi.trading import OrderState, Side, TimeInForce
from appliance.abi.trading_state import Cause, TradingState
from appliance.abi.units import E8, NS_PER_S
from appliance.cold.ledger import Holding, JournalOrder, Ledger, Symbol

_ORDER_KINDS: Final = range(JournalKind.INTENT, JournalKind.CANCEL_SENT + 1)


def time_text(time_ns: int) -> str:
    """UTC, to the microsecond."""
    seconds, rest_ns = divmod(time_ns, NS_PER_S)
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{rest_ns // 1000:06}"


def order_text(epoch: int, key: int) -> str:
    """The client order id, as the venue shows it; "-" of an order that is not ours."""
    if key < 0:
        return "-"
    return f"lc-{epoch:08x}-{key >> 16:012x}-{key & 0xFFFF:04x}"


class Describer:
    """Follows the symbols and epochs of a journal; records in their order."""

    def __init__(self) -> None:
        self._symbols: dict[int, Symbol] = {}
        self._epoch = 0

    def describe(self, record: Any) -> dict[str, Any]:
        """What one record (JOURNAL) says, in the venue's units."""
        kind = int(record["kind"])
        if kind == JournalKind.SESSION:
            self._epoch, self._symbols = int(record["epoch"]), {}
        told: dict[str, Any] = {
            "sequence": int(record["sequence"]),
            "time": time_text(int(record["time_ns"])),
            "kind": _name(JournalKind, kind),
        }
        if kind == JournalKind.SYMBOL:
            self._learn(record)
        symbol = self._symbols.get(int(record["instrument"]))
        if symbol is not None:
            told["symbol"] = symbol.name
        told.update(self._rest(kind, record, symbol))
        return told

    def _learn(self, record: Any) -> None:
        kept = record.reshape(1).view(JOURNAL_SYMBOL)[0]
        name = bytes(kept["symbol"]).rstrip(b"\0").decode(errors="replace")
        self._symbols[int(record["instrument"])] = Symbol(
            name, int(kept["market"]), int(kept["price_grid_e8"]), int(kept["quantity_grid_e8"])
        )

    def _rest(self, kind: int, record: Any, symbol: Symbol | None) -> dict[str, Any]:
        reason, observed = int(record["reason"]), int(record["observed"])
        if kind == JournalKind.SESSION:
            mode = "live" if observed else "paper"
            return {"epoch": f"{self._epoch:08x}", "pid": int(record["venue_id"]), "mode": mode}
        if kind in _ORDER_KINDS:
            return self._of_order(kind, record, symbol)
        if kind == JournalKind.GATE_REFUSAL:
            return {
                **_quantities(record, symbol),
                "reason": _name(Reject, reason),
                "observed": observed,
                "limit": int(record["limit"]),
                "repeated": int(record["filled_lots"]),
            }
        if kind == JournalKind.STATE:
            told = {"state": _name(TradingState, observed), "cause": _name(Cause, reason)}
            if record["limit"]:
                told["reason"] = _name(Reject, int(record["limit"]))
                told["observed"] = str(int(record["price_ticks"]))
                told["limit"] = str(int(record["quantity_lots"]))
            return told
        if kind == JournalKind.COMMAND:
            return {
                "operation": _name(Operation, reason),
                "result": _name(Result, observed),
                "uid": int(record["order_key"]),
                "pid": int(record["venue_id"]),
            }
        return {}

    def _of_order(self, kind: int, record: Any, symbol: Symbol | None) -> dict[str, Any]:
        epoch = int(record["epoch"]) or self._epoch
        told: dict[str, Any] = {"order": order_text(epoch, int(record["order_key"]))}
        told.update(_quantities(record, symbol))
        if record["filled_lots"] and symbol is not None:
            told["filled"] = _amount(int(record["filled_lots"]), symbol.quantity_grid_e8)
        if kind == JournalKind.INTENT:
            told["type"] = _name(TimeInForce, int(record["limit"]))
        if record["venue_id"]:
            told["venue_id"] = int(record["venue_id"])
        if JournalKind.ACKNOWLEDGED <= kind <= JournalKind.UNKNOWN:
            told["state"] = _name(OrderState, int(record["reason"]))
        return told


def _quantities(record: Any, symbol: Symbol | None) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if record["side"]:
        told["side"] = _name(Side, int(record["side"]))
    if symbol is not None and record["quantity_lots"]:
        told["price"] = _amount(int(record["price_ticks"]), symbol.price_grid_e8)
        told["quantity"] = _amount(int(record["quantity_lots"]), symbol.quantity_grid_e8)
    return told


def line_of(told: Mapping[str, Any]) -> str:
    """One line for a person."""
    head = ("sequence", "time", "kind")
    rest = "  ".join(f"{name}={value}" for name, value in told.items() if name not in head)
    return f"{told['sequence']:>9}  {told['time']}  {told['kind']:<14}  {rest}".rstrip()


def ledger_of(ledger: Ledger) -> dict[str, Any]:
    """What a journal adds up to."""
    return {
        "epoch": f"{ledger.epoch:08x}",
        "sequence": ledger.sequence,
        "state": ledger.state.name,
        "positions": [_holding(h) for h in ledger.holdings.values() if h.turnover_tick_lots],
        "open_orders": [_order(order) for order in ledger.orders.values()],
        "day": {
            "ends": time_text(ledger.day.ends_ns) if ledger.day.ends_ns else None,
            "messages": ledger.day.messages_n,
            "fills": ledger.day.fills_n,
            "venue_orders": ledger.day.venue_orders_n,
        },
        "profit": _amount(ledger.profit_e8, 1),
        "profit_peak": _amount(ledger.day.profit_peak_e8, 1),
        "refusals": ledger.refusals_n,
        "lost_records": ledger.lost_n,
    }


def _holding(holding: Holding) -> dict[str, Any]:
    symbol = holding.symbol
    value = Decimal(symbol.price_grid_e8 * symbol.quantity_grid_e8) / E8 / E8
    return {
        "symbol": symbol.name,
        "position": _amount(holding.position_lots, symbol.quantity_grid_e8),
        "cost": _plain(holding.cost_tick_lots * value),
        "realised": _plain(holding.realised_tick_lots * value),
        "turnover": _plain(holding.turnover_tick_lots * value),
    }


def _order(order: JournalOrder) -> dict[str, Any]:
    symbol = order.symbol
    return {
        "order": order_text(order.epoch, order.key),
        "symbol": symbol.name,
        "side": _name(Side, order.side),
        "price": _amount(order.price_ticks, symbol.price_grid_e8),
        "quantity": _amount(order.quantity_lots, symbol.quantity_grid_e8),
        "filled": _amount(order.filled_lots, symbol.quantity_grid_e8),
        "state": order.state.name,
    }


def _amount(units: int, grid_e8: int) -> str:
    return _plain(Decimal(units * grid_e8) / E8)


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _name(kinds: type[IntEnum], value: int) -> str:
    try:
        return kinds(value).name
    except ValueError:
        return str(value)
