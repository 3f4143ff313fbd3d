"""Snapshots of the books that need one: one symbol a request, paced, within the weights."""

import asyncio
import json
import ssl
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from appliance.abi.book import Anchor
from appliance.abi.limits import FRAME_HEADER_BYTES
from appliance.abi.market import BookState, FrameSource, Market
from appliance.cold.live import snapshots
from appliance.cold.live.rest_client import MustWait, RestClient, Unclear
from appliance.cold.live.snapshots import RETRY_S, SETTLE_S, Snapshots
from appliance.cold.venue.server import VenueSettings
from appliance.hot.frame_ring import instrument_at, length_at, peek, release, source_at
from tests.live.parts import SYMBOLS, endpoints_of
from tests.strategies.cores import small_core
from tests.venue.running_venue import RunningVenue

WEIGHTS = {Market.SPOT: 50, Market.USDM: 20}  # of 1000 levels


class Books:
    """A core whose books are in whatever state the test says, and what was pushed into its ring."""

    def __init__(self, rest: Any, symbols: tuple[str, ...] = SYMBOLS, ring: int = 1 << 20) -> None:
        self.core = small_core(SYMBOLS, ring)
        self.snapshots = Snapshots(self.core, symbols, rest)

    def wants(self, i: int) -> None:
        """Differences are buffered; there is no snapshot to apply them to."""
        self.core.books.heads[i].state = BookState.STALE
        self.core.books.heads[i].anchor = Anchor.NONE
        self.core.books.pending[i].tail += 1

    def frames(self) -> list[tuple[int, int, Any]]:
        """(instrument, source, document) of every frame that waits."""
        ring, found = self.core.ingress, []
        while (offset := int(peek(ring))) >= 0:
            start = offset + FRAME_HEADER_BYTES
            text = ring.data[start : start + int(length_at(ring, offset))].tobytes()
            found.append((int(instrument_at(ring, offset)), int(source_at(ring, offset)), text))
            release(ring)
        return found


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningVenue]:
    folder = tmp_path_factory.mktemp("keys")
    with RunningVenue(VenueSettings(keys_dir=folder, actions_per_s=50)) as running:
        yield running


def with_rest(
    venue: RunningVenue, market: Market, work: Callable[[RestClient], Awaitable[None]]
) -> None:
    async def run() -> None:
        tls = ssl.create_default_context()
        rest = RestClient(endpoints_of(venue, market), tls, None)
        try:
            await work(rest)
        finally:
            await rest.close()

    asyncio.run(run())


@pytest.mark.parametrize("market", [Market.SPOT, Market.USDM])
def test_a_book_gets_its_own_snapshot_and_the_others_none(
    venue: RunningVenue, market: Market
) -> None:
    async def work(rest: RestClient) -> None:
        books = Books(rest)
        assert books.snapshots.needed() == []
        await rest.public("/time")
        before = rest.weights.used
        books.wants(1)
        assert books.snapshots.needed() == [1]
        await books.snapshots.fetch(1)
        assert rest.weights.used - before == WEIGHTS[market], "one request, of one symbol"
        ((instrument, source, text),) = books.frames()
        assert (instrument, source) == (1, FrameSource.REST)
        truth = venue.get("/venue/state")[market.name.lower()]["books"]
        document = json.loads(text)
        assert abs(float(document["bids"][0][0]) / float(truth["ETHUSDT"]["bids"][0][0]) - 1) < 0.2
        assert document["lastUpdateId"] <= truth["ETHUSDT"]["lastUpdateId"]
        assert books.snapshots.pushed_n == 1
        heads = books.core.books.heads
        assert (heads[0].state, heads[1].state) == (BookState.EMPTY, BookState.STALE)

    with_rest(venue, market, work)


def test_a_refusal_is_told_and_tried_again_later(venue: RunningVenue) -> None:
    async def work(rest: RestClient) -> None:
        books = Books(rest, ("NOSUCHUSDT", "ETHUSDT"))
        books.wants(0)
        books.wants(1)
        assert books.snapshots.needed() == [0, 1]
        await asyncio.gather(*(books.snapshots.fetch(i) for i in (0, 1)))
        assert "-1121" in books.snapshots.failed
        assert [instrument for instrument, *_ in books.frames()] == [1]
        assert books.snapshots.needed() == []

    with_rest(venue, Market.SPOT, work)


