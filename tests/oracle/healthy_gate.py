"""A gate that lets a plain order pass, and the words in which tests change it and ask it."""

from dataclasses import dataclass

from appliance.abi.layout import records
from appliance.abi.market import INSTRUMENT, BookState, Market, symbol_words
from appliance.abi.refusal import Reject
from appliance.abi.risk_limits import OFF
from appliance.abi.trading import POSITION, Side, TimeInForce
from appliance.abi.trading_state import TradingState
from appliance.abi.units import UNSET
from appliance.hot.gate import Gate, check, make_gate

INT64_MIN = -(2**63)
NOW_NS = 1_700_000_000_000_000_000
DAY_NS = 86_400 * 10**9
ACCOUNT = {
    "order_rate_max": 3,
    "order_rate_window_ns": 1_000,
    "open_orders_max": 8,
    "message_rate_max": 200,
    "message_rate_window_ns": 1_000,
    "venue_rate_max": 300,
    "venue_rate_window_ns": 10_000,
    "venue_day_max": 1_000,
    "gross_max_e8": 10**10,
    "net_max_e8": 10**10,
    "leverage_max_pct": 300,
    "day_value_max_e8": 10**11,
    "runaway_max": 4,
    "runaway_window_ns": 1_000,
    "messages_per_fill_max": 10,
    "messages_per_fill_after_n": 500,
    "rejects_in_row_max": 3,
    "day_loss_max_e8": 10**9,
    "drawdown_max_e8": 2 * 10**9,
    "guardian_age_max_ns": 5_000,
    "clock_offset_max_ns": 2_000,
}
BUY, SELL = int(Side.BUY), int(Side.SELL)
FILTERS = (
    "price_min_ticks",
    "price_max_ticks",
    "quantity_min_lots",
    "quantity_max_lots",
    "notional_min_tick_lots",
)


@dataclass
class Order:
    instrument: int = 1
    side: int = BUY
    price_ticks: int = 10_000
    quantity_lots: int = 10
    time_in_force: int = TimeInForce.GTC
    now_ns: int = NOW_NS


def healthy_gate() -> Gate:
    """Instrument 1 of 2: touch 9,999 / 10,001, no filters of the venue, room in every limit."""
    gate = make_gate(records(2, INSTRUMENT), records(2, POSITION), 2)
    record = gate.instruments[1]
    record.symbol[:] = symbol_words("BTCUSDT")
    record.market = Market.SPOT
    record.tradable = 1
    record.price_grid_e8 = 1_000_000
    record.quantity_grid_e8 = 10_000
    record.price_step_ticks = record.quantity_step_lots = 1
    for name in FILTERS:
        gate.instruments[name][1] = UNSET
    limits = gate.limits[1]
    limits.position_max_lots = 1_000
    limits.quantity_max_lots = 500
    limits.notional_max_tick_lots = 4_000_000
    limits.collar_ppm = 10_000
    limits.open_orders_max = 5
    limits.order_rate_max = 100
    limits.order_rate_window_ns = 1_000
    limits.book_age_max_ns = 1_500
    limits.reference_age_max_ns = 1_200
    limits.order_types = 0b111
    limits.open_orders_side_max = 4
    limits.open_notional_max_tick_lots = 9_000_000
    limits.repeat_window_ns = 100
    limits.window_collar_ppm = 50_000
    limits.collar_window_ns = 8_000
    limits.event_age_max_ns = 3_000
    limits.day_quantity_max_lots = 100_000
    limits.losses_in_row_max = 2
    limits.fee_ppm = 1_000
    account = gate.account[0]
    account.trading_state = TradingState.ACTIVE
    account.day_ends_ns = NOW_NS + DAY_NS // 2
    account.venue_day_ends_ns = NOW_NS + DAY_NS // 3
    account.clock_offset_most_ns, account.clock_seen_ns = 900, NOW_NS - 50
    account.funds_known = 1
    account.funds_e8 = 10**12
    for name, value in ACCOUNT.items():
        gate.account_limits[name] = value
    # A tick of a lot is 10**-6 of the quote asset: 100 times 10**-8 (price grid 0.01, lot 0.0001).
    value = gate.valuations[1]
    value.value_multiple = 100
    value.value_divisor = 1
    value.most_tick_lots = 10**15
    value.base_owned_lots = 10_000
    gate.positions[1].mark_ticks = 10_000
    gate.beats[0] = NOW_NS - 30
    reference = gate.references[1]
    reference.book_state = BookState.LIVE
    reference.book_ns = NOW_NS - 20
    reference.touch_ns = NOW_NS - 10
    reference.bid_ticks = 9_999
    reference.ask_ticks = 10_001
    reference.event_ns = NOW_NS - 40
    reference.window_low2_ticks = 2 * 9_900
    reference.window_high2_ticks = 2 * 10_100
    return gate


def rich(gate: Gate) -> Gate:
    """The same with no bound on the account's money, and none on where the market was."""
    for name in ("gross_max_e8", "net_max_e8", "day_value_max_e8"):
        gate.account_limits[name] = OFF
    gate.account[0].funds_e8 = 10**18
    gate.limits[1].window_collar_ppm = OFF
    return gate


def ask(gate: Gate, **changes: int) -> tuple[int, int, int]:
    """(reason, observed, limit) of an order; the refusal must name the order it is about."""
    order = Order(**changes)
    fields = tuple(int(v) for v in vars(order).values())
    gate.refusal[0].reason = -7
    reason = check(gate, *fields)
    refusal = gate.refusal[0]
    if reason == Reject.NONE:
        assert refusal.reason == -7, "a passed order leaves the refusal alone"
        return int(Reject.NONE), 0, 0
    assert refusal.reason == reason
    assert (
        refusal.instrument,
        refusal.side,
        refusal.price_ticks,
        refusal.quantity_lots,
        refusal.time_ns,
    ) == (order.instrument, order.side, order.price_ticks, order.quantity_lots, order.now_ns)
    return int(reason), int(refusal.observed), int(refusal.limit)


def refused(gate: Gate, reason: Reject, observed: int, limit: int, **changes: int) -> None:
    assert ask(gate, **changes) == (reason, observed, limit)


def passes(gate: Gate, **changes: int) -> None:
    assert ask(gate, **changes) == (Reject.NONE, 0, 0)


def put(gate: Gate, group: str, **values: int) -> None:
    array = getattr(gate, group)
    for name, value in values.items():
        array[name][0 if group.startswith("account") or group == "refusal" else 1] = value


def reducing(side: int) -> tuple[Gate, dict[str, int]]:
    """A gate where an order of that side can only bring the position nearer to zero."""
    gate = healthy_gate()
    put(gate, "positions", position_lots=-side * 50)
    return gate, {"side": side, "quantity_lots": 10}
