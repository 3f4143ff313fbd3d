"""The checks of the risk gate that judge the account: what it did, lost, owns and owes.

In the order in which gate.py has them, with results as of gate_checks.py, whose checks come first.
``check_conduct`` judges no order: whoever watches the account asks it after every event, so that a
loss halts the appliance also while no order is asked for.
"""

from typing import Final

from appliance.abi.gate import CLOCK_AGE_MAX_NS, EXPOSURE_LOTS_MAX
from appliance.abi.limits import ORDER_RATE_MAX
from appliance.abi.market import Market
from appliance.abi.refusal import Reject
from appliance.abi.risk_limits import LEVERAGE_MAX_PCT, OFF
from appliance.abi.trading import Side
from appliance.abi.units import INT64_MAX
from appliance.hot.jit import hot_inline
from appliance.hot.valuation import fits, rounded_up

RATE_MASK: Final = ORDER_RATE_MAX - 1
PERCENT_MAX: Final = INT64_MAX // LEVERAGE_MAX_PCT  # of an equity, times any leverage, is an int64


@hot_inline
def check_world(gate, now_ns, is_reducing):
    """Check 6: the clock, the day, who watches over us, the venue's clock. What reduces needs
    neither of the last two."""
    account = gate.account[0]
    earliest_ns = max(1, account.last_order_ns)
    if now_ns < earliest_ns:
        return Reject.CLOCK, now_ns, earliest_ns
    if now_ns >= account.day_ends_ns:
        return Reject.DAY_OVER, now_ns, account.day_ends_ns
    if now_ns >= account.venue_day_ends_ns:
        return Reject.DAY_OVER, now_ns, account.venue_day_ends_ns
    if is_reducing:
        return Reject.NONE, 0, 0
    limits = gate.account_limits[0]
    # A beat or a stamp of the future is as wrong as an old one.
    age_ns = now_ns - max(0, gate.beats[0])
    if abs(age_ns) > limits.guardian_age_max_ns:
        return Reject.GUARDIAN, age_ns, limits.guardian_age_max_ns
    if limits.clock_offset_max_ns != OFF:
        age_ns = now_ns - max(0, account.clock_seen_ns)
        if abs(age_ns) > CLOCK_AGE_MAX_NS:
            return Reject.CLOCK_UNKNOWN, age_ns, CLOCK_AGE_MAX_NS
        offset_ns = account.clock_offset_most_ns
        if offset_ns < 0 or offset_ns > limits.clock_offset_max_ns:
            return Reject.CLOCK_OFFSET, offset_ns, limits.clock_offset_max_ns
    return Reject.NONE, 0, 0


@hot_inline
def check_conduct(gate, instrument, now_ns):
    """Checks 7 and 8: profit and loss, rejects, executions, messages; worst first."""
    account = gate.account[0]
    limits = gate.account_limits[0]
    fall_e8 = account.profit_peak_e8 - account.profit_e8
    if fall_e8 > limits.drawdown_max_e8:
        return Reject.DRAWDOWN, fall_e8, limits.drawdown_max_e8
    loss_e8 = account.day_profit_e8 - account.profit_e8
    if loss_e8 > limits.day_loss_max_e8:
        return Reject.DAY_LOSS, loss_e8, limits.day_loss_max_e8
    if account.rejects_in_row_n > limits.rejects_in_row_max:
        return Reject.REJECTS, account.rejects_in_row_n, limits.rejects_in_row_max
    if account.runaway_n > limits.runaway_max:
        first_ns = gate.runaway_ns[(account.runaway_n - limits.runaway_max - 1) & RATE_MASK]
        if now_ns - first_ns < limits.runaway_window_ns:
            return Reject.RUNAWAY, now_ns - first_ns, limits.runaway_window_ns
    messages_n = account.messages_n - account.day_messages_n
    per_fill_n = limits.messages_per_fill_max
    if messages_n > limits.messages_per_fill_after_n and per_fill_n != OFF:
        fills_n = max(1, account.fills_n - account.day_fills_n)
        if per_fill_n < 1:
            return Reject.ORDER_TO_TRADE, messages_n, 0
        # Multiplied only where the product is less than the messages.
        if (messages_n - 1) // per_fill_n >= fills_n:
            return Reject.ORDER_TO_TRADE, messages_n, fills_n * per_fill_n
    losses_n = gate.positions[instrument].losses_in_row_n
    if losses_n > gate.limits[instrument].losses_in_row_max:
        return Reject.LOSSES, losses_n, gate.limits[instrument].losses_in_row_max
    return Reject.NONE, 0, 0


