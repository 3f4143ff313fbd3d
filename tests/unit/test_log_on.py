"""Logging on, reconciling, listen keys: what the venue may answer. It is a script on a socket."""

import asyncio
import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from websockets.protocol import OPEN, SERVER, Protocol

from appliance.abi.link import LinkRole
from appliance.abi.market import Market
from appliance.abi.trading import OrderState, Report
from appliance.cold.live import order_channel
from appliance.cold.live.channel import LogonRefused
from appliance.cold.live.endpoints import PRODUCTION
from appliance.cold.live.key_file import ApiKey
from appliance.cold.live.link_table import Link, LinkLost, LinkTable
from appliance.cold.live.opening import Opened
from appliance.cold.live.order_channel import KEEP_ALIVE_AGAIN_S, KEEP_ALIVE_S, OrderChannel
from appliance.cold.live.rest_client import MustWait, Refused, RestError, Unclear, patiently
from appliance.cold.tls_client import TlsContext
from appliance.hot.rings import make_rings
from appliance.hot.wire.links import make_links
from tests.live.parts import Parts
from tests.strategies.order_forms import refusal, reply

LOGGED_ON = reply("session.logon")
SUBSCRIBED = reply("userDataStream.subscribe", subscriptionId=0)
NO_SUCH_ORDER = Refused("/order: HTTP 400: -2013", 400, -2013)
OPEN_ORDER = {"symbol": "BTCUSDT", "status": "NEW", "side": "BUY", "orderId": 1}


