"""The day of the limits: it ends at a configured time (UTC), and its figures begin anew."""

from typing import Final

from appliance.abi.units import NS_PER_S
from appliance.hot.jit import hot

DAY_NS: Final = 86_400 * NS_PER_S


@hot
def end_of_day(now_ns, starts_ns):
    """The end of the day that ``now_ns`` is in; a day starts ``starts_ns`` after midnight."""
    return ((now_ns - starts_ns) // DAY_NS + 1) * DAY_NS + starts_ns


@hot
def begin_day(gate, now_ns):
    """Our day and the venue's (midnight to midnight), each if it is over or was never begun.

    What blocked or halted us yesterday still does: a person re-arms, not the clock.
    """
    account = gate.account[0]
    account.days_n += 1
    if now_ns >= account.day_ends_ns:
        account.day_ends_ns = end_of_day(now_ns, account.day_starts_ns)
        account.day_messages_n = account.messages_n
        account.day_fills_n = account.fills_n
        account.day_turnover_e8 = account.turnover_e8
        account.day_profit_e8 = account.profit_e8
        for i in range(gate.valuations.shape[0]):
            position = gate.positions[i]
            gate.valuations[i].day_traded_lots = position.bought_lots + position.sold_lots
    if now_ns >= account.venue_day_ends_ns:
        account.venue_day_ends_ns = end_of_day(now_ns, 0)
        account.venue_day_orders_n = 0
