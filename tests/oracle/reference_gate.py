"""The risk gate as its rules say it: unbounded integers, names, None for what is missing.

Slow and plain on purpose. Rates are counted over the list of all orders ever sent, ratios are
fractions, and nothing can overflow: where the compiled gate must refuse for fear of that, the
rule says so as a bound of its own.
"""

from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil

INT64_MAX = 2**63 - 1
LARGEST_SUM_TERM = 2**61 - 1
LARGEST_PRICE = INT64_MAX // 2_000_000
RING = 1024

# The names of what may be unset, in the order in which they are looked at.
INSTRUMENT_LIMITS = (
    "position_max_lots",
    "quantity_max_lots",
    "notional_max_tick_lots",
    "collar_ppm",
    "open_orders_max",
    "order_rate_max",
    "order_rate_window_ns",
    "book_age_max_ns",
    "reference_age_max_ns",
)
LATER_LIMITS = (
    "order_types",
    "open_orders_side_max",
    "open_notional_max_tick_lots",
    "repeat_window_ns",
)
RECENT = 16
GRIDS = ("price_grid", "quantity_grid")
ACCOUNT_LIMITS = (
    "account_open_orders_max",
    "account_order_rate_max",
    "account_order_rate_window_ns",
)


@dataclass
class World:
    """What is true before an order. A limit, filter, stamp or price that is missing is None."""

    state: str  # "ACTIVE", "REDUCE_ONLY", anything else is halted
    blocks: int  # what is amiss with the session, or-ed; 0: nothing
    instruments_n: int
    configured: bool
    tradable: bool
    limits: dict[str, int | None]  # INSTRUMENT_LIMITS + GRIDS + ACCOUNT_LIMITS + LATER_LIMITS
    # price_min, price_max, price_step, quantity_min, quantity_max, quantity_step, notional_min;
    # a step that is zero or negative stands here as it is: no order is on it
    filters: dict[str, int | None]
    position: int = 0
    open_lots: dict[str, int] = field(default_factory=lambda: {"BUY": 0, "SELL": 0})
    open_orders: dict[str, int] = field(default_factory=lambda: {"BUY": 0, "SELL": 0})
    open_notional: int = 0
    own_best: dict[str, int | None] = field(default_factory=lambda: {"BUY": None, "SELL": None})
    recent: list[tuple[str, int, int, int]] = field(default_factory=list)  # side, price, lots, ns
    account_open_orders: int = 0
    sent_n: int = 0
    sent_ns: list[int] = field(default_factory=list)  # of every order, oldest first
    last_order_ns: int | None = None
    book_live: bool = True
    book_ns: int | None = None
    touch_ns: int | None = None
    bid: int | None = None
    ask: int | None = None


@dataclass
class Order:
    instrument: int
    side: str | None  # "BUY", "SELL"; None: neither
    price: int
    quantity: int
    time_in_force: int | None  # None: not one that is known
    now_ns: int


Verdict = tuple[str, object, object]  # reason, observed, limit; None: whatever the record holds
PASSED: Verdict = ("NONE", 0, 0)


def judge(world: World, order: Order) -> Verdict:
    """The first rule that objects, in the documented order; PASSED if none does."""
    rules = (standing, limits_set, allowed, possible, clock_and_book, reference, sizes)
    for rule in (*rules, exposure, open_orders, rate, repeated):
        verdict = rule(world, order)
        if verdict is not None:
            return verdict
    return PASSED


def standing(world: World, order: Order) -> Verdict | None:
    if world.state not in ("ACTIVE", "REDUCE_ONLY"):
        return "HALTED", None, "ACTIVE"
    if world.blocks:
        return "BLOCKED", world.blocks, 0
    if order.instrument not in range(world.instruments_n) or not world.configured:
        return "UNKNOWN_INSTRUMENT", order.instrument, world.instruments_n
    if not world.tradable:
        return "NOT_TRADABLE", None, 1
    if order.side is None:
        return "BAD_SIDE", None, 0
    if order.time_in_force is None:
        return "BAD_TYPE", None, 2
    return None


def limits_set(world: World, _order: Order) -> Verdict | None:
    too_much = {"collar_ppm": 10**6, "order_rate_max": RING, "account_order_rate_max": RING}
    too_much["order_types"] = 7
    for name in (*INSTRUMENT_LIMITS, *GRIDS, *ACCOUNT_LIMITS, *LATER_LIMITS):
        value = world.limits[name]
        if value is None or value > too_much.get(name, value):
            return "LIMIT_UNSET", name.upper(), None
    return None


