"""What a venue publishes of one book: ids, differences, trades. Plain figures, not yet written.

Each action that changes a book gets one update id, so an id names one state of the book. Spot
counts per symbol without a hole; USD-M draws from one counter for all symbols, which also skips.
Thus a bookTicker and a difference with the same last id show the same touch, whichever of the two
is received first.
"""

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from appliance.abi.trading import Side
from appliance.cold.synthetic.matching import MatchingEngine

Level = tuple[int, int]  # price in ticks, lots


class Touch(NamedTuple):
    """The best of both sides, after they changed; (0, 0): an empty side."""

    at_ns: int
    update_id: int
    bid: Level
    ask: Level


class Print(NamedTuple):
    """One trade: one resting order met."""

    at_ns: int
    trade_id: int
    price_ticks: int
    lots: int
    maker_buys: bool  # the aggressor sold


class Aggregate(NamedTuple):
    """The trades of one incoming order at one price."""

    at_ns: int
    aggregate_id: int
    first_id: int
    last_id: int
    price_ticks: int
    lots: int
    maker_buys: bool


class Difference(NamedTuple):
    """Levels that changed since the last difference of the same cadence."""

    changed_ns: int
    ids: tuple[int, int, int]  # first, last, and the last of the difference before
    bids: list[Level]  # best first; 0 lots: the level is gone
    asks: list[Level]


class Counter:
    """Update ids: one after the other on spot, with skips on USD-M."""

    def __init__(self, skips: Random | None, number: int = 0) -> None:
        self._skips = skips
        self.last = 50_000_000_000 + number * 1_000_000_000

    def next(self) -> int:
        self.last += 1 if self._skips is None else 1 + int(self._skips.random() * 40)
        return self.last


class _Gathering:
    """A difference while it gathers."""

    def __init__(self, last_id: int) -> None:
        self.first_id = 0  # 0: nothing in it
        self.flushed_id = last_id
        self.bids: dict[int, int] = {}
        self.asks: dict[int, int] = {}


class Tape:
    """Records what a matching engine does. ``cadences``: how many kinds of difference gather."""

    def __init__(self, engine: MatchingEngine, ids: Counter, cadences: int = 1) -> None:
        self.engine = engine
        self._ids = ids
        self.last_id = ids.next()
        self.changed_ns = 0
        self.touch = engine.bids.best(), engine.asks.best()
        self._gathering = [_Gathering(self.last_id) for _ in range(cadences)]
        self._trade_id = 1_000_000
        self._aggregate_id = 500_000

    def note(self, now_ns: int, taker: int) -> tuple[list[Print], list[Aggregate], Touch | None]:
        """Take down the engine's last action; ``taker`` is the side that took liquidity, or 0.

        The prints are in the order of ``engine.fills``, one for one.
        """
        engine = self.engine
        if not engine.bids.changed and not engine.asks.changed:
            return [], [], None
        self.last_id = self._ids.next()
        self.changed_ns = now_ns
        bids, asks = engine.take_changes()
        for gathering in self._gathering:
            if not gathering.first_id:
                gathering.first_id = self.last_id
            gathering.bids.update(bids)
            gathering.asks.update(asks)
        prints, aggregates = self._trades(now_ns, taker) if taker else ([], [])
        touch = engine.bids.best(), engine.asks.best()
        if touch == self.touch:
            return prints, aggregates, None
        self.touch = touch
        return prints, aggregates, Touch(now_ns, self.last_id, *touch)

    def flush(self, cadence: int = 0) -> Difference | None:
        """The difference since the last of this cadence; None if nothing changed."""
        gathering = self._gathering[cadence]
        if not gathering.first_id:
            return None
        difference = Difference(
            self.changed_ns,
            (gathering.first_id, self.last_id, gathering.flushed_id),
            sorted(gathering.bids.items(), reverse=True),
            sorted(gathering.asks.items()),
        )
        gathering.first_id = 0
        gathering.flushed_id = self.last_id
        gathering.bids = {}
        gathering.asks = {}
        return difference

    def _trades(self, now_ns: int, taker: int) -> tuple[list[Print], list[Aggregate]]:
        fills: Sequence[tuple[int, int, int]] = self.engine.fills
        maker_buys = taker == Side.SELL
        prints = []
        aggregates = []
        first_id, lots = self._trade_id + 1, 0
        for number, (_, price_ticks, filled) in enumerate(fills):
            self._trade_id += 1
            lots += filled
            prints.append(Print(now_ns, self._trade_id, price_ticks, filled, maker_buys))
            if number + 1 == len(fills) or fills[number + 1][1] != price_ticks:
                self._aggregate_id += 1
                ids = self._aggregate_id, first_id, self._trade_id
                aggregates.append(Aggregate(now_ns, *ids, price_ticks, lots, maker_buys))
                first_id, lots = self._trade_id + 1, 0
        return prints, aggregates
