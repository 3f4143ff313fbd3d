"""The way out and the way back: places and cancels orders, applies what the venue reports.

``send`` and ``cancel`` put each order on two rings: as a REQUEST record (paper venue, journal)
and as the bytes of the venue's protocol (socket). Either both get it or neither: room is checked
before anything changes. An order is in the table, in the exposure and in the journal before it is
published.
"""

from typing import Any, Final, NamedTuple

import numpy as np

from appliance.abi.counters import Counter
from appliance.abi.journal import Journal, JournalKind
from appliance.abi.layout import records
from appliance.abi.limits import EGRESS_RING_SLOTS, INTENTS_MAX, JOURNAL_RESERVE, ORDERS_MAX
from appliance.abi.refusal import Reject
from appliance.abi.trading import REPORT, Action, OrderState, Side, TimeInForce
from appliance.hot.digest import fold
from appliance.hot.jit import hot, hot_inline, hot_part
from appliance.hot.journal import room_n, write_order, write_report
from appliance.hot.memory import copy_record
from appliance.hot.order_reports import apply_report
from appliance.hot.order_text import Templates, is_writable, write_cancel, write_place
from appliance.hot.orders import FIRST_FREE, Orders, key_of, open_order
from appliance.hot.own_orders import NONE
from appliance.hot.ring import Ring, claim, peek, publish, release

# Of one call of poll_reports: as many as one call of the strategy can cause at most.
REPORTS_PER_POLL: Final = INTENTS_MAX

# A venue that does not know an order, or our clock, says so at once: a strategy that goes on asking
# at the pace of the market would use up the request limit.
RECANCEL_NS: Final = 100_000_000

_TIME_IN_FORCE_LAST: Final = int(max(TimeInForce))


class Gateway(NamedTuple):
    orders: Orders
    positions: Any  # POSITION[], the gate's
    account: Any  # GATE_ACCOUNT[1], the gate's
    templates: Templates
    requests: Ring  # REQUEST, producer here
    egress: Ring  # EGRESS, producer here
    reports: Ring  # REPORT of the loop itself: paper venue, reports that it decodes; consumer here
    from_desk: Ring  # REPORT of the cold side: what it decoded or asked for; consumer here
    journal: Journal  # of every order, before it leaves; producer here
    applied: Any  # REPORT[REPORTS_PER_POLL]: the reports of the last poll_reports
    outcomes: np.ndarray  # int64[REPORTS_PER_POLL]: what apply_report said of each


def make_gateway(
    orders: Orders,
    positions: Any,
    account: Any,
    templates: Templates,
    requests: Ring,
    egress: Ring,
    reports: Ring,
    from_desk: Ring,
    journal: Journal,
) -> Gateway:
    """A gateway over what others have made. ValueError: instruments without a position."""
    if len(templates.lengths) > len(positions):
        raise ValueError(
            f"{len(templates.lengths)} instruments can be ordered, {len(positions)} have a position"
        )
    applied = records(REPORTS_PER_POLL, REPORT)
    outcomes = np.zeros(REPORTS_PER_POLL, np.int64)
    return Gateway(
        orders,
        positions,
        account,
        templates,
        requests,
        egress,
        reports,
        from_desk,
        journal,
        applied,
        outcomes,
    )


@hot
def _refusal(gateway, instrument, side, price_ticks, quantity_lots, tif):
    """Reject code of an order that cannot be written or kept, else NONE. The gate has checked
    more than this; what would write outside an array or send nonsense is checked again."""
    if instrument < 0 or instrument >= gateway.templates.lengths.shape[0]:
        return Reject.UNKNOWN_INSTRUMENT
    if side != Side.BUY and side != Side.SELL:
        return Reject.BAD_SIDE
    if tif < 0 or tif > _TIME_IN_FORCE_LAST:
        return Reject.BAD_TYPE
    if not is_writable(gateway.templates, instrument, price_ticks, quantity_lots):
        return Reject.OVERFLOW
    if gateway.orders.words[FIRST_FREE] == NONE:
        return Reject.ORDER_TABLE_FULL
    if room_n(gateway.journal.words) < JOURNAL_RESERVE:
        return Reject.JOURNAL_FULL
    return Reject.NONE


@hot_part
def send(gateway, instrument, side, price_ticks, quantity_lots, tif, tag, now_ns, counters):
    """Place an order that the gate has let through. Its slot, or -Reject: nothing has changed.

    The caller then counts it in the gate (``gate.note_sent``).
    """
    refusal = _refusal(gateway, instrument, side, price_ticks, quantity_lots, tif)
    if refusal != Reject.NONE:
        return -refusal
    request_slot = claim(gateway.requests)
    egress_slot = claim(gateway.egress)
    if request_slot < 0 or egress_slot < 0:
        counters[Counter.EGRESS_FULL, 0] += 1
        return -Reject.RING_FULL
    orders = gateway.orders
    positions, account = gateway.positions, gateway.account
    slot = open_order(
        orders, positions, account, instrument, side, price_ticks, quantity_lots, tif, tag, now_ns
    )
    write_order(gateway.journal.words, orders.table, JournalKind.INTENT.value, slot, now_ns)
    _write_request(gateway, request_slot, Action.PLACE, slot, now_ns)
    _write_egress(gateway, egress_slot, Action.PLACE, slot, now_ns, counters)
    publish(gateway.requests)
    publish(gateway.egress)
    counters[Counter.ORDERS_SENT, 0] += 1
    return slot


