"""The live loop's own pass over frames, with the simulated venue in place of its sockets."""

import numpy as np

from appliance.abi.control import TIMER_DUE_NS, TIMER_NS, WAITS_FOR_CLERK
from appliance.hot.backtest.simulation import Back, _advance
from appliance.hot.backtest.wire import send_requests, take_reports
from appliance.hot.duty_cycle import RECORDS_PER_PASS
from appliance.hot.feed import poll_feed
from appliance.hot.frame_ring import frame_at, peek
from appliance.hot.halt import poll_halt
from appliance.hot.jit import hot
from appliance.hot.notes import tell_notes
from appliance.hot.trader import poll_trader


@hot
def live_way(core, sim, rows):
    """Takes the frames that wait. Back.ROWS: one waits for the clerk; else Back.END."""
    while True:  # bounded by the ring
        ring = core.from_clerk
        offset = peek(ring)
        if offset < 0:
            ring = core.ingress
            offset = peek(ring)
            if offset < 0:
                return np.int64(Back.END)
        now_ns = frame_at(ring, offset).receive_ns
        due_ns = core.control[TIMER_DUE_NS]
        if core.control[TIMER_NS] != 0 and 0 < due_ns < now_ns:
            now_ns = due_ns
        _advance(sim.venue, sim.cursors, rows, now_ns)
        take_reports(core, sim.venue, now_ns)
        poll_feed(core)
        for _ in range(RECORDS_PER_PASS):
            done = poll_trader(core)
            done += poll_halt(core)
            send_requests(core, sim.venue, now_ns)
            tell_notes(core)
            if done == 0:
                break
        if core.control[WAITS_FOR_CLERK] != 0:
            core.control[WAITS_FOR_CLERK] = 0
            return np.int64(Back.ROWS)
