"""The risk gate: every new order passes here, in line, before it is journalled and sent.

Integers only, no bypass, and whatever is missing, unset, stale or impossible refuses. The checks
in their order, cheap and fatal ones first (the first that fails is the reason); a star marks those
that an order passes which can only bring the position nearer to zero:

 1. account HALTED, or in a state that does not exist; then the session blocked
 2. instrument in range and configured, then tradable
 3. side and time in force known; once the limits are: the time in force allowed here
 4. every limit, ours and the account's, greater than zero and not beyond all bounds; the grid
    known, and what it is in money of the account
 5. position, open lots and counts possible, and within what the sums below can hold
 6. the order's time present, not before the last order's, and within the day whose figures we
    count; the guardian alive*
 7. drawdown, loss of the day
 8. rejects in a row*, executions and rejects in a window*, messages to a fill*, losses in a row*
 9. book live; its last event neither missing, nor in the future, nor too old, by our clock and by
    the venue's
10. touch present on both sides and not crossed; its time likewise
11. price within the venue's range, and on its step
12. quantity within the venue's range and ours, and on the venue's step
13. notional: within what can be added up, at least the venue's least, at most ours
14. price collar around the middle of the touch. Buying far above and selling far below are what
    costs money at once; the other two directions are refused too, because a price so far off is
    an error in either case, and a resting order keeps exposure
15. likewise around every middle of the last ``collar_window_ns``*
16. REDUCE_ONLY: nothing that could raise the absolute worst-case position
17. position, worst case: it, every open order of the side, and this one
18. open orders of the side, of the instrument, of the account
19. notional of the open orders and this one
20. self-cross: no own order on the other side that it would trade with, as far as prices tell. One
    whose cancel is under way counts: it may still be filled
21. all positions can be valued*; funds: what is sold is owned and what is bought is paid, or the
    equity carries it*
22. gross and net of all instruments, worst case*
23. value and quantity of the day, with what is open*
24. messages, orders (the account's limit, the instrument's, the venue's) in their windows: at most
    so many within any window (one of just that age has left it); the venue's orders of the day
25. duplicate: the same side, price and quantity within ``repeat_window_ns``, among the last
    RECENT_ORDERS_N orders of the instrument (two orders never share a client id: a key is a slot
    and its generation)

Cancels do not pass here, but they count as messages. What ``observed`` and ``limit`` mean:
appliance/abi/gate.py; what follows from a refusal: appliance/abi/refusal.py.
"""

from typing import Any, NamedTuple

import numpy as np

from appliance.abi.account import GATE_ACCOUNT, VALUATION
from appliance.abi.gate import PRICE_WINDOW, RECENT, REFERENCE, REFUSAL
from appliance.abi.layout import records
from appliance.abi.limits import BEATS_N, INSTRUMENTS_MAX, ORDER_RATE_MAX
from appliance.abi.refusal import RISK_ACTIONS, Reject, RiskAction
from appliance.abi.risk_limits import ACCOUNT_LIMITS, LIMITS
from appliance.abi.units import UNSET
from appliance.hot.gate_account import check_conduct, check_world, check_worth
from appliance.hot.gate_checks import (
    check_collar,
    check_exposure_sane,
    check_market,
    check_size,
    check_standing,
    check_window,
)
from appliance.hot.gate_exposure import (
    RATE_MASK,
    RECENT_MASK,
    check_exposure,
    check_open_orders,
    check_rate,
    check_repeat,
    open_lots_with,
    reducible_lots,
)
from appliance.hot.gate_limits import check_limits
from appliance.hot.jit import hot, hot_inline
from appliance.hot.runaway import note_message


class Gate(NamedTuple):
    """Everything the gate reads, and its scratches.

    Writers: instruments cold, before the loop; limits, ``account`` limits and state the control
    word's handler; positions and open orders the order table; references the market stage; the
    valuations valuation.py; the rings and ``refusal`` the gate itself.
    """

    account: Any  # GATE_ACCOUNT[1]
    account_limits: Any  # ACCOUNT_LIMITS[1]
    instruments: Any  # INSTRUMENT[n]
    limits: Any  # LIMITS[n]
    positions: Any  # POSITION[n]
    references: Any  # REFERENCE[n]
    windows: Any  # PRICE_WINDOW[n]
    valuations: Any  # VALUATION[n]
    rate_ns: Any  # int64[ORDER_RATE_MAX], time of the order sent at cursor & RATE_MASK
    message_ns: Any  # likewise, of orders and cancels
    runaway_ns: Any  # likewise, of executions and rejects
    recent: Any  # RECENT[n]
    recent_words: Any  # int64[]: ``recent``, as the words that it is
    beats: Any  # int64[BEATS_N]: when the guardian's heart beat last, and others'; 0: never
    limit_words: Any  # int64[]: ``limits``, as the words that they are
    account_words: Any  # int64[]: ``account_limits`` likewise
    refusal: Any  # REFUSAL[1], valid when ``check`` refused


