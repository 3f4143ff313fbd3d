"""Events as points: what happened, one by one. The number of an order is a field, never a tag."""

from collections.abc import Iterator
from enum import IntEnum
from typing import Any, Final

from appliance.abi.event import EventKind
from appliance.abi.market import BookReason, BookState, Fault, symbol_text
from appliance.abi.refusal import Reject
from appliance.abi.trading import Report, Side
from appliance.abi.trading_state import Cause, TradingState
from appliance.abi.units import NS_PER_S
from sidecar.interval import Interval
from sidecar.line import Value
from sidecar.point import Class, Point

REASONS: Final[dict[int, type[IntEnum]]] = {
    EventKind.REFUSED: Reject,
    EventKind.BOOK_STATE: BookReason,
    EventKind.QUARANTINED: Fault,
    EventKind.ORDER_ENDED: Report,
    EventKind.TRADING_STATE: Cause,
}
OBSERVED: Final[dict[int, type[IntEnum]]] = {
    EventKind.BOOK_STATE: BookState,
    EventKind.TRADING_STATE: TradingState,
}
# The clock of a recording is not ours: its events stand in the interval in which they were read.
SAME_CLOCK_NS: Final = 3600 * NS_PER_S
_LANES: Final = 10_000  # two events of a series in one nanosecond would be one point


def event_points(interval: Interval, tags: dict[str, str]) -> Iterator[Point]:
    for k, event in enumerate(interval.events):
        kind, symbol = int(event["kind"]), symbol_text(event["symbol"])
        own = tags | {"kind": name_of(EventKind, kind), "symbol": symbol}
        time_ns = _time_ns(event, interval, k)
        yield Point(Class.MUST, "lc_event", own, _fields(event, kind), time_ns)


def name_of(names: type[IntEnum], number: int) -> str:
    """A number that is newer than this reader is told as such."""
    try:
        return names(number).name.lower()
    except ValueError:
        return str(number)


def _time_ns(event: Any, interval: Interval, k: int) -> int:
    """The event's own to ten microseconds, and in its last digits its number."""
    time_ns = int(event["receive_ns"])
    if abs(time_ns - interval.end_ns) > SAME_CLOCK_NS:
        time_ns = interval.start_ns + (interval.end_ns - interval.start_ns) * k // (
            len(interval.events)
        )
    return time_ns - time_ns % _LANES + (interval.events_from_n + k) % _LANES


def _fields(event: Any, kind: int) -> dict[str, Value]:
    reason, observed = int(event["reason"]), int(event["observed"])
    fields: dict[str, Value] = {
        "price_ticks": int(event["price_ticks"]),
        "lots": int(event["quantity_lots"]),
        "side": name_of(Side, int(event["side"])),
        "order": int(event["order_key"]),
        "observed": observed,
        "limit": int(event["limit"]),
        "latency_ns": int(event["latency_ns"]),
        "market_ns": int(event["receive_ns"]),
    }
    if kind in REASONS:
        fields["reason"] = name_of(REASONS[kind], reason)
    if kind in OBSERVED:
        fields["state"] = name_of(OBSERVED[kind], observed)
    return fields
