"""Between the gateway and the simulated venue: requests there, reports back, each in its time."""

from typing import Final

import numpy as np

from appliance.abi.control import ORDERS_DIGEST
from appliance.abi.history import Happened
from appliance.abi.trading import Action, Report
from appliance.hot.backtest.answers import answer_at
from appliance.hot.backtest.flights import landed, next_arrival, room, take_off
from appliance.hot.backtest.latency import LOST, entry_ns
from appliance.hot.gateway import discard_egress
from appliance.hot.jit import hot, hot_part
from appliance.hot.memory import copy_record
from appliance.hot.ring import claim, peek, publish, release
from appliance.hot.trader import poll_venue

REPORTS_PER_STEP: Final = 1 << 16


@hot_part
def take_reports(core, venue, now_ns):
    """Reports that are here by now, into the order table."""
    for _ in range(REPORTS_PER_STEP):
        at = next_arrival(venue.reports, now_ns)
        if at < 0:
            break
        slot = claim(core.gateway.reports)
        if slot < 0:
            poll_venue(core)
            continue
        copy_record(core.gateway.reports.slots, slot, venue.reports.messages, at)
        publish(core.gateway.reports)
        landed(venue.reports)
    while poll_venue(core) != 0:
        pass


@hot_part
def send_requests(core, venue, now_ns):
    """What the gateway has sent goes on its way."""
    requests = core.gateway.requests
    slot = peek(requests)
    if slot < 0:
        return
    while slot >= 0 and room(venue.requests) > 0:
        span_ns = entry_ns(venue.latency, now_ns)
        request = requests.slots[slot]
        if span_ns < 0:
            _lose(venue, request, now_ns, LOST - span_ns)
        else:
            at = take_off(venue.requests, request.instrument, now_ns + span_ns)
            copy_record(venue.requests.messages, at, requests.slots, slot)
        release(requests)
        slot = peek(requests)
    control = core.control
    control[ORDERS_DIGEST] = discard_egress(core.gateway, control[ORDERS_DIGEST])


@hot
def _lose(venue, request, now_ns, span_ns):
    """The venue never gets it, and says so after ``span_ns``."""
    kind = np.int64(Report.REJECTED)
    if request.action == Action.CANCEL:
        kind = np.int64(Report.CANCEL_REJECTED)
    lost = np.int64(Happened.LOST)
    answer_at(venue, request, kind, lost, 0, 0, 0, now_ns, now_ns + span_ns)
