"""A connection that cannot be made, or ends at once: why, and how long until the next attempt."""

import asyncio
import re
import socket
from collections.abc import Iterator

import pytest

from appliance.abi.link import LinkRole
from appliance.cold.live.channel import LogonRefused
from appliance.cold.live.link_table import Link, LinkLost
from appliance.cold.live.opening import OpeningFailed, open_websocket
from appliance.cold.live.rest_client import MustWait, Unclear
from appliance.cold.tls_client import TlsContext
from tests.strategies.channel_bench import Bench, Clock, use


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


def run(work) -> None:
    asyncio.run(work)


FAILURES = [
    (lambda: OpeningFailed("127.0.0.1:1: Connection refused"), "127.0.0.1:1: Connection refused"),
    (lambda: LinkLost("session.logon: -1021 Timestamp"), "session.logon: -1021 Timestamp"),
    (lambda: Unclear("/listenKey: HTTP 502"), "/listenKey: HTTP 502"),
    (TimeoutError, "no answer in time"),
]


@pytest.mark.parametrize(("failure", "shown"), FAILURES, ids=range(len(FAILURES)))
def test_an_opening_that_fails_says_why_and_waits_longer_each_time(bench, failure, shown) -> None:
    async def work() -> None:
        bench.failure = failure
        await bench.step()
        announced = []
        for count in range(2, 11):
            said = re.fullmatch(r"books: (.*); next attempt in ([0-9.]+) s", bench.said[-1])
            assert said is not None and said[1] == shown
            announced.append(float(said[2]))
            took_s = await bench.until_asked(count)
            assert announced[-1] - 0.06 <= took_s <= announced[-1] + 0.08
        ceilings = [0.0, *(min(0.1 * 2**n, 30.0) for n in range(20))]
        assert all(s <= most + 0.05 for s, most in zip(announced, ceilings, strict=False))
        assert max(announced) > 1.0
        bench.failure = None
        await bench.until_asked(11)
        await bench.step()
        assert bench.channel.is_open

    run(work())


@pytest.mark.parametrize(
    "failure",
    [
        lambda: OpeningFailed("429 Too Many Requests", 429, 17.0),
        lambda: MustWait("/listenKey: the venue asked us to wait", 17.0),
    ],
    ids=["handshake", "request"],
)
def test_what_the_venue_asks_for_is_waited(bench: Bench, failure) -> None:
    async def work() -> None:
        bench.failure = failure
        await bench.step()
        assert bench.said[-1].endswith("next attempt in 17.0 s")
        assert await bench.until_asked(2) >= 16.9

    run(work())


def test_a_refused_key_is_for_the_session_to_judge(bench: Bench) -> None:
    async def work() -> None:
        bench.failure = lambda: LogonRefused("session.logon: -2015 Invalid API-key")
        with pytest.raises(LogonRefused, match="-2015"):
            await bench.step()

    run(work())


def test_a_key_that_is_refused_while_a_connection_has_it_is_tried_again(bench: Bench) -> None:
    """A rotation that fails costs nothing yet; without the old connection it is the end."""

    async def work() -> None:
        await bench.step()
        (old,) = bench.links_now
        bench.failure = lambda: LogonRefused("session.logon: -2015 Invalid API-key")
        bench.channel.replace("old")
        await bench.until_asked(8)
        said = "books: session.logon: -2015 Invalid API-key; next attempt in "
        assert len(bench.said) >= 6 and all(one.startswith(said) for one in bench.said)
        assert bench.links_now == [old] and bench.channel.is_open
        bench.end(old)
        with pytest.raises(LogonRefused):
            await bench.until_asked(10)

    run(work())


def test_connections_that_end_at_once_are_not_made_again_and_again(bench: Bench) -> None:
    """Also successors, while the connection before them lives on."""

    async def work() -> None:
        await bench.step()
        (old,) = bench.links_now
        bench.channel.replace("old")
        for _ in range(2000):
            await bench.step(0.01)
            for link in bench.links_now:
                if link is not old:
                    bench.end(link)
            bench.channel.replace("old")
        assert 3 < len(bench.asked_s) < 25
        assert old in bench.links_now

    run(work())


def test_user_data_that_are_lost_again_and_again_back_off_too(bench: Bench) -> None:
    async def work() -> None:
        for _ in range(2000):
            await bench.step(0.01)
            for link in bench.links_now:
                bench.table.retire(link)
        assert 3 < len(bench.asked_s) < 25
        assert not any("ended" in said for said in bench.said), "we asked for it"

    run(work())


def test_a_long_life_makes_the_next_wait_short_again(bench: Bench) -> None:
    async def work() -> None:
        bench.failure = lambda: OpeningFailed("no")
        await bench.until_asked(9)
        bench.failure = None
        await bench.until_asked(10)
        await bench.step()
        await bench.step(61.0)
        bench.end(bench.links_now[0])
        await bench.step(0.001)
        assert len(bench.asked_s) == 11

    run(work())


def test_the_venues_limit_of_attempts_holds_for_all(clock: Clock) -> None:
    async def work() -> None:
        bench = Bench(clock, most=3)
        bench.failure = lambda: OpeningFailed("no")
        await bench.until_asked(3)
        assert await bench.until_asked(4, 400.0) > 250
        assert bench.asked_s[3] - bench.asked_s[0] >= 300.0
        bench.close()

    run(work())


def test_nobody_listens_there(bench: Bench) -> None:
    """A real opening."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    async def connect() -> Link:
        opened = await asyncio.to_thread(
            open_websocket, f"ws://127.0.0.1:{port}/ws", TlsContext(None), 5.0
        )
        return bench.table.take(LinkRole.BOOKS, opened)

    async def work() -> None:
        bench.channel.connect = connect
        while not bench.said:
            bench.channel.tick()
            await asyncio.sleep(0.005)
        await bench.channel.close()
        assert bench.said[0].startswith(f"books: 127.0.0.1:{port}: Connection refused; next")

    run(work())
