"""The check of the risk gate that judges the limits: are they set, do they limit anything?

It looks at every limit before every order, so that none can go missing while the loop runs.
Results as of gate_checks.py.
"""

from typing import Final

from appliance.abi.limits import ORDER_RATE_MAX
from appliance.abi.refusal import Reject
from appliance.abi.risk_limits import (
    ACCOUNT_CODE,
    ACCOUNT_MOST,
    ACCOUNT_OFF,
    LEVERAGE_MAX_PCT,
    LIMITS,
    LIMITS_CODE,
    LIMITS_MOST,
    LIMITS_OFF,
    MESSAGES_PER_FILL_MAX,
    OFF,
    ORDER_TYPES_ALL,
    PPM,
    Limit,
)
from appliance.hot.jit import hot, hot_inline
from appliance.hot.rows import ROW_WORDS_MAX, ROW_WORDS_MIN, least_of_rows

LIMITS_WORDS: Final = LIMITS.itemsize // 8
LIMITS_N: Final = len(LIMITS_MOST)
ACCOUNT_N: Final = len(ACCOUNT_MOST)
assert ROW_WORDS_MIN <= LIMITS_N <= ROW_WORDS_MAX and ROW_WORDS_MIN <= ACCOUNT_N <= ROW_WORDS_MAX


@hot_inline
def check_limits(gate, instrument, time_in_force):
    """Check 4; then the time in force, once it is known which are allowed."""
    limits = gate.limits[instrument]
    account = gate.account_limits[0]
    record = gate.instruments[instrument]
    value = gate.valuations[instrument]
    least = least_of_rows(
        gate.limit_words, instrument * LIMITS_WORDS, LIMITS_N, gate.account_words, 0, ACCOUNT_N
    )
    least = min(least, record.price_grid_e8, record.quantity_grid_e8)
    least = min(least, value.value_multiple, value.value_divisor)
    if least <= 0 or not _are_bounded(limits) or not _is_account_bounded(account):
        return _find_bad(gate, instrument)
    if limits.order_types >> time_in_force & 1 == 0:
        return Reject.ORDER_TYPE, time_in_force, limits.order_types
    return Reject.NONE, 0, 0


@hot_inline
def _limits_something(value, most):
    return value <= most or value == OFF


@hot_inline
def _are_bounded(limits):
    """The fields of LIMITS_MOST that have a bound."""
    is_bounded = max(limits.collar_ppm, limits.fee_ppm) <= PPM
    is_bounded = is_bounded and limits.order_rate_max <= ORDER_RATE_MAX
    is_bounded = is_bounded and limits.order_types <= ORDER_TYPES_ALL
    return is_bounded and _limits_something(limits.window_collar_ppm, PPM)


@hot_inline
def _is_account_bounded(limits):
    """Those of ACCOUNT_MOST."""
    is_bounded = limits.order_rate_max <= ORDER_RATE_MAX
    is_bounded = is_bounded and _limits_something(limits.message_rate_max, ORDER_RATE_MAX)
    is_bounded = is_bounded and _limits_something(limits.venue_rate_max, ORDER_RATE_MAX)
    is_bounded = is_bounded and _limits_something(limits.runaway_max, ORDER_RATE_MAX - 1)
    is_bounded = is_bounded and _limits_something(limits.leverage_max_pct, LEVERAGE_MAX_PCT)
    most = MESSAGES_PER_FILL_MAX
    return is_bounded and _limits_something(limits.messages_per_fill_max, most)


@hot
def _find_bad(gate, instrument):
    """LIMIT_UNSET, with the Limit and the value of the first bad one: what the user should set."""
    at = _bad_word(gate.limit_words, instrument * LIMITS_WORDS, LIMITS_MOST, LIMITS_OFF)
    if at >= 0:
        value = gate.limit_words[instrument * LIMITS_WORDS + at]
        return Reject.LIMIT_UNSET.value, LIMITS_CODE[at], value
    record = gate.instruments[instrument]
    value = gate.valuations[instrument]
    if record.price_grid_e8 <= 0:
        return Reject.LIMIT_UNSET.value, Limit.PRICE_GRID.value, record.price_grid_e8
    if record.quantity_grid_e8 <= 0:
        return Reject.LIMIT_UNSET.value, Limit.QUANTITY_GRID.value, record.quantity_grid_e8
    if value.value_multiple <= 0:
        return Reject.LIMIT_UNSET.value, Limit.VALUE_MULTIPLE.value, value.value_multiple
    if value.value_divisor <= 0:
        return Reject.LIMIT_UNSET.value, Limit.VALUE_DIVISOR.value, value.value_divisor
    at = max(0, _bad_word(gate.account_words, 0, ACCOUNT_MOST, ACCOUNT_OFF))
    return Reject.LIMIT_UNSET.value, ACCOUNT_CODE[at], gate.account_words[at]


@hot
def _bad_word(words, at, most, off):
    """Which word of a row of limits is none, or limits nothing; -1: each is good."""
    for k in range(len(most)):
        value = words[at + k]
        if value <= 0 or (value > most[k] and value != off[k]):
            return k
    return -1
