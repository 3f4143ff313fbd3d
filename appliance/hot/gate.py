"""The risk gate: every new order passes here, in line, before it is journalled and sent.

Integers only, no bypass, and whatever is missing, unset, stale or impossible refuses. The checks
in their order, cheap and fatal ones first (the first that fails is the reason):

 1. account HALTED, or in a state that does not exist; then the session blocked
 2. instrument in range and configured, then tradable
 3. side and time in force known; once the limits are: the time in force allowed here
 4. every limit, ours and the account's, greater than zero; the grid known
 5. position, open lots and counts possible, and within what the sums below can hold
 6. the order's time present and not before the last order's
 7. book live; its last event neither missing, nor in the future, nor too old
 8. touch present on both sides and not crossed; its time likewise
 9. price within the venue's range, and on its step
10. quantity within the venue's range and ours, and on the venue's step
11. notional: within what can be added up, at least the venue's least, at most ours
12. price collar around the middle of the touch. Buying far above and selling far below are what
    costs money at once; the other two directions are refused too, because a price so far off is
    an error in either case, and a resting order keeps exposure
13. REDUCE_ONLY: nothing that could raise the absolute worst-case position
14. position, worst case: it, every open order of the side, and this one
15. open orders of the side, of the instrument, of the account
16. notional of the open orders and this one
17. self-cross: no own order on the other side that it would trade with, as far as prices tell. One
    whose cancel is under way counts: it may still be filled
18. order rate: at most ``order_rate_max`` orders within any ``order_rate_window_ns`` (an order of
    just that age has left it): the account's limit, and the instrument's on the same orders
19. duplicate: the same side, price and quantity within ``repeat_window_ns``, among the last
    RECENT_ORDERS_N orders of the instrument (two orders never share a client id: a key is a slot
    and its generation)

Cancels do not pass here. What ``observed`` and ``limit`` mean: appliance/abi/gate.py.
"""

from typing import Any, NamedTuple

import numpy as np

from appliance.abi.gate import GATE_ACCOUNT, RECENT, REFERENCE, REFUSAL
from appliance.abi.layout import records
from appliance.abi.limits import INSTRUMENTS_MAX, ORDER_RATE_MAX
from appliance.abi.trading import LIMITS, Reject
from appliance.abi.units import UNSET
from appliance.hot.gate_checks import (
    check_collar,
    check_exposure_sane,
    check_market,
    check_size,
    check_standing,
)
from appliance.hot.gate_exposure import (
    RATE_MASK,
    RECENT_MASK,
    check_exposure,
    check_open_orders,
    check_rate,
    check_repeat,
)
from appliance.hot.jit import hot, hot_inline


class Gate(NamedTuple):
    """Everything the gate reads, and its two scratches.

    Writers: instruments cold, before the loop; limits, ``account`` limits and state the control
    word's handler; positions and open orders the order table; references the market stage;
    ``rate_ns``, ``recent`` and ``refusal`` the gate itself.
    """

    account: Any  # GATE_ACCOUNT[1]
    instruments: Any  # INSTRUMENT[n]
    limits: Any  # LIMITS[n]
    positions: Any  # POSITION[n]
    references: Any  # REFERENCE[n]
    rate_ns: Any  # int64[ORDER_RATE_MAX], time of the order sent at cursor & RATE_MASK
    recent: Any  # RECENT[n]
    refusal: Any  # REFUSAL[1], valid when ``check`` refused


def make_gate(instruments: Any, positions: Any, instruments_n: int) -> Gate:
    """A gate that is HALTED and has every limit UNSET. ValueError if the arrays are too short."""
    if not 0 < instruments_n <= min(INSTRUMENTS_MAX, len(instruments), len(positions)):
        raise ValueError(
            f"a gate for {instruments_n} instruments needs as many records, "
            f"has {len(instruments)} instruments and {len(positions)} positions"
        )
    gate = Gate(
        account=records(1, GATE_ACCOUNT),
        instruments=instruments,
        limits=records(instruments_n, LIMITS),
        positions=positions,
        references=records(instruments_n, REFERENCE),
        rate_ns=np.zeros(ORDER_RATE_MAX, np.int64),
        recent=records(instruments_n, RECENT),
        refusal=records(1, REFUSAL),
    )
    names = LIMITS.names
    assert names is not None
    for name in names:
        gate.limits[name] = UNSET
    for name in ("order_rate_max", "order_rate_window_ns", "open_orders_max"):
        gate.account[name] = UNSET
    return gate


@hot_inline
def check(gate, instrument, side, price_ticks, quantity_lots, time_in_force, now_ns):
    """Reject.NONE if the order may be sent, else the reason, with ``gate.refusal[0]`` filled.

    Everything is int64. Changes nothing but the refusal: a passed order counts once the order
    table has taken it and ``note_sent`` was called, both before the next order is checked.
    """
    reason, observed, limit = check_standing(gate, instrument, side, time_in_force)
    if reason == Reject.NONE:
        reason, observed, limit = check_exposure_sane(
            gate.account[0], gate.positions[instrument], quantity_lots
        )
    if reason == Reject.NONE:
        reason, observed, limit = check_market(gate, instrument, now_ns)
    if reason == Reject.NONE:
        reason, observed, limit = check_size(gate, instrument, price_ticks, quantity_lots)
    if reason == Reject.NONE:
        reason, observed, limit = check_collar(
            gate.references[instrument], gate.limits[instrument].collar_ppm, price_ticks
        )
    if reason == Reject.NONE:
        reason, observed, limit = check_exposure(gate, instrument, side, quantity_lots)
    if reason == Reject.NONE:
        reason, observed, limit = check_open_orders(
            gate, instrument, side, price_ticks, quantity_lots
        )
    if reason == Reject.NONE:
        reason, observed, limit = check_rate(gate, instrument, now_ns)
    if reason == Reject.NONE:
        reason, observed, limit = check_repeat(
            gate, instrument, side, price_ticks, quantity_lots, now_ns
        )
    if reason != Reject.NONE:
        refusal = gate.refusal[0]
        refusal.reason = reason
        refusal.observed = observed
        refusal.limit = limit
        refusal.instrument = instrument
        refusal.side = side
        refusal.price_ticks = price_ticks
        refusal.quantity_lots = quantity_lots
        refusal.time_ns = now_ns
    return reason


@hot
def note_sent(gate, instrument, side, price_ticks, quantity_lots, now_ns):
    """Count an order that is sent now: it is in the rate from here on, whatever becomes of it.

    A time before the last order's counts as the last order's: no order leaves the window early.
    """
    account = gate.account[0]
    sent_ns = max(now_ns, account.last_order_ns)
    gate.rate_ns[account.orders_sent_n & RATE_MASK] = sent_ns
    account.orders_sent_n += 1
    account.last_order_ns = sent_ns
    recent = gate.recent[instrument]
    k = recent.orders_n & RECENT_MASK
    recent.signed_ticks[k] = side * price_ticks
    recent.quantity_lots[k] = quantity_lots
    recent.sent_ns[k] = sent_ns
    recent.orders_n += 1
