"""One kind of connection, kept open: connect, watch, replace before it ends, connect again.

A connection is replaced before the old one is let go (make before break): when it is old, when the
venue announces its end, when nothing comes any more. Both deliver for a while, and what comes twice
is ignored by its ids, so no book has a gap.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from appliance.abi.link import LinkEnd, LinkRole, LinkState
from appliance.cold import mapping
from appliance.cold.live.backoff import Attempts, Backoff
from appliance.cold.live.link_table import Link, LinkLost, LinkTable
from appliance.cold.live.opening import OpeningFailed
from appliance.cold.live.rest_client import MustWait, RestError

OVERLAP_S: Final = 3.0  # both deliver for so long
# A connection that falls silent sooner than after so many times its limit counts as one that
# failed: where nothing happens the next one is no better, and attempts are limited.
PROVEN_LIMITS: Final = 10
SILENT: Final = "silent"

Connect = Callable[[], Awaitable[Link]]
Say = Callable[[str], None]


class LogonRefused(Exception):
    """The venue does not take our key: no use in trying again at once."""


@dataclass
class _Life:
    link: Link
    since_s: float
    heard_s: float  # when it was last noticed that something had come
    heard_n: int = 0


@dataclass
class Channel:
    """The connections of one role. ``tick`` from the session's loop, often."""

    role: LinkRole
    table: LinkTable
    connect: Connect  # makes a link that is ready to be offered
    attempts: Attempts
    rng: random.Random
    say: Say
    life_s: float  # replaced when so old
    silence_s: float  # replaced when nothing came for so long
    misses_some: Callable[[], bool] = lambda: False  # of what it should bring
    connects_n: int = 0
    rotations_n: int = 0
    silences_n: int = 0
    ends: dict[str, int] = field(default_factory=dict)
    _lives: list[_Life] = field(default_factory=list)
    _task: "asyncio.Future[Link] | None" = None
    _hurry: str = ""  # why a successor is wanted

    def __post_init__(self) -> None:
        self._backoff = Backoff(self.attempts, self.rng)

    @property
    def name(self) -> str:
        return self.role.name.lower()

    @property
    def is_open(self) -> bool:
        return any(self.table.state(life.link) == LinkState.OPEN for life in self._lives)

    def replace(self, why: str) -> None:
        """A successor is wanted at once."""
        if not self._hurry:
            self._hurry = why

    def tick(self) -> None:
        """One look: reap, replace, connect."""
        self._reap()
        self._take_connected()
        self._listen()
        self._let_go()
        self._judge()
        wanted = (not self._lives or self._hurry != "") and len(self._lives) < 2
        if wanted and self._task is None and self._backoff.is_due():
            self._task = asyncio.ensure_future(self._connected())

    async def _connected(self) -> Link:
        """A link whose memory (TLS has buffers of its own) is all there before the loop uses it."""
        link = await self.connect()
        await asyncio.to_thread(mapping.lock_all)
        return link

    def _reap(self) -> None:
        for life in list(self._lives):
            if self.table.state(life.link) != LinkState.ENDED:
                continue
            is_newest = life is self._lives[-1]
            self._lives.remove(life)
            end, detail = self.table.end(life.link)
            self.table.free(life.link)
            name = end.name.lower()
            self.ends[name] = self.ends.get(name, 0) + 1
            if end != LinkEnd.RETIRED:
                shown = f" ({detail})" if detail else ""
                self.say(f"{self.name}: connection ended: {name}{shown}")
            if is_newest:  # also a successor, and one that user data were lost on
                self._backoff.failed(time.monotonic() - life.since_s)

    def _take_connected(self) -> None:
        if self._task is None or not self._task.done():
            return
        task, self._task = self._task, None
        try:
            link = task.result()
        except (OpeningFailed, LinkLost, LogonRefused, RestError, TimeoutError) as error:
            if isinstance(error, LogonRefused) and not self.is_open:
                raise  # else the venue has taken the key before, and may again
            asked_s = error.seconds if isinstance(error, MustWait) else 0.0
            asked_s = max(asked_s, getattr(error, "retry_after_s", 0.0))
            wait_s = self._backoff.failed(0.0, asked_s)
            why = str(error) or "no answer in time"
            self.say(f"{self.name}: {why}; next attempt in {wait_s:.1f} s")
            return
        self.connects_n += 1
        if self._lives:
            self.rotations_n += 1
            self.say(f"{self.name}: replaced: {self._hurry or 'old'}")
        self._hurry = ""
        self.table.offer(link)
        now_s = time.monotonic()
        self._lives.append(_Life(link, now_s, now_s))

    def _listen(self) -> None:
        """Note which connections have brought something since the last look."""
        for life in self._lives:
            heard_n = self.table.heard_n(life.link)
            if heard_n != life.heard_n:
                life.heard_n, life.heard_s = heard_n, time.monotonic()

    def _let_go(self) -> None:
        """The older of two, when the younger has delivered for long enough."""
        if len(self._lives) == 2:
            older, younger = self._lives
            if time.monotonic() - younger.since_s >= OVERLAP_S or self._is_silent(older):
                self.table.retire(older.link)

    def _judge(self) -> None:
        if len(self._lives) != 1 or self._task is not None:
            return
        life = self._lives[0]
        age_s = time.monotonic() - life.since_s
        is_silent = self._is_silent(life) or (age_s > self.silence_s and self.misses_some())
        if age_s > self.life_s:
            self.replace("old")
        elif is_silent and not self._hurry:
            self.silences_n += 1
            self._backoff.failed(age_s if age_s > PROVEN_LIMITS * self.silence_s else 0.0)
            self.replace(SILENT)
        elif not is_silent and self._hurry == SILENT:
            self._hurry = ""  # it spoke before a successor was due

    def _is_silent(self, life: _Life) -> bool:
        if self.table.state(life.link) != LinkState.OPEN:
            return False
        return time.monotonic() - life.heard_s > self.silence_s

    async def close(self) -> None:
        """Ask the loop to let go of everything; no new connection."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        for life in self._lives:
            self.table.retire(life.link)
