"""What the simulated venue says of an order: a report on its way to us, an entry in its log."""

import numpy as np

from appliance.abi.trading import Report
from appliance.hot.backtest.flights import room, take_off
from appliance.hot.backtest.latency import response_ns
from appliance.hot.backtest.venue_state import CROWDED, LOG_N, LOG_SIZE
from appliance.hot.jit import hot, hot_inline


@hot
def send_report(
    venue, kind, key, instrument, side, ticks, lots, is_maker, venue_id, now_ns, local_ns
):
    """Sends a report off, to be here at ``local_ns``; when it will be."""
    if room(venue.reports) == 0:  # cannot be, see simulation.py; and must not pass unseen
        venue.words[CROWDED] = 1
        return local_ns
    at = take_off(venue.reports, instrument, local_ns)
    report = venue.reports.messages[at]
    report.report = kind
    report.order_key = key
    report.instrument = instrument
    report.side = side
    report.price_ticks = ticks
    report.quantity_lots = lots
    report.tells_total = 0
    report.filled_lots = 0
    report.filled_tick_lots = 0
    report.venue_ns = now_ns
    report.venue_id = venue_id
    report.maker = is_maker
    return venue.reports.arrivals_ns[at]


@hot_inline
def note_down(venue, happened, key, instrument, side, ticks, lots):
    """The next entry of the log. There is room (simulation.py); a lost one must not pass unseen."""
    n = venue.words[LOG_N]
    if n >= LOG_SIZE:
        venue.words[CROWDED] = 1
        n = np.int64(LOG_SIZE - 1)
    venue.words[LOG_N] = n + 1
    entry = venue.log[n]
    entry.event = happened
    entry.order_key = key
    entry.instrument = instrument
    entry.side = side
    entry.price_ticks = ticks
    entry.quantity_lots = lots
    return entry


@hot
def answer(venue, request, kind, happened, ticks, lots, venue_id, now_ns):
    """A report on a request, and its entry."""
    local_ns = now_ns + response_ns(venue.latency, now_ns)
    answer_at(venue, request, kind, happened, ticks, lots, venue_id, now_ns, local_ns)


@hot
def answer_at(venue, request, kind, happened, ticks, lots, venue_id, now_ns, local_ns):
    """The same, to be here at ``local_ns``."""
    key, i, side = request.order_key, request.instrument, request.side
    local_ns = send_report(venue, kind, key, i, side, ticks, lots, 0, venue_id, now_ns, local_ns)
    entry = note_down(venue, happened, key, i, side, request.price_ticks, request.quantity_lots)
    if kind == Report.FILL:
        entry.price_ticks = ticks
        entry.quantity_lots = lots
    entry.maker = 0
    entry.sent_ns = request.sent_ns
    entry.exchange_ns = now_ns
    entry.local_ns = local_ns
    entry.rested_ns = 0
