"""The venue's messages about our own orders, read in the loop: REPORT records out of bytes.

What comes all the time is read here: that an order or a cancel was accepted (WebSocket API
replies), and what became of an order (``executionReport`` on spot, ``ORDER_TRADE_UPDATE`` on
USD-M; binance-protocol 3 to 5). Everything else goes to the cold side, which reads any message and
judges refusals (cold/live/order_messages.py). What is taken here is what it would have said, field
for field; the tests hold the two against each other.
"""

from typing import Final

import numpy as np

from appliance.abi.market import Market
from appliance.abi.trading import Report
from appliance.abi.units import INT64_MAX, NS_PER_MS
from appliance.hot.decode.order_fields import (
    EVENTS,
    EXECUTION,
    EXECUTION_REPORT,
    EXECUTIONS,
    EXPIRED_IN_MATCH,
    KEY_ALL_LOTS,
    KEY_ALL_VALUE,
    KEY_CLIENT_ID,
    KEY_DATA,
    KEY_ERROR,
    KEY_EVENT,
    KEY_EVENT_NAME,
    KEY_EVENT_TIME,
    KEY_EXECUTED,
    KEY_EXECUTION,
    KEY_FULL_SIDE,
    KEY_FULL_SYMBOL,
    KEY_ID,
    KEY_LAST_LOTS,
    KEY_LAST_PRICE,
    KEY_MAKER,
    KEY_ORDER,
    KEY_ORDER_ID,
    KEY_ORIGINAL_ID,
    KEY_RESULT,
    KEY_SIDE,
    KEY_SPOT_VALUE,
    KEY_STATE,
    KEY_STATUS,
    KEY_SYMBOL,
    KEY_TRADE_ID,
    KEY_USDM_VALUE,
    KEY_VENUE_ID,
    ORDER_TRADE_UPDATE,
    SIDE,
    SIDES,
    STATUS,
    STATUSES,
    TRADE_PREVENTION,
    instrument_at,
    units_in,
    value_in,
)
from appliance.hot.decode.scan import GIVE_UP, is_utf8, skip_space
from appliance.hot.decode.spans import (
    NO_INTEGER,
    START,
    find_values,
    has_value,
    integer_at,
    name_at,
    text_at,
    truth_at,
)
from appliance.hot.decode.vector import word_at
from appliance.hot.jit import hot, hot_inline, out_of_line
from appliance.hot.order_text import ID_BYTES, NO_KEY, key_of_cancel_id, key_of_client_id
from appliance.hot.ring import claim, publish

_OK: Final = 200
_HIGH_BITS: Final = -0x7F7F7F7F7F7F7F80  # of eight bytes


@hot
def acknowledge(reports, text, at, length, now_ns, spans, symbols, instruments, epoch):
    """Put what the message of ``length`` bytes says into the ring ``reports``. False: it did not.

    ``reports``: producer here. ``now_ns``: when it was received. ``spans``: see decode/spans.py.
    ``instruments``: INSTRUMENT records. ``epoch``: of the client order ids that are ours. Where it
    is False (not about our orders, refused by the venue, anything uncommon, no room) nothing has
    changed, and the cold side must read the message.
    """
    out_of_line()
    index = claim(reports)
    if index < 0:
        return False
    report = reports.slots[index]
    report.side = 0
    report.price_ticks = 0
    report.quantity_lots = 0
    report.tells_total = 0
    report.filled_lots = 0
    report.filled_tick_lots = 0
    report.maker = 0
    end = at + length
    start = skip_space(text, at, end)
    behind = find_values(text, start, end, spans)
    if behind < 0 or skip_space(text, behind, end) != end:
        return False
    if not _is_ascii(text, at, end) and not is_utf8(text, at, end):
        return False
    if not _read(text, end, now_ns, spans, symbols, instruments, epoch, report):
        return False
    publish(reports)
    return True


@hot
def _is_ascii(text, at, end):
    """False also where a byte behind the end is not."""
    bits = np.int64(0)
    for k in range(at, end, 8):
        bits |= word_at(text, k)
    return bits & _HIGH_BITS == 0


@hot_inline
def _read(text, end, now_ns, spans, symbols, instruments, epoch, report):
    event_at = np.int64(GIVE_UP)
    if has_value(spans, KEY_EVENT):
        event_at = spans[KEY_EVENT, START]
        if has_value(spans, KEY_DATA):
            return False
    elif has_value(spans, KEY_DATA):
        event_at = spans[KEY_DATA, START]
    if event_at >= 0 and find_values(text, event_at, end, spans) < 0:
        return False
    if not has_value(spans, KEY_EVENT_NAME):
        if event_at >= 0:
            return False
        return _read_reply(text, end, now_ns, spans, symbols, instruments, epoch, report)
    kind = name_at(text, spans, KEY_EVENT_NAME, EVENTS)
    time_ms = integer_at(text, spans, KEY_EVENT_TIME)
    if kind < 0 or time_ms < 0 or time_ms > INT64_MAX // NS_PER_MS:
        return False
    report.venue_ns = time_ms * NS_PER_MS
    if kind == ORDER_TRADE_UPDATE:
        if not has_value(spans, KEY_ORDER):
            return False
        if find_values(text, spans[KEY_ORDER, START], end, spans) < 0:
            return False
    return _read_execution(text, kind, spans, symbols, instruments, epoch, report)


