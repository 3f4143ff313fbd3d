"""A channel by a clock, a loop and a venue that the test moves."""

import asyncio
import random
import socket
from collections.abc import Callable

import pytest

from appliance.abi.link import LinkEnd, LinkRole, LinkState
from appliance.cold.live import backoff, channel
from appliance.cold.live.backoff import Attempts
from appliance.cold.live.channel import Channel
from appliance.cold.live.link_table import Link, LinkTable
from appliance.cold.live.opening import Opened
from appliance.hot.rings import make_rings
from appliance.hot.wire.links import make_links

LIFE_S, SILENCE_S = 1000.0, 5.0
START_S = 5000.0


class Clock:
    """Stands in for the module ``time``."""

    def __init__(self) -> None:
        self.now_s = START_S

    def monotonic(self) -> float:
        return self.now_s


def use(clock: Clock, patch: pytest.MonkeyPatch) -> None:
    """The clock is that of the channels; memory is not locked."""
    patch.setattr(channel, "time", clock)
    patch.setattr(backoff, "time", clock)
    patch.setattr(channel.mapping, "lock_all", list)


class Bench:
    """A channel, and the loop and the venue as the test plays them."""

    def __init__(self, clock: Clock, *, life_s: float = LIFE_S, most: int = 100) -> None:
        self.clock = clock
        self.links = make_links(5, make_rings(1 << 16).to_desk)
        self.table = LinkTable(self.links)
        self.said: list[str] = []
        self.far: list[socket.socket] = []
        self.asked_s: list[float] = []  # when connections were asked for
        self.let_go_alone_n = 0  # times that the only connection was given up
        self.slow = False  # connecting takes until ``let_connect``
        self.gate = asyncio.Event()
        self.failure: Callable[[], BaseException] | None = None
        self.channel = Channel(
            role=LinkRole.BOOKS,
            table=self.table,
            connect=self._connect,
            attempts=Attempts(most, 300.0),
            rng=random.Random(3),
            say=self.said.append,
            life_s=life_s,
            silence_s=SILENCE_S,
        )

    async def _connect(self) -> Link:
        self.asked_s.append(self.clock.now_s)
        if self.slow:
            await self.gate.wait()
        if self.failure is not None:
            raise self.failure()
        near, far = socket.socketpair()
        self.far.append(far)
        return self.table.take(LinkRole.BOOKS, Opened(near, None, b""))

    @property
    def links_now(self) -> list[Link]:
        return self.table.of_role(LinkRole.BOOKS)

    def states(self) -> list[LinkState]:
        return [self.table.state(link) for link in self.links_now]

    def hear(self, *links: Link) -> None:
        """Something comes in."""
        for link in links or self.links_now:
            self.links.records[link.k].messages_n += 1

    def loop(self) -> None:
        """What the compiled loop does: adopts, and lets go of what it is asked to."""
        for link in self.links_now:
            if self.table.state(link) == LinkState.OFFERED:
                self.links.states[link.k] = LinkState.OPEN
        for link in self.links_now:
            if self.table.state(link) == LinkState.OPEN and self.links.wishes[link.k]:
                self.let_go_alone_n += self.states().count(LinkState.OPEN) == 1
                self.end(link, LinkEnd.RETIRED)

    def end(self, link: Link, why: LinkEnd = LinkEnd.CLOSED, detail: int = 0) -> None:
        record = self.links.records[link.k]
        record.end, record.detail = why, detail
        self.links.states[link.k] = LinkState.ENDED

    async def step(self, later_s: float = 0.0, *, heard: bool = True) -> None:
        """Time passes, and everybody has a look."""
        self.clock.now_s += later_s
        if heard:
            self.hear()
        self.channel.tick()
        await asyncio.sleep(0)
        task = self.channel._task
        if task is not None and (not self.slow or self.gate.is_set()):
            await asyncio.wait([task])
        self.channel.tick()
        self.loop()

    async def until_asked(self, count: int, within_s: float = 40.0) -> float:
        """Steps of 10 ms until so many connections were asked for in all; how long it took."""
        began_s = self.clock.now_s
        while len(self.asked_s) < count:
            assert self.clock.now_s - began_s < within_s, f"{self.said}"
            await self.step(0.01)
        return self.clock.now_s - began_s

    def close(self) -> None:
        self.table.free_all()
        for one in self.far:
            one.close()