def make_gate(instruments: Any, positions: Any, instruments_n: int) -> Gate:
    """A gate that is HALTED and has every limit UNSET. ValueError if the arrays are too short."""
    if not 0 < instruments_n <= min(INSTRUMENTS_MAX, len(instruments), len(positions)):
        raise ValueError(
            f"a gate for {instruments_n} instruments needs as many records, "
            f"has {len(instruments)} instruments and {len(positions)} positions"
        )
    limits = records(instruments_n, LIMITS)
    account_limits = records(1, ACCOUNT_LIMITS)
    for table in (limits, account_limits):
        for name in table.dtype.names:
            table[name] = UNSET
    recent = records(instruments_n, RECENT)
    return Gate(
        account=records(1, GATE_ACCOUNT),
        account_limits=account_limits,
        instruments=instruments,
        limits=limits,
        positions=positions,
        references=records(instruments_n, REFERENCE),
        windows=records(instruments_n, PRICE_WINDOW),
        valuations=records(instruments_n, VALUATION),
        rate_ns=np.zeros(ORDER_RATE_MAX, np.int64),
        message_ns=np.zeros(ORDER_RATE_MAX, np.int64),
        runaway_ns=np.zeros(ORDER_RATE_MAX, np.int64),
        recent=recent,
        recent_words=recent.view(np.int64),
        beats=np.zeros(BEATS_N, np.int64),
        limit_words=limits.view(np.int64),
        account_words=account_limits.view(np.int64),
        refusal=records(1, REFUSAL),
    )


@hot_inline
def check(gate, instrument, side, price_ticks, quantity_lots, time_in_force, now_ns):
    """Reject.NONE if the order may be sent, else the reason, with ``gate.refusal[0]`` filled.

    Everything is int64. Changes nothing but the refusal: a passed order counts once the order
    table has taken it and ``note_sent`` was called, both before the next order is checked.
    """
    reason, observed, limit = check_standing(gate, instrument, side, time_in_force)
    if reason == Reject.NONE:
        reason, observed, limit = check_limits(gate, instrument, time_in_force)
    if reason == Reject.NONE:
        reason, observed, limit = check_exposure_sane(
            gate.account[0], gate.positions[instrument], quantity_lots
        )
    if reason == Reject.NONE:
        reason, observed, limit = _check_limits(
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


@hot_inline
def _check_limits(gate, instrument, side, price_ticks, quantity_lots, now_ns):
    """Checks 6 to 25, once everything that they compare is there."""
    position = gate.positions[instrument]
    after_lots = open_lots_with(position, side, quantity_lots)
    is_reducing = after_lots <= reducible_lots(position, side)
    limits = gate.limits[instrument]
    reference = gate.references[instrument]
    reason, observed, limit = check_world(gate, now_ns, is_reducing)
    if reason == Reject.NONE:
        reason, observed, limit = check_conduct(gate, instrument, now_ns)
        if is_reducing and RISK_ACTIONS[np.int64(reason)] == RiskAction.BLOCK:
            reason, observed, limit = Reject.NONE, 0, 0
    if reason == Reject.NONE:
        reason, observed, limit = check_market(gate, instrument, now_ns)
    if reason == Reject.NONE:
        reason, observed, limit = check_size(gate, instrument, price_ticks, quantity_lots)
    if reason == Reject.NONE:
        reason, observed, limit = check_collar(reference, limits.collar_ppm, price_ticks)
    if reason == Reject.NONE and not is_reducing:
        reason, observed, limit = check_window(reference, limits.window_collar_ppm, price_ticks)
    if reason == Reject.NONE:
        reason, observed, limit = check_exposure(gate, instrument, side, quantity_lots, is_reducing)
    if reason == Reject.NONE:
        reason, observed, limit = check_open_orders(
            gate, instrument, side, price_ticks, quantity_lots
        )
    if reason == Reject.NONE:
        reason, observed, limit = check_worth(
            gate, instrument, side, price_ticks, quantity_lots, is_reducing
        )
    if reason == Reject.NONE:
        reason, observed, limit = check_rate(gate, instrument, now_ns)
    if reason == Reject.NONE:
        reason, observed, limit = check_repeat(
            gate, instrument, side, price_ticks, quantity_lots, now_ns
        )
    return reason, observed, limit


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
    account.venue_day_orders_n += 1
    note_message(gate, sent_ns)
    recent = gate.recent[instrument]
    k = recent.orders_n & RECENT_MASK
    recent.signed_ticks[k] = side * price_ticks
    recent.quantity_lots[k] = quantity_lots
    recent.sent_ns[k] = sent_ns
    recent.orders_n += 1
