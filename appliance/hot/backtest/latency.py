"""How long an order takes to the venue, and the venue's word back.

RECORDED: between the two recorded orders around the moment, along a straight line, as hftbacktest
does; before the first and after the last as it was there. One row alone is a constant latency.
DRAWN: one of the spans of a distribution at random, each time anew; the seed decides.
"""

from typing import Final, NamedTuple

import numpy as np

from appliance.hot.jit import hot, hot_inline

RECORDED: Final = 0
DRAWN: Final = 1

# Words of Latency.words
KIND: Final = 0
SEED: Final = 1

# Columns of Latency.orders
SENT: Final = 0
AT_EXCHANGE: Final = 1  # 0: the venue never got it
ANSWERED: Final = 2

LOST: Final = -1  # of entry_ns: see answer_ns


class Latency(NamedTuple):
    orders: (
        np.ndarray
    )  # int64[m, 3]: SENT, AT_EXCHANGE, ANSWERED; DRAWN: any, what counts is how long
    reached: np.ndarray  # those that the venue got, in the order of its time
    words: np.ndarray  # int64[8]


def make_latency(orders: np.ndarray, kind: int = RECORDED, seed: int = 1) -> Latency:
    """``orders``: int64[m, 3], SENT rising; m from 1 up. DRAWN: the venue got them all."""
    orders = np.ascontiguousarray(orders, np.int64)
    reached = orders[orders[:, AT_EXCHANGE] > 0]
    reached = np.ascontiguousarray(reached[np.argsort(reached[:, AT_EXCHANGE], kind="stable")])
    words = np.zeros(8, np.int64)
    words[KIND] = kind
    words[SEED] = (seed * 0x9E3779B97F4A7C15 + 1) & ((1 << 62) - 1) or 1
    return Latency(orders, reached, words)


@hot
def _row_at(orders, column, now_ns):
    """The last row that is not after ``now_ns``; -1: all are."""
    low, high = np.int64(0), np.int64(orders.shape[0])
    while low < high:
        middle = (low + high) // 2
        if orders[middle, column] <= now_ns:
            low = middle + 1
        else:
            high = middle
    return low - 1


@hot_inline
def _between(now_ns, ns_1, span_1, ns_2, span_2):
    slope = np.float64(span_2 - span_1) / np.float64(ns_2 - ns_1)
    return np.int64(slope * np.float64(now_ns - ns_1)) + span_1


@hot_inline
def _drawn_row(latency):
    """xorshift of 63 bits (Marsaglia 2003), all of it signed."""
    x = latency.words[SEED]
    x ^= (x << 13) & 0x7FFFFFFFFFFFFFFF
    x ^= x >> 7
    x ^= (x << 17) & 0x7FFFFFFFFFFFFFFF
    latency.words[SEED] = x
    return (x >> 20) % latency.orders.shape[0]


@hot
def _span(orders, row, now_ns, since, until):
    """How long from column ``since`` to ``until`` took at ``now_ns``; ``row``: of _row_at."""
    if 0 <= row < orders.shape[0] - 1:
        span_1 = orders[row, until] - orders[row, since]
        span_2 = orders[row + 1, until] - orders[row + 1, since]
        return _between(now_ns, orders[row, since], span_1, orders[row + 1, since], span_2)
    row = max(row, 0)
    return orders[row, until] - orders[row, since]


@hot
def entry_ns(latency, now_ns):
    """From sending to the venue; LOST - how long until we are told, if the venue never gets it."""
    orders = latency.orders
    if latency.words[KIND] == DRAWN:
        row = _drawn_row(latency)
        return orders[row, AT_EXCHANGE] - orders[row, SENT]
    row = _row_at(orders, SENT, now_ns)
    following = min(row + 1, orders.shape[0] - 1)
    if min(orders[max(row, 0), AT_EXCHANGE], orders[following, AT_EXCHANGE]) <= 0:
        return LOST - _span(orders, row, now_ns, SENT, ANSWERED)
    return _span(orders, row, now_ns, SENT, AT_EXCHANGE)


@hot
def response_ns(latency, exchange_ns):
    """From the venue's doing to our knowing, by the orders that the venue got."""
    orders = latency.reached
    if orders.shape[0] == 0:
        return np.int64(0)
    if latency.words[KIND] == DRAWN:
        row = _drawn_row(latency)
        return orders[row, ANSWERED] - orders[row, AT_EXCHANGE]
    row = _row_at(orders, AT_EXCHANGE, exchange_ns)
    return max(_span(orders, row, exchange_ns, AT_EXCHANGE, ANSWERED), 0)
