"""The fields of messages about orders: where they stand, and what their texts amount to.

Names and values are those of the venue's user data streams and its WebSocket API (binance-protocol
3 to 5); one that stands in no table here is not decided in the loop.
"""

from typing import Final

import numpy as np

from appliance.abi.trading import Report, Side
from appliance.abi.units import E8, INT64_MAX
from appliance.hot.decode.grid import units_at
from appliance.hot.decode.scan import GIVE_UP
from appliance.hot.decode.spans import key_row, name_table, text_at
from appliance.hot.decode.symbols import EXACT, NOBODY, find_symbol
from appliance.hot.jit import hot

EVENTS: Final = name_table("executionReport", "ORDER_TRADE_UPDATE")
EXECUTION_REPORT: Final = 0
ORDER_TRADE_UPDATE: Final = 1

SIDES: Final = name_table("BUY", "SELL")
SIDE: Final = np.array([Side.BUY, Side.SELL], np.int64)

# Execution types (x), and what each says of the order
EXECUTIONS: Final = name_table(
    "NEW", "TRADE", "CANCELED", "REJECTED", "EXPIRED", "TRADE_PREVENTION"
)
EXECUTION: Final = np.array(
    [
        Report.ACCEPTED,
        Report.FILL,
        Report.CANCELED,
        Report.REJECTED,
        Report.EXPIRED,
        Report.EXPIRED,  # spot, and only if the status says so
    ],
    np.int64,
)
TRADE_PREVENTION: Final = 5
EXPIRED_IN_MATCH: Final = name_table("EXPIRED_IN_MATCH")

# Statuses of an order in a reply
STATUSES: Final = name_table(
    *("NEW", "PENDING_NEW", "PARTIALLY_FILLED", "FILLED", "CANCELED", "REJECTED", "EXPIRED"),
    "EXPIRED_IN_MATCH",
)
STATUS: Final = np.array(
    [
        *(Report.ACCEPTED, Report.ACCEPTED, Report.ACCEPTED, Report.FILL, Report.CANCELED),
        *(Report.REJECTED, Report.EXPIRED, Report.EXPIRED),
    ],
    np.int64,
)

KEY_EVENT_NAME: Final = key_row("e")
KEY_EVENT_TIME: Final = key_row("E")
KEY_ORDER: Final = key_row("o")
KEY_SYMBOL: Final = key_row("s")
KEY_SIDE: Final = key_row("S")
KEY_CLIENT_ID: Final = key_row("c")
KEY_ORIGINAL_ID: Final = key_row("C")
KEY_EXECUTION: Final = key_row("x")
KEY_STATE: Final = key_row("X")
KEY_VENUE_ID: Final = key_row("i")
KEY_TRADE_ID: Final = key_row("t")
KEY_MAKER: Final = key_row("m")
KEY_ALL_LOTS: Final = key_row("z")
KEY_LAST_LOTS: Final = key_row("l")
KEY_LAST_PRICE: Final = key_row("L")
KEY_ALL_VALUE: Final = key_row("Z")
KEY_ID: Final = key_row("id")
KEY_STATUS: Final = key_row("status")
KEY_RESULT: Final = key_row("result")
KEY_ERROR: Final = key_row("error")
KEY_EVENT: Final = key_row("event")
KEY_DATA: Final = key_row("data")
KEY_FULL_SYMBOL: Final = key_row("symbol")
KEY_FULL_SIDE: Final = key_row("side")
KEY_ORDER_ID: Final = key_row("orderId")
KEY_EXECUTED: Final = key_row("executedQty")
KEY_SPOT_VALUE: Final = key_row("cummulativeQuoteQty")
KEY_USDM_VALUE: Final = key_row("cumQuote")


@hot
def instrument_at(text, spans, row, symbols):
    """The instrument whose symbol stands there, or -1."""
    at, length = text_at(text, spans, row)
    owner = find_symbol(symbols, text, at, length)
    if owner == NOBODY or owner & 1 != EXACT:
        return np.int64(NOBODY)
    return owner >> 1


@hot
def units_in(text, spans, row, grid_e8):
    """A decimal in units of a grid, or GIVE_UP: between two of them, or no such text."""
    at, length = text_at(text, spans, row)
    if length < 0:
        return np.int64(GIVE_UP)
    units, digits_n = units_at(text, at, grid_e8)
    return units if digits_n == length else np.int64(GIVE_UP)


@hot
def value_in(text, spans, row, instrument):
    """A quote amount in tick-lots, or GIVE_UP: its decimals do not tell it exactly."""
    price_e8 = instrument.price_grid_e8
    quantity_e8 = instrument.quantity_grid_e8
    if price_e8 <= 0 or quantity_e8 <= 0 or price_e8 > INT64_MAX // quantity_e8:
        return np.int64(GIVE_UP)
    product = price_e8 * quantity_e8  # of one tick-lot, in 10**-16
    if product % E8 == 0:
        return units_in(text, spans, row, product // E8)
    if E8 % product != 0:
        return np.int64(GIVE_UP)
    value = units_in(text, spans, row, np.int64(1))
    if value < 0 or value > INT64_MAX // (E8 // product):
        return np.int64(GIVE_UP)
    return value * (E8 // product)
