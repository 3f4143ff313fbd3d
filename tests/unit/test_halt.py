"""Halted with everything cancelled (appliance.hot.halt): over sockets, pass by pass."""

import json

import pytest

from appliance.abi import control as c
from appliance.abi.counters import Counter
from appliance.abi.limits import EGRESS_RING_SLOTS
from appliance.abi.link import LinkRole
from appliance.abi.trading import OrderState, Report
from appliance.abi.trading_state import Cause, TradingState
from appliance.hot.egress import tell
from appliance.hot.gateway import RECANCEL_NS
from appliance.hot.trading_state import lower, rearm
from tests.strategies.live_loop import NOW_NS, Live, key

ORDERS_N = 3 * EGRESS_RING_SLOTS + 5


@pytest.fixture
def live():
    made = Live()
    account = made.core.gate.account
    account[0].trading_state = 0
    rearm(account, TradingState.ACTIVE, Cause.START, 1)
    account[0].phase, account[0].trading_state = 2, TradingState.ACTIVE
    yield made
    made.close()


def placed(live: Live, count: int) -> list[int]:
    """Orders that the venue has taken."""
    slots = []
    for _ in range(count):
        slots.append(live.place(lots=1))
        live.turn(1)
        tell(live.core.gateway, Report.ACCEPTED, key(live, slots[-1]), 0, NOW_NS)
        live.turn(1)
    assert {live.state(slot) for slot in slots} == {OrderState.OPEN}
    return slots


def halt(live: Live) -> None:
    assert lower(live.core.gate.account, TradingState.HALTED, Cause.OPERATOR, 0, 0, 0, 5) == 1
    live.core.gate.account[0].cancel_all = 1


def test_every_order_is_cancelled_in_one_pass(live: Live) -> None:
    """More than the ring holds at once."""
    _, venue = live.offer(LinkRole.ORDERS, user_data=True)
    placed(live, ORDERS_N)
    while venue.texts():
        live.turn(1)
    before_n = int(live.core.gate.account[0].messages_n)
    halt(live)
    live.turn(1)
    methods = [json.loads(text)["method"] for text in venue.texts()]
    assert methods == ["order.cancel"] * ORDERS_N
    assert live.count(Counter.CANCELS_SENT) == ORDERS_N
    assert live.core.gate.account[0].messages_n == before_n + ORDERS_N
    live.turn(10)
    assert venue.texts() == [], "each once"


def test_a_cancel_that_failed_is_tried_again_at_its_pace(live: Live) -> None:
    _, venue = live.offer(LinkRole.ORDERS, user_data=True)
    (slot,) = placed(live, 1)
    venue.texts()
    live.core.control[c.NOW_NS] = 4 * 10**18  # ahead of our clock: no time passes
    halt(live)
    live.turn(1)
    assert len(venue.texts()) == 1
    tell(live.core.gateway, Report.CANCEL_REJECTED, key(live, slot), 0, NOW_NS)
    live.turn(5)
    assert venue.texts() == [], "not at once"
    order = live.core.gateway.orders.table[slot]
    order.cancel_ns -= RECANCEL_NS
    live.turn(5)
    assert len(venue.texts()) == 1
    tell(live.core.gateway, Report.CANCELED, key(live, slot), 0, NOW_NS)
    live.turn(5)
    assert live.state(slot) == OrderState.FREE and venue.texts() == []


def test_an_order_that_comes_open_later_is_cancelled_too(live: Live) -> None:
    """It was on its way when the appliance was halted."""
    _, venue = live.offer(LinkRole.ORDERS, user_data=True)
    halt(live)
    slot = live.place(lots=1)
    live.turn(2)
    methods = [json.loads(text)["method"] for text in venue.texts()]
    assert methods == ["order.place", "order.cancel"]
    assert live.core.gateway.orders.table[slot].cancel_sent == 1


def test_a_halt_without_that_wish_leaves_orders_alone(live: Live) -> None:
    _, venue = live.offer(LinkRole.ORDERS, user_data=True)
    placed(live, 3)
    venue.texts()
    lower(live.core.gate.account, TradingState.HALTED, Cause.OPERATOR, 0, 0, 0, 5)
    live.turn(5)
    assert venue.texts() == []


def test_re_arming_ends_it(live: Live) -> None:
    _, venue = live.offer(LinkRole.ORDERS, user_data=True)
    halt(live)
    assert rearm(live.core.gate.account, TradingState.ACTIVE, Cause.OPERATOR, 6) == 1
    placed(live, 2)
    venue.texts()
    live.turn(5)
    assert venue.texts() == []


def test_without_a_connection_nothing_is_lost(live: Live) -> None:
    _, venue = live.offer(LinkRole.ORDERS, user_data=True)
    (slot,) = placed(live, 1)
    venue.socket.close()
    live.turn()
    halt(live)
    live.turn(3)
    assert live.state(slot) == OrderState.OPEN
    assert live.core.gateway.orders.table[slot].cancel_sent == 0, "it can be tried again"
    live.core.gateway.orders.table[slot].cancel_ns = 1
    _, venue = live.offer(LinkRole.ORDERS, user_data=True)
    live.turn(3)
    assert len(venue.texts()) == 1
