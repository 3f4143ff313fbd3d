"""What the loop reads of its own: messages about orders, and how far it is behind."""

import json
import socket

import pytest

from appliance.abi.counters import Counter
from appliance.abi.link import LinkRole
from appliance.abi.trading import OrderState
from appliance.hot import sockets
from appliance.hot.order_text import client_id
from appliance.hot.wire.websocket_reader import RECEIVE_BYTES_MAX
from tests.strategies.live_loop import NOW_NS, Live, key


@pytest.fixture
def live():
    made = Live()
    yield made
    made.close()


def test_what_the_venue_says_of_an_order_is_applied_in_the_pass_that_reads_it(live: Live) -> None:
    _, orders = live.offer(LinkRole.ORDERS, user_data=True)
    slot = live.place()
    live.turn(1)
    order_id = client_id(int(live.core.gateway.templates.epoch[0]), key(live, slot))
    result = {"symbol": "BTCUSDT", "orderId": 5, "clientOrderId": order_id}
    fill = {"s": "BTCUSDT", "c": order_id, "C": "", "S": "BUY", "x": "TRADE", "i": 5, "t": 1}
    fill |= {"z": "0.00400", "l": "0.00400", "L": "60000.00", "Z": "240.0", "m": True}
    event = {"e": "executionReport", "E": NOW_NS // 1_000_000, **fill}
    orders.say(json.dumps({"id": order_id, "status": 200, "result": result}).encode())
    live.turn(sockets.OTHERS_EVERY)
    assert live.state(slot) == OrderState.OPEN
    orders.say(json.dumps({"subscriptionId": 0, "event": event}).encode())
    live.turn(sockets.OTHERS_EVERY)
    assert live.state(slot) == OrderState.PARTIAL
    assert live.core.gate.positions[0].position_lots == 400
    assert live.count(Counter.ACKS) == 2 and live.desk() == []


def test_a_message_that_waits_behind_another_is_counted(live: Live) -> None:
    _, books = live.offer(LinkRole.BOOKS)
    for _ in range(3):
        books.protocol.send_text(b'{"e":"x"}')
    books.deliver()
    live.turn(2 * sockets.OTHERS_EVERY)
    assert live.count(Counter.BACKLOG) == 2 and live.count(Counter.RECEIVES_FULL) == 0


def test_a_receive_that_fills_its_buffer_is_counted(live: Live) -> None:
    _, books = live.offer(LinkRole.BOOKS)
    books.protocol.send_text(b'{"e":"' + b"x" * RECEIVE_BYTES_MAX + b'"}')
    books.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * RECEIVE_BYTES_MAX)
    books.deliver()
    live.turn(2 * sockets.OTHERS_EVERY)
    assert live.count(Counter.RECEIVES_FULL) == 1
