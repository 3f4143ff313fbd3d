"""The hot thread and what feeds it: frames of a recording into the ring, the loop over them.

The loop runs on a thread of its own with the GIL released. It comes back only when it is stopped,
when all is done, or, in lockstep, when a frame needs the clerk.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import numpy as np

from appliance.abi import control as c
from appliance.abi.market import FrameSource
from appliance.abi.units import NS_PER_S
from appliance.cold.clerk_desk import ClerkDesk
from appliance.cold.placement import ANYWHERE, Placement
from appliance.cold.purity import PurityMeter
from appliance.cold.recording import Arena
from appliance.hot.core import Core
from appliance.hot.frame_ring import push_many

SLEEP_S_MAX: Final = 0.005  # of the pacing feeder: it is this late at worst
LEAD_NS: Final = 200_000  # frames due this soon go along


class Feed:
    """Frames of an arena, pushed as the ring has room."""

    def __init__(
        self, core: Core, arena: Arena, hints: "np.ndarray[tuple[int], np.dtype[np.int64]]"
    ):
        self._ring = core.ingress
        self._arena = arena
        self._hints = hints
        self._sources = np.where(arena.is_rest != 0, int(FrameSource.REST), int(FrameSource.STREAM))
        self._sources = self._sources.astype(np.int64)
        self.next = 0

    @property
    def left_n(self) -> int:
        return len(self._arena) - self.next

    def push(self, count: int) -> int:
        """Up to ``count`` frames; how many there was room for."""
        arena = self._arena
        count = min(count, self.left_n)
        if count <= 0:
            return 0
        pushed = int(
            push_many(
                self._ring,
                arena.data,
                arena.starts,
                arena.lengths,
                arena.receive_ns,
                self._hints,
                self._sources,
                self.next,
                count,
                0,
            )
        )
        self.next += pushed
        return pushed

    def due_n(self, until_ns: int) -> int:
        """How many of those left were received by ``until_ns``."""
        return int(np.searchsorted(self._arena.receive_ns, until_ns, side="right")) - self.next


class HotLoop:
    """Runs a compiled loop on its thread until its feed is empty or it is stopped."""

    def __init__(self, core: Core, run: Callable[[Core], int], desk: ClerkDesk) -> None:
        self.core = core
        self._run = run
        self._desk = desk
        self.purity = PurityMeter()
        self.busy_ns = 0  # inside the compiled loop, wall time
        self.left = c.Left.STOPPED
        self._failure: BaseException | None = None
        self._thread: threading.Thread | None = None
        self._ready = threading.Event()
        self._go = threading.Event()
        self._refill: Callable[[], bool] = lambda: False

    def prepare(self, rehearse: Callable[[], object], placement: Placement = ANYWHERE) -> None:
        """Make the thread, where it is to run, and have it rehearse, so that its stack and code are
        paged in. ApplianceError: it may not run there."""
        self._thread = threading.Thread(
            target=self._live, args=(rehearse, placement), name="hot", daemon=True
        )
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure

    def start(self, refill: Callable[[], bool]) -> None:
        """Let it go; ``refill`` is called when all is done, True: there is more."""
        self._refill = refill
        self.core.control[c.COMMAND] = c.Command.RUN
        self._go.set()

    def abandon(self) -> None:
        """End a thread that was prepared and never started."""
        self.start(lambda: False)
        self.stop()
        self.join()

    def _live(self, rehearse: Callable[[], object], placement: Placement) -> None:
        try:
            # Its place comes second: a rehearsal has threads of its own, which would inherit it and
            # never have their turn behind one that spins there first in, first out.
            rehearse()
            placement.take()
            self._run(self.core)  # stopped: comes back at once
        except BaseException as failure:  # told to whoever waits
            self._failure = failure
            return
        finally:
            self._ready.set()
        self._go.wait()
        try:
            self._loop()
        except BaseException as failure:  # told to whoever joins
            self._failure = failure

    def _loop(self) -> None:
        while True:
            self.purity.begin()
            started_ns = time.perf_counter_ns()
            left = self._run(self.core)
            self.busy_ns += time.perf_counter_ns() - started_ns
            self.purity.end()
            self.left = c.Left(left)
            if left == c.Left.CLERK:
                self._desk.serve()
            elif left != c.Left.DRAINED or not self._refill():
                return

    def stop(self) -> None:
        """The loop leaves at its next pass."""
        self.core.control[c.COMMAND] = c.Command.STOP

    @property
    def running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def join(self, timeout_s: float | None = None) -> bool:
        """Wait for the end; True if it has ended. Raises what the thread died of."""
        if self._thread is not None:
            self._thread.join(timeout_s)
        if self._failure is not None:
            raise self._failure
        return not self.running


def repeated(feed: Feed, times: int, restore: Callable[[], None]) -> Iterator[Feed]:
    """The same frames again and again, each time from the state that ``restore`` brings back."""
    for number in range(times):
        if number:
            restore()
            feed.next = 0
        yield feed


def run_flat_out(
    loop: HotLoop, feeds: Iterable[Feed], watch: Callable[[], None], interval_s: float = 0.1
) -> None:
    """All feeds as fast as the loop can, each pushed before the loop goes on."""
    iterator = iter(feeds)
    state: dict[str, Feed | None] = {"feed": None}

    def refill() -> bool:
        while True:
            feed = state["feed"]
            if feed is not None and feed.push(feed.left_n) > 0:
                return True
            state["feed"] = next(iterator, None)
            if state["feed"] is None:
                return False

    loop.core.control[c.DRAIN] = 1
    if not refill():
        return
    loop.start(refill)
    _watch_until_done(loop, watch, interval_s)


def run_in_time(
    loop: HotLoop,
    feeds: Iterable[Feed],
    speed: float,
    watch: Callable[[], None],
    interval_s: float = 0.1,
) -> None:
    """Frames at ``speed`` times the pace at which they were received."""
    loop.core.control[c.DRAIN] = 0
    loop.start(lambda: False)
    origin: tuple[int, int] | None = None
    looked = time.monotonic()
    try:
        for feed in feeds:
            while feed.left_n and loop.running:
                first_ns = int(feed._arena.receive_ns[feed.next])
                wall_ns = time.monotonic_ns()
                if origin is None:
                    origin = (first_ns, wall_ns)
                market_ns = origin[0] + int((wall_ns - origin[1]) * speed)
                feed.push(feed.due_n(market_ns + LEAD_NS))
                if time.monotonic() - looked >= interval_s:
                    looked = time.monotonic()
                    watch()
                if feed.left_n:
                    due_s = (int(feed._arena.receive_ns[feed.next]) - market_ns) / NS_PER_S / speed
                    time.sleep(min(max(due_s, 0.0), SLEEP_S_MAX))
        loop.core.control[c.DRAIN] = 1
        _watch_until_done(loop, watch, interval_s)
    except BaseException:
        loop.stop()
        loop.join(5.0)
        raise


def _watch_until_done(loop: HotLoop, watch: Callable[[], None], interval_s: float) -> None:
    try:
        while not loop.join(interval_s):
            watch()
        watch()
    except BaseException:
        loop.stop()
        loop.join(5.0)
        raise
