"""What positions and open orders are worth in the account's money; sums over the instruments.

tick_lots x value_multiple / value_divisor is money of the account, exactly. Where the division
leaves a rest, exposures are rounded up and profit down. A profit is after fees, each trade at the
most that one may cost: what a fee really was is told later, and in whatever asset.

Everything here belongs to the one agent that owns the positions; ``gate`` is a gate.Gate.
"""

from typing import Final

from appliance.abi.limits import ORDER_RATE_MAX
from appliance.abi.market import BookState
from appliance.abi.risk_limits import PPM
from appliance.hot.jit import hot, hot_inline
from appliance.hot.runaway import note_runaway

_NARROW_BITS: Final = 30  # two numbers below 2**30 have a product below 2**60


@hot_inline
def fits(lots, ticks, most_tick_lots):
    """Whether |lots| x ticks is at most ``most_tick_lots``; ticks >= 0."""
    size_lots = abs(lots)
    if (size_lots | ticks) >> _NARROW_BITS != 0:
        return size_lots == 0 or ticks <= most_tick_lots // size_lots
    return size_lots * ticks <= most_tick_lots


@hot_inline
def rounded_up(value, tick_lots):
    """Money of the account (VALUATION); |tick_lots| must be at most ``most_tick_lots``."""
    amount = tick_lots * value.value_multiple
    if value.value_divisor == 1:
        return amount
    return -(-amount // value.value_divisor)


@hot_inline
def rounded_down(value, tick_lots):
    """Likewise, not more than it is."""
    amount = tick_lots * value.value_multiple
    if value.value_divisor == 1:
        return amount
    return amount // value.value_divisor


@hot_inline
def fees_tick_lots(turnover_tick_lots, fee_ppm):
    """At most this was paid for a turnover; the fee is set (1 to PPM)."""
    return turnover_tick_lots // PPM * fee_ppm + (turnover_tick_lots % PPM * fee_ppm) // PPM + 1


@hot_inline
def is_valued(position, reference, value):
    """Whether everything of the instrument can be told in money: a price, and small enough."""
    mark_ticks = position.mark_ticks
    if position.position_lots != 0 and reference.book_state != BookState.LIVE:
        return False
    long_lots = position.position_lots + position.open_buy_lots
    short_lots = position.open_sell_lots - position.position_lots
    if mark_ticks <= 0:
        return long_lots == 0 and short_lots == 0
    most_tick_lots = value.most_tick_lots
    most = max(position.open_notional_tick_lots, position.turnover_tick_lots)
    most = max(most, abs(position.cash_tick_lots))
    return (
        fits(long_lots, mark_ticks, most_tick_lots)
        and fits(short_lots, mark_ticks, most_tick_lots)
        and fits(position.position_lots, mark_ticks, most_tick_lots)
        and most <= most_tick_lots
    )


@hot_inline
def revalue(gate, i, now_ns):
    """Bring the account's sums up to date with instrument ``i``: after a mark, an order, a fill.

    What cannot be valued keeps its last figures, and is counted.
    """
    account = gate.account[0]
    position = gate.positions[i]
    value = gate.valuations[i]
    if position.fills_n != value.fills_n:
        _count_fills(gate, account, position, value, now_ns)
    unvalued = 0 if is_valued(position, gate.references[i], value) else 1
    account.unvalued_n += unvalued - value.unvalued
    value.unvalued = unvalued
    if unvalued != 0:
        return
    mark_ticks = position.mark_ticks
    held = position.position_lots
    long_e8 = rounded_up(value, (held + position.open_buy_lots) * mark_ticks)
    short_e8 = rounded_up(value, (position.open_sell_lots - held) * mark_ticks)
    gross_e8 = max(0, long_e8, short_e8)
    open_e8 = rounded_up(value, position.open_notional_tick_lots)
    open_buy_e8 = rounded_up(value, position.open_buy_tick_lots)
    turnover_e8 = rounded_up(value, position.turnover_tick_lots)
    cash = position.cash_tick_lots
    if position.turnover_tick_lots != 0:
        cash -= fees_tick_lots(position.turnover_tick_lots, gate.limits[i].fee_ppm)
    cash_e8 = rounded_down(value, cash)
    profit_e8 = cash_e8 + rounded_down(value, held * mark_ticks)
    account.long_e8 += long_e8 - value.long_e8
    account.short_e8 += short_e8 - value.short_e8
    account.gross_e8 += gross_e8 - value.gross_e8
    account.open_e8 += open_e8 - value.open_e8
    account.open_buy_e8 += open_buy_e8 - value.open_buy_e8
    account.turnover_e8 += turnover_e8 - value.turnover_e8
    account.cash_e8 += cash_e8 - value.cash_e8
    account.profit_e8 += profit_e8 - value.profit_e8
    value.long_e8 = long_e8
    value.short_e8 = short_e8
    value.gross_e8 = gross_e8
    value.open_e8 = open_e8
    value.open_buy_e8 = open_buy_e8
    value.turnover_e8 = turnover_e8
    value.cash_e8 = cash_e8
    value.profit_e8 = profit_e8
    if account.unvalued_n == 0:
        account.profit_peak_e8 = max(account.profit_peak_e8, account.profit_e8)


@hot
def _count_fills(gate, account, position, value, now_ns):
    """Fills that were booked since the last look."""
    new_n = position.fills_n - value.fills_n
    value.fills_n = position.fills_n
    account.fills_n += new_n
    for _ in range(min(new_n, ORDER_RATE_MAX)):
        note_runaway(gate, now_ns)