@hot_inline
def check_worth(gate, instrument, side, price_ticks, quantity_lots, is_reducing):
    """Checks 21 to 23: what can be valued, what is owned, and what all of it comes to."""
    account = gate.account[0]
    position = gate.positions[instrument]
    value = gate.valuations[instrument]
    if account.unvalued_n != 0 and not is_reducing:
        return Reject.VALUE_UNKNOWN, account.unvalued_n, 0
    mark_ticks = position.mark_ticks
    if mark_ticks <= 0:
        return Reject.VALUE_UNKNOWN, mark_ticks, 0
    if side == Side.BUY:
        worst_lots = position.position_lots + position.open_buy_lots + quantity_lots
    else:
        worst_lots = position.open_sell_lots - position.position_lots + quantity_lots
    most_tick_lots = value.most_tick_lots
    is_small = fits(worst_lots, mark_ticks, most_tick_lots)
    if not is_small or not fits(quantity_lots, price_ticks, most_tick_lots):
        return Reject.VALUE_UNKNOWN, -1, 0
    if account.funds_known != 1:
        return Reject.FUNDS_UNKNOWN, account.funds_known, 1
    worst_e8 = rounded_up(value, worst_lots * mark_ticks)
    order_e8 = rounded_up(value, price_ticks * quantity_lots)
    others_e8 = account.gross_e8 - value.gross_e8
    if side == Side.BUY:
        gross_e8 = others_e8 + max(0, worst_e8, value.short_e8)
        net_e8 = account.long_e8 - value.long_e8 + worst_e8
    else:
        gross_e8 = others_e8 + max(0, worst_e8, value.long_e8)
        net_e8 = account.short_e8 - value.short_e8 + worst_e8
    reason, observed, limit = _check_funds(
        gate, instrument, side, quantity_lots, order_e8, gross_e8, is_reducing
    )
    if reason != Reject.NONE or is_reducing:
        return reason, observed, limit
    limits = gate.account_limits[0]
    if gross_e8 > limits.gross_max_e8:
        return Reject.GROSS, gross_e8, limits.gross_max_e8
    if net_e8 > limits.net_max_e8:
        return Reject.NET, net_e8, limits.net_max_e8
    return _check_day(gate, instrument, quantity_lots, order_e8)


@hot_inline
def _check_funds(gate, instrument, side, quantity_lots, order_e8, gross_e8, is_reducing):
    """What is sold must be owned, what is bought be paid; where margin is lent, so far it is."""
    account = gate.account[0]
    position = gate.positions[instrument]
    if gate.instruments[instrument].market == Market.SPOT:
        if side == Side.SELL:
            owned_lots = gate.valuations[instrument].base_owned_lots + position.position_lots
            needed_lots = position.open_sell_lots + quantity_lots
            if needed_lots > owned_lots:
                return Reject.FUNDS, needed_lots, owned_lots
        else:
            owned_e8 = account.funds_e8 + account.cash_e8
            needed_e8 = account.open_buy_e8 + order_e8
            if needed_e8 > owned_e8:
                return Reject.FUNDS, needed_e8, owned_e8
        return Reject.NONE, 0, 0
    leverage_pct = gate.account_limits[0].leverage_max_pct
    if is_reducing or leverage_pct == OFF:
        return Reject.NONE, 0, 0
    # Of an equity beyond arithmetic the largest part that fits is lent on.
    percent_e8 = min(max(0, account.funds_e8 + account.profit_e8) // 100, PERCENT_MAX)
    carried_e8 = percent_e8 * leverage_pct
    if gross_e8 > carried_e8:
        return Reject.LEVERAGE, gross_e8, carried_e8
    return Reject.NONE, 0, 0


@hot_inline
def _check_day(gate, instrument, quantity_lots, order_e8):
    """Check 23: traded today, open, and this one; working orders count."""
    account = gate.account[0]
    position = gate.positions[instrument]
    day_e8 = account.turnover_e8 - account.day_turnover_e8 + account.open_e8 + order_e8
    if day_e8 > gate.account_limits[0].day_value_max_e8:
        return Reject.DAY_VALUE, day_e8, gate.account_limits[0].day_value_max_e8
    limit_lots = gate.limits[instrument].day_quantity_max_lots
    before_lots = gate.valuations[instrument].day_traded_lots
    traded_lots = position.bought_lots + position.sold_lots - before_lots
    if traded_lots > EXPOSURE_LOTS_MAX:
        return Reject.DAY_QUANTITY, traded_lots, limit_lots
    day_lots = traded_lots + position.open_buy_lots + position.open_sell_lots + quantity_lots
    if day_lots > limit_lots:
        return Reject.DAY_QUANTITY, day_lots, limit_lots
    return Reject.NONE, 0, 0
