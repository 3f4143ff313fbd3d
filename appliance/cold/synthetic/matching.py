"""A price-time matching engine in integers: prices in ticks, quantities in lots.

Deterministic and quick enough for a demo (some 200,000 orders a second). A half of the book keeps
its prices as keys that grow towards the touch (a bid's price, an ask's price negated), so both
halves are the same code and the best level is always the last.

The made-up crowd has no owner (0) and may trade with itself; orders of one owner other than 0 meet
by the rules of self-trade prevention.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Final, NamedTuple

from appliance.abi.trading import Side

CROWD: Final = 0  # the owner of every order that is not a client's


class Prevention(StrEnum):
    """What happens when an order would trade with its owner; the incoming order decides.

    Source: binance-protocol 3, ``selfTradePreventionMode``.
    """

    NONE = "NONE"
    EXPIRE_MAKER = "EXPIRE_MAKER"
    EXPIRE_TAKER = "EXPIRE_TAKER"
    EXPIRE_BOTH = "EXPIRE_BOTH"
    DECREMENT = "DECREMENT"  # both lose the smaller quantity


class Order:
    """A resting order."""

    __slots__ = ("lots", "number", "owner", "price_ticks", "side")

    def __init__(self, number: int, side: int, price_ticks: int, lots: int, owner: int) -> None:
        self.number = number
        self.side = side
        self.price_ticks = price_ticks
        self.lots = lots
        self.owner = owner


class Fill(NamedTuple):
    """One resting order met by an incoming one, at the resting order's price."""

    maker: int
    price_ticks: int
    lots: int


class Prevented(NamedTuple):
    """A meeting of two orders of one owner that was no trade, and the lots that each lost."""

    maker: int
    price_ticks: int
    maker_lots: int
    taker_lots: int


class _Level:
    __slots__ = ("lots", "queue")

    def __init__(self) -> None:
        self.lots = 0
        self.queue: dict[int, Order] = {}  # a dict keeps the order of arrival


class Half:
    """One side of the book. Only the engine writes to it."""

    __slots__ = ("changed", "keys", "levels", "sign")

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.keys: list[int] = []  # ascending; the best is the last
        self.levels: dict[int, _Level] = {}
        self.changed: set[int] = set()  # keys touched since ``MatchingEngine.take_changes``

    def add(self, key: int, order: Order) -> None:
        level = self.levels.get(key)
        if level is None:
            level = self.levels[key] = _Level()
            insort(self.keys, key)
        level.queue[order.number] = order
        level.lots += order.lots
        self.changed.add(key)

    def drop(self, key: int) -> None:
        del self.levels[key]
        if self.keys[-1] == key:
            self.keys.pop()
        else:
            del self.keys[bisect_left(self.keys, key)]

    def best(self) -> tuple[int, int]:
        """Price in ticks and lots of the best level; (0, 0) if there is none."""
        if not self.keys:
            return 0, 0
        key = self.keys[-1]
        return key * self.sign, self.levels[key].lots

    def depth(self, levels_n: int) -> list[tuple[int, int]]:
        """(price in ticks, lots) of the best levels, best first."""
        return [(key * self.sign, self.levels[key].lots) for key in reversed(self.keys[-levels_n:])]

    def lots_up_to(self, price_ticks: int) -> int:
        """Lots at ``price_ticks`` and better: what an order with this limit could take."""
        first = bisect_left(self.keys, price_ticks * self.sign)
        return sum(self.levels[key].lots for key in self.keys[first:])


