"""The venue's weights and waits: what it tells in headers is obeyed before the next request."""

import asyncio
from types import SimpleNamespace

import pytest

from appliance.cold.live import rest_client
from appliance.cold.live.rest_client import MustWait, RestClient, ShareUsed, patiently
from appliance.cold.live.weights import PUBLIC_SHARE, SIGNED_SHARE
from tests.strategies.loopback import answering, http
from tests.strategies.rest_calls import ask


class Clock:
    """The module's time: stands still until a test moves it."""

    def __init__(self, epoch_s: float) -> None:
        self.passed_s, self._epoch_s = 0.0, epoch_s

    def monotonic(self) -> float:
        return 1000.0 + self.passed_s

    def time(self) -> float:
        return self._epoch_s + self.passed_s

    def time_ns(self) -> int:
        return int(self.time() * 1e9)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """18 s into a minute."""
    made = Clock(60.0 * 29_000_000 + 18.0)
    monkeypatch.setattr(rest_client, "time", made)
    return made


async def wait_of(client: RestClient) -> float:
    """How long the client is told to wait."""
    with pytest.raises(MustWait) as caught:
        await client.public("/x")
    return caught.value.seconds


@pytest.mark.parametrize("status", [418, 429])
@pytest.mark.parametrize(
    ("text", "wait_s"),
    [
        *(("7", 7.0), ("0", 0.0), ("259200", 259_200.0)),
        *((None, 60.0), ("", 60.0), ("soon", 60.0), ("-5", 60.0), ("1.5", 60.0), ("inf", 60.0)),
        *(("²", 60.0), ("9" * 5000, 60.0), ("Fri, 31 Dec 1999 23:59:59 GMT", 60.0)),
    ],
)
def test_nothing_is_asked_before_the_wait_is_over(
    clock: Clock, status: int, text: str | None, wait_s: float
) -> None:
    named = {} if text is None else {"Retry_After": text}
    refused = http(status, b'{"code": -1003, "msg": "Too many requests"}', **named)

    async def work(client: RestClient) -> None:
        assert await wait_of(client) == wait_s
        clock.passed_s = wait_s - 0.5
        if wait_s:
            assert await wait_of(client) == 0.5
            assert len(server.heads) == 1
        clock.passed_s = wait_s
        assert await client.public("/x") == b"{}"

    with answering(refused, http(200, b"{}")) as server:
        ask(server, work)
    assert len(server.heads) == 2


def test_what_is_said_of_it(clock: Clock) -> None:
    async def work(client: RestClient) -> None:
        for said in (r"^/x: HTTP 429: -1003 Too many$", r"^/x: the venue asked us to wait$"):
            with pytest.raises(MustWait, match=said):
                await client.public("/x")

    with answering(http(429, b'{"code": -1003, "msg": "Too many"}')) as server:
        ask(server, work)


def test_a_shorter_wait_does_not_end_a_longer_one(clock: Clock) -> None:
    """Requests that were on their way together: a ban, and a 429 that comes after it."""

    async def work(client: RestClient) -> None:
        await asyncio.gather(*(client.public("/x") for _ in range(3)), return_exceptions=True)
        clock.passed_s = 100.0
        assert await wait_of(client) == 20.0

    answers = [http(429, b"", Retry_After=text) for text in ("1", "120", "2")]
    with answering(*answers) as server:
        ask(server, work)
    assert len(server.heads) == 3


def answer(weight: str) -> bytes:
    return http(200, b"{}", X_MBX_USED_WEIGHT_1M=weight)


async def share_used(client: RestClient) -> float:
    """How long our share of the minute is used up."""
    with pytest.raises(ShareUsed, match=r"^/x: our share of the weight") as caught:
        await client.public("/x")
    return caught.value.seconds


def test_our_share_of_the_weight(clock: Clock) -> None:
    """Beyond it nothing is asked until the venue's next minute, which begins at :00."""
    most = 1000
    share = int(most * PUBLIC_SHARE)

    async def work(client: RestClient) -> None:
        client.weights.most = most
        for used in (5, share - 1, share):
            await client.public("/x")
            assert client.weights.used == used
        assert await share_used(client) == pytest.approx(42.0)
        clock.passed_s = 41.5
        assert await share_used(client) == pytest.approx(0.5)
        assert len(server.heads) == 3
        clock.passed_s = 42.5
        await client.public("/x")
        assert client.weights.used == 3

    with answering(*map(answer, ("5", str(share - 1), str(share), "3"))) as server:
        ask(server, work)
    assert len(server.heads) == 4