class Venue:
    """Says the same on every connection, whatever it is asked; answers REST in turn."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.parts = Parts(None, Market.SPOT, self)  # type: ignore[arg-type]
        self.table = LinkTable(make_links(3, make_rings(1 << 16).to_desk))
        self.messages: tuple[object, ...] = (LOGGED_ON, SUBSCRIBED)
        self.answers: list[Any] = []
        self.clock_offset_ns = 0
        self.heard: list[object] = []
        self.lost: list[tuple[LinkRole, str]] = []
        self._far: list[socket.socket] = []
        self.channel = OrderChannel(
            PRODUCTION[Market.SPOT],
            ApiKey("k", Ed25519PrivateKey.generate()),
            TlsContext(None),
            self.table,
            self,  # type: ignore[arg-type]
            self.parts.inquiry,
            lambda role, message: self.heard.append(json.loads(message)),
            lambda role, k, why: self.lost.append((role, why)),
        )
        monkeypatch.setattr(order_channel, "open_websocket", self._open)
        monkeypatch.setattr(order_channel, "patiently", lambda call, n: patiently(call, n, 0.0))
        monkeypatch.setattr(order_channel, "ANSWER_TIMEOUT_S", 0.05)

    def _open(self, *_: object) -> Opened:
        near, far = socket.socketpair()
        near.setblocking(False)
        protocol = Protocol(SERVER, state=OPEN)
        for message in self.messages:
            protocol.send_text(json.dumps(message).encode())
        far.sendall(b"".join(protocol.data_to_send()))
        self._far.append(far)
        return Opened(near, None, b"")

    async def signed(self, *_: Any) -> Any:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    keyed = signed

    def connect(self, *messages: object) -> Link:
        self.messages = messages or self.messages
        return asyncio.run(self.channel.connect_orders())

    def close(self) -> None:
        self.table.free_all()
        for one in self._far:
            one.close()


@pytest.fixture
def venue(monkeypatch: pytest.MonkeyPatch) -> Iterator[Venue]:
    made = Venue(monkeypatch)
    yield made
    made.close()


def test_what_comes_before_the_answer_is_not_lost(venue: Venue) -> None:
    other = {"event": {"e": "somethingNew"}}
    link = venue.connect(other, reply(None), LOGGED_ON, [1], SUBSCRIBED)
    assert link.has_user_data and venue.heard == [other, reply(None), [1]]


@pytest.mark.parametrize("error", ["text", 5, [1], None, True], ids=str)
def test_a_refusal_of_another_form_is_a_failed_attempt(venue: Venue, error: object) -> None:
    with pytest.raises(LinkLost, match=r"^session\.logon: "):
        venue.connect({"id": "session.logon", "status": 400, "error": error})
    assert venue.table.of_role(LinkRole.ORDERS) == []


@pytest.mark.parametrize(
    ("code", "kind"), [(-2015, LogonRefused), (-1022, LogonRefused), (-1003, LinkLost)]
)
def test_a_refusal_without_an_id_is_the_answer(venue: Venue, code: int, kind: Any) -> None:
    """The venue did not get so far as to read the id."""
    with pytest.raises(kind, match=rf"^session\.logon: {code} Because\.$"):
        venue.connect(refusal(None, 401, code, "Because."))
    assert venue.table.of_role(LinkRole.ORDERS) == []


@pytest.mark.parametrize(
    "answers",
    [
        [Refused("/order: HTTP 400: -1021", 400, -1021)],
        [Refused("/order: HTTP 401: -2015", 401, -2015)],
        [Unclear("/order: HTTP 502")] * 3,
        [{}] * 3,
        [OPEN_ORDER | {"status": "PENDING_CANCEL"}] * 3,
        [OPEN_ORDER, Refused("/order: HTTP 400: -1021", 400, -1021)],
    ],
    ids=range(6),
)
def test_without_an_answer_for_every_order_there_is_no_link(venue: Venue, answers: Any) -> None:
    for _ in range(2):
        venue.parts.order(time.time_ns(), OrderState.OPEN)
    venue.answers = answers
    with pytest.raises(RestError, match="/order"):
        venue.connect()
    assert (venue.channel.reconciling, venue.channel.reconciled_n) == (0, 0)
    assert venue.table.of_role(LinkRole.ORDERS) == []
    venue.answers = [OPEN_ORDER] * 2
    assert venue.connect().has_user_data and venue.channel.reconciled_n == 1


def test_an_order_that_may_still_come_is_in_doubt_from_then_on(venue: Venue) -> None:
    """So that it is asked for again, also if the venue had accepted it."""
    venue.parts.order(time.time_ns(), OrderState.OPEN)
    venue.answers = [NO_SUCH_ORDER]
    assert venue.connect().has_user_data and venue.channel.reconciled_n == 1
    assert venue.parts.kinds() == [Report.UNKNOWN]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now_s = [1000.0]

    class Time:
        monotonic = staticmethod(lambda: now_s[0])
        time_ns = staticmethod(time.time_ns)

    monkeypatch.setattr(order_channel, "time", Time)
    return now_s


def listen(venue: Venue, clock: list[float]) -> None:
    """A listen key whose time is up."""
    venue.answers.append({"listenKey": "key"})
    asyncio.run(venue.channel.connect_user())
    clock[0] += KEEP_ALIVE_S
    assert venue.channel.is_keep_alive_due() and not venue.channel.is_keep_alive_due()


@pytest.mark.parametrize("failure", [Unclear("502"), MustWait("429", 5.0), Refused("", 401, -2015)])
def test_a_listen_key_that_was_not_renewed_is_tried_again(venue, clock, failure) -> None:
    listen(venue, clock)
    venue.answers += [failure, {}]
    with pytest.raises(RestError):
        asyncio.run(venue.channel.keep_alive())
    clock[0] += KEEP_ALIVE_AGAIN_S - 1
    assert not venue.channel.is_keep_alive_due()
    clock[0] += 2
    assert venue.channel.is_keep_alive_due()
    asyncio.run(venue.channel.keep_alive())
    clock[0] += KEEP_ALIVE_S - 1
    assert not venue.channel.is_keep_alive_due() and venue.lost == []


def test_a_listen_key_that_the_venue_has_no_more(venue: Venue, clock: list[float]) -> None:
    listen(venue, clock)
    venue.answers.append(Refused("/listenKey: HTTP 400: -1125", 400, -1125))
    asyncio.run(venue.channel.keep_alive())
    assert venue.lost == [(LinkRole.USER, "/listenKey: HTTP 400: -1125")]
    clock[0] += 2 * KEEP_ALIVE_S
    assert not venue.channel.is_keep_alive_due()
