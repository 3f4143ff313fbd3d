"""How long to wait before the next attempt to connect."""

import random
import time
from collections import deque
from typing import Final

FIRST_S: Final = 0.1
MOST_S: Final = 30.0
HEALTHY_S: Final = 3.0  # a connection that lived so long makes the next wait short again
# The venue allows 300 attempts in 5 min from one address (binance-protocol 1); not all are ours.
ATTEMPTS_MAX: Final = 200
WINDOW_S: Final = 300.0


class Attempts:
    """All attempts of the process: the venue counts them together."""

    def __init__(self, most: int = ATTEMPTS_MAX, window_s: float = WINDOW_S) -> None:
        self._times: deque[float] = deque(maxlen=most)
        self._window_s = window_s
        self._not_before_s = 0.0

    def wait_s(self, now_s: float) -> float:
        """How long until another attempt is within the venue's limit."""
        due_s = self._not_before_s
        if len(self._times) == self._times.maxlen:
            due_s = max(due_s, self._times[0] + self._window_s)
        return max(due_s - now_s, 0.0)

    def hold(self, until_s: float) -> None:
        """The venue asked us to wait (Retry-After): no attempt before, of any kind."""
        self._not_before_s = max(self._not_before_s, until_s)

    def note(self, now_s: float) -> None:
        self._times.append(now_s)


class Backoff:
    """Of one kind of connection: doubles with each failure, with full jitter."""

    def __init__(self, attempts: Attempts, rng: random.Random) -> None:
        self._attempts = attempts
        self._rng = rng
        self._ceiling_s = 0.0
        self._not_before_s = 0.0

    def failed(self, lived_s: float = 0.0, asked_s: float = 0.0) -> float:
        """An attempt failed, or a connection ended after ``lived_s``; the wait until the next.

        ``asked_s``: what the venue asked for (Retry-After).
        """
        if lived_s >= HEALTHY_S:
            self._ceiling_s = 0.0
        wait_s = self._rng.uniform(0.0, self._ceiling_s)
        self._ceiling_s = min(max(self._ceiling_s * 2, FIRST_S), MOST_S)
        wait_s = max(wait_s, asked_s)
        now_s = time.monotonic()
        self._not_before_s = now_s + wait_s
        if asked_s > 0:
            self._attempts.hold(now_s + asked_s)
        return wait_s

    def is_due(self) -> bool:
        """Whether an attempt may be made now; it counts from here on."""
        now_s = time.monotonic()
        if now_s < self._not_before_s or self._attempts.wait_s(now_s) > 0:
            return False
        self._attempts.note(now_s)
        return True
