"""The checks of the risk gate that judge an order by itself, in the order of gate.py.

(What judges it beside others: gate_exposure.py; the account: gate_account.py.) Each returns
(Reject, observed, limit), (Reject.NONE, 0, 0) if it has no objection, and relies on the ones
before it: sums and products below are safe because earlier checks bounded their terms.
"""

from typing import Final

from appliance.abi.gate import EXPOSURE_LOTS_MAX, GATE_PRICE_TICKS_MAX
from appliance.abi.market import BookState, Market
from appliance.abi.refusal import Reject
from appliance.abi.risk_limits import OFF, PPM
from appliance.abi.trading import Side, TimeInForce
from appliance.abi.trading_state import TradingState
from appliance.abi.units import UNSET
from appliance.hot.jit import hot, hot_inline

EXPOSURE_BITS: Final = EXPOSURE_LOTS_MAX.bit_length()
NARROW_BITS: Final = 30  # the product of two numbers of so many bits is below EXPOSURE_LOTS_MAX
LIVE: Final = int(BookState.LIVE)
ACTIVE: Final = int(TradingState.ACTIVE)
TIME_IN_FORCE_LAST: Final = int(max(TimeInForce))
assert sorted(TimeInForce) == list(range(TIME_IN_FORCE_LAST + 1))


@hot_inline
def check_standing(gate, instrument, side, time_in_force):
    """Checks 1 to 3: the account, the instrument, the form of the order."""
    state = gate.account[0].trading_state
    if state != TradingState.ACTIVE and state != TradingState.REDUCE_ONLY:
        return Reject.HALTED, state, ACTIVE
    blocks = gate.account[0].session_blocks | gate.account[0].link_blocks
    if blocks != 0:
        return Reject.BLOCKED, blocks, 0
    if instrument < 0 or instrument >= len(gate.limits):
        return Reject.UNKNOWN_INSTRUMENT, instrument, len(gate.limits)
    record = gate.instruments[instrument]
    if record.symbol[0] == 0 or (record.market != Market.SPOT and record.market != Market.USDM):
        return Reject.UNKNOWN_INSTRUMENT, instrument, len(gate.limits)
    if record.tradable != 1:
        return Reject.NOT_TRADABLE, record.tradable, 1
    if side != Side.BUY and side != Side.SELL:
        return Reject.BAD_SIDE, side, 0
    if time_in_force < 0 or time_in_force > TIME_IN_FORCE_LAST:
        return Reject.BAD_TYPE, time_in_force, TIME_IN_FORCE_LAST
    return Reject.NONE, 0, 0


@hot_inline
def check_exposure_sane(account, position, quantity_lots):
    """Check 5: no count below zero, nothing so large that a sum of three could overflow."""
    lots = position.position_lots
    # One shift for all: bits above the bound, or the sign, survive it.
    together = (
        (lots ^ (lots >> 63))
        | position.open_buy_lots
        | position.open_sell_lots
        | position.open_buy_orders_n
        | position.open_sell_orders_n
        | position.open_notional_tick_lots
        | position.losses_in_row_n
        | account.open_orders_n
        | account.orders_sent_n
        | account.messages_n
        | account.runaway_n
        | account.rejects_in_row_n
        | account.venue_day_orders_n
    )
    if together >> EXPOSURE_BITS != 0 or quantity_lots > EXPOSURE_LOTS_MAX:
        observed, limit = _find_insane(account, position, quantity_lots)
        return Reject.OVERFLOW, observed, limit
    return Reject.NONE, 0, 0


@hot
def _find_insane(account, position, quantity_lots):
    """(value, bound) of the first number that cannot be, or is too large to add up."""
    lots = position.position_lots
    if lots > EXPOSURE_LOTS_MAX:
        return lots, EXPOSURE_LOTS_MAX
    if lots < -EXPOSURE_LOTS_MAX - 1:
        return lots, -EXPOSURE_LOTS_MAX - 1
    for value in (
        position.open_buy_lots,
        position.open_sell_lots,
        position.open_buy_orders_n,
        position.open_sell_orders_n,
        position.open_notional_tick_lots,
        position.losses_in_row_n,
        account.open_orders_n,
        account.orders_sent_n,
        account.messages_n,
        account.runaway_n,
        account.rejects_in_row_n,
        account.venue_day_orders_n,
    ):
        if value < 0:
            return value, 0
        if value > EXPOSURE_LOTS_MAX:
            return value, EXPOSURE_LOTS_MAX
    return quantity_lots, EXPOSURE_LOTS_MAX


