"""The gate's rules about time, book, price and size: part of reference_gate.py, in its manner."""

from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.oracle.reference_gate import Order, World

INT64_MAX = OFF = 2**63 - 1
LARGEST_SUM_TERM = 2**61 - 1
LARGEST_PRICE = INT64_MAX // 2_000_000
Verdict = tuple[str, object, object]


def clock(world: "World", order: "Order") -> Verdict | None:
    if order.now_ns < 1 or (world.last_order_ns is not None and order.now_ns < world.last_order_ns):
        return "CLOCK", order.now_ns, world.last_order_ns or 1
    return None


def book(world: "World", order: "Order") -> Verdict | None:
    if not world.book_live:
        return "BOOK_NOT_LIVE", None, "LIVE"
    old = _fresh(world.book_ns, order.now_ns, "BOOK_OLD", world.limits["book_age_max_ns"])
    if old is not None:
        return old
    limit = world.limits["event_age_max_ns"]
    age_ns = order.now_ns + world.clock_offset_ns - (world.event_ns or 0)
    if limit != OFF and not -limit <= age_ns <= limit:
        return "EVENT_OLD", age_ns, limit
    return None


def reference(world: "World", order: "Order") -> Verdict | None:
    if world.bid is None or world.ask is None or world.bid >= world.ask:
        return "REFERENCE_MISSING", world.bid, world.ask
    if world.ask > LARGEST_PRICE:
        return "OVERFLOW", world.ask, LARGEST_PRICE
    limit = world.limits["reference_age_max_ns"]
    return _fresh(world.touch_ns, order.now_ns, "REFERENCE_OLD", limit)


def _fresh(stamp: int | None, now_ns: int, reason: str, limit: int | None) -> Verdict | None:
    if stamp is None or stamp > now_ns:
        return "CLOCK", stamp, now_ns
    assert limit is not None
    return (reason, now_ns - stamp, limit) if now_ns - stamp > limit else None


def sizes(world: "World", order: "Order", reducing: bool) -> Verdict | None:
    filters, limits = world.filters, world.limits
    lowest = max(1, filters["price_min"] or 1)
    if order.price < lowest:
        return "PRICE_RANGE", order.price, lowest
    highest = filters["price_max"]
    if highest is not None and order.price > highest:
        return "PRICE_RANGE", order.price, highest
    if order.price > LARGEST_PRICE:
        return "OVERFLOW", order.price, LARGEST_PRICE
    if not _on_step(order.price, filters["price_step"]):
        return "PRICE_STEP", order.price, filters["price_step"]
    least = max(1, filters["quantity_min"] or 1)
    if order.quantity < least:
        return "QUANTITY_MIN", order.quantity, least
    allowed = [m for m in (limits["quantity_max_lots"], filters["quantity_max"]) if m is not None]
    if order.quantity > min(allowed):
        return "QUANTITY_MAX", order.quantity, min(allowed)
    if not _on_step(order.quantity, filters["quantity_step"]):
        return "QUANTITY_STEP", order.quantity, filters["quantity_step"]
    notional = order.price * order.quantity
    if notional > LARGEST_SUM_TERM:
        return "OVERFLOW", order.price, LARGEST_SUM_TERM // order.quantity
    if filters["notional_min"] is not None and notional < filters["notional_min"]:
        return "NOTIONAL_MIN", notional, filters["notional_min"]
    if notional > limits["notional_max_tick_lots"]:
        return "NOTIONAL_MAX", notional, limits["notional_max_tick_lots"]
    middle = Fraction(world.bid + world.ask, 2)
    distance_ppm = abs(order.price - middle) / middle * 10**6
    if distance_ppm > limits["collar_ppm"]:
        return "PRICE_COLLAR", ceil(distance_ppm), limits["collar_ppm"]
    return None if reducing else window(world, order)


def window(world: "World", order: "Order") -> Verdict | None:
    limit = world.limits["window_collar_ppm"]
    if limit == OFF:
        return None
    low2, high2 = world.window_low2, world.window_high2
    if low2 is None or high2 is None or high2 < low2:
        return "REFERENCE_MISSING", "window_low2", "window_high2"
    if high2 > 2 * LARGEST_PRICE:
        return "OVERFLOW", high2, 2 * LARGEST_PRICE
    for distance_ppm in (
        Fraction(2 * order.price - low2, low2) * 10**6,
        Fraction(high2 - 2 * order.price, high2) * 10**6,
    ):
        if distance_ppm > limit:
            return "PRICE_WINDOW", ceil(distance_ppm), limit
    return None


def _on_step(value: int, step: int | None) -> bool:
    return step is not None and step > 0 and Fraction(value, step).denominator == 1
