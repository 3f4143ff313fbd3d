"""The risk gate as its rules say it: unbounded integers, names, None for what is missing.

Slow and plain on purpose. Rates are counted over the list of all orders ever sent, ratios are
fractions, and nothing can overflow: where the compiled gate must refuse for fear of that, the
rule says so as a bound of its own.
"""

from dataclasses import dataclass, field

from tests.oracle import reference_account
from tests.oracle.reference_account import ACCOUNT_LIMITS, Account
from tests.oracle.reference_prices import book, clock, reference, sizes

INT64_MAX = 2**63 - 1
LARGEST_SUM_TERM = 2**61 - 1
RING = 1024

OFF = INT64_MAX
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
    "order_types",
    "open_orders_side_max",
    "open_notional_max_tick_lots",
    "repeat_window_ns",
    "window_collar_ppm",
    "collar_window_ns",
    "event_age_max_ns",
    "day_quantity_max_lots",
    "losses_in_row_max",
    "fee_ppm",
)
RECENT = 16
GRIDS = ("price_grid", "quantity_grid", "value_multiple", "value_divisor")
TOO_MUCH = {
    "collar_ppm": 10**6,
    "window_collar_ppm": 10**6,
    "fee_ppm": 10**6,
    "order_types": 7,
    "order_rate_max": RING,
}
ACCOUNT_TOO_MUCH = {
    "order_rate_max": RING,
    "message_rate_max": RING,
    "venue_rate_max": RING,
    "runaway_max": RING - 1,
    "leverage_max_pct": 100_000,
    "messages_per_fill_max": 2**30,
}
# Of those with a greatest value, the ones that may be off all the same.
MAY_BE_OFF = {
    *("window_collar_ppm", "message_rate_max", "venue_rate_max", "runaway_max"),
    *("leverage_max_pct", "messages_per_fill_max"),
}


@dataclass
class World:
    """What is true before an order. A limit, filter, stamp or price that is missing is None."""

    state: str  # "ACTIVE", "REDUCE_ONLY", anything else is halted
    blocks: int  # what is amiss with the session, or-ed; 0: nothing
    instruments_n: int
    configured: bool
    tradable: bool
    limits: dict[str, int | None]  # INSTRUMENT_LIMITS + GRIDS
    account: Account
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
    event_ns: int | None = None  # by the venue's clock, which is ahead of ours by:
    clock_offset_ns: int = 0
    window_low2: int | None = None  # bid + ask
    window_high2: int | None = None
    spot: bool = True


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
    for rule in (standing, limits_set, allowed, possible, clock):
        verdict = rule(world, order)
        if verdict is not None:
            return verdict
    reducing = reduces(world, order)
    losses_max = world.limits["losses_in_row_max"]
    for verdict in (
        reference_account.world(world.account, order, reducing),
        reference_account.losses(world.account),
        None
        if reducing
        else reference_account.conduct(
            world.account, order, None if losses_max == OFF else losses_max
        ),
        book(world, order),
        reference(world, order),
    ):
        if verdict is not None:
            return verdict
    for verdict in (
        sizes(world, order, reducing),
        exposure(world, order),
        open_orders(world, order),
    ):
        if verdict is not None:
            return verdict
    verdict = reference_account.worth(world, order, reducing)
    return verdict or rate(world, order) or repeated(world, order) or PASSED


def reduces(world: World, order: Order) -> bool:
    """Whether it, with all open orders of its side, can only bring the position nearer to zero."""
    assert order.side is not None
    held = -world.position if order.side == "BUY" else world.position
    return order.quantity + world.open_lots[order.side] <= max(0, held)


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
    groups = (
        ("", INSTRUMENT_LIMITS + GRIDS, world.limits, TOO_MUCH),
        ("ACCOUNT_", ACCOUNT_LIMITS, world.account.limits, ACCOUNT_TOO_MUCH),
    )
    for prefix, names, limits, too_much in groups:
        for name in names:
            value = limits[name]
            off = value == OFF and name in MAY_BE_OFF
            if value is None or (value > too_much.get(name, value) and not off):
                return "LIMIT_UNSET", prefix + name.upper(), None
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
        world.account.losses_in_row,
        world.account_open_orders,
        world.sent_n,
        world.account.messages_n,
        world.account.runaway_n,
        world.account.rejects_in_row,
        world.account.venue_day_orders,
    ):
        if not 0 <= count <= LARGEST_SUM_TERM:
            return "OVERFLOW", count, 0 if count < 0 else LARGEST_SUM_TERM
    if order.quantity > LARGEST_SUM_TERM:
        return "OVERFLOW", order.quantity, LARGEST_SUM_TERM
    return None


def exposure(world: World, order: Order) -> Verdict | None:
    open_lots = world.open_lots[order.side]
    if world.state == "REDUCE_ONLY" and not reduces(world, order):
        short, long = max(0, -world.position), max(0, world.position)
        reducible = short if order.side == "BUY" else long
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
    own, all_limits = world.limits, world.account.limits
    for count, limit, reason in (
        (world.open_orders[order.side], own["open_orders_side_max"], "OPEN_ORDERS_SIDE"),
        (sum(world.open_orders.values()), own["open_orders_max"], "OPEN_ORDERS"),
        (world.account_open_orders, all_limits["open_orders_max"], "OPEN_ORDERS"),
    ):
        if count + 1 > limit:
            return reason, count + 1, limit
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
    all_limits, own = world.account.limits, world.limits
    sent, said = world.sent_ns, world.account.messages_ns
    for times, limits, name, reason in (
        (said, all_limits, "message_rate", "MESSAGE_RATE"),
        (sent, all_limits, "order_rate", "ORDER_RATE"),
        (sent, own, "order_rate", "ORDER_RATE"),
        (sent, all_limits, "venue_rate", "VENUE_RATE"),
    ):
        most, window_ns = limits[f"{name}_max"], limits[f"{name}_window_ns"]
        within = [t for t in times[-RING:] if order.now_ns - t < window_ns]
        if len(within) >= most:
            return reason, order.now_ns - times[-most], window_ns
    orders_n, most = world.account.venue_day_orders + 1, all_limits["venue_day_max"]
    return ("VENUE_DAY", orders_n, most) if orders_n > most else None


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
