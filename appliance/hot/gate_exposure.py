"""The checks of the risk gate that judge an order beside the others: position, open orders, rate.

In the order in which gate.py has them, with results as of gate_checks.py, whose checks come first.
"""

from typing import Final

from appliance.abi.limits import ORDER_RATE_MAX, RECENT_ORDERS_N
from appliance.abi.trading import Reject, Side
from appliance.abi.trading_state import TradingState
from appliance.hot.jit import hot, hot_inline

RATE_MASK: Final = ORDER_RATE_MAX - 1
RECENT_MASK: Final = RECENT_ORDERS_N - 1


@hot_inline
def check_exposure(gate, instrument, side, quantity_lots):
    """Checks 13 and 14: reduce-only, the position at its worst."""
    position = gate.positions[instrument]
    # Seen from the side of the order: positive is what it adds to.
    held_lots = side * position.position_lots
    same_side_lots = position.open_buy_lots if side == Side.BUY else position.open_sell_lots
    after_lots = same_side_lots + quantity_lots
    if gate.account[0].trading_state != TradingState.ACTIVE:
        reducible_lots = max(0, -held_lots)
        if after_lots > reducible_lots:
            return Reject.REDUCE_ONLY, after_lots, reducible_lots
    worst_lots = held_lots + after_lots
    limits = gate.limits[instrument]
    if worst_lots > limits.position_max_lots:
        return Reject.POSITION, side * worst_lots, limits.position_max_lots
    return Reject.NONE, 0, 0


@hot_inline
def check_open_orders(gate, instrument, side, price_ticks, quantity_lots):
    """Checks 15 to 17: how many orders are open, what they are worth, whether one would be hit."""
    position = gate.positions[instrument]
    limits = gate.limits[instrument]
    buys_n, sells_n = position.open_buy_orders_n, position.open_sell_orders_n
    same_n, other_n = (buys_n, sells_n) if side == Side.BUY else (sells_n, buys_n)
    if same_n >= limits.open_orders_side_max:
        return Reject.OPEN_ORDERS_SIDE, same_n + 1, limits.open_orders_side_max
    if buys_n + sells_n >= limits.open_orders_max:
        return Reject.OPEN_ORDERS, buys_n + sells_n + 1, limits.open_orders_max
    account = gate.account[0]
    if account.open_orders_n >= account.open_orders_max:
        return Reject.OPEN_ORDERS, account.open_orders_n + 1, account.open_orders_max
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
def check_rate(gate, instrument, now_ns):
    """Check 18. The order sent ``order_rate_max`` orders ago tells: is it still in the window?"""
    account = gate.account[0]
    sent_n = account.orders_sent_n
    if sent_n >= account.order_rate_max:
        span_ns = now_ns - gate.rate_ns[(sent_n - account.order_rate_max) & RATE_MASK]
        if span_ns < account.order_rate_window_ns:
            return Reject.ORDER_RATE, span_ns, account.order_rate_window_ns
    limits = gate.limits[instrument]
    if sent_n >= limits.order_rate_max:
        span_ns = now_ns - gate.rate_ns[(sent_n - limits.order_rate_max) & RATE_MASK]
        if span_ns < limits.order_rate_window_ns:
            return Reject.ORDER_RATE, span_ns, limits.order_rate_window_ns
    return Reject.NONE, 0, 0


@hot_inline
def check_repeat(gate, instrument, side, price_ticks, quantity_lots, now_ns):
    """Check 19: among the last RECENT_ORDERS_N orders of the instrument, the same one."""
    recent = gate.recent[instrument]
    window_ns = gate.limits[instrument].repeat_window_ns
    signed_ticks = side * price_ticks
    repeats = 0
    for k in range(RECENT_ORDERS_N):  # all of them, without a branch: the compiler makes vectors
        is_same = recent.signed_ticks[k] == signed_ticks
        is_same &= recent.quantity_lots[k] == quantity_lots
        repeats |= is_same & (now_ns - recent.sent_ns[k] < window_ns)
    if repeats:
        since_ns = _since_repeat(recent, signed_ticks, quantity_lots, now_ns)
        return Reject.DUPLICATE, since_ns, window_ns
    return Reject.NONE, 0, 0


@hot
def _since_repeat(recent, signed_ticks, quantity_lots, now_ns):
    """ns since the same order was sent last; there is one."""
    least_ns = now_ns
    for k in range(RECENT_ORDERS_N):
        if recent.signed_ticks[k] == signed_ticks and recent.quantity_lots[k] == quantity_lots:
            least_ns = min(least_ns, now_ns - recent.sent_ns[k])
    return least_ns
