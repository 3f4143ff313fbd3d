"""Waits between attempts to connect: jitter within limits, and the venue's limit of attempts."""

import random
import time
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.cold.live import backoff
from appliance.cold.live.backoff import (
    ATTEMPTS_MAX,
    FIRST_S,
    HEALTHY_S,
    MOST_S,
    WINDOW_S,
    Attempts,
    Backoff,
)

VENUE_ATTEMPTS_MAX, VENUE_WINDOW_S = 300, 300.0  # binance-protocol 1


class Clock:
    """Time that passes when a test says so; put in the place of the module's ``time``."""

    def __init__(self, patch: pytest.MonkeyPatch, now_s: float = 1000.0) -> None:
        self.now_s = now_s
        patch.setattr(backoff, "time", SimpleNamespace(monotonic=lambda: self.now_s))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def ceilings() -> list[float]:
    """What the documentation says: none at first, then doubling from FIRST_S up to MOST_S."""
    found = [0.0, FIRST_S]
    while found[-1] < MOST_S:
        found.append(min(found[-1] * 2, MOST_S))
    return found


class Extreme(random.Random):
    """Draws the upper end of each range."""

    def uniform(self, a: float, b: float) -> float:
        return b


def test_the_first_attempts_are_at_once(clock: Clock) -> None:
    one = Backoff(Attempts(), random.Random(1))
    assert one.is_due()
    assert one.failed() == 0.0
    assert one.is_due()


def test_the_ceiling_doubles_up_to_its_bound(clock: Clock) -> None:
    one = Backoff(Attempts(), Extreme())
    expected = ceilings()
    assert [one.failed() for _ in expected] == pytest.approx(expected)
    assert [one.failed() for _ in range(50)] == [MOST_S] * 50


@given(st.integers(), st.integers(1, 40))
def test_jitter_is_full_and_within_its_ceiling(seed: int, failures_n: int) -> None:
    one = Backoff(Attempts(), random.Random(seed))
    bounds = ceilings() + [MOST_S] * failures_n
    for most in bounds[:failures_n]:
        assert 0.0 <= one.failed() <= most


def test_jitter_covers_its_range() -> None:
    """Two clients that failed together do not come back together."""
    waits = []
    for seed in range(300):
        one = Backoff(Attempts(), random.Random(seed))
        waits.append([one.failed() for _ in range(12)][-1])
    assert min(waits) < MOST_S * 0.05 and max(waits) > MOST_S * 0.95
    assert len(set(waits)) == len(waits)


def test_the_same_seed_waits_the_same(clock: Clock) -> None:
    def waits(seed: int) -> list[float]:
        one = Backoff(Attempts(), random.Random(seed))
        return [one.failed() for _ in range(20)]

    assert waits(7) == waits(7) != waits(8)


def test_it_is_due_when_the_wait_is_over(clock: Clock) -> None:
    one = Backoff(Attempts(), Extreme())
    one.failed()
    wait_s = one.failed()
    assert wait_s == FIRST_S
    clock.now_s += wait_s * 0.99
    assert not one.is_due()
    clock.now_s += wait_s * 0.02
    assert one.is_due()


def test_a_healthy_life_makes_the_wait_short_again(clock: Clock) -> None:
    one = Backoff(Attempts(), Extreme())
    for _ in range(20):
        one.failed()
    assert one.failed(lived_s=HEALTHY_S * 0.99) == MOST_S
    assert one.failed(lived_s=HEALTHY_S) == 0.0
    assert one.failed() == FIRST_S


@pytest.mark.parametrize("asked_s", [0.05, 7.5, 3600.0])
def test_what_the_venue_asks_for_is_the_least(clock: Clock, asked_s: float) -> None:
    one = Backoff(Attempts(), random.Random(3))
    for _ in range(10):
        assert one.failed(asked_s=asked_s) >= asked_s
    one.failed(lived_s=HEALTHY_S, asked_s=asked_s)
    clock.now_s += asked_s - 0.01
    assert not one.is_due()
    clock.now_s += 0.02
    assert one.is_due()


def test_our_limit_leaves_room_within_the_venue_s() -> None:
    assert ATTEMPTS_MAX < VENUE_ATTEMPTS_MAX and WINDOW_S >= VENUE_WINDOW_S


def test_a_window_slides() -> None:
    attempts = Attempts(most=3, window_s=10.0)
    for now_s in (0.0, 1.0, 5.0):
        assert attempts.wait_s(now_s) == 0.0
        attempts.note(now_s)
    assert attempts.wait_s(5.0) == 5.0
    assert attempts.wait_s(9.5) == 0.5
    assert attempts.wait_s(10.0) == 0.0
    attempts.note(10.0)
    assert attempts.wait_s(10.0) == 1.0


@given(
    seed=st.integers(),
    lives=st.lists(st.sampled_from([0.0, 0.0, 0.0, 1.0, 70.0]), min_size=1, max_size=20),
    step_s=st.sampled_from([0.005, 0.3, 2.0]),
)
def test_channels_together_stay_below_the_venue_s_limit(
    seed: int, lives: list[float], step_s: float
) -> None:
    """Whatever fails how often: no span of the window's length holds more attempts than allowed."""
    most, window_s = 5, 30.0
    with pytest.MonkeyPatch.context() as patch:
        clock = Clock(patch)
        attempts, rng = Attempts(most, window_s), random.Random(seed)
        channels = [Backoff(attempts, rng) for _ in range(4)]
        made: list[float] = []
        for turn in range(400):
            clock.now_s += step_s
            one = channels[turn % len(channels)]
            if one.is_due():
                made.append(clock.now_s)
                one.failed(lives[turn % len(lives)])
    assert made
    for first, later in zip(made, made[most:], strict=False):
        assert later - first >= window_s - 1e-6


def test_an_attempt_that_is_not_due_is_not_counted(clock: Clock) -> None:
    attempts = Attempts(most=1, window_s=10.0)
    one, two = (Backoff(attempts, random.Random(n)) for n in range(2))
    assert one.is_due()
    for _ in range(9):
        clock.now_s += 1.0
        assert not two.is_due()
    clock.now_s += 1.0
    assert two.is_due()


def test_a_wait_that_the_venue_asks_for_holds_all_kinds_back() -> None:
    attempts = Attempts()
    one, other = (Backoff(attempts, random.Random(seed)) for seed in (1, 2))
    assert other.is_due()
    one.failed(0.0, 30.0)
    assert not one.is_due() and not other.is_due()
    assert 29.0 < attempts.wait_s(time.monotonic()) <= 30.0
    one.failed(0.0, 1.0)
    assert attempts.wait_s(time.monotonic()) > 28.0, "the longer wait stays"
