"""One reading of the telemetry region as plain data: what ``appliance top --json`` prints."""

import time
from enum import IntEnum
from typing import Any, Final

import numpy as np

from appliance.abi.counter_metadata import CounterKind
from appliance.abi.event import EventKind
from appliance.abi.limits import INSTRUMENTS_MAX
from appliance.abi.market import BookReason, BookState, Fault, symbol_text
from appliance.abi.refusal import Reject
from appliance.abi.region_view import Records, RegionView
from appliance.abi.trading import Report, Side
from appliance.abi.trading_state import Cause, TradingState
from appliance.abi.units import E8

EVENTS_KEPT: Final = 40  # of the newest, in a snapshot
_REASONS: Final[dict[EventKind, type[IntEnum]]] = {
    EventKind.REFUSED: Reject,
    EventKind.BOOK_STATE: BookReason,
    EventKind.QUARANTINED: Fault,
    EventKind.ORDER_ENDED: Report,
    EventKind.TRADING_STATE: Cause,
}
_OBSERVED: Final[dict[EventKind, type[IntEnum]]] = {
    EventKind.BOOK_STATE: BookState,
    EventKind.TRADING_STATE: TradingState,
}


def snapshot(view: RegionView) -> dict[str, Any]:
    """Everything a person may want to see of the run at this moment, ready for JSON.

    Prices, quantities and money are numbers in the venue's units; whole ticks and lots stand
    beside those that must be exact. Counters are totals since the start.
    """
    identity = view.identity
    counters = view.counters()
    process = view.process()
    statuses = view.statuses()
    return {
        "region": str(view.path),
        "name": identity.name,
        "version": identity.version,
        "abi": identity.abi,
        "mode": identity.mode,
        "strategy": identity.strategy,
        "pid": identity.process.pid,
        "epoch": identity.epoch,
        "created_ns": identity.created_ns,
        "taken_ns": time.time_ns(),
        "health": str(view.health()),
        "lifecycle": view.lifecycle.name.lower(),
        "heartbeat_age_ns": view.heartbeat_age_ns(),
        "beats": view.beats_n,
        "trading_state": _name(TradingState, process["trading_state"]),
        "state": {
            "cause": _name(Cause, process["state_cause"]),
            "reason": _name(Reject, process["state_reason"]),
            "observed": process["state_observed"],
            "limit": process["state_limit"],
            "since_ns": process["state_ns"],
        },
        "process": {k: v for k, v in process.items() if "state" not in k},
        "latency_ns": {
            name: {
                "n": s.n,
                "p50": s.p50_ns,
                "p99": s.p99_ns,
                "p999": s.p999_ns,
                "max": s.max_ns,
                "min": s.min_ns,
                "mean": s.mean_ns,
            }
            for name, s in view.stages().items()
        },
        "counters": {
            info.label: counters[info.label]
            for info in view.counter_infos
            if info.kind is CounterKind.COUNTER
        },
        "rejects": _nonzero(counters, "reject."),
        "quarantined": _nonzero(counters, "fault."),
        "books": {symbol: _book(record) for symbol, record in statuses.items()},
        "positions": {symbol: _position(record) for symbol, record in statuses.items()},
        "rings": [use._asdict() for use in view.rings()],
        "events": [_event(e, view) for e in view.latest_events(EVENTS_KEPT)],
        "torn_retries": view.torn_retries_n,
    }


def rates_per_s(now: dict[str, Any], previous: dict[str, Any] | None) -> dict[str, float]:
    """Growth of every counter per second between two snapshots of the same run; else empty."""
    if previous is None or previous["epoch"] != now["epoch"]:
        return {}
    span_s = (now["taken_ns"] - previous["taken_ns"]) / 1e9
    if span_s <= 0:
        return {}
    before = previous["counters"]
    return {
        label: max(value - before.get(label, 0), 0) / span_s
        for label, value in now["counters"].items()
    }


def _nonzero(counters: dict[str, int], prefix: str) -> dict[str, int]:
    return {
        label.removeprefix(prefix): n
        for label, n in counters.items()
        if n and label.startswith(prefix)
    }


