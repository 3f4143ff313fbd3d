"""Agent: halted with everything cancelled. Each live order has a cancel under way, or gets one.

It goes on until a person re-arms: an order that the venue did not let go, or whose cancel found no
connection, is cancelled again at the pace of the gateway (RECANCEL_NS).
"""

from appliance.abi.control import NOW_NS, PAPER
from appliance.abi.limits import ORDERS_MAX
from appliance.abi.trading import OrderState
from appliance.hot.cpu import realtime_ns
from appliance.hot.gateway import cancel
from appliance.hot.jit import hot, hot_part
from appliance.hot.orders import LIVE_N
from appliance.hot.runaway import note_message


@hot_part
def poll_halt(core):
    """Cancels as many orders as the ring takes; how many."""
    if core.gate.account[0].cancel_all == 0 or core.gateway.orders.words[LIVE_N] == 0:
        return 0
    now_ns = core.control[NOW_NS]
    if core.control[PAPER] == 0:
        # The market may have fallen silent, and the venue refuses a message with an old time.
        now_ns = max(now_ns, realtime_ns(core.time_spec))
    cancelled_n = cancel_open(core.gateway, now_ns, core.telemetry.counters)
    for _ in range(cancelled_n):
        note_message(core.gate, now_ns)
    return cancelled_n


@hot
def cancel_open(gateway, now_ns, counters):
    """A cancel for each live order without one, while there is room; how many were sent."""
    cancelled_n = 0
    for slot in range(ORDERS_MAX):
        order = gateway.orders.table[slot]
        if order.state != OrderState.FREE and order.cancel_sent == 0:
            cancelled_n += cancel(gateway, slot, now_ns, counters)
    return cancelled_n