@hot_inline
def _read_execution(text, event, spans, symbols, instruments, epoch, report):
    """An execution of one of our orders; ``spans`` are those of the object that tells of it."""
    execution = name_at(text, spans, KEY_EXECUTION, EXECUTIONS)
    side = name_at(text, spans, KEY_SIDE, SIDES)
    if execution < 0 or side < 0:
        return False
    if execution == TRADE_PREVENTION:
        expired = name_at(text, spans, KEY_STATE, EXPIRED_IN_MATCH) == 0
        if event != EXECUTION_REPORT or not expired:
            return False
    key = _order_key(text, event, spans, epoch)
    i = instrument_at(text, spans, KEY_SYMBOL, symbols)
    venue_id = integer_at(text, spans, KEY_VENUE_ID)
    maker = truth_at(text, spans, KEY_MAKER)
    if key == NO_KEY or i < 0 or venue_id == NO_INTEGER or maker < 0:
        return False
    if integer_at(text, spans, KEY_TRADE_ID) == NO_INTEGER:
        return False
    kind = EXECUTION[execution]
    quantity_grid_e8 = instruments[i].quantity_grid_e8
    report.filled_lots = units_in(text, spans, KEY_ALL_LOTS, quantity_grid_e8)
    if report.filled_lots < 0:
        return False
    if kind == Report.FILL:
        report.price_ticks = units_in(text, spans, KEY_LAST_PRICE, instruments[i].price_grid_e8)
        report.quantity_lots = units_in(text, spans, KEY_LAST_LOTS, quantity_grid_e8)
        if report.price_ticks < 0 or report.quantity_lots < 0:
            return False
    if event == EXECUTION_REPORT and report.filled_lots > 0:
        report.filled_tick_lots = value_in(text, spans, KEY_ALL_VALUE, instruments[i])
        if report.filled_tick_lots < 0:
            return False
    report.report = kind
    report.order_key = key
    report.instrument = i
    report.side = SIDE[side]
    report.tells_total = 1
    report.venue_id = venue_id
    report.maker = maker
    return True


@hot
def _order_key(text, event, spans, epoch):
    """Key of the order that an execution is of: on spot a cancel's has the order's own in C."""
    at, length = text_at(text, spans, KEY_ORIGINAL_ID)
    if event != EXECUTION_REPORT or length == 0:
        at, length = text_at(text, spans, KEY_CLIENT_ID)
    if length != ID_BYTES:
        return np.int64(NO_KEY)
    return np.int64(key_of_client_id(text[at : at + ID_BYTES], epoch))


@hot_inline
def _read_reply(text, end, now_ns, spans, symbols, instruments, epoch, report):
    """The reply to an order or a cancel of ours that succeeded."""
    at, length = text_at(text, spans, KEY_ID)
    if length != ID_BYTES or integer_at(text, spans, KEY_STATUS) != _OK:
        return False
    if has_value(spans, KEY_ERROR) or not has_value(spans, KEY_RESULT):
        return False
    report.order_key = key_of_client_id(text[at : at + ID_BYTES], epoch)
    is_cancel = report.order_key == NO_KEY
    if is_cancel:
        report.order_key = key_of_cancel_id(text[at : at + ID_BYTES], epoch)
    if report.order_key == NO_KEY or find_values(text, spans[KEY_RESULT, START], end, spans) < 0:
        return False
    i = instrument_at(text, spans, KEY_FULL_SYMBOL, symbols)
    report.instrument = i
    report.venue_ns = now_ns
    report.venue_id = integer_at(text, spans, KEY_ORDER_ID)
    report.report = Report.ACCEPTED
    if i < 0 or report.venue_id == NO_INTEGER:
        return False
    return not is_cancel or _read_cancelled(text, spans, instruments[i], report)


@hot
def _read_cancelled(text, spans, instrument, report):
    """The order that a cancel's reply shows: everything executed, and its state."""
    status = name_at(text, spans, KEY_STATUS, STATUSES)
    side = name_at(text, spans, KEY_FULL_SIDE, SIDES)
    if status < 0 or side < 0:
        return False
    lots = units_in(text, spans, KEY_EXECUTED, instrument.quantity_grid_e8)
    value = np.int64(0)
    worth = KEY_SPOT_VALUE if instrument.market == Market.SPOT else KEY_USDM_VALUE
    if lots > 0 and has_value(spans, worth):
        value = value_in(text, spans, worth, instrument)
    if lots < 0 or value < 0:
        return False
    report.report = STATUS[status]
    report.side = SIDE[side]
    report.tells_total = 1
    report.filled_lots = lots
    report.filled_tick_lots = value
    if report.report == Report.FILL and lots > 0:
        report.price_ticks = value // lots
        report.quantity_lots = lots
    return True
