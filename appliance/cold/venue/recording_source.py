"""A recording as the source that moves an instrument's market, in recorded time.

How the recorded market meets clients' orders: ``recorded_crowd``. Ids, stamps and bookTickers are
the venue's own: the book has clients in it, so the recorded ones would not be true of it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from appliance.abi.trading import Side
from appliance.abi.units import NS_PER_S
from appliance.cold.venue.instrument import NEVER_NS
from appliance.cold.venue.recorded_crowd import RecordedCrowd
from appliance.cold.venue.recorded_market import Change, Deal, RecordedMarket

_PAUSE_NS: Final = NS_PER_S  # between two rounds of a recording


@dataclass(frozen=True)
class Pace:
    """Of all symbols of a recording alike, so that they stay in step."""

    start_ns: int  # of the venue's clock, when ``first_ns`` of the recording happens
    first_ns: int
    last_ns: int
    speed: float = 1.0
    repeats: bool = False

    def due_ns(self, recorded_ns: int, rounds: int) -> int:
        whole_ns = rounds * (self.last_ns - self.first_ns + _PAUSE_NS)
        return self.start_ns + int((whole_ns + recorded_ns - self.first_ns) / self.speed)


class RecordingSource:
    """Plays one symbol. One recorded event may take several acts, all at the same time."""

    def __init__(self, market: RecordedMarket, engine: RecordedCrowd, pace: Pace) -> None:
        self._market = market
        self._engine = engine
        self._pace = pace
        self._late_ns = 0
        self._next = 0
        self._rounds = 0
        self._recorded: dict[int, dict[int, int]] = {Side.BUY: {}, Side.SELL: {}}
        self._pending: list[Callable[[], int]] = []  # acts of the event that is going on
        self.next_ns = 0
        self._plan()

    @property
    def gaps(self) -> int:
        """Places of the recording where differences are missing."""
        return self._market.gaps

    def act(self) -> int:
        """The side that took liquidity, or 0."""
        if self._pending:
            taker = self._pending.pop(0)()
        else:
            event = self._market.events[self._next]
            self._next += 1
            taker = self._change(event) if isinstance(event, Change) else self._deal(event)
        if not self._pending:
            self._plan()
        return taker

    def resume(self, now_ns: int) -> None:
        """The machine has slept: go on from now, and leave nothing out."""
        self._late_ns += now_ns - self.next_ns
        self.next_ns = now_ns

    def _plan(self) -> None:
        events = self._market.events
        if self._next == len(events):
            if not self._pace.repeats:
                self.next_ns = NEVER_NS
                return
            self._next = 0
            self._rounds += 1
        due_ns = self._pace.due_ns(events[self._next].at_ns, self._rounds)
        self.next_ns = due_ns + self._late_ns

    def _change(self, change: Change) -> int:
        """Sizes as they were recorded: here, and wherever the crowd went astray."""
        recorded, engine = self._recorded, self._engine
        named = engine.astray
        engine.astray = set()
        if change.whole:
            named.update((side, ticks) for side, sizes in recorded.items() for ticks in sizes)
            for sizes in recorded.values():
                sizes.clear()
        named.update(self._take_down(change))
        wanted = [(side, ticks, recorded[side].get(ticks, 0)) for side, ticks in named]
        for side, ticks, lots in wanted:
            engine.shrink(side, ticks, lots)
        for side, ticks, lots in sorted(wanted, key=lambda w: -w[0] * w[1]):  # best first
            if not lots:
                continue
            if engine.half(-side).lots_up_to(ticks):  # somebody stands in the way: a client
                self._pending.append(partial(self._grow, side, ticks, lots))
            else:
                self._grow(side, ticks, lots)
        return 0

    def _take_down(self, change: Change) -> list[tuple[int, int]]:
        """The levels of a difference, noted; where they are."""
        contract, levels = self._market.contract, self._market.levels
        named = []
        at = change.start
        for side, count in ((Side.BUY, change.bids_n), (Side.SELL, change.asks_n)):
            sizes = self._recorded[side]
            for place in range(at, at + 2 * count, 2):
                ticks = levels[place] // contract.price_grid_e8
                lots = levels[place + 1] // contract.quantity_grid_e8
                named.append((int(side), ticks))
                if lots:
                    sizes[ticks] = lots
                else:
                    sizes.pop(ticks, None)
            at += 2 * count
        return named

    def _grow(self, side: int, ticks: int, lots: int) -> int:
        """Up to ``lots``; the side, if it met a client's order."""
        engine = self._engine
        more = lots - engine.crowd_lots(side, ticks)
        if more <= 0:
            return 0
        engine.grow(side, ticks, more)
        return side if engine.fills else 0

    def _deal(self, deal: Deal) -> int:
        contract = self._market.contract
        ticks = deal.price_e8 // contract.price_grid_e8
        lots = deal.quantity_e8 // contract.quantity_grid_e8
        if not lots:
            return 0
        missing = self._engine.missing(deal.taker, ticks, lots)
        if missing:
            self._engine.grow(-deal.taker, ticks, missing)
            if self._engine.fills:  # a client was there first
                self._pending.append(partial(self._take, deal.taker, ticks, lots))
                return -deal.taker
        return self._take(deal.taker, ticks, lots)

    def _take(self, taker: int, ticks: int, lots: int) -> int:
        self._engine.place(taker, ticks, lots, rests=False)
        return taker if self._engine.fills else 0
