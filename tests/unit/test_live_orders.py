"""Orders over sockets, pass by pass: how they leave, and what their link's end means to them."""

import socket

import pytest

from appliance.abi import control as c
from appliance.abi.counters import Counter
from appliance.abi.limits import EGRESS_RING_SLOTS, ORDERS_MAX
from appliance.abi.link import LinkRole, LinkState
from appliance.abi.market import BookState
from appliance.abi.refusal import Block, Reject
from appliance.abi.trading import OrderState, Report, Side
from appliance.hot.egress import tell
from appliance.hot.gate import check
from appliance.hot.gateway import RECANCEL_NS, cancel
from appliance.hot.session import SLOTS_PER_LOOK
from tests.strategies.live_loop import NOW_NS, Live, key, timers


@pytest.fixture
def live():
    made = Live()
    yield made
    made.close()


def test_orders_go_out_as_they_were_written(live: Live) -> None:
    _, venue = live.offer(LinkRole.ORDERS, user_data=True)
    assert live.core.gate.account[0].link_blocks == 0
    slot = live.place()
    text = bytes(live.core.gateway.egress.slots[0].text[:])
    text = text[: int(live.core.gateway.egress.slots[0].length_bytes)]
    live.turn(1)
    assert venue.texts() == [text] and live.state(slot) == OrderState.SENT
    assert cancel(live.core.gateway, slot, NOW_NS, live.core.telemetry.counters) == 1
    live.turn(1)
    (text,) = venue.texts()
    assert b'"order.cancel"' in text


def test_without_a_link_an_order_comes_back_refused(live: Live) -> None:
    live.offer(LinkRole.BOOKS)
    assert live.core.gate.account[0].link_blocks == Block.LINK | Block.USER_DATA
    slot = live.place()
    live.turn(2)
    assert live.state(slot) == OrderState.FREE
    assert live.count(Counter.ORDERS_REJECTED) == 1
    assert live.core.gate.account[0].open_orders_n == 0


def test_a_cancel_without_a_link_can_be_asked_for_again(live: Live) -> None:
    k, venue = live.offer(LinkRole.ORDERS, user_data=True)
    slot = live.place()
    live.turn(1)
    tell(live.core.gateway, Report.ACCEPTED, key(live, slot), 0, NOW_NS)
    live.turn(1)
    assert live.state(slot) == OrderState.OPEN
    venue.socket.close()
    live.turn()
    assert live.links.states[k] == LinkState.ENDED
    assert cancel(live.core.gateway, slot, NOW_NS, live.core.telemetry.counters) == 1
    live.turn(2)
    assert live.core.gateway.orders.table[slot].cancel_sent == 0
    assert live.state(slot) == OrderState.OPEN


def test_unanswered_orders_are_unknown_when_their_link_ends(live: Live) -> None:
    _, venue = live.offer(LinkRole.ORDERS, user_data=True)
    sent, opened = live.place(), live.place(Side.SELL)
    live.turn(1)
    tell(live.core.gateway, Report.ACCEPTED, key(live, opened), 0, NOW_NS)
    live.turn(1)
    venue.socket.close()
    live.turn()
    assert live.state(sent) == OrderState.UNKNOWN and live.state(opened) == OrderState.OPEN
    assert live.core.gate.account[0].open_orders_n == 2  # still exposure
    assert live.core.gate.account[0].link_blocks == Block.LINK | Block.USER_DATA


