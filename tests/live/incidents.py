"""What goes wrong in a campaign, and what must hold after each time (campaign.py)."""

import asyncio
import contextlib
import random
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from appliance.abi.book import ASKS, BIDS
from appliance.abi.counters import Counter
from appliance.abi.market import BookState, Market
from appliance.abi.refusal import Reject
from appliance.abi.region import attach
from appliance.abi.trading_state import TradingState
from appliance.cold.live.trading_run import TradingRun
from tests.live.venue_process import VenueProcess
from tests.live.watch import Watch
from tests.strategies.books import held

PATIENCE_S: Final = 90.0  # the longest pause before another attempt is 30 s
DWELL_S: Final = 1.0  # between two incidents, at most
CATCH_UP_S: Final = 0.8  # differences come ten times a second
GAP_S: Final = 1.0  # it shows with the next difference
TRIES: Final = 10


class Campaign:
    """``run`` once, on the asyncio loop of the trading process."""

    def __init__(
        self,
        trading: TradingRun,
        venue: VenueProcess,
        market: Market,
        symbols: tuple[str, ...],
        seed: int,
    ) -> None:
        self._trading = trading
        self._symbols = symbols
        self._venue = venue
        self._market = market.name.lower()
        self._rng = random.Random(seed)
        self._watch: Watch
        self.compared_n = 0
        self.levels_n = 0
        self.recoveries_s: dict[str, list[float]] = {}

    # ---- the two ends -------------------------------------------------------------------------

    async def _ask(self, path: str, form: dict[str, Any] | None = None) -> Any:
        return await asyncio.to_thread(self._venue.fetch, path, form)

    async def _until(
        self, what: str, found: Callable[[], bool], within_s: float = PATIENCE_S
    ) -> None:
        until_s = time.monotonic() + within_s
        while not found():
            self._watch.look()
            if time.monotonic() > until_s:
                raise AssertionError(f"{what}: not within {within_s} s; {self._state()}")
            await asyncio.sleep(0.002)

    def _state(self) -> str:
        session, core = self._trading.session, self._core
        assert session is not None
        books = [(int(h.state), int(h.reason), int(h.last_id)) for h in core.books.heads]
        ends = {role.name: channel.ends for role, channel in session.channels.items()}
        blocks = int(core.gate.account[0].session_blocks), int(core.gate.account[0].link_blocks)
        made = self._trading.made
        assert made is not None and made.links is not None
        links = [
            (int(state), int(record.role), int(record.end), int(record.backed_up_n))
            for state, record in zip(made.links.states, made.links.records, strict=True)
            if state
        ]
        words = made.links.words.tolist()
        return (
            f"books {books}, ends {ends}, blocks {blocks}, links {links}, {words},"
            f" {session.last_error or 'no error'}"
        )

    @property
    def _core(self) -> Any:
        assert self._trading.made is not None
        return self._trading.made.core

    def _count(self, counter: Counter) -> int:
        return int(self._core.telemetry.counters[counter, 0])

    def _connects(self) -> int:
        assert self._trading.session is not None
        return sum(channel.connects_n for channel in self._trading.session.channels.values())

    def _ends(self) -> int:
        """Connections that ended without our wish."""
        assert self._trading.session is not None
        channels = self._trading.session.channels.values()
        return sum(n for one in channels for why, n in one.ends.items() if why != "retired")

    def _silences(self) -> int:
        assert self._trading.session is not None
        return sum(channel.silences_n for channel in self._trading.session.channels.values())

    def _is_healthy(self) -> bool:
        account, session = self._core.gate.account[0], self._trading.session
        assert session is not None
        live = all(head.state == BookState.LIVE for head in self._core.books.heads)
        channels = session.channels.values()
        blocked = int(account.session_blocks) or int(account.link_blocks)
        return live and not blocked and all(channel.is_open for channel in channels)

    # ---- incidents ----------------------------------------------------------------------------

    async def _hit(self, **fault: Any) -> None:
        """Switch a fault on for one hit, and wait for it."""
        await self._ask("/venue/faults", {"times": 1, **fault})
        until_s = time.monotonic() + PATIENCE_S
        while not (await self._ask("/venue/faults"))["hits"]:
            assert time.monotonic() < until_s, f"{fault} hit nothing; {self._state()}"
            self._watch.look()
            await asyncio.sleep(0.005)

    async def disconnect(self) -> None:
        ends_n = self._ends()
        await self._hit(disconnect=1.0, on=self._rng.choice(["streams", "api"]))
        await self._until("an end noticed", lambda: self._ends() > ends_n)

    async def drop(self) -> None:
        """While a connection is being replaced both deliver, and nothing is missing: once more."""
        gaps_n = self._count(Counter.GAPS)
        until_s = time.monotonic() + PATIENCE_S
        while self._count(Counter.GAPS) == gaps_n:
            assert time.monotonic() < until_s, f"no gap; {self._state()}"
            await self._hit(drop=1.0, event="depthUpdate", on="streams")
            with contextlib.suppress(AssertionError):
                await self._until("a gap", lambda: self._count(Counter.GAPS) > gaps_n, GAP_S)

    async def silence(self) -> None:
        silences_n = self._silences()
        await self._ask("/venue/faults", {"silent": True, "on": "streams"})
        await self._until("silence noticed", lambda: self._silences() > silences_n)
        await self._ask("/venue/faults", {"silent": False})

    async def doubt(self) -> None:
        """An order that was taken, or was not, and the answer says neither."""
        kind = self._rng.choice(["error_before", "error_after"])
        await self._hit(**{kind: 1.0})

    async def _mend(self) -> None:
        calm = {"disconnect": 0, "drop": 0, "error_before": 0, "error_after": 0, "silent": False}
        await self._ask("/venue/faults", {**calm, "times": 0, "event": "", "on": "streams"})

    # ---- what must hold -----------------------------------------------------------------------

    async def compare(self) -> None:
        """Every level of every book against the venue's, at the same id.

        A gap that shows only now needs a market that moves to be mended: then once more.
        """
        for _ in range(TRIES):
            await self._until("recovery", self._is_healthy)
            if await self._compare_in_a_pause():
                return
        raise AssertionError(f"the books do not catch up; {self._state()}")

    async def _compare_in_a_pause(self) -> bool:
        account = self._core.gate.account[0]
        account.trading_state = TradingState.HALTED
        await self._ask("/venue/market", {"moves": False})
        try:
            until_s = time.monotonic() + CATCH_UP_S
            while time.monotonic() < until_s:
                books = (await self._ask("/venue/state"))[self._market]["books"]
                self._watch.look()
                if self._are_at(books):
                    for i, symbol in enumerate(self._symbols):
                        self._compare_one(i, books[symbol])
                    return True
                await asyncio.sleep(0.02)
            return False
        finally:
            await self._ask("/venue/market", {"moves": True})
            account.trading_state = TradingState.ACTIVE

    def _are_at(self, books: dict[str, Any]) -> bool:
        heads = zip(self._symbols, self._core.books.heads, strict=True)
        return all(
            head.state == BookState.LIVE and int(head.last_id) == books[symbol]["lastUpdateId"]
            for symbol, head in heads
        )

    def _compare_one(self, i: int, truth: dict[str, Any]) -> None:
        record = self._core.gate.instruments[i]
        price_grid, lot_grid = int(record.price_grid_e8), int(record.quantity_grid_e8)
        assert int(self._core.books.heads[i].last_id) == truth["lastUpdateId"]
        for name, side in (("bids", BIDS), ("asks", ASKS)):
            ours = held(self._core.books, i, side)
            theirs = {
                int(Decimal(price).scaleb(8)) // price_grid: int(Decimal(lots).scaleb(8))
                // lot_grid
                for price, lots in truth[name]
            }
            assert ours == theirs, (
                f"{self._symbols[i]} {name} differ: {set(ours.items()) ^ set(theirs.items())}"
            )
            self.levels_n += len(ours)
        self.compared_n += 1

    async def _settle(self) -> dict[str, Any]:
        """No order of ours anywhere; positions. Compares them with the venue's."""
        session, core = self._trading.session, self._core
        assert session is not None
        core.gate.account[0].trading_state = TradingState.HALTED
        await asyncio.sleep(0.1)
        await session.inquiry.cancel_all()
        await self._until("an end of all orders", lambda: session.live_orders_n() == 0)
        await self._ask("/venue/market", {"moves": False})
        account = (await self._ask("/venue/state?depth=1"))[self._market]["accounts"]["demo"]
        assert account["openOrders"] == [], "the venue holds orders that we forgot"
        await self._until("reports to be read", lambda: session.sink.waiting_n == 0)
        await asyncio.sleep(0.2)
        positions = {}
        for i, symbol in enumerate(self._symbols):
            signed = Decimal(account["traded"].get(symbol, "0"))
            grid = int(core.gate.instruments[i].quantity_grid_e8)
            ours = Decimal(int(core.gateway.positions[i].position_lots) * grid).scaleb(-8)
            assert ours == signed, f"{symbol}: position {ours}, the venue's {signed}"
            positions[symbol] = f"{ours.normalize():f}"
        return {"positions": positions, "trades": account["tradesTotal"]}

    async def run(self, counts: dict[str, int], say: Callable[[str], None]) -> dict[str, Any]:
        """All incidents in random order; the tally. AssertionError says what did not hold."""
        trading = self._trading
        while trading.session is None or trading.made is None:
            await asyncio.sleep(0.01)
        self._watch = Watch(attach(trading.made.region.path))
        await self._until("a start", self._is_healthy)
        kinds = [kind for kind, n in counts.items() for _ in range(n)]
        self._rng.shuffle(kinds)
        for number, kind in enumerate(kinds, 1):
            await asyncio.sleep(self._rng.uniform(0.0, DWELL_S))
            began_s = time.monotonic()
            sent_n = self._watch.sent_n
            await getattr(self, kind)()
            await self._mend()
            await self._until("recovery", self._is_healthy)
            self.recoveries_s.setdefault(kind, []).append(time.monotonic() - began_s)
            await self.compare()
            await self._until("orders", lambda n=sent_n: self._watch.sent_n > n)
            assert not self._watch.faults, self._watch.faults
            say(f"{number} of {len(kinds)}: {kind}, {self.recoveries_s[kind][-1]:.2f} s")
        end = await self._settle()
        self._watch.look()
        assert not self._watch.faults, self._watch.faults
        return {**counts, **end, **self._tally()}

    def _tally(self) -> dict[str, Any]:
        session = self._trading.session
        assert session is not None
        return {
            "books_compared": self.compared_n,
            "levels_compared": self.levels_n,
            "orders_sent": self._watch.sent_n,
            "refused_book_not_live": self._watch.refused[Reject.BOOK_NOT_LIVE],
            "refused_blocked": self._watch.refused[Reject.BLOCKED],
            "gaps": self._count(Counter.GAPS),
            "unanswered": self._count(Counter.UNANSWERED),
            "asked": session.inquiry.asked_n,
            "snapshots": session.snapshots.pushed_n,
            "connects": self._connects(),
            "recovery_s": {
                kind: {"median": sorted(s)[len(s) // 2], "max": max(s)}
                for kind, s in self.recoveries_s.items()
            },
        }
