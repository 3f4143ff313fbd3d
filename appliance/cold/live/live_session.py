"""The session of one trading process: keeps its channels, books, clock and orders in order.

``run`` is the cold side of the loop: one asyncio task that looks at everything every few
milliseconds, and short tasks for whatever has to wait for the venue.
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Final

from appliance.abi import control as c
from appliance.abi.link import LinkRole
from appliance.abi.operator import Operation
from appliance.abi.refusal import Block
from appliance.abi.trading import OrderState
from appliance.abi.trading_state import Cause, TradingState
from appliance.cold.clerk_desk import ClerkDesk
from appliance.cold.control_region import OfLimit
from appliance.cold.live.alerts import Alerts
from appliance.cold.live.audit import Audit
from appliance.cold.live.backoff import Attempts
from appliance.cold.live.channel import Channel, LogonRefused, Say
from appliance.cold.live.degradation import Degradation
from appliance.cold.live.funds import Funds
from appliance.cold.live.inquiry import Inquiry
from appliance.cold.live.key_file import ApiKey
from appliance.cold.live.link_table import Link, LinkTable
from appliance.cold.live.message_desk import MessageDesk
from appliance.cold.live.opening import open_websocket
from appliance.cold.live.order_channel import OPEN_TIMEOUT_S, OrderChannel
from appliance.cold.live.order_messages import OrderMessages
from appliance.cold.live.report_sink import ReportSink
from appliance.cold.live.rest_client import RestClient, RestError
from appliance.cold.live.session_settings import Settings, ToLoop
from appliance.cold.live.silence import is_book_silent, limit_s
from appliance.cold.live.snapshots import Snapshots
from appliance.cold.live.venue_clock import VenueClock
from appliance.cold.tls_client import TlsContext
from appliance.hot.core import Core
from appliance.hot.ring import size

SERVE_S: Final = 0.002  # a fill that the loop cannot read waits no longer
LOOK_S: Final = 0.01


class LiveSession:
    """Make it on the thread of its asyncio loop."""

    def __init__(
        self,
        settings: Settings,
        core: Core,
        table: LinkTable,
        desk: ClerkDesk,
        rest: RestClient,
        messages: OrderMessages,
        key: ApiKey | None,
        tls: TlsContext,
        say: Say,
    ) -> None:
        """``key`` None: paper, no orders leave."""
        self._settings = settings
        self._core = core
        self._table = table
        self._desk = desk
        self._rest = rest
        self._tls = tls
        self._say = say
        self.server_shutdowns_n = 0
        self.clock = VenueClock(rest, self._clock_offset_max_ns, say)
        self.sink = ReportSink(core.gateway.from_desk)
        self.messages = MessageDesk(
            ring=table.arrays.to_desk,
            messages=messages,
            sink=self.sink,
            on_shutdown=self._on_shutdown,
            on_user_data_lost=self._on_user_data_lost,
            on_clock=self.clock.doubt,
        )
        self.inquiry = Inquiry(
            core.gateway.orders, settings.symbols, settings.epoch, rest, messages, self.sink
        )
        self.snapshots = Snapshots(core, settings.symbols, rest)
        market = settings.endpoints.market
        self.alerts = Alerts(core.gate, settings.symbols, settings.alert_pct, say)
        self.outbox: deque[ToLoop] = deque()  # what the loop is to be told, oldest first
        self._is_ready = False
        self.degradation = Degradation(core, settings.degrade, self._lower)
        self.mismatch = ""  # we and the venue differ, and nothing explains it
        self.audit = Audit(
            core,
            settings.symbols,
            market,
            rest,
            messages,
            settings.compare_every_s,
            say,
            self._on_mismatch,
            takes_foreign=settings.takes_foreign,
        )
        self.funds = Funds(core.gate, market, settings.symbols, settings.currency, rest)
        self._orders: OrderChannel | None = None
        if key is not None:
            self._orders = OrderChannel(
                settings.endpoints,
                key,
                tls,
                table,
                rest,
                self.inquiry,
                self.messages.hear,
                self._on_user_data_lost,
            )
        self.channels = self._make_channels()
        self._tasks: set[asyncio.Task[None]] = set()
        self._defect: BaseException | None = None
        self.last_error = ""
        self.fatal = ""  # why the session cannot go on

    def _make_channels(self) -> dict[LinkRole, Channel]:
        attempts, rng = Attempts(), random.Random(self._settings.seed)
        connects: dict[LinkRole, Callable[[], Coroutine[Any, Any, Link]]] = {
            LinkRole.BOOKS: self._connect_books,
            LinkRole.TRADES: self._connect_trades,
        }
        if self._orders is not None:
            connects[LinkRole.ORDERS] = self._orders.connect_orders
            connects[LinkRole.USER] = self._orders.connect_user
        roles = self._settings.endpoints.roles(orders=self._orders is not None)
        settings = self._settings
        channels = {
            role: Channel(
                role=role,
                table=self._table,
                connect=connects[role],
                attempts=attempts,
                rng=rng,
                say=self._say,
                life_s=settings.life_s,
                silence_s=limit_s(role, settings.endpoints.market, settings.silence_s),
            )
            for role in roles
        }
        channels[LinkRole.BOOKS].misses_some = self._misses_a_book
        return channels

    def _misses_a_book(self) -> bool:
        return is_book_silent(self._core.books, self._settings.silence_s, time.time_ns())

    async def _connect_books(self) -> Link:
        url = self._settings.endpoints.books_url(self._settings.symbols)
        return await self._connect_market(LinkRole.BOOKS, url)

    async def _connect_trades(self) -> Link:
        url = self._settings.endpoints.trades_url(self._settings.symbols)
        assert url is not None
        return await self._connect_market(LinkRole.TRADES, url)

    async def _connect_market(self, role: LinkRole, url: str) -> Link:
        opened = await asyncio.to_thread(open_websocket, url, self._tls, OPEN_TIMEOUT_S)
        return self._table.take(role, opened)

    # ---- the loop of the cold side ------------------------------------------------------------

    async def run(self, until: Callable[[], bool]) -> None:
        """Until ``until`` says so, or the session cannot go on (``fatal``)."""
        look_s = 0.0
        while not until() and not self.fatal:
            self.serve()
            if (now_s := time.monotonic()) >= look_s:
                look_s = now_s + LOOK_S
                self.look()
            if self._defect is not None:
                raise self._defect
            await asyncio.sleep(SERVE_S)

    def serve(self) -> None:
        """What the loop waits for; waits for nothing."""
        self._desk.serve()
        self.messages.serve()
        self.sink.flush()
        self._core.gate.account[0].session_blocks = self._blocks()

    def look(self) -> None:
        """One look at everything else; waits for nothing."""
        for channel in self.channels.values():
            try:
                channel.tick()
            except LogonRefused as error:
                self.fatal = str(error)
        for i in self.snapshots.needed():
            self._spawn(self.snapshots.fetch(i))
        if self._orders is not None:
            for doubt in self.inquiry.due():
                self._spawn(self.inquiry.settle(doubt))
            if self.funds.is_due():
                self._spawn(self.funds.ask())
            if self.audit.is_due():
                self._spawn(self.audit.ask())
            if self._orders.is_keep_alive_due():
                self._spawn(self._orders.keep_alive())
        if self.clock.is_due():
            self._spawn(self.clock.look())
        self._core.gateway.templates.clock_offset_ns[0] = self.clock.offset_ns
        account = self._core.gate.account[0]
        account.clock_offset_ns = self.clock.offset_ns
        account.clock_offset_most_ns = self.clock.most_ns
        account.clock_seen_ns = self.clock.seen_ns
        self.alerts.look(int(self._core.control[c.NOW_NS]))
        if self._orders is not None:
            self.degradation.look(self.clock.offset_ns, time.time_ns())
            if not self._is_ready and self.is_reconciled:
                self._is_ready = True
                self.outbox.append(ToLoop(Operation.READY, "reconciled"))

    def _clock_offset_max_ns(self) -> int:
        return int(self._core.gate.account_limits[0].clock_offset_max_ns)

    def _blocks(self) -> int:
        """What is amiss (Block, or-ed); nothing ever is on paper, where no order leaves."""
        if self._orders is None:
            return 0
        blocks = 0
        reports_wait = self.sink.waiting_n > 0 or int(size(self._core.gateway.from_desk)) > 0
        if self._orders.reconciled_n == 0 or self._orders.reconciling or reports_wait:
            blocks |= Block.RECONCILING
        if self.audit.differs or not self.audit.has_begun:
            blocks |= Block.RECONCILING
        if not self.clock.is_known:
            blocks |= Block.CLOCK
        if self.messages.must_wait:
            blocks |= Block.RATE
        return blocks

    @property
    def is_reconciled(self) -> bool:
        """Everything is known of our orders: the loop has heard what the venue said of each."""
        return not self._blocks() & Block.RECONCILING

    def _on_mismatch(self, what: str) -> None:
        self._say(f"we and the venue differ, and nothing explains it: {what}")
        self.mismatch = what
        self.outbox.append(ToLoop(Operation.MISMATCH, what))

    def _lower(self, state: TradingState, cause: Cause, observed_ms: int, bound_ms: int) -> None:
        text = f"{cause.name.lower()}: {observed_ms} ms, the bound is {bound_ms}"
        self._say(f"{state.name}: {text}")
        self.outbox.append(
            ToLoop(Operation.LOWER, text, OfLimit(cause, -1, state, observed_ms, bound_ms))
        )

    def _on_shutdown(self, role: LinkRole) -> None:
        self.server_shutdowns_n += 1
        self.channels[role].replace("the venue announced its end")

    def _on_user_data_lost(self, role: LinkRole, k: int | None, why: str) -> None:
        """By link ``k`` (None: nobody knows by which). The others of the role are still good."""
        self._say(f"{role.name.lower()}: user data lost: {why}")
        self.audit.soon()
        for link in self._table.of_role(role):
            if k is None or k == link.k:
                self._table.retire(link)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        failure = task.exception()
        if isinstance(failure, RestError):
            self.last_error = str(failure)
        elif failure is not None:
            self._defect = failure  # ours: ``run`` raises it

    def live_orders_n(self) -> int:
        """Orders that are exposure."""
        states = self._core.gateway.orders.table["state"]
        return int((states != OrderState.FREE).sum())

    async def close(self) -> None:
        """No more connections and questions; the loop still runs and lets go of its links."""
        for channel in self.channels.values():
            await channel.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._rest.close()