@hot
def cancel(gateway, slot, now_ns, counters):
    """Ask the venue to cancel the order in ``slot``. 1 if sent.

    0: no live order, a cancel is under way already or was within RECANCEL_NS, or no room (counted;
    ask again). The order stays exposure until the venue says that it is gone.
    """
    if slot < 0 or slot >= ORDERS_MAX:
        return 0
    order = gateway.orders.table[slot]
    if order.state == OrderState.FREE or order.cancel_sent:
        return 0
    if order.cancel_ns != 0 and 0 <= now_ns - order.cancel_ns < RECANCEL_NS:
        return 0
    request_slot = claim(gateway.requests)
    egress_slot = claim(gateway.egress)
    if request_slot < 0 or egress_slot < 0:
        counters[Counter.EGRESS_FULL, 0] += 1
        return 0
    order.cancel_sent = 1
    order.cancel_ns = now_ns
    # Where the journal is full the cancel goes out all the same: it can only make things better.
    words, orders = gateway.journal.words, gateway.orders
    write_order(words, orders.table, JournalKind.CANCEL_SENT.value, slot, now_ns)
    _write_request(gateway, request_slot, Action.CANCEL, slot, now_ns)
    _write_egress(gateway, egress_slot, Action.CANCEL, slot, now_ns, counters)
    publish(gateway.requests)
    publish(gateway.egress)
    counters[Counter.CANCELS_SENT, 0] += 1
    return 1


@hot
def _write_request(gateway, request_slot, action, slot, now_ns):
    order = gateway.orders.table[slot]
    request = gateway.requests.slots[request_slot]
    request.action = action
    request.order_key = key_of(gateway.orders, slot)
    request.instrument = order.instrument
    request.side = order.side
    request.price_ticks = order.price_ticks
    request.quantity_lots = order.quantity_lots
    request.time_in_force = order.time_in_force
    request.sent_ns = now_ns


@hot
def _write_egress(gateway, egress_slot, action, slot, now_ns, counters):
    order = gateway.orders.table[slot]
    key = key_of(gateway.orders, slot)
    out = gateway.egress.slots[egress_slot]
    if action == Action.PLACE:
        length = write_place(gateway.templates, order, key, now_ns, out.text)
    else:
        length = write_cancel(gateway.templates, order.instrument, key, now_ns, out.text)
    out.action = action
    out.length_bytes = length
    out.order_key = key
    out.instrument = order.instrument
    out.sent_ns = now_ns
    counters[Counter.ORDER_BYTES, 0] += length


@hot
def poll_reports(gateway, now_ns, counters):
    """Apply up to REPORTS_PER_POLL reports; their number is the work done.

    ``applied[:n]`` are the reports, ``outcomes[:n]`` what became of each (``apply_report``), for
    whoever writes events of them; until the next call. An order's record still stands in its slot.
    """
    for n in range(REPORTS_PER_POLL):
        if not _take(gateway.reports, gateway.applied, n):
            if not _take(gateway.from_desk, gateway.applied, n):
                return n
        orders, account, report = gateway.orders, gateway.account, gateway.applied[n]
        outcome = apply_report(orders, gateway.positions, account, report, counters)
        gateway.outcomes[n] = outcome
        write_report(gateway.journal.words, orders.table, account, report, outcome, now_ns)
    return REPORTS_PER_POLL


@hot_inline
def has_reports(gateway):
    """Whether there is work for ``poll_reports``."""
    return peek(gateway.reports) >= 0 or peek(gateway.from_desk) >= 0


@hot
def _take(ring, applied, n):
    """The oldest report of the ring into ``applied[n]``; False: there is none."""
    index = peek(ring)
    if index < 0:
        return False
    copy_record(applied, n, ring.slots, index)
    release(ring)
    return True


@hot
def discard_egress(gateway, digest):
    """Throw away the bytes on the way out: for paper and replay, where no socket takes them.

    Returns ``digest`` (see digest.py) with them folded in.
    """
    for _ in range(EGRESS_RING_SLOTS):
        index = peek(gateway.egress)
        if index < 0:
            break
        out = gateway.egress.slots[index]
        digest = fold(digest, out.text, out.length_bytes)
        release(gateway.egress)
    return digest