def _name(enum: type[IntEnum], value: int) -> str:
    try:
        return enum(value).name
    except ValueError:
        return str(value)


def _price(record: Records, ticks: int) -> float:
    return ticks * int(record["price_grid_e8"][0]) / E8


def _quantity(record: Records, lots: int) -> float:
    return lots * int(record["quantity_grid_e8"][0]) / E8


def _money(record: Records, tick_lots: int) -> float:
    grid = int(record["price_grid_e8"][0]) * int(record["quantity_grid_e8"][0])
    return tick_lots * grid / (E8 * E8)


def _book(record: Records) -> dict[str, Any]:
    r = {name: int(record[name][0]) for name in record.dtype.names or () if name != "symbol"}
    return {
        "state": _name(BookState, r["book_state"]),
        "reason": _name(BookReason, r["book_reason"]),
        "bid": _price(record, r["bid_ticks"]),
        "bid_quantity": _quantity(record, r["bid_lots"]),
        "ask": _price(record, r["ask_ticks"]),
        "ask_quantity": _quantity(record, r["ask_lots"]),
        "price_decimals": r["price_decimals"],
        "quantity_decimals": r["quantity_decimals"],
        "bid_levels": r["bid_n"],
        "ask_levels": r["ask_n"],
        "book_id": r["book_id"],
        "touch_id": r["touch_id"],
        "gaps": r["gaps_n"],
        "resyncs": r["resyncs_n"],
        "crossed": r["crossed_n"],
        "compared": r["compared_n"],
        "mismatched": r["mismatched_n"],
        "updated_ns": r["updated_ns"],
    }


def _position(record: Records) -> dict[str, Any]:
    r = {name: int(record[name][0]) for name in record.dtype.names or () if name != "symbol"}
    lots = r["position_lots"]
    return {
        "position": _quantity(record, lots),
        "position_lots": lots,
        "average_price": _price(record, r["cost_tick_lots"]) / lots if lots else 0.0,
        "cost_tick_lots": r["cost_tick_lots"],
        "mark": _price(record, r["mark_ticks"]),
        "realised": _money(record, r["realised_tick_lots"]),
        "unrealised": _money(record, r["unrealised_tick_lots"]),
        "pnl": _money(record, r["realised_tick_lots"] + r["unrealised_tick_lots"]),
        "pnl_tick_lots": r["realised_tick_lots"] + r["unrealised_tick_lots"],
        "turnover": _money(record, r["turnover_tick_lots"]),
        "open_orders": r["open_orders_n"],
        "open_buy": _quantity(record, r["open_buy_lots"]),
        "open_sell": _quantity(record, r["open_sell_lots"]),
        "fills": r["fills_n"],
    }


def _event(event: np.void, view: RegionView) -> dict[str, Any]:
    kind, instrument = int(event["kind"]), int(event["instrument"])
    known = kind in set(EventKind)
    told: dict[str, Any] = {
        "kind": _name(EventKind, kind),
        "symbol": symbol_text(event["symbol"]),
        "exchange_ns": int(event["exchange_ns"]),
        "receive_ns": int(event["receive_ns"]),
        "latency_ns": int(event["latency_ns"]),
        "side": _name(Side, int(event["side"])) if event["side"] else "",
        "price_ticks": int(event["price_ticks"]),
        "quantity_lots": int(event["quantity_lots"]),
        "order_key": int(event["order_key"]),
        "reason": "",
        "observed": int(event["observed"]),
        "limit": int(event["limit"]),
    }
    status = view.status(instrument) if 0 <= instrument < INSTRUMENTS_MAX else None
    if status is not None:
        told["price"] = _price(status, told["price_ticks"])
        told["quantity"] = _quantity(status, told["quantity_lots"])
        told["price_decimals"] = int(status["price_decimals"][0])
        told["quantity_decimals"] = int(status["quantity_decimals"][0])
    if known and EventKind(kind) in _REASONS:
        told["reason"] = _name(_REASONS[EventKind(kind)], int(event["reason"]))
    if known and EventKind(kind) in _OBSERVED:
        told["observed"] = _name(_OBSERVED[EventKind(kind)], told["observed"])
    return told
