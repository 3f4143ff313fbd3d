"""A whole session in this process: the compiled loop on a thread, the cold side on asyncio."""

import asyncio
import contextlib
import gc
import ssl
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from appliance.abi import control as c
from appliance.abi.counters import Counter
from appliance.abi.link import LinkRole
from appliance.abi.market import BookState, Market
from appliance.abi.refusal import Block
from appliance.abi.trading_state import TradingState
from appliance.abi.units import NS_PER_MS
from appliance.cold import boot
from appliance.cold.clerk import Clerk
from appliance.cold.clerk_desk import ClerkDesk
from appliance.cold.limits import demo_limits, give_paper_funds
from appliance.cold.live import venue_rules
from appliance.cold.live.key_file import ApiKey
from appliance.cold.live.link_table import LinkTable
from appliance.cold.live.live_session import LiveSession
from appliance.cold.live.order_messages import OrderMessages
from appliance.cold.live.rest_client import RestClient
from appliance.cold.live.session_settings import Settings
from appliance.cold.quarantine import Quarantine
from appliance.cold.run_config import check
from appliance.cold.strategy_loader import load_strategy
from appliance.cold.tls_client import TlsContext
from appliance.cold.warm_up import warm_core
from appliance.hot import duty_cycle
from appliance.hot.rings import make_rings
from appliance.hot.telemetry import make_telemetry
from appliance.hot.wire.links import make_links
from tests.live.parts import SYMBOLS, endpoints_of
from tests.venue.running_venue import RunningVenue

EAGER = Path(__file__).with_name("eager.py")
PATIENCE_S = 30.0
RING_BYTES = 8 << 20


def eager(every_us: int = 5_000) -> Any:
    return load_strategy(str(EAGER), {"every_us": str(every_us)})


