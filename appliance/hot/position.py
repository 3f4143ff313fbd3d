"""Position and profit of an instrument, in integers, exact to the last tick-lot.

The cost of the open position carries its sign: cost = average price x position, so the average
price is cost / position. Adding to a position adds to its cost. Reducing it takes out

    removed = floor(|cost| x lots / |position|), with the sign of the position

and the fraction that the floor leaves over stays in the cost, so nothing is ever rounded away:
realised + unrealised == cash + position x mark, and at position 0 realised == cash.

Why nothing overflows: TURNOVER_MAX bounds the sum of price x lots of all fills. A price is at
least one tick, so |position|, |cost| and |cash| stay below it too, and |realised| below twice it.
"""

from typing import Final

from appliance.abi.trading import Side
from appliance.abi.units import NO_PRICE
from appliance.hot.jit import hot

TURNOVER_MAX: Final = (1 << 62) - 1  # tick-lots of one instrument between two starts
_PLAIN_MAX: Final = 1 << 31  # up to here the product of two lot counts fits an int64
_SHARE_BITS: Final = 62  # of a lot count


@hot
def share(amount, part, whole):
    """floor(amount x part / whole), for 0 <= amount, 0 < part <= whole <= TURNOVER_MAX.

    amount = each x whole + rest, so the result is part x each + floor(part x rest / whole):
    the first product is at most amount. The second fits while whole <= 2**31; beyond that it is
    built bit by bit (double, add, subtract whole), at most 62 rounds.
    """
    each = amount // whole
    rest = amount % whole
    if whole <= _PLAIN_MAX:
        return part * each + part * rest // whole
    quotient = 0
    remainder = 0
    for k in range(_SHARE_BITS):
        quotient += quotient
        remainder += remainder
        if remainder >= whole:
            remainder -= whole
            quotient += 1
        if (part >> (_SHARE_BITS - 1 - k)) & 1:
            remainder += rest
            if remainder >= whole:
                remainder -= whole
                quotient += 1
    return part * each + quotient


@hot
def apply_fill(positions, i, side, price_ticks, lots):
    """Book a fill into ``positions[i]`` (POSITION). 1 if booked, 0 if it makes no sense.

    No sense: no such instrument, a side that is none, no lots, no price, or a turnover beyond
    TURNOVER_MAX; nothing has changed then. Only the owner of the positions may call.
    """
    if lots <= 0 or price_ticks <= 0 or lots > TURNOVER_MAX // price_ticks:
        return 0
    return apply_value(positions, i, side, lots * price_ticks, lots)


@hot
def apply_value(positions, i, side, value, lots):
    """Book ``lots`` that were traded for ``value`` tick-lots in all, at whatever prices.

    Result and callers as of ``apply_fill``. What closes a position has its share of the value,
    rounded down, and what opens one the rest.
    """
    if i < 0 or i >= positions.shape[0] or lots <= 0 or value < lots:
        return 0
    if side != Side.BUY and side != Side.SELL:
        return 0
    rec = positions[i]
    if value > TURNOVER_MAX - rec.turnover_tick_lots:
        return 0
    before = rec.position_lots
    held = before * side  # positive: the fill adds to the position
    if held >= 0:
        rec.cost_tick_lots += side * value
    elif lots < -held:
        removed = -side * share(-side * rec.cost_tick_lots, lots, -held)
        rec.cost_tick_lots -= removed
        rec.realised_tick_lots += -side * value - removed
    else:  # closed, and what is left over opens
        closing = share(value, -held, lots)
        rec.realised_tick_lots -= side * closing + rec.cost_tick_lots
        rec.cost_tick_lots = side * (value - closing)
    if held < 0 and lots >= -held:  # a round trip is over, before fees
        lost = rec.realised_tick_lots < rec.trip_start_tick_lots
        rec.losses_in_row_n = rec.losses_in_row_n + 1 if lost else 0
        rec.trip_start_tick_lots = rec.realised_tick_lots
    rec.position_lots = before + side * lots
    rec.cash_tick_lots -= side * value
    rec.turnover_tick_lots += value
    rec.fills_n += 1
    if side == Side.BUY:
        rec.bought_lots += lots
    else:
        rec.sold_lots += lots
    return 1


@hot
def mark(positions, i, ticks):
    """Value the open position at ``ticks`` from now on; NO_PRICE keeps the last mark.

    position x mark must fit an int64: with limits set, the gate holds it far below.
    """
    if ticks > NO_PRICE:
        positions[i].mark_ticks = ticks


@hot
def unrealised_tick_lots(positions, i):
    """Profit of the open position at its mark; 0 while there is no mark (valued at cost)."""
    rec = positions[i]
    if rec.mark_ticks == NO_PRICE:
        return 0
    return rec.position_lots * rec.mark_ticks - rec.cost_tick_lots


@hot
def pnl_tick_lots(positions, i):
    """Realised + unrealised profit, before fees; equals cash + position x mark."""
    return positions[i].realised_tick_lots + unrealised_tick_lots(positions, i)
