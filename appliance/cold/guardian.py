"""Watches a loop's heart from outside, and does what the loop cannot when it stands still.

A process of its own, small and without compiled code, because it must work when nothing else does.
It looks at the telemetry region (never writes it), lets its own heart beat in the control region,
where the gate looks at it, and acts by REST.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from appliance.abi import region
from appliance.abi.operator import (
    BEATS,
    CONTROL_BYTES,
    MARK,
    MARKED,
    Mailbox,
    Operation,
    control_path,
    mailbox_in,
)
from appliance.abi.region_report import Health
from appliance.cold import mapping, testnet
from appliance.cold.control_region import NotAnswered, post
from appliance.cold.errors import ApplianceError
from appliance.cold.live.kill_switch import KillSwitch
from appliance.cold.live.rest_client import RestError

LOOK_S: Final = 0.05  # a loop may be silent for ten of them
PREPARE_EVERY_S: Final = 5.0
ABLE_S: Final = 15.0  # a guardian that did not reach the venue for longer is none
COUNT_DOWN_S: Final = 10.0
ACT_WITHIN_S: Final = 5.0  # one attempt; it goes on until nothing is open
SWEEP_AGAIN_S: Final = 1.0  # while it stands still: the venue counts our questions
# A dead process sends nothing more, but what it sent may still be on its way: the venue refuses
# what is older than five seconds.
WATCH_DEAD_S: Final = 6.5
_MS: Final = 1_000_000
_MODES: Final = ("live", testnet.MODE)  # that have orders at a venue


class Doing(StrEnum):
    WAITING = "waiting"  # nothing runs under that name
    GUARDING = "guarding"
    ACTING = "acting"  # the loop stands still


class Guardian:
    """``run`` it; ``events`` are what happened, for whoever asks at the end."""

    def __init__(
        self, path: Path, switch: KillSwitch, heartbeat_max_ms: int, say: Callable[[str], None]
    ) -> None:
        """``path``: of the telemetry region, which need not exist yet."""
        self._path = path
        self._switch = switch
        self._age_max_ns = heartbeat_max_ms * _MS
        self._say = say
        self._view: Any = None
        self._control: Any = None
        self._mailbox: Mailbox | None = None
        self._able_s = -ABLE_S  # when the venue answered last
        self._prepare_s = 0.0
        self._count_down_s = 0.0
        self._acted: tuple[int, str] | None = None  # on which run, and why
        self._dead_s = 0.0
        self._sweep_s = 0.0
        self.doing = Doing.WAITING
        self.events: list[dict[str, Any]] = []

    async def run(self, stopped: asyncio.Event) -> None:
        """Until ``stopped`` is set; a countdown at the venue ends with it."""
        keeper = asyncio.ensure_future(self._keep_able(stopped))
        try:
            while not stopped.is_set():
                await self.look()
                await asyncio.sleep(LOOK_S)
        finally:
            keeper.cancel()
            await asyncio.wait({keeper})
            if self._count_down_s:
                with contextlib.suppress(RestError):
                    await self._switch.count_down(0.0)
            self._let_go()

    async def _keep_able(self, stopped: asyncio.Event) -> None:
        """The connection stays open, the clock known, and the venue's countdown wound up."""
        while not stopped.is_set():
            try:
                await self._switch.prepare()
                self._able_s = time.monotonic()
                if self.doing is Doing.GUARDING:
                    await self._switch.count_down(COUNT_DOWN_S)
                    self._count_down_s = time.monotonic()
            except RestError as error:
                self._tell("unable", f"the venue does not answer: {error}", once=True)
                await asyncio.sleep(1.0)
                continue
            await asyncio.sleep(COUNT_DOWN_S / 3)

    @property
    def is_able(self) -> bool:
        """Whether it could act now."""
        return time.monotonic() - self._able_s < ABLE_S

    async def look(self) -> None:
        """One look; acts if it must."""
        health = self._health()
        if health in (Health.STALE, Health.DEAD):
            await self._act(health)
            return
        if health is not None and health.is_good:
            if self.doing is not Doing.GUARDING:
                self._tell("guarding", f"{self._path.name}: guarding process {self._pid}")
            self.doing = Doing.GUARDING
            self._beat()
            return
        if self.doing is not Doing.WAITING:
            self._tell("waiting", f"{self._path.name}: the run has ended")
        self.doing = Doing.WAITING

    def _health(self) -> Health | None:
        if self._view is not None and self._view.restarted():
            self._let_go()
        if self._view is None:
            try:
                self._view = region.attach(self._path)
            except region.RegionError:
                return None
            if self._view.identity.mode not in _MODES:
                self._let_go()
                return None
        health: Health = self._view.health(self._age_max_ns)
        return health

    @property
    def _pid(self) -> int:
        return int(self._view.identity.process.pid)

    def _beat(self) -> None:
        """Only a guardian that could act has a heart."""
        if not self.is_able:
            return
        if self._mailbox is None:
            try:
                self._control = mapping.attach(control_path(self._path), writable=True)
            except ApplianceError:
                return
            if len(self._control) < CONTROL_BYTES:
                return
            mailbox = mailbox_in(self._control)
            if int(mailbox.words[MARKED]) != MARK:
                return
            self._mailbox = mailbox
        self._mailbox.words[BEATS] = time.time_ns()

    def _let_go(self) -> None:
        if self._view is not None:
            self._view.close()
        self._view = self._mailbox = None
        if self._control is not None:
            self._control.close()
            self._control = None

    async def _act(self, health: Health) -> None:
        """The loop does not live: it is told to halt, should it go on, and its orders go."""
        run = (self._view.identity.epoch, str(health))
        now_s = time.monotonic()
        if self._acted == run and health is Health.DEAD and now_s - self._dead_s > WATCH_DEAD_S:
            self.doing = Doing.WAITING
            return
        is_new = self._acted != run
        if not is_new and now_s < self._sweep_s:
            return
        began_s = now_s
        age_ms = (self._view.heartbeat_age_ns() or 0) / _MS
        if is_new:
            self._acted, self._dead_s, self.doing = run, now_s, Doing.ACTING
            why = "is dead" if health is Health.DEAD else f"has not beaten for {age_ms:.0f} ms"
            self._tell("acting", f"{self._path.name}: the loop {why}: cancelling what is open")
            self._halt(f"the guardian: no heartbeat for {age_ms:.0f} ms")
        swept = await self._switch.until_nothing_is_open(ACT_WITHIN_S)
        self._sweep_s = time.monotonic() + SWEEP_AGAIN_S
        span_ms = (time.monotonic() - began_s) * 1000
        if swept.failed:
            self._tell("failed", f"{swept.left} orders may be open: {swept.failed}", once=True)
        elif is_new or swept.found:
            self._tell(
                "cancelled",
                f"{swept.found} orders cancelled, nothing is open, {span_ms:.0f} ms after that",
                orders=swept.found,
                ms=round(span_ms),
            )

    def _halt(self, reason: str) -> None:
        """It stands in the mailbox: a loop that wakes up reads that before anything else."""
        with contextlib.suppress(ApplianceError, NotAnswered):
            post(control_path(self._path), Operation.GUARD, reason, 0.001)

    def _tell(self, event: str, text: str, *, once: bool = False, **more: Any) -> None:
        if once and self.events and self.events[-1]["event"] == event:
            return
        self.events.append({"event": event, "at_ns": time.time_ns(), "text": text, **more})
        self._say(text)