def test_a_count_is_of_its_minute(clock: Clock) -> None:
    """What was nearly used up at :50 is all there again at :05."""

    async def work(client: RestClient) -> None:
        client.weights.most = 1000
        clock.passed_s = 32.0
        await client.public("/x")
        clock.passed_s = 47.0
        await client.public("/x")

    with answering(answer("900"), answer("1")) as server:
        ask(server, work)
    assert len(server.heads) == 2


def test_the_minute_is_the_venue_s(clock: Clock) -> None:
    async def work(client: RestClient) -> None:
        client.weights.most = 1000
        client.clock_offset_ns = 30 * 10**9
        await client.public("/x")
        assert await share_used(client) == pytest.approx(12.0)

    with answering(answer("900")) as server:
        ask(server, work)


def test_signed_requests_have_a_share_of_their_own(clock: Clock) -> None:
    async def work(client: RestClient) -> None:
        client.weights.most = 1000
        await client.public("/x")
        await share_used(client)
        await client.keyed("PUT", "/listenKey")
        await client.signed("DELETE", "/order")
        with pytest.raises(ShareUsed):
            await client.signed("DELETE", "/order")

    answers = map(answer, ("700", "701", str(int(1000 * SIGNED_SHARE))))
    with answering(*answers) as server:
        ask(server, work)
    assert len(server.heads) == 3


def test_what_is_on_its_way_counts(clock: Clock) -> None:
    """Snapshots of many books at once: each is asked for before the first has told its weight."""

    async def work(client: RestClient) -> list[object]:
        client.weights.most = 1000
        every = [client.public("/depth", {"symbol": "X", "limit": 1000}) for _ in range(30)]
        return await asyncio.gather(*every, return_exceptions=True)

    with answering(answer("50")) as server:
        said = ask(server, work)
    assert len(server.heads) == 1000 * PUBLIC_SHARE // 50 == said.count(b"{}")
    assert all(isinstance(one, ShareUsed) for one in said if one != b"{}")


def test_our_share_does_not_silence_what_the_venue_allows(clock: Clock) -> None:
    """Whoever connects takes a MustWait for the venue's, and holds every attempt back."""
    assert not issubclass(ShareUsed, MustWait)

    async def work(client: RestClient) -> None:
        client.weights.most = 1000
        await client.public("/x")
        for _ in range(3):
            await share_used(client)
            assert await client.keyed("POST", "/listenKey") == {}

    with answering(answer("700")) as server:
        ask(server, work)
    assert len(server.heads) == 4


def test_at_the_start_our_share_is_waited_for(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def sleep(seconds: float) -> None:
        clock.passed_s += seconds

    async def work(client: RestClient) -> bytes:
        client.weights.most = 1000
        await client.public("/x")
        monkeypatch.setattr(rest_client, "asyncio", SimpleNamespace(sleep=sleep))
        return await patiently(lambda: client.public("/x"), 3)

    with answering(answer("900"), answer("1")) as server:
        assert ask(server, work) == b"{}"
    assert clock.passed_s == 42.0


def test_without_a_known_limit_weights_are_only_noted(clock: Clock) -> None:
    async def work(client: RestClient) -> int:
        for _ in range(3):
            await client.public("/x")
        return client.weights.used

    with answering(answer("999999")) as server:
        assert ask(server, work) == 999_999


@pytest.mark.parametrize("text", ["", "many", "-1", "1.5", "²", "٣", "1e3", "9" * 5000])
def test_weights_that_are_none(clock: Clock, text: str) -> None:
    """A request whose weight nobody tells has the one that we know of."""

    async def work(client: RestClient) -> int:
        await client.public("/x")
        await client.public("/exchangeInfo")
        return client.weights.used

    with answering(answer("11"), answer(text)) as server:
        assert ask(server, work) == 11 + 20


@pytest.mark.parametrize("status", [400, 429, 503])
def test_refusals_tell_the_weight_too(clock: Clock, status: int) -> None:
    async def work(client: RestClient) -> int:
        with pytest.raises(rest_client.RestError):
            await client.public("/x")
        return client.weights.used

    with answering(http(status, b"", x_mbx_used_weight_1m="77")) as server:
        assert ask(server, work) == 77