@hot_inline
def check_market(gate, instrument, now_ns):
    """Checks 9 and 10: the book, the reference."""
    limits = gate.limits[instrument]
    reference = gate.references[instrument]
    if reference.book_state != BookState.LIVE:
        return Reject.BOOK_NOT_LIVE, reference.book_state, LIVE
    if reference.book_ns < 1 or reference.book_ns > now_ns:
        return Reject.CLOCK, reference.book_ns, now_ns
    if now_ns - reference.book_ns > limits.book_age_max_ns:
        return Reject.BOOK_OLD, now_ns - reference.book_ns, limits.book_age_max_ns
    if limits.event_age_max_ns != OFF:
        # A stamp of the future is as wrong as an old one, by more than clocks differ.
        age_ns = now_ns + gate.account[0].clock_offset_ns - max(0, reference.event_ns)
        if abs(age_ns) > limits.event_age_max_ns:
            return Reject.EVENT_OLD, age_ns, limits.event_age_max_ns
    if reference.bid_ticks < 1 or reference.ask_ticks <= reference.bid_ticks:
        return Reject.REFERENCE_MISSING, reference.bid_ticks, reference.ask_ticks
    if reference.ask_ticks > GATE_PRICE_TICKS_MAX:
        return Reject.OVERFLOW, reference.ask_ticks, GATE_PRICE_TICKS_MAX
    if reference.touch_ns < 1 or reference.touch_ns > now_ns:
        return Reject.CLOCK, reference.touch_ns, now_ns
    if now_ns - reference.touch_ns > limits.reference_age_max_ns:
        return Reject.REFERENCE_OLD, now_ns - reference.touch_ns, limits.reference_age_max_ns
    return Reject.NONE, 0, 0


@hot_inline
def check_size(gate, instrument, price_ticks, quantity_lots):
    """Checks 11 to 13: price, quantity and notional against the venue's filters and our limits."""
    record = gate.instruments[instrument]
    limits = gate.limits[instrument]
    price_min_ticks = max(1, record.price_min_ticks)
    if price_ticks < price_min_ticks:
        return Reject.PRICE_RANGE, price_ticks, price_min_ticks
    if price_ticks > record.price_max_ticks and record.price_max_ticks != UNSET:
        return Reject.PRICE_RANGE, price_ticks, record.price_max_ticks
    if price_ticks > GATE_PRICE_TICKS_MAX:
        return Reject.OVERFLOW, price_ticks, GATE_PRICE_TICKS_MAX
    # 1 nearly always; a division costs more than all of the rest.
    step_ticks = record.price_step_ticks
    if step_ticks != 1 and (step_ticks <= 0 or price_ticks % step_ticks != 0):
        return Reject.PRICE_STEP, price_ticks, step_ticks
    quantity_min_lots = max(1, record.quantity_min_lots)
    if quantity_lots < quantity_min_lots:
        return Reject.QUANTITY_MIN, quantity_lots, quantity_min_lots
    quantity_max_lots = limits.quantity_max_lots
    if record.quantity_max_lots != UNSET:
        quantity_max_lots = min(quantity_max_lots, record.quantity_max_lots)
    if quantity_lots > quantity_max_lots:
        return Reject.QUANTITY_MAX, quantity_lots, quantity_max_lots
    step_lots = record.quantity_step_lots
    if step_lots != 1 and (step_lots <= 0 or quantity_lots % step_lots != 0):
        return Reject.QUANTITY_STEP, quantity_lots, step_lots
    # Again a division: only for what might not fit.
    if (price_ticks | quantity_lots) >> NARROW_BITS != 0:
        price_max_ticks = EXPOSURE_LOTS_MAX // quantity_lots
        if price_ticks > price_max_ticks:
            return Reject.OVERFLOW, price_ticks, price_max_ticks
    notional_tick_lots = price_ticks * quantity_lots
    if notional_tick_lots < record.notional_min_tick_lots:
        return Reject.NOTIONAL_MIN, notional_tick_lots, record.notional_min_tick_lots
    if notional_tick_lots > limits.notional_max_tick_lots:
        return Reject.NOTIONAL_MAX, notional_tick_lots, limits.notional_max_tick_lots
    return Reject.NONE, 0, 0


@hot_inline
def check_collar(reference, collar_ppm, price_ticks):
    """Check 14: |price - mid| in ppm of the mid, with both doubled to stay whole."""
    middle2_ticks = reference.bid_ticks + reference.ask_ticks
    distance2_ticks = abs(2 * price_ticks - middle2_ticks)
    if distance2_ticks * PPM > collar_ppm * middle2_ticks:
        # Rounded up, so that what is observed always exceeds the limit.
        return Reject.PRICE_COLLAR, -(-distance2_ticks * PPM // middle2_ticks), collar_ppm
    return Reject.NONE, 0, 0


@hot_inline
def check_window(reference, window_collar_ppm, price_ticks):
    """Check 15: the same against the farthest middle of the window, either way."""
    if window_collar_ppm == OFF:
        return Reject.NONE, 0, 0
    low2_ticks, high2_ticks = reference.window_low2_ticks, reference.window_high2_ticks
    if low2_ticks < 1 or high2_ticks < low2_ticks:
        return Reject.REFERENCE_MISSING, low2_ticks, high2_ticks
    if high2_ticks > 2 * GATE_PRICE_TICKS_MAX:
        return Reject.OVERFLOW, high2_ticks, 2 * GATE_PRICE_TICKS_MAX
    above2_ticks = 2 * price_ticks - low2_ticks
    if above2_ticks * PPM > window_collar_ppm * low2_ticks:
        return Reject.PRICE_WINDOW, -(-above2_ticks * PPM // low2_ticks), window_collar_ppm
    below2_ticks = high2_ticks - 2 * price_ticks
    if below2_ticks * PPM > window_collar_ppm * high2_ticks:
        return Reject.PRICE_WINDOW, -(-below2_ticks * PPM // high2_ticks), window_collar_ppm
    return Reject.NONE, 0, 0
