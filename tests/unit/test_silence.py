"""Connections, and streams on them, that live and say nothing: replaced, later each time."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.abi.link import LinkRole, LinkState
from appliance.abi.market import Market
from appliance.abi.units import NS_PER_S
from appliance.cold.clerk import Clerk
from appliance.cold.clerk_desk import ClerkDesk
from appliance.cold.live.channel import OVERLAP_S, PROVEN_LIMITS
from appliance.cold.live.endpoints import PRODUCTION
from appliance.cold.live.key_file import ApiKey
from appliance.cold.live.link_table import LinkTable
from appliance.cold.live.live_session import LiveSession
from appliance.cold.live.order_messages import OrderMessages
from appliance.cold.live.session_settings import Settings
from appliance.cold.live.silence import is_book_silent, limit_s
from appliance.cold.quarantine import Quarantine
from appliance.cold.tls_client import TlsContext
from appliance.hot.rings import make_rings
from appliance.hot.wire.links import make_links
from tests.oracle.reference_book import Diff, Snapshot
from tests.strategies.books import HotBook
from tests.strategies.channel_bench import SILENCE_S, Bench, Clock, use
from tests.strategies.cores import small_core


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    use(made, monkeypatch)
    return made


@pytest.fixture
def bench(clock: Clock) -> Iterator[Bench]:
    made = Bench(clock)
    yield made
    made.close()


async def falls_silent(bench: Bench) -> None:
    await bench.step(SILENCE_S + 0.1, heard=False)
    await bench.step(heard=False)


def test_where_nobody_trades_connections_are_not_made_again_and_again(bench: Bench) -> None:
    """The first one is replaced at once; what comes after it is no better."""

    async def work() -> None:
        await bench.step()
        await falls_silent(bench)
        assert len(bench.asked_s) == 2
        for _ in range(6000):
            await bench.step(0.1, heard=False)
        pauses_s = [b - a for a, b in zip(bench.asked_s[1:], bench.asked_s[2:], strict=False)]
        assert max(pauses_s) > SILENCE_S + 5.0
        assert 10 < len(bench.asked_s) < 50, "in ten minutes"
        assert bench.states() == [LinkState.OPEN]

    asyncio.run(work())


def test_a_connection_that_proved_itself_is_replaced_at_once_again(bench: Bench) -> None:
    async def work() -> None:
        await bench.step()
        while len(bench.asked_s) < 12:
            await bench.step(0.1, heard=False)
        for _ in range(2 * PROVEN_LIMITS):
            await bench.step(SILENCE_S / 2)
        await bench.step(SILENCE_S / 2)
        asked_n = len(bench.asked_s)
        await falls_silent(bench)
        assert len(bench.asked_s) == asked_n + 1

    asyncio.run(work())


def test_who_speaks_before_the_successor_is_due_is_kept(bench: Bench) -> None:
    async def work() -> None:
        await bench.step()
        while len(bench.asked_s) < 12:
            await bench.step(0.1, heard=False)
        while bench.channel.silences_n < 12:
            await bench.step(0.1, heard=False)
        links = bench.links_now
        asked_n = len(bench.asked_s)
        for _ in range(40):
            await bench.step(1.0)
        assert bench.links_now == links and len(bench.asked_s) == asked_n

    asyncio.run(work())


def test_a_silent_stream_beside_others_is_a_reason_to_replace(bench: Bench) -> None:
    """Both deliver for a while: the other streams must have no gap."""

    async def work() -> None:
        await bench.step()
        (old,) = bench.links_now
        await bench.step(1.0)
        bench.channel.misses_some = lambda: True
        await bench.step(SILENCE_S - 1.5)
        assert len(bench.asked_s) == 1, "it may still come"
        await bench.step(1.0)
        await bench.step()
        assert (bench.channel.silences_n, len(bench.asked_s)) == (1, 2)
        assert bench.said == ["books: replaced: silent"]
        await bench.step(OVERLAP_S - 0.1)
        assert old in bench.links_now
        for _ in range(6000):
            await bench.step(0.1)
        assert old not in bench.links_now
        assert 10 < len(bench.asked_s) < 50, "in ten minutes"

    asyncio.run(work())


def test_limits() -> None:
    """More than two pings of the venue, which come every 20 s and every 3 min."""
    for role in (LinkRole.ORDERS, LinkRole.USER):
        assert 2 * 20 < limit_s(role, Market.SPOT, 5.0) <= 60
        assert 2 * 180 < limit_s(role, Market.USDM, 5.0) <= 420
    for market in (Market.SPOT, Market.USDM):
        assert limit_s(LinkRole.BOOKS, market, 5.0) == 5.0
        assert 60 < limit_s(LinkRole.TRADES, market, 5.0) < 3600


@pytest.mark.parametrize("market", [Market.SPOT, Market.USDM])
def test_the_session_watches_every_connection(market: Market) -> None:
    core = small_core()
    rest: Any = None
    session = LiveSession(
        Settings(PRODUCTION[market], ("BTCUSDT",), "USDT", 1, 5.0, 3600.0, 80, {}, 60.0, True, 1),
        core,
        LinkTable(make_links(1, make_rings(1 << 16).to_desk)),
        ClerkDesk(core, Clerk([]), Quarantine()),
        rest,
        OrderMessages(market, 1, {}),
        ApiKey("k", Ed25519PrivateKey.generate()),
        TlsContext(None),
        print,
    )
    assert session.channels.keys() >= {LinkRole.BOOKS, LinkRole.ORDERS}
    for role, channel in session.channels.items():
        assert channel.silence_s == limit_s(role, market, 5.0)
        assert channel.misses_some() == (role == LinkRole.BOOKS), "a book that never heard a thing"


def silent(book: HotBook, at_s: float, limit: float = 5.0) -> bool:
    return is_book_silent(book.books, limit, int(at_s * NS_PER_S))


def live_book() -> HotBook:
    book = HotBook("spot", 2, 1)
    book.books.heads[0].since_ns = 1000 * NS_PER_S  # another, which is young
    book.depth(Diff(11, 20, -1, {}, {}), 1)
    book.snapshot(Snapshot(15, {99: 1}, {101: 1}), 1)
    assert book.state == "LIVE"
    return book


def test_a_book_that_no_event_comes_for() -> None:
    book = live_book()
    assert not silent(book, 1000), "stale is for the loop to say"
    book.silent(2 * NS_PER_S, NS_PER_S)
    assert (book.state, book.reason) == ("STALE", "SILENT")
    assert not silent(book, 6.9) and silent(book, 7.1)
    book.depth(Diff(21, 22, -1, {}, {}), 8 * NS_PER_S)
    assert book.state == "LIVE" and not silent(book, 1000)


def test_a_book_that_waits_for_its_snapshot_hears_its_stream() -> None:
    book = live_book()
    book.depth(Diff(30, 31, -1, {}, {}), 2 * NS_PER_S)
    assert (book.state, book.reason) == ("STALE", "GAP") and not silent(book, 100)


def test_a_book_that_never_heard_anything() -> None:
    book = HotBook("spot")
    assert book.state == "EMPTY" and silent(book, 10)
