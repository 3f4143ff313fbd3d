"""The gate's rules about the account as a whole, for reference_gate.py: same words, same manner."""

from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.oracle.reference_gate import Order, World

OFF = 2**63 - 1
LARGEST_SUM_TERM = 2**61 - 1
RING = 1024
FIVE_MINUTES_NS = 300 * 10**9
ACCOUNT_LIMITS = (
    "order_rate_max",
    "order_rate_window_ns",
    "open_orders_max",
    "message_rate_max",
    "message_rate_window_ns",
    "venue_rate_max",
    "venue_rate_window_ns",
    "venue_day_max",
    "gross_max_e8",
    "net_max_e8",
    "leverage_max_pct",
    "day_value_max_e8",
    "runaway_max",
    "runaway_window_ns",
    "messages_per_fill_max",
    "messages_per_fill_after_n",
    "rejects_in_row_max",
    "day_loss_max_e8",
    "drawdown_max_e8",
    "guardian_age_max_ns",
    "clock_offset_max_ns",
)
Verdict = tuple[str, object, object]


@dataclass
class Account:
    """Sums over all instruments, money in the account's currency; ``of_this``: the instrument's
    share of each. What is missing is None."""

    limits: dict[str, int | None]
    day_ends_ns: int
    venue_day_ends_ns: int
    guardian_ns: int | None
    clock_seen_ns: int | None
    clock_offset_most: int
    profit: int = 0
    profit_peak: int = 0
    day_profit: int = 0
    rejects_in_row: int = 0
    runaway_ns: list[int] = field(default_factory=list)
    runaway_n: int = 0
    messages_ns: list[int] = field(default_factory=list)
    messages_n: int = 0
    day_messages: int = 0
    day_fills: int = 0
    venue_day_orders: int = 0
    unvalued: int = 0
    funds_known: bool = True
    funds: int = 0
    cash: int = 0
    turnover: int = 0
    day_turnover: int = 0
    long: int = 0
    short: int = 0
    gross: int = 0
    open: int = 0
    open_buys: int = 0
    this_long: int = 0
    this_short: int = 0
    this_gross: int = 0
    money: Fraction | None = None  # of a tick of a lot
    most_tick_lots: int = 0
    base_owned: int = 0
    mark: int | None = None
    bought: int = 0
    sold: int = 0
    traded_before_today: int = 0
    losses_in_row: int = 0

    def limit(self, name: str) -> int | None:
        """None: off."""
        value = self.limits[name]
        assert value is not None
        return None if value == OFF else value


def over(value: int, limit: int | None) -> bool:
    return limit is not None and value > limit


def world(account: Account, order: "Order", reducing: bool) -> Verdict | None:
    for ends_ns in (account.day_ends_ns, account.venue_day_ends_ns):
        if order.now_ns >= ends_ns:
            return "DAY_OVER", order.now_ns, ends_ns
    age_max_ns = account.limit("guardian_age_max_ns")
    if age_max_ns is not None and not reducing:
        age_ns = order.now_ns - (account.guardian_ns or 0)
        if not -age_max_ns <= age_ns <= age_max_ns:
            return "GUARDIAN", age_ns, age_max_ns
    offset_max = account.limit("clock_offset_max_ns")
    if offset_max is not None and not reducing:
        age_ns = order.now_ns - (account.clock_seen_ns or 0)
        if not -FIVE_MINUTES_NS <= age_ns <= FIVE_MINUTES_NS:
            return "CLOCK_UNKNOWN", age_ns, FIVE_MINUTES_NS
        if not 0 <= account.clock_offset_most <= offset_max:
            return "CLOCK_OFFSET", account.clock_offset_most, offset_max
    return None


def losses(account: Account) -> Verdict | None:
    """These halt, whatever the order."""
    for reason, lost, name in (
        ("DRAWDOWN", account.profit_peak - account.profit, "drawdown_max_e8"),
        ("DAY_LOSS", account.day_profit - account.profit, "day_loss_max_e8"),
    ):
        if over(lost, account.limit(name)):
            return reason, lost, account.limit(name)
    return None


