"""A slow and obvious exchange: one list of orders in order of arrival, searched from end to end.

Written from the protocol's rules (binance-protocol 3: price before time, times in force,
selfTradePreventionMode), not from the code under test. Prices and quantities are integers. Owner 0
is the crowd, whose orders may meet each other.
"""

from dataclasses import dataclass, field

BUY, SELL = 1, -1


@dataclass(eq=False)
class PlainOrder:
    """``price`` 0: at the market."""

    name: str
    owner: int
    side: int
    price: int
    left: int
    filled: int = 0
    prevented: int = 0
    status: str = "NEW"

    @property
    def is_open(self) -> bool:
        return self.status in ("NEW", "PARTIALLY_FILLED")


@dataclass(frozen=True)
class PlainTrade:
    price: int
    lots: int
    maker: PlainOrder
    taker: PlainOrder


@dataclass
class PlainExchange:
    resting: list[PlainOrder] = field(default_factory=list)
    trades: list[PlainTrade] = field(default_factory=list)

    def next_maker(self, order: PlainOrder, passed: set[str]) -> PlainOrder | None:
        """Best price first, then who came first, of those that the order reaches."""
        reached = [
            other
            for other in self.resting
            if other.side == -order.side
            and other.name not in passed
            and (not order.price or (order.price - other.price) * order.side >= 0)
        ]
        return min(reached, key=lambda other: other.price * order.side, default=None)

    def takes(self, order: PlainOrder) -> bool:
        """True if the order would meet anybody, itself not excepted."""
        return self.next_maker(order, set()) is not None

    def fills_whole(self, order: PlainOrder, mode: str) -> bool:
        """Fill or kill: all of it, by trades with others."""
        left, passed = order.left, set[str]()
        while left > 0:
            maker = self.next_maker(order, passed)
            if maker is None:
                return False
            passed.add(maker.name)
            if not _meet_themselves(order, maker, mode):
                left -= maker.left
            elif mode != "EXPIRE_MAKER":
                return False
        return True

    def place(self, order: PlainOrder, time_in_force: str, mode: str) -> None:
        """Match it; what is left of it rests, or ends."""
        if time_in_force == "FOK" and not self.fills_whole(order, mode):
            order.status = "EXPIRED"
            return
        while order.left and (maker := self.next_maker(order, set())) is not None:
            if _meet_themselves(order, maker, mode):
                _prevent(order, maker, mode)
            else:
                lots = min(order.left, maker.left)
                self.trades.append(PlainTrade(maker.price, lots, maker, order))
                for one in (order, maker):
                    one.left -= lots
                    one.filled += lots
                    one.status = "PARTIALLY_FILLED" if one.left else "FILLED"
            if not maker.left:
                self.resting.remove(maker)
        if not order.left:
            # ended by a match that was prevented, if any was
            order.status = "EXPIRED_IN_MATCH" if order.prevented else "FILLED"
        elif order.price and time_in_force == "GTC":
            self.resting.append(order)
        else:
            order.status = "EXPIRED"

    def cancel(self, order: PlainOrder) -> None:
        self.resting.remove(order)
        order.status = "CANCELED"

    def depth(self, side: int) -> list[tuple[int, int]]:
        levels: dict[int, int] = {}
        for order in self.resting:
            if order.side == side:
                levels[order.price] = levels.get(order.price, 0) + order.left
        return sorted(levels.items(), reverse=side == BUY)


def _meet_themselves(order: PlainOrder, maker: PlainOrder, mode: str) -> bool:
    return order.owner == maker.owner != 0 and mode != "NONE"


def _prevent(taker: PlainOrder, maker: PlainOrder, mode: str) -> None:
    smaller = min(taker.left, maker.left)
    lost = {
        "EXPIRE_MAKER": (0, maker.left),
        "EXPIRE_TAKER": (taker.left, 0),
        "EXPIRE_BOTH": (taker.left, maker.left),
        "DECREMENT": (smaller, smaller),
    }[mode]
    for order, lots in zip((taker, maker), lost, strict=True):
        order.left -= lots
        order.prevented += lots
        if not order.left:
            order.status = "EXPIRED_IN_MATCH"