def allowed(world: World, order: Order) -> Verdict | None:
    types = world.limits["order_types"]
    assert types is not None and order.time_in_force is not None
    if (types // 2**order.time_in_force) % 2 == 0:
        return "ORDER_TYPE", order.time_in_force, types
    return None


def possible(world: World, order: Order) -> Verdict | None:
    """Counts cannot be negative, and whatever is summed is bounded."""
    if world.position > LARGEST_SUM_TERM:
        return "OVERFLOW", world.position, LARGEST_SUM_TERM
    if world.position < -LARGEST_SUM_TERM - 1:
        return "OVERFLOW", world.position, -LARGEST_SUM_TERM - 1
    for count in (
        world.open_lots["BUY"],
        world.open_lots["SELL"],
        world.open_orders["BUY"],
        world.open_orders["SELL"],
        world.open_notional,
        world.account_open_orders,
        world.sent_n,
    ):
        if not 0 <= count <= LARGEST_SUM_TERM:
            return "OVERFLOW", count, 0 if count < 0 else LARGEST_SUM_TERM
    if order.quantity > LARGEST_SUM_TERM:
        return "OVERFLOW", order.quantity, LARGEST_SUM_TERM
    return None


def clock_and_book(world: World, order: Order) -> Verdict | None:
    if order.now_ns < 1 or (world.last_order_ns is not None and order.now_ns < world.last_order_ns):
        return "CLOCK", order.now_ns, world.last_order_ns or 1
    if not world.book_live:
        return "BOOK_NOT_LIVE", None, "LIVE"
    return _fresh(world.book_ns, order.now_ns, "BOOK_OLD", world.limits["book_age_max_ns"])


def reference(world: World, order: Order) -> Verdict | None:
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


def sizes(world: World, order: Order) -> Verdict | None:
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
    return None


def _on_step(value: int, step: int | None) -> bool:
    return step is not None and step > 0 and Fraction(value, step).denominator == 1


def exposure(world: World, order: Order) -> Verdict | None:
    open_lots = world.open_lots[order.side]
    if world.state == "REDUCE_ONLY":
        short, long = max(0, -world.position), max(0, world.position)
        reducible = short if order.side == "BUY" else long
        if order.quantity + open_lots > reducible:
            return "REDUCE_ONLY", order.quantity + open_lots, reducible
    most = world.limits["position_max_lots"]
    if order.side == "BUY":
        worst = world.position + open_lots + order.quantity
        if worst > most:
            return "POSITION", worst, most
    else:
        worst = world.position - open_lots - order.quantity
        if worst < -most:
            return "POSITION", worst, most
    return None


def open_orders(world: World, order: Order) -> Verdict | None:
    other = "SELL" if order.side == "BUY" else "BUY"
    for count, name, reason in (
        (world.open_orders[order.side], "open_orders_side_max", "OPEN_ORDERS_SIDE"),
        (sum(world.open_orders.values()), "open_orders_max", "OPEN_ORDERS"),
        (world.account_open_orders, "account_open_orders_max", "OPEN_ORDERS"),
    ):
        if count + 1 > world.limits[name]:
            return reason, count + 1, world.limits[name]
    notional = world.open_notional + order.price * order.quantity
    if notional > world.limits["open_notional_max_tick_lots"]:
        return "OPEN_NOTIONAL", notional, world.limits["open_notional_max_tick_lots"]
    if world.open_orders[other]:
        best = world.own_best[other]
        if best is None:
            return "SELF_CROSS", order.price, None
        if (order.price >= best) if order.side == "BUY" else (order.price <= best):
            return "SELF_CROSS", order.price, best
    return None


def rate(world: World, order: Order) -> Verdict | None:
    for prefix in ("account_", ""):
        most = world.limits[f"{prefix}order_rate_max"]
        window_ns = world.limits[f"{prefix}order_rate_window_ns"]
        within = [t for t in world.sent_ns[-RING:] if order.now_ns - t < window_ns]
        if len(within) >= most:
            return "ORDER_RATE", order.now_ns - world.sent_ns[-most], window_ns
    return None


def repeated(world: World, order: Order) -> Verdict | None:
    window_ns = world.limits["repeat_window_ns"]
    ages = [
        order.now_ns - sent_ns
        for side, price, quantity, sent_ns in world.recent[-RECENT:]
        if (side, price, quantity) == (order.side, order.price, order.quantity)
    ]
    if ages and min(ages) < window_ns:
        return "DUPLICATE", min(ages), window_ns
    return None