def conduct(account: Account, order: "Order", losses_in_row_max: int | None) -> Verdict | None:
    """These stop what adds to the position."""
    if over(account.rejects_in_row, account.limit("rejects_in_row_max")):
        return "REJECTS", account.rejects_in_row, account.limit("rejects_in_row_max")
    most, window_ns = account.limit("runaway_max"), account.limits["runaway_window_ns"]
    assert window_ns is not None
    if most is not None and account.runaway_n > most:
        within = [t for t in account.runaway_ns if order.now_ns - t < window_ns]
        if len(within) > most:
            return "RUNAWAY", order.now_ns - account.runaway_ns[-most - 1], window_ns
    per_fill, after = (
        account.limit("messages_per_fill_max"),
        account.limits["messages_per_fill_after_n"],
    )
    assert after is not None
    if per_fill is not None and account.day_messages > after:
        allowed = per_fill * max(1, account.day_fills)
        if account.day_messages > allowed:
            return "ORDER_TO_TRADE", account.day_messages, allowed
    if losses_in_row_max is not None and account.losses_in_row > losses_in_row_max:
        return "LOSSES", account.losses_in_row, losses_in_row_max
    return None


def worth(world: "World", order: "Order", reducing: bool) -> Verdict | None:
    account = world.account
    if account.unvalued and not reducing:
        return "VALUE_UNKNOWN", account.unvalued, 0
    if account.mark is None:
        return "VALUE_UNKNOWN", None, 0
    buy = order.side == "BUY"
    worst = (world.position if buy else -world.position) + world.open_lots[order.side]
    worst += order.quantity
    for lots, ticks in ((worst, account.mark), (order.quantity, order.price)):
        if abs(lots) * ticks > account.most_tick_lots:
            return "VALUE_UNKNOWN", -1, 0
    if not account.funds_known:
        return "FUNDS_UNKNOWN", None, 1
    assert account.money is not None
    worst_money = ceil(worst * account.mark * account.money)
    order_money = ceil(order.quantity * order.price * account.money)
    other = account.this_short if buy else account.this_long
    gross = account.gross - account.this_gross + max(0, worst_money, other)
    net = account.long - account.this_long if buy else account.short - account.this_short
    net += worst_money
    verdict = funds(world, order, order_money, gross, reducing)
    if verdict is not None or reducing:
        return verdict
    for reason, value, name in (("GROSS", gross, "gross_max_e8"), ("NET", net, "net_max_e8")):
        if over(value, account.limit(name)):
            return reason, value, account.limit(name)
    return day(world, order, order_money)


def funds(
    world: "World", order: "Order", order_money: int, gross: int, reducing: bool
) -> Verdict | None:
    account = world.account
    if world.spot:
        if order.side == "SELL":
            needed, owned = (
                world.open_lots["SELL"] + order.quantity,
                account.base_owned + world.position,
            )
        else:
            needed, owned = account.open_buys + order_money, account.funds + account.cash
        return ("FUNDS", needed, owned) if needed > owned else None
    leverage_pct = account.limit("leverage_max_pct")
    if reducing or leverage_pct is None:
        return None
    percent = max(0, account.funds + account.profit) // 100
    carried = min(percent, (2**63 - 1) // 100_000) * leverage_pct
    return ("LEVERAGE", gross, carried) if gross > carried else None


def day(world: "World", order: "Order", order_money: int) -> Verdict | None:
    account = world.account
    value = account.turnover - account.day_turnover + account.open + order_money
    if over(value, account.limit("day_value_max_e8")):
        return "DAY_VALUE", value, account.limit("day_value_max_e8")
    most = world.limits["day_quantity_max_lots"]
    traded = account.bought + account.sold - account.traded_before_today
    if traded > LARGEST_SUM_TERM:
        return "DAY_QUANTITY", traded, most
    lots = traded + sum(world.open_lots.values()) + order.quantity
    if most != OFF and lots > most:
        return "DAY_QUANTITY", lots, most
    return None