class MatchingEngine:
    """The book of one symbol. Order numbers rise from 1; 0 means none."""

    def __init__(self) -> None:
        self.bids = Half(1)
        self.asks = Half(-1)
        self.orders: dict[int, Order] = {}
        self.fills: list[Fill] = []  # of the last ``place``
        self.prevented: list[Prevented] = []  # of the last ``place``
        self._number = 0
        self.allow: Callable[[Order, int], int] | None = None  # how much a client's may trade
        self._owner = CROWD  # of the order that is being placed
        self._prevention = Prevention.NONE

    def half(self, side: int) -> Half:
        """Where orders of this side rest."""
        return self.bids if side == Side.BUY else self.asks

    def reach(self, side: int, price_ticks: int) -> Iterator[Order]:
        """Resting orders that an order would meet, if it were large enough; nothing is changed."""
        other = self.half(-side)
        first = bisect_left(other.keys, price_ticks * other.sign)
        for key in reversed(other.keys[first:]):
            yield from other.levels[key].queue.values()

    def place(
        self,
        side: int,
        price_ticks: int,
        lots: int,
        *,
        rests: bool = True,
        owner: int = CROWD,
        prevention: Prevention = Prevention.NONE,
    ) -> int:
        """Match an order, best price first, oldest first; what is left rests if it ``rests``.

        Returns the number of the resting order or 0. The fills stand in ``fills``, in the order
        in which they happened, and what self-trade prevention did in ``prevented``.
        """
        if lots <= 0 or price_ticks <= 0:
            raise ValueError(f"an order of {lots} lots at {price_ticks} ticks")
        own, other = (self.bids, self.asks) if side == Side.BUY else (self.asks, self.bids)
        key = price_ticks * own.sign
        self.fills = []
        self.prevented = []
        self._owner = owner
        self._prevention = prevention
        while lots and other.keys and other.keys[-1] >= -key:
            lots = self._match_level(other, lots)
        if not lots or not rests:
            return 0
        self._number += 1
        order = Order(self._number, side, price_ticks, lots, owner)
        self.orders[order.number] = order
        own.add(key, order)
        return order.number

    def cancel(self, number: int) -> int:
        """Take a resting order out; returns the lots that it still had, 0 if there is none."""
        order = self.orders.pop(number, None)
        if order is None:
            return 0
        half = self.half(order.side)
        key = order.price_ticks * half.sign
        level = half.levels[key]
        del level.queue[number]
        level.lots -= order.lots
        half.changed.add(key)
        if not level.queue:
            half.drop(key)
        return order.lots

    def reduce(self, number: int, lots: int) -> None:
        """Make a resting order smaller; it keeps its place. ``lots`` is what it has from now on."""
        order = self.orders[number]
        if not 0 < lots <= order.lots:
            raise ValueError(f"order {number} has {order.lots} lots, not {lots} or more")
        half = self.half(order.side)
        key = order.price_ticks * half.sign
        half.levels[key].lots -= order.lots - lots
        half.changed.add(key)
        order.lots = lots

    def enlarge(self, number: int, lots: int) -> None:
        """Add lots to the order that is last in its queue: any other would lose its place."""
        order = self.orders[number]
        half = self.half(order.side)
        key = order.price_ticks * half.sign
        level = half.levels[key]
        if lots <= 0 or next(reversed(level.queue)) != number:
            raise ValueError(f"order {number} cannot grow by {lots} lots where it stands")
        level.lots += lots
        half.changed.add(key)
        order.lots += lots

    def take_changes(self) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Levels touched since the last call: bids and asks as (price in ticks, lots now).

        Both best first; 0 lots: the level is gone.
        """
        taken = []
        for half in (self.bids, self.asks):
            levels = half.levels
            taken.append(
                [
                    (key * half.sign, levels[key].lots if key in levels else 0)
                    for key in sorted(half.changed, reverse=True)
                ]
            )
            half.changed.clear()
        return taken[0], taken[1]

    def _match_level(self, half: Half, lots: int) -> int:
        """Fill up to ``lots`` at the best level of ``half``; returns what is left."""
        key = half.keys[-1]
        level = half.levels[key]
        price_ticks = key * half.sign
        half.changed.add(key)
        while lots and level.queue:
            maker = next(iter(level.queue.values()))
            if self._owner and maker.owner == self._owner and self._prevention != Prevention.NONE:
                maker_lots, taker_lots = self._prevent(maker, lots)
                self.prevented.append(Prevented(maker.number, price_ticks, maker_lots, taker_lots))
            else:
                maker_lots = taker_lots = self._allowed(maker, lots)
                if not taker_lots:
                    maker_lots = maker.lots  # it may not trade: it goes
                else:
                    self.fills.append(Fill(maker.number, price_ticks, maker_lots))
            lots -= taker_lots
            maker.lots -= maker_lots
            level.lots -= maker_lots
            if not maker.lots:
                del level.queue[maker.number]
                del self.orders[maker.number]
        if not level.queue:
            half.drop(key)
        return lots

    def _allowed(self, maker: Order, lots: int) -> int:
        """Lots that the resting order trades with one of ``lots``."""
        lots = min(lots, maker.lots)
        return lots if self.allow is None or maker.owner == CROWD else self.allow(maker, lots)

    def _prevent(self, maker: Order, lots: int) -> tuple[int, int]:
        """The lots that the resting and the incoming order lose instead of trading."""
        if self._prevention == Prevention.EXPIRE_MAKER:
            return maker.lots, 0
        if self._prevention == Prevention.EXPIRE_TAKER:
            return 0, lots
        if self._prevention == Prevention.EXPIRE_BOTH:
            return maker.lots, lots
        smaller = min(lots, maker.lots)
        return smaller, smaller