def test_our_share_of_the_weight_is_not_exceeded(venue: RunningVenue) -> None:
    async def work(rest: RestClient) -> None:
        if time.time() % 60 > 55:
            await asyncio.sleep(6)  # within one minute of the clock
        await rest.public("/time")
        rest.weights.most = rest.weights.used + 100
        rest.weights.used = rest.weights.most
        books = Books(rest)
        books.wants(0)
        used = rest.weights.used
        await books.snapshots.fetch(0)
        assert "share of the weight" in books.snapshots.failed
        books.wants(1)
        await books.snapshots.fetch(1)
        assert "share of the weight" in books.snapshots.failed
        assert books.frames() == [] and books.snapshots.needed() == []
        answer = await asyncio.to_thread(venue.get, "/venue/state?depth=1")
        assert answer and rest.weights.used <= used

    with_rest(venue, Market.SPOT, work)


# ---- by a clock and answers of the test --------------------------------------------------------


class Script:
    """Stands in for the REST client."""

    def __init__(self) -> None:
        self.answer: Any = b"{}"
        self.asked: list[dict[str, Any]] = []
        self.gate: asyncio.Event | None = None

    async def public(self, path: str, params: dict[str, Any]) -> bytes:
        assert path == "/depth"
        self.asked.append(params)
        if self.gate is not None:
            await self.gate.wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        return bytes(self.answer)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]

    class Time:
        monotonic = staticmethod(lambda: now[0])
        time_ns = staticmethod(time.time_ns)

    monkeypatch.setattr(snapshots, "time", Time)
    return now


def test_which_books_need_one(clock: list[float]) -> None:
    books = Books(Script())
    books.wants(0)
    books.wants(1)
    assert books.snapshots.needed() == [0, 1]
    books.core.books.heads[0].anchor = Anchor.SNAPSHOT
    assert books.snapshots.needed() == [1], "the first waits for nothing any more"
    books.core.books.pending[1].head = books.core.books.pending[1].tail
    assert books.snapshots.needed() == [], "without differences there is nothing to apply"
    books.wants(1)
    books.core.books.heads[1].state = BookState.EMPTY
    assert books.snapshots.needed() == []


def test_one_request_a_book_at_a_time(clock: list[float]) -> None:
    async def work() -> None:
        script = Script()
        script.gate = asyncio.Event()
        books = Books(script)
        books.wants(0)
        books.wants(1)
        fetching = asyncio.ensure_future(books.snapshots.fetch(0))
        await asyncio.sleep(0)
        clock[0] += 100.0
        assert books.snapshots.needed() == [1]
        script.gate.set()
        await fetching
        assert [params["symbol"] for params in script.asked] == ["BTCUSDT"]

    asyncio.run(work())


@pytest.mark.parametrize(
    ("answer", "wait_s", "failed"),
    [
        (b"{}", SETTLE_S, ""),
        (Unclear("/depth: HTTP 502"), RETRY_S, "/depth: HTTP 502"),
        (MustWait("/depth: HTTP 429", 42.0), 42.0, "/depth: HTTP 429"),
    ],
    ids=["pushed", "failed", "limited"],
)
def test_the_next_request_of_a_book_waits_and_the_others_do_not(
    clock, answer, wait_s: float, failed: str
) -> None:
    script = Script()
    script.answer = answer
    books = Books(script)
    books.wants(0)
    books.wants(1)
    asyncio.run(books.snapshots.fetch(0))
    assert books.snapshots.failed == failed
    assert books.snapshots.needed() == [1]
    clock[0] += wait_s - 0.01
    assert books.snapshots.needed() == [1]
    clock[0] += 0.02
    assert books.snapshots.needed() == [0, 1]


def test_a_ring_without_room_is_no_snapshot(clock: list[float]) -> None:
    script = Script()
    script.answer = b" " * 400_000
    books = Books(script)
    books.wants(0)
    for _ in range(4):
        asyncio.run(books.snapshots.fetch(0))
    assert books.snapshots.pushed_n == len(books.frames()) < 4
    clock[0] += SETTLE_S + 0.01
    assert books.snapshots.needed() == [0], "it is asked for again"
