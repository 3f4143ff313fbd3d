"""Agent: the state of each instrument into the telemetry region, one instrument a turn.

Counters and histograms are written where things happen; here only what several words say together.
"""

import numpy as np

from appliance.abi.control import FRAMES_DONE, NOW_NS, STATUS_NEXT
from appliance.hot.frame_ring import size_bytes
from appliance.hot.jit import hot_part
from appliance.hot.orders import open_orders_n
from appliance.hot.position import unrealised_tick_lots
from appliance.hot.ring import size
from appliance.hot.telemetry import begin_status, end_status, ring_use

# Rows of the telemetry's ring section
RING_INGRESS = 0
RING_TO_CLERK = 1
RING_MARKET = 2
RING_REQUESTS = 3
RING_EGRESS = 4
RING_REPORTS = 5
RING_ROWS = ("ingress", "to clerk", "market", "requests", "egress", "reports")


@hot_part
def report_one(core):
    """Writes the status of one instrument and of the rings; the next call takes the next one."""
    control = core.control
    i = control[STATUS_NEXT]
    following = i + 1
    if following >= core.latest.shape[0]:
        following = np.int64(0)
    control[STATUS_NEXT] = following
    telemetry = core.telemetry
    begin_status(telemetry, i)
    _write_status(core, telemetry.status[i], i)
    end_status(telemetry, i)
    process = telemetry.process[0]
    process.now_ns = control[NOW_NS]
    process.frames_done_n = control[FRAMES_DONE]
    account = core.gate.account[0]
    process.trading_state = account.trading_state
    process.state_cause = account.state_cause
    process.state_reason = account.state_reason
    process.state_observed = account.state_observed
    process.state_limit = account.state_limit
    process.state_ns = account.state_ns
    ring_use(telemetry, RING_INGRESS, size_bytes(core.ingress), 0)
    ring_use(telemetry, RING_TO_CLERK, size_bytes(core.to_clerk), 0)
    ring_use(telemetry, RING_MARKET, core.market.header[0] - core.cursor[0], core.cursor[1])
    ring_use(telemetry, RING_REQUESTS, size(core.gateway.requests), 0)
    ring_use(telemetry, RING_EGRESS, size(core.gateway.egress), 0)
    ring_use(telemetry, RING_REPORTS, size(core.gateway.reports), 0)


@hot_part
def _write_status(core, status, i):
    head = core.books.heads[i]
    view = core.latest[i]
    status.book_state = head.state
    status.book_reason = head.reason
    status.book_id = head.last_id
    status.book_ns = head.last_event_ns
    status.touch_id = view.touch_id
    status.bid_ticks = view.bid_ticks
    status.bid_lots = view.bid_lots
    status.ask_ticks = view.ask_ticks
    status.ask_lots = view.ask_lots
    status.bid_n = head.bid_levels_n
    status.ask_n = head.ask_levels_n
    status.gaps_n = head.gaps_n
    status.resyncs_n = head.resyncs_n
    status.crossed_n = head.crossed_n
    status.compared_n = head.compared_n
    status.mismatched_n = head.mismatched_n
    position = core.gate.positions[i]
    status.position_lots = position.position_lots
    status.cost_tick_lots = position.cost_tick_lots
    status.realised_tick_lots = position.realised_tick_lots
    status.unrealised_tick_lots = unrealised_tick_lots(core.gate.positions, i)
    status.mark_ticks = position.mark_ticks
    status.open_orders_n = open_orders_n(position)
    status.open_buy_lots = position.open_buy_lots
    status.open_sell_lots = position.open_sell_lots
    status.fills_n = position.fills_n
    status.turnover_tick_lots = position.turnover_tick_lots
    status.updated_ns = view.receive_ns