def test_an_order_of_another_link_is_in_no_doubt(live: Live) -> None:
    """Make before break: what left on the new link is answered there."""
    old, first = live.offer(LinkRole.ORDERS, user_data=True)
    before, cancelled = live.place(), live.place(Side.SELL)
    live.turn(1)
    tell(live.core.gateway, Report.ACCEPTED, key(live, cancelled), 0, NOW_NS)
    live.turn(1)
    new, second = live.offer(LinkRole.ORDERS, user_data=True)
    assert cancel(live.core.gateway, cancelled, NOW_NS, live.core.telemetry.counters) == 1
    after = live.place()
    live.turn(1)
    assert len(first.texts()) == len(second.texts()) == 2
    table = live.core.gateway.orders.table
    assert [table[slot].link for slot in (before, cancelled, after)] == [old, new, new]
    first.socket.close()
    live.turn()
    assert live.state(before) == OrderState.UNKNOWN
    assert live.state(after) == OrderState.SENT and live.state(cancelled) == OrderState.OPEN
    assert table[cancelled].cancel_sent == 1
    second.socket.close()
    live.turn()
    assert live.state(after) == live.state(cancelled) == OrderState.UNKNOWN


def test_an_order_without_an_answer_is_unknown_after_the_limit(live: Live) -> None:
    live.offer(LinkRole.ORDERS, user_data=True)
    slot = live.place()
    live.turn(1)
    live.core.control[c.NOW_NS] = NOW_NS + 999
    timers(live.core, live.links, ORDERS_MAX // SLOTS_PER_LOOK)
    live.turn(1)
    assert live.state(slot) == OrderState.SENT  # no limit is set
    live.core.control[c.ANSWER_MAX_NS] = 10**18
    timers(live.core, live.links, ORDERS_MAX // SLOTS_PER_LOOK)
    live.turn(1)
    assert live.state(slot) == OrderState.SENT
    live.core.control[c.ANSWER_MAX_NS] = 1
    timers(live.core, live.links, ORDERS_MAX // SLOTS_PER_LOOK)
    live.turn(1)
    assert live.state(slot) == OrderState.UNKNOWN
    assert live.count(Counter.UNANSWERED) == 1


def test_a_cancel_without_an_answer_is_in_doubt_after_the_limit(live: Live) -> None:
    """Until then no other is sent. The order stays exposure, and the cancel can be tried again."""
    live.offer(LinkRole.ORDERS, user_data=True)
    gateway, counters = live.core.gateway, live.core.telemetry.counters
    slot = live.place()
    live.turn(1)
    tell(gateway, Report.ACCEPTED, key(live, slot), 0, NOW_NS)
    live.turn(1)
    assert cancel(gateway, slot, NOW_NS, counters) == 1
    for limit_ns, state in ((10**18, OrderState.OPEN), (1, OrderState.UNKNOWN)):
        assert cancel(gateway, slot, NOW_NS, counters) == 0
        live.core.control[c.NOW_NS] = NOW_NS + 999
        live.core.control[c.ANSWER_MAX_NS] = limit_ns
        timers(live.core, live.links, ORDERS_MAX // SLOTS_PER_LOOK)
        live.turn(1)
        assert live.state(slot) == state
    assert live.core.gate.account[0].open_orders_n == 1
    assert cancel(gateway, slot, NOW_NS + RECANCEL_NS, counters) == 1


def test_a_slow_venue_blocks_new_orders_until_what_waits_has_gone_out(live: Live) -> None:
    k, venue = live.offer(LinkRole.ORDERS, user_data=True)
    near = live.sockets[0]
    near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4608)
    sent_n = 0
    while not live.core.gate.account[0].link_blocks:
        assert live.place() >= 0
        live.turn(1)
        sent_n += 1
        assert sent_n < EGRESS_RING_SLOTS - 1
    assert live.core.gate.account[0].link_blocks == Block.LINK
    live.core.gate.references[0].book_state = BookState.LIVE
    assert check(live.core.gate, 0, Side.BUY, 1, 1, 0, NOW_NS) == Reject.BLOCKED
    texts = []
    for _ in range(1000):
        texts += venue.texts()
        live.turn(4)
        timers(live.core, live.links, 1)
        if not live.core.gate.account[0].link_blocks:
            break
    texts += venue.texts()
    assert len(set(texts)) == sent_n
    assert live.links.states[k] == LinkState.OPEN and live.count(Counter.BACKED_UP) >= 1
