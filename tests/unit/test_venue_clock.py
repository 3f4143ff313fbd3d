"""The venue's clock against servers whose clock is wrong by a known amount."""

import asyncio
import random
import socket
import time
from types import SimpleNamespace
from typing import Any

import pytest

from appliance.abi.risk_limits import OFF
from appliance.abi.units import NS_PER_MS
from appliance.cold.live import venue_clock
from appliance.cold.live.rest_client import RestClient, Unclear
from appliance.cold.live.venue_clock import (
    AGE_MAX_S,
    EVERY_S,
    PROBES,
    RETRY_S,
    Offset,
    VenueClock,
    measure,
)
from tests.strategies.loopback import Loopback, answering, http
from tests.strategies.rest_calls import ask, ask_at


class SkewedVenue(Loopback):
    """Tells the time ``skew_ms`` ahead of ours, after a wait and before another."""

    def __init__(self, skew_ms: int, before_s: float = 0.0, after_s: float = 0.0) -> None:
        super().__init__(self._tell)
        self.skew_ms, self._waits = skew_ms, (before_s, after_s)

    def _tell(self, connection: socket.socket) -> None:
        self.read_head(connection)
        time.sleep(self._waits[0])
        now_ms = time.time_ns() // NS_PER_MS + self.skew_ms
        time.sleep(self._waits[1])
        connection.sendall(http(200, b'{"serverTime":%d}' % now_ms))


@pytest.mark.parametrize("skew_ms", [0, 1, -1, 250, -250, 86_400_000, -3_600_000])
@pytest.mark.parametrize("waits_s", [(0.0, 0.0), (0.02, 0.0), (0.0, 0.02)])
def test_the_true_offset_lies_within_the_error(skew_ms: int, waits_s: Any) -> None:
    """However the way there and the way back share the time."""
    with SkewedVenue(skew_ms, *waits_s) as server:
        found = ask(server, lambda rest: measure(rest, 2))
    assert abs(found.offset_ns - skew_ms * NS_PER_MS) <= found.error_ns
    assert found.error_ns >= NS_PER_MS // 2, "the venue tells whole milliseconds"
    assert found.error_ns >= sum(waits_s) * 1e9 / 2


