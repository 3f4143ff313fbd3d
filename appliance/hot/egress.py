"""Agent: orders and cancels onto the socket that takes them."""

from appliance.abi.counters import Counter
from appliance.abi.journal import JournalKind
from appliance.abi.limits import EGRESS_RING_SLOTS, REQUEST_RING_SLOTS
from appliance.abi.link import LinkState
from appliance.abi.refusal import Block
from appliance.abi.trading import ORDER_SLOT_MASK, Action, Report
from appliance.hot.jit import hot, hot_part
from appliance.hot.journal import write_order
from appliance.hot.ring import claim, peek, publish, release
from appliance.hot.wire.links import ENDED, FULL, ORDER_LINK, flush, send_frame, waiting_bytes
from appliance.hot.wire.websocket_reader import TEXT


@hot_part
def poll_egress(core, links):
    """Sends every order and cancel that waits; how many left the ring.

    One that no connection takes comes back as refused: not a byte of it has left. While the kernel
    takes no more, new orders are blocked, and what waits goes out first.
    """
    gateway = core.gateway
    work = 0
    for _ in range(REQUEST_RING_SLOTS):  # nobody else reads them
        if peek(gateway.requests) < 0:
            break
        release(gateway.requests)
    for _ in range(EGRESS_RING_SLOTS):
        index = peek(gateway.egress)
        if index < 0:
            break
        k = links.words[ORDER_LINK]
        out = gateway.egress.slots[index]
        if k < 0:
            report = Report.REJECTED if out.action == Action.PLACE else Report.CANCEL_REJECTED
            if not tell(gateway, report, out.order_key, out.instrument, out.sent_ns):
                break
        else:
            if links.states[k] != LinkState.OPEN:
                break  # it ended in this pass and may be closed already: see settle_links
            if waiting_bytes(links, k) > 0 and flush(links, k) != 0:
                break
            gateway.orders.table[out.order_key & ORDER_SLOT_MASK].link = k
            result = send_frame(links, k, TEXT, out.text, 0, out.length_bytes)
            if result == FULL:
                break
            if out.action == Action.PLACE:
                words, table = gateway.journal.words, gateway.orders.table
                sent = JournalKind.SENT.value
                write_order(words, table, sent, out.order_key & ORDER_SLOT_MASK, out.sent_ns)
            if result != 0 and result != ENDED:
                core.gate.account[0].link_blocks |= Block.LINK
                core.telemetry.counters[Counter.BACKED_UP, 0] += 1
        release(gateway.egress)
        work += 1
    return work


@hot
def tell(gateway, report, key, instrument, now_ns):
    """A report of our own making, into the ring of the loop's reports. False: it is full."""
    index = claim(gateway.reports)
    if index < 0:
        return False
    record = gateway.reports.slots[index]
    record.report = report
    record.order_key = key
    record.instrument = instrument
    record.side = 0
    record.price_ticks = 0
    record.quantity_lots = 0
    record.tells_total = 0
    record.filled_lots = 0
    record.filled_tick_lots = 0
    record.venue_ns = now_ns
    record.venue_id = 0
    record.maker = 0
    publish(gateway.reports)
    return True
