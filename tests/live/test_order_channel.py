"""Connections that take orders and tell of them, made against a running venue."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.abi.link import LinkRole, LinkState
from appliance.abi.market import Market
from appliance.abi.trading import OrderState, Report
from appliance.cold.live import order_channel
from appliance.cold.live.channel import LogonRefused
from appliance.cold.live.key_file import ApiKey
from appliance.cold.live.link_table import Link, LinkLost, LinkTable
from appliance.cold.live.order_channel import KEEP_ALIVE_S, OrderChannel
from appliance.cold.live.rest_client import RestError, patiently
from appliance.cold.tls_client import TlsContext
from appliance.cold.venue.server import VenueSettings
from appliance.hot.rings import make_rings
from appliance.hot.wire.links import make_links
from tests.live.parts import Parts, client_id, endpoints_of, key_of, with_parts
from tests.venue.running_venue import Keys, RunningVenue
from tests.venue.signed import ORDER_PATHS, ask, limit_order

SOON_S = 20.0
BOTH = pytest.mark.parametrize("market", [Market.SPOT, Market.USDM])


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningVenue]:
    folder = tmp_path_factory.mktemp("keys")
    with RunningVenue(VenueSettings(keys_dir=folder, actions_per_s=50)) as running:
        yield running


class Wired:
    """An order channel, its table, and what it heard on the way."""

    def __init__(self, venue: RunningVenue, parts: Parts, key: ApiKey) -> None:
        self.parts = parts
        self.table = LinkTable(make_links(5, make_rings(1 << 16).to_desk))
        self.heard: list[tuple[LinkRole, bytes]] = []
        self.lost: list[tuple[LinkRole, str]] = []
        self.channel = OrderChannel(
            endpoints_of(venue, parts.market),
            key,
            TlsContext(None),
            self.table,
            parts.rest,
            parts.inquiry,
            lambda role, message: self.heard.append((role, message)),
            lambda role, k, why: self.lost.append((role, why)),
        )

    @property
    def links_n(self) -> int:
        return sum(len(self.table.of_role(role)) for role in LinkRole)

    async def until(self, link: Link, wanted: Callable[[Any], bool]) -> Any:
        """The first message on the link that is ``wanted``."""
        while True:
            message = json.loads(await self.table.hear(link, SOON_S))
            if wanted(message):
                return message


def run(
    venue: RunningVenue,
    market: Market,
    work: Callable[[Wired], Awaitable[None]],
    keys: Keys | None = None,
    key: ApiKey | None = None,
) -> None:
    keys = keys or venue.new_keys(market)

    async def inner(parts: Parts) -> None:
        wired = Wired(venue, parts, key or key_of(keys))
        try:
            await work(wired)
        finally:
            wired.table.free_all()

    with_parts(venue, market, keys, inner)


def place(venue: RunningVenue, market: Market, keys: Keys, key: int) -> None:
    order = limit_order(venue, market) | {"newClientOrderId": client_id(key)}
    assert ask(venue, "POST", ORDER_PATHS[market], keys=keys, **order).status == 200


def order_text(venue: RunningVenue, market: Market, key: int) -> bytes:
    """An order as the loop writes it: logged on, so neither key nor signature."""
    params = limit_order(venue, market) | {
        "newClientOrderId": client_id(key),
        "newOrderRespType": "ACK",
        "timestamp": time.time_ns() // 1_000_000,
    }
    request = {"id": client_id(key), "method": "order.place", "params": params}
    return json.dumps(request).encode()


@BOTH
def test_the_connection_is_logged_on(venue: RunningVenue, market: Market) -> None:
    async def work(wired: Wired) -> None:
        link = await wired.channel.connect_orders()
        assert link.role == LinkRole.ORDERS and wired.table.state(link) == LinkState.FREE
        assert link.has_user_data == (market == Market.SPOT)
        key = wired.parts.order(time.time_ns(), OrderState.SENT)
        wired.table.say(link, order_text(venue, market, key))
        reply = await wired.until(link, lambda m: m.get("id") == client_id(key))
        said, code = wired.parts.messages.reply(reply, 1)
        assert code == 0 and said is not None
        assert (said.report, said.order_key) == (Report.ACCEPTED, key)

    run(venue, market, work)


def test_spot_tells_of_orders_on_the_same_connection(venue: RunningVenue) -> None:
    keys = venue.new_keys(Market.SPOT)

    async def work(wired: Wired) -> None:
        link = await wired.channel.connect_orders()
        key = wired.parts.order(time.time_ns(), OrderState.SENT)
        await asyncio.to_thread(place, venue, Market.SPOT, keys, key)
        event = (await wired.until(link, lambda m: "executionReport" in str(m)))["event"]
        said = wired.parts.messages.execution_report(event)
        assert said is not None
        assert (said.report, said.order_key) == (Report.ACCEPTED, key)

    run(venue, Market.SPOT, work, keys)


def test_usdm_tells_of_orders_by_a_listen_key(venue: RunningVenue) -> None:
    keys = venue.new_keys(Market.USDM)

    async def work(wired: Wired) -> None:
        link = await wired.channel.connect_user()
        assert link.role == LinkRole.USER and link.has_user_data
        key = wired.parts.order(time.time_ns(), OrderState.SENT)
        await asyncio.to_thread(place, venue, Market.USDM, keys, key)
        event = await wired.until(link, lambda m: m.get("e") == "ORDER_TRADE_UPDATE")
        said = wired.parts.messages.order_trade_update(event)
        assert said is not None
        assert (said.report, said.order_key) == (Report.ACCEPTED, key)

    run(venue, Market.USDM, work, keys)


@BOTH
def test_every_live_order_is_asked_for_before_the_link_is_ready(
    venue: RunningVenue, market: Market
) -> None:
    keys = venue.new_keys(market)

    async def work(wired: Wired) -> None:
        parts, channel = wired.parts, wired.channel
        states = (OrderState.SENT, OrderState.OPEN, OrderState.UNKNOWN)
        live = [parts.order(time.time_ns(), state) for state in states]
        for key in live:
            await asyncio.to_thread(place, venue, market, keys, key)
        connect = channel.connect_orders if market == Market.SPOT else channel.connect_user
        connecting = asyncio.ensure_future(connect())
        seen = set()
        while not connecting.done():
            seen.add((channel.reconciling, channel.reconciled_n))
            await asyncio.sleep(0)
        assert (1, 0) in seen, "under way, and told so"
        link = await connecting
        assert (channel.reconciling, channel.reconciled_n) == (0, 1)
        told = parts.told()
        assert [int(report.order_key) for report in told] == live
        assert {Report(int(report.report)) for report in told} == {Report.ACCEPTED}
        assert link.has_user_data

    run(venue, market, work, keys)


@BOTH
def test_without_reconciliation_there_is_no_link(venue, market: Market, monkeypatch) -> None:
    async def work(wired: Wired) -> None:
        wired.parts.order(time.time_ns(), OrderState.OPEN)
        channel = wired.channel
        connect = channel.connect_orders if market == Market.SPOT else channel.connect_user
        answered = wired.parts.rest.signed

        async def unclear(*_: Any) -> Any:
            return {"status": "NEW"}

        wired.parts.rest.signed = unclear
        with pytest.raises(RestError, match="/order"):
            await connect()
        assert (channel.reconciling, channel.reconciled_n, wired.links_n) == (0, 0, 0)
        wired.parts.rest.signed = answered
        await connect()
        assert (channel.reconciling, channel.reconciled_n, wired.links_n) == (0, 1, 1)

    monkeypatch.setattr(order_channel, "patiently", lambda call, n: patiently(call, n, 0.01))
    run(venue, market, work)


@BOTH
def test_a_key_that_the_venue_does_not_know_is_told_apart(venue, market: Market) -> None:
    stranger = ApiKey("x" * 64, Ed25519PrivateKey.generate())

    async def work(wired: Wired) -> None:
        with pytest.raises(LogonRefused, match=r"session\.logon: -20(14|15)"):
            await wired.channel.connect_orders()
        assert wired.links_n == 0

    run(venue, market, work, key=stranger)


@BOTH
def test_a_signature_of_another_key(venue: RunningVenue, market: Market) -> None:
    keys = venue.new_keys(market)
    forged = ApiKey(keys.ed25519_key, Ed25519PrivateKey.generate())

    async def work(wired: Wired) -> None:
        with pytest.raises(LogonRefused, match=r"session\.logon: -1022"):
            await wired.channel.connect_orders()
        assert wired.links_n == 0

    run(venue, market, work, keys, forged)


@BOTH
def test_a_wrong_clock_may_pass(venue: RunningVenue, market: Market) -> None:
    async def work(wired: Wired) -> None:
        wired.parts.rest.clock_offset_ns = 60 * 10**9
        with pytest.raises(LinkLost, match=r"session\.logon: -1021"):
            await wired.channel.connect_orders()
        assert wired.links_n == 0
        wired.parts.rest.clock_offset_ns = 0
        await wired.channel.connect_orders()

    run(venue, market, work)


@pytest.mark.parametrize("answer", [None, [], {}, {"listenKey": 5}, "key"], ids=str)
def test_an_answer_without_a_listen_key(venue: RunningVenue, answer: Any) -> None:
    async def keyed(*_: Any) -> Any:
        return answer

    async def work(wired: Wired) -> None:
        wired.parts.rest.keyed = keyed
        with pytest.raises(RestError, match="listenKey"):
            await wired.channel.connect_user()

    run(venue, Market.USDM, work)


def test_what_comes_amid_the_log_on_is_not_lost(venue: RunningVenue) -> None:
    """A message of something else while a reply is waited for."""

    async def work(wired: Wired) -> None:
        link = await wired.channel.connect_orders()
        assert wired.heard == []
        status = {"id": 7, "method": "session.status", "params": {}}
        wired.table.say(link, json.dumps(status).encode())
        assert (await wired.channel._call(link, "session.status", {}))["userDataStream"] is True
        ((role, message),) = wired.heard
        assert role == LinkRole.ORDERS and json.loads(message)["id"] == 7

    run(venue, Market.SPOT, work)


def test_a_listen_key_is_kept_alive_in_time(venue, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [time.monotonic()]

    class Time:
        monotonic = staticmethod(lambda: now[0])
        time_ns = staticmethod(time.time_ns)

    monkeypatch.setattr(order_channel, "time", Time)

    async def work(wired: Wired) -> None:
        channel = wired.channel
        now[0] += 2 * KEEP_ALIVE_S
        assert not channel.is_keep_alive_due(), "there is none yet"
        await channel.connect_user()
        now[0] += KEEP_ALIVE_S - 1
        assert not channel.is_keep_alive_due()
        now[0] += 2
        assert channel.is_keep_alive_due() and not channel.is_keep_alive_due()
        keys = venue.floor(Market.USDM).user_data._keys.values()
        before_ns = max(key.until_ns for key in keys)
        await channel.keep_alive()
        assert max(key.until_ns for key in keys) > before_ns
        assert KEEP_ALIVE_S < 3600, "sooner than a key ends"

    run(venue, Market.USDM, work)