class Paced:
    """In the place of the client: each answer takes a time of its own, and all of it there."""

    def __init__(self, patch: pytest.MonkeyPatch, spans_ms: list[int], skew_ms: int) -> None:
        self._spans_ms, self._skew_ms, self._now_ns = spans_ms, skew_ms, 10**18
        fake = SimpleNamespace(monotonic_ns=lambda: self._now_ns, time_ns=lambda: self._now_ns)
        patch.setattr(venue_clock, "time", fake)

    async def public(self, path: str) -> bytes:
        self._now_ns += self._spans_ms.pop() * NS_PER_MS
        return b'{"serverTime":%d}' % (self._now_ns // NS_PER_MS + self._skew_ms)


@pytest.mark.parametrize("seed", range(4))
def test_the_quickest_of_several_counts(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    spans_ms = [300, 4, 90, 2000, 8]
    random.Random(seed).shuffle(spans_ms)
    rest: Any = Paced(monkeypatch, spans_ms, skew_ms=70)
    found = asyncio.run(measure(rest))
    assert not spans_ms and PROBES == 5
    half_ns = NS_PER_MS // 2
    assert found == Offset(72 * NS_PER_MS + half_ns, 2 * NS_PER_MS + half_ns)


@pytest.mark.parametrize(
    "body",
    [
        *(b"{}", b"[]", b"5", b"null", b'{"serverTime": null}', b'{"serverTime": "1700000000000"}'),
        *(b'{"serverTime": Infinity}', b'{"serverTime": NaN}', b'{"serverTime": 1e999}'),
        *(b'{"serverTime": 0}', b'{"serverTime": -5}', b'{"serverTime": %d}' % 10**40),
        *(b'{"serverTime": 1.5}', b'{"servertime": 1}', b"<html>\n</html>", b"", b"[" * 100_000),
    ],
)
def test_answers_without_a_time(body: bytes) -> None:
    with answering(http(200, body)) as server, pytest.raises(Unclear, match="/time: "):
        ask(server, measure)


class Time:
    """The module's clock: a monotonic one that a test moves, and the true wall clock."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.now_s = 50.0
        fake = SimpleNamespace(
            monotonic=lambda: self.now_s, monotonic_ns=time.monotonic_ns, time_ns=time.time_ns
        )
        patch.setattr(venue_clock, "time", fake)


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Time:
    return Time(monkeypatch)


def looked(*skews_ms: int, bound_ms: int = 100) -> tuple[list[bool], list[str], tuple[int, int]]:
    """Within the bound after each look; what was said; what the client knows at last."""
    said: list[str] = []
    good: list[bool] = []

    async def work(rest: RestClient) -> tuple[int, int]:
        clock = VenueClock(rest, lambda: bound_ms * NS_PER_MS, said.append)
        for skew_ms in skews_ms:
            server.skew_ms = skew_ms
            await clock.look()
            good.append(clock.is_known and clock.most_ns <= bound_ms * NS_PER_MS)
            assert 0 <= time.time_ns() - clock.seen_ns < 60 * 10**9
            assert clock.most_ns >= abs(clock.offset_ns)
        assert clock.failed == ""
        return clock.offset_ns, rest.clock_offset_ns

    with SkewedVenue(skews_ms[0]) as server:
        return good, said, ask(server, work)


def test_the_client_signs_by_the_venue_s_clock() -> None:
    good, said, known = looked(-60_000, bound_ms=500)
    assert known[0] == known[1], "the client has the same"
    assert abs(known[0] + 60_000 * NS_PER_MS) < 20_000 * NS_PER_MS
    assert good == [False] and len(said) == 1


def test_the_bound_and_what_is_said_once() -> None:
    good, said, _ = looked(0, 50_000, 50_000, 0, -50_000, bound_ms=20_000)
    assert good == [True, False, False, True, False]
    first, second = said
    assert first.startswith("clock: the venue's is ") and "beyond 20000 ms only" in first
    assert "ahead of ours" in second and "is -" in second


def test_a_clock_that_was_never_good_says_so_once() -> None:
    good, said, _ = looked(9_000, 9_000, 9_000)
    assert good == [False] * 3 and len(said) == 1


def test_it_is_due_from_time_to_time(at: Time) -> None:
    clock = VenueClock(None, lambda: OFF, print)  # type: ignore[arg-type]
    assert clock.is_due() and not clock.is_due(), "asked once, it is about to happen"
    at.now_s += EVERY_S - 0.1
    assert not clock.is_due()
    at.now_s += 0.2
    assert clock.is_due() and not clock.is_due()
    clock.doubt()
    assert clock.is_due() and not clock.is_due()


def test_no_answer_is_tried_again_soon_and_the_old_value_ages(at: Time) -> None:
    said: list[str] = []

    async def work(rest: RestClient) -> None:
        clock = VenueClock(rest, lambda: OFF, said.append)
        assert not clock.is_known and clock.seen_ns == 0, "nothing is known yet"
        await clock.look()
        assert not clock.is_known and "HTTP 503" in clock.failed
        assert not clock.is_due()
        at.now_s += RETRY_S + 0.1
        assert clock.is_due()
        await clock.look()
        known_ns = clock.offset_ns
        assert clock.is_known
        for passed_s in (0.0, AGE_MAX_S - 1.0):
            at.now_s += passed_s
            await clock.look()
            assert clock.is_known and clock.offset_ns == known_ns
        at.now_s += 2.0
        assert not clock.is_known, "what is known is too old"

    answers = [http(503, b"busy")]
    answers += [http(200, b'{"serverTime":%d}' % (time.time_ns() // NS_PER_MS))] * PROBES
    answers += [http(200, b"<html>")]
    with answering(*answers) as server:
        ask(server, work)
    assert said == []


def test_a_venue_that_is_not_there(at: Time) -> None:
    async def work(rest: RestClient) -> VenueClock:
        clock = VenueClock(rest, lambda: OFF, print)
        await clock.look()
        return clock

    clock = ask_at("http://127.0.0.1:1", work)
    assert not clock.is_known and "Cannot connect" in clock.failed
