"""The checks of the risk gate that judge an order beside the others: position, open orders, rate.

In the order in which gate.py has them, with results as of gate_checks.py, whose checks come first.
"""

from typing import Final

from appliance.abi.gate import RECENT
from appliance.abi.limits import ORDER_RATE_MAX, RECENT_ORDERS_N
from appliance.abi.refusal import Reject
from appliance.abi.trading import Side
from appliance.abi.trading_state import TradingState
from appliance.abi.units import INT64_MAX
from appliance.hot.jit import hot, hot_inline
from appliance.hot.rows import EQUAL_WORDS, equal_words

RATE_MASK: Final = ORDER_RATE_MAX - 1
RECENT_MASK: Final = RECENT_ORDERS_N - 1
# Words of a RECENT record, and where its prices begin.
RECENT_WORDS: Final = RECENT.itemsize // 8
RECENT_AT: Final = RECENT.fields["signed_ticks"][1] // 8
assert EQUAL_WORDS == RECENT_ORDERS_N


@hot_inline
def reducible_lots(position, side):
    """By so much an order of that side can bring the position nearer to zero."""
    return max(0, -side * position.position_lots)


@hot_inline
def open_lots_with(position, side, quantity_lots):
    """Open lots of the order's side, and its own."""
    return (position.open_buy_lots if side == Side.BUY else position.open_sell_lots) + quantity_lots


@hot_inline
def check_exposure(gate, instrument, side, quantity_lots, is_reducing):
    """Checks 16 and 17: reduce-only, the position at its worst."""
    position = gate.positions[instrument]
    after_lots = open_lots_with(position, side, quantity_lots)
    if gate.account[0].trading_state != TradingState.ACTIVE and not is_reducing:
        return Reject.REDUCE_ONLY, after_lots, reducible_lots(position, side)
    worst_lots = side * position.position_lots + after_lots
    limits = gate.limits[instrument]
    if worst_lots > limits.position_max_lots:
        return Reject.POSITION, side * worst_lots, limits.position_max_lots
    return Reject.NONE, 0, 0


@hot_inline
def check_open_orders(gate, instrument, side, price_ticks, quantity_lots):
    """Checks 18 to 20: how many orders are open, what they are worth, whether one would be hit."""
    position = gate.positions[instrument]
    limits = gate.limits[instrument]
    buys_n, sells_n = position.open_buy_orders_n, position.open_sell_orders_n
    same_n, other_n = (buys_n, sells_n) if side == Side.BUY else (sells_n, buys_n)
    if same_n >= limits.open_orders_side_max:
        return Reject.OPEN_ORDERS_SIDE, same_n + 1, limits.open_orders_side_max
    if buys_n + sells_n >= limits.open_orders_max:
        return Reject.OPEN_ORDERS, buys_n + sells_n + 1, limits.open_orders_max
    account = gate.account[0]
    most_n = gate.account_limits[0].open_orders_max
    if account.open_orders_n >= most_n:
        return Reject.OPEN_ORDERS, account.open_orders_n + 1, most_n
    notional_tick_lots = position.open_notional_tick_lots + price_ticks * quantity_lots
    if notional_tick_lots > limits.open_notional_max_tick_lots:
        return Reject.OPEN_NOTIONAL, notional_tick_lots, limits.open_notional_max_tick_lots
    if other_n > 0:
        other_ticks = position.own_ask_ticks if side == Side.BUY else position.own_bid_ticks
        # Orders without a best price cannot be: whatever the price, it might be theirs.
        if other_ticks <= 0 or side * (price_ticks - other_ticks) >= 0:
            return Reject.SELF_CROSS, price_ticks, other_ticks
    return Reject.NONE, 0, 0


@hot_inline
def _span_ns(times_ns, sent_n, most_n, now_ns):
    """Since the ``most_n``-th last of ``sent_n`` that were sent; for ever if there were fewer."""
    if sent_n < most_n:
        return INT64_MAX
    return now_ns - times_ns[(sent_n - most_n) & RATE_MASK]


@hot_inline
def check_rate(gate, instrument, now_ns):
    """Check 24. What was sent ``max`` messages ago tells: is it still in the window?"""
    account = gate.account[0]
    limits = gate.account_limits[0]
    own = gate.limits[instrument]
    sent_n = account.orders_sent_n
    span_ns = _span_ns(gate.message_ns, account.messages_n, limits.message_rate_max, now_ns)
    if span_ns < limits.message_rate_window_ns:
        return Reject.MESSAGE_RATE, span_ns, limits.message_rate_window_ns
    span_ns = _span_ns(gate.rate_ns, sent_n, limits.order_rate_max, now_ns)
    if span_ns < limits.order_rate_window_ns:
        return Reject.ORDER_RATE, span_ns, limits.order_rate_window_ns
    span_ns = _span_ns(gate.rate_ns, sent_n, own.order_rate_max, now_ns)
    if span_ns < own.order_rate_window_ns:
        return Reject.ORDER_RATE, span_ns, own.order_rate_window_ns
    span_ns = _span_ns(gate.rate_ns, sent_n, limits.venue_rate_max, now_ns)
    if span_ns < limits.venue_rate_window_ns:
        return Reject.VENUE_RATE, span_ns, limits.venue_rate_window_ns
    if account.venue_day_orders_n >= limits.venue_day_max:
        return Reject.VENUE_DAY, account.venue_day_orders_n + 1, limits.venue_day_max
    return Reject.NONE, 0, 0


@hot_inline
def check_repeat(gate, instrument, side, price_ticks, quantity_lots, now_ns):
    """Check 25: among the last RECENT_ORDERS_N orders of the instrument, the same one."""
    recent = gate.recent[instrument]
    window_ns = gate.limits[instrument].repeat_window_ns
    signed_ticks = side * price_ticks
    # Of another price nearly always, so all prices are compared at once.
    if equal_words(gate.recent_words, instrument * RECENT_WORDS + RECENT_AT, signed_ticks) != 0:
        since_ns = _since_repeat(recent, signed_ticks, quantity_lots, now_ns)
        if since_ns < window_ns:
            return Reject.DUPLICATE, since_ns, window_ns
    return Reject.NONE, 0, 0


@hot
def _since_repeat(recent, signed_ticks, quantity_lots, now_ns):
    """ns since the same order was sent last; for ever if it was not."""
    least_ns = INT64_MAX
    for k in range(RECENT_ORDERS_N):
        if recent.signed_ticks[k] == signed_ticks and recent.quantity_lots[k] == quantity_lots:
            least_ns = min(least_ns, now_ns - recent.sent_ns[k])
    return least_ns