class SessionBench:
    """``run(venue, market, key, work)``: what stands around ``work`` while it runs."""

    def __init__(self, venue: RunningVenue, market: Market, key: ApiKey | None) -> None:
        self.venue, self.market, self.key = venue, market, key
        self.said: list[str] = []
        self.account = ""  # at the venue
        self.settings = Settings(
            endpoints=endpoints_of(venue, market),
            symbols=SYMBOLS,
            currency="USDT",
            epoch=int(time.time()) & 0xFFFF_FFFF,
            silence_s=30.0,
            life_s=3600.0,
            alert_pct=80,
            degrade={},
            compare_every_s=60.0,
            takes_foreign=True,
            seed=7,
        )
        self.session: LiveSession
        self.core: Any

    async def make(self, rest: RestClient, tls: TlsContext) -> None:
        market = self.market.name.lower()
        names = {"mode": "paper", "market": market, "symbols": list(SYMBOLS)}
        instruments = await venue_rules.ask(rest, check(names, Path("run.toml")))
        rings = make_rings(RING_BYTES)
        self.core = boot.make_core(
            instruments.records,
            instruments.symbols,
            eager(),
            make_telemetry(len(SYMBOLS)),
            rings,
            epoch=self.settings.epoch,
        )
        account = self.core.gate.account[0]
        demo_limits(instruments.records, list(instruments.first_prices_ticks)).write(self.core.gate)
        give_paper_funds(self.core.gate)
        self.core.gate.account_limits["clock_offset_max_ns"] = 500 * NS_PER_MS
        account.trading_state = TradingState.ACTIVE
        if self.key is not None:
            account.session_blocks = Block.RECONCILING | Block.CLOCK
            account.link_blocks = Block.LINK | Block.USER_DATA
        self.core.control[c.PAPER] = int(self.key is None)
        self.core.control[c.ANSWER_MAX_NS] = 500_000_000
        self.links = make_links(self.settings.seed, rings.to_desk)
        grids = venue_rules.grids_of(instruments)
        rows = [(s, self.market, g.price_e8, g.quantity_e8) for s, (_, g) in grids.items()]
        self.session = LiveSession(
            self.settings,
            self.core,
            LinkTable(self.links),
            ClerkDesk(self.core, Clerk(rows), Quarantine()),
            rest,
            OrderMessages(self.market, self.settings.epoch, grids),
            self.key,
            tls,
            self.said.append,
        )

    # ---- what is seen ---------------------------------------------------------------------------

    def count(self, counter: Counter) -> int:
        return int(self.core.telemetry.counters[counter, 0])

    @property
    def blocks(self) -> int:
        account = self.core.gate.account[0]
        return int(account.session_blocks) | int(account.link_blocks)

    def channel(self, role: LinkRole) -> Any:
        return self.session.channels[role]

    def connects(self) -> int:
        return sum(channel.connects_n for channel in self.session.channels.values())

    def is_healthy(self) -> bool:
        live = all(head.state == BookState.LIVE for head in self.core.books.heads)
        is_open = all(channel.is_open for channel in self.session.channels.values())
        return live and is_open and self.blocks == 0

    async def until(self, found: Callable[[], Any], what: str, within_s: float = PATIENCE_S) -> Any:
        """What ``found`` returns as soon as that is true."""
        until_s = time.monotonic() + within_s
        while not (value := found()):
            assert time.monotonic() < until_s, f"{what}: {self.said}, blocks {self.blocks}"
            await asyncio.sleep(0.002)
        return value

    async def ask(self, path: str, form: dict[str, Any] | None = None) -> Any:
        call = (self.venue.get, path) if form is None else (self.venue.post, path, form)
        return await asyncio.to_thread(*call)

    async def orders_go_out(self) -> None:
        sent_n = self.count(Counter.ORDERS_SENT)
        await self.until(lambda: self.count(Counter.ORDERS_SENT) > sent_n + 3, "orders")

    async def no_order_goes_out(self, for_s: float = 0.25) -> None:
        """Though the strategy asks all the time, and the gate refuses for what is amiss."""
        sent_n, refused_n = self.count(Counter.ORDERS_SENT), self.count(Counter.GATE_REFUSED)
        await asyncio.sleep(for_s)
        await self.until(lambda: self.count(Counter.GATE_REFUSED) > refused_n, "refusals")
        assert self.count(Counter.ORDERS_SENT) == sent_n

    # ---- the end --------------------------------------------------------------------------------

    async def settle(self, account: str) -> None:
        """No order of ours is left anywhere, and we hold what the venue says that we traded."""
        self.core.gate.account[0].trading_state = TradingState.HALTED
        await asyncio.sleep(0.05)
        await self.session.inquiry.cancel_all()
        await self.until(lambda: self.session.live_orders_n() == 0, "an end of all orders")
        assert (await self.theirs(account))["openOrders"] == []
        assert not await self.differences(account)

    async def stand_still(self, still: bool) -> None:
        """No new order, and no market that fills those there are; or on with both."""
        state = TradingState.HALTED if still else TradingState.ACTIVE
        self.core.gate.account[0].trading_state = state
        await self.ask("/venue/market", {"moves": not still})
        await asyncio.sleep(0.1)

    async def theirs(self, account: str) -> Any:
        """What the venue knows of the account."""
        state = (await self.ask("/venue/state?depth=1"))[self.market.name.lower()]
        return state["accounts"][account]

    async def differences(self, account: str) -> list[str]:
        """A line for each position that is not what the venue says that we traded."""
        traded = (await self.theirs(account))["traded"]
        lines = []
        for i, symbol in enumerate(SYMBOLS):
            grid = int(self.core.gate.instruments[i].quantity_grid_e8)
            ours = Decimal(int(self.core.gateway.positions[i].position_lots) * grid).scaleb(-8)
            signed = Decimal(traded.get(symbol, "0"))
            illegal_n = self.count(Counter.REPORTS_ILLEGAL)
            if ours != signed:
                lines.append(f"{symbol}: {ours}, {signed}; {illegal_n} illegal reports")
        return lines


Work = Callable[[SessionBench], Awaitable[None]]


def run(
    venue: RunningVenue,
    market: Market,
    key: ApiKey | None,
    work: Work,
    **changed: Any,
) -> SessionBench:
    """``work`` beside a running session; everything is stopped afterwards."""
    bench = SessionBench(venue, market, key)
    bench.settings = replace(bench.settings, **changed)

    async def inner() -> None:
        rest = RestClient(bench.settings.endpoints, ssl.create_default_context(), key)
        await bench.make(rest, TlsContext(None))
        over = False
        loop = threading.Thread(target=duty_cycle.run_live, args=(bench.core, bench.links))
        bench.core.control[c.COMMAND] = c.Command.RUN
        loop.start()
        running = asyncio.ensure_future(bench.session.run(lambda: over))
        working = asyncio.ensure_future(work(bench))
        try:
            await asyncio.wait([running, working], return_when=asyncio.FIRST_COMPLETED)
            if not working.done() and not bench.session.fatal:
                await running
            await working
        finally:
            over = True
            working.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running
            await bench.session.close()
            bench.core.control[c.COMMAND] = c.Command.STOP
            await asyncio.to_thread(loop.join)
            bench.session._table.free_all()

    asyncio.run(inner())
    return bench


def compile_once() -> None:
    """The loop with the eager strategy, for every session of this process."""
    core, rings = warm_core(eager(), (0, 0), Market.SPOT)
    boot.compile_loop(core, eager(), make_links(1, rings.to_desk))
    gc.enable()
