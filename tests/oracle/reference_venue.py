"""The simulated venue, written down from its rules and not from its code: dictionaries and lists.

Books as in appliance.hot.backtest.depth, fills as in appliance.hot.backtest.venue, queues: the risk
averse one and the power families of appliance.hot.backtest.queue.
"""

from dataclasses import dataclass, field


@dataclass
class Order:
    key: int
    side: int  # 1 buys, -1 sells
    ticks: int
    lots: int
    front: float = 0.0
    traded: float = 0.0


@dataclass
class ReferenceVenue:
    """One instrument. ``done``: (what, key, ticks, lots), in order."""

    partial: bool = False
    power: float = 0.0  # 0: risk averse; else POWER with this exponent
    levels: dict[int, dict[int, int]] = field(default_factory=lambda: {1: {}, -1: {}})
    best: dict[int, int | None] = field(default_factory=lambda: {1: None, -1: None})
    orders: list[Order] = field(default_factory=list)
    done: list[tuple[str, int, int, int]] = field(default_factory=list)

    def level(self, side: int, ticks: int, lots: int) -> None:
        before = self.levels[side].get(ticks, 0)
        before_best = self.best[side]
        self._set(side, ticks, lots)
        for order in self.orders:
            if (order.side, order.ticks) == (side, ticks):
                self._queue(order, before, lots)
        best = self.best[side]
        if best is not None and (before_best is None or side * (best - before_best) > 0):
            for order in self._in_line(-side):
                if order.side * (order.ticks - best) >= 0:
                    self._fill(order, order.lots)

    def _set(self, side: int, ticks: int, lots: int) -> None:
        book, best = self.levels[side], self.best[side]
        if lots:
            book[ticks] = lots
            if best is None or side * (ticks - best) > 0:
                self.best[side] = ticks
                other = self.best[-side]
                if other is not None and side * (ticks - other) >= 0:
                    self.best[-side] = self._behind(-side, ticks)
        else:
            book.pop(ticks, None)
            if ticks == best:
                self.best[side] = self._behind(side, ticks)

    def _behind(self, side: int, ticks: int) -> int | None:
        """The best level of a side that is worse than this."""
        worse = [t for t in self.levels[side] if side * (t - ticks) < 0]
        return max(worse, key=lambda t: side * t) if worse else None

    def _queue(self, order: Order, before: int, lots: int) -> None:
        if not self.power:
            order.front = min(order.front, lots)
            return
        gone = before - lots - order.traded
        order.traded = 0.0
        if gone < 0:
            order.front = min(order.front, lots)
            return
        front, back = order.front, before - order.front
        whole = back**self.power + front**self.power
        if whole == 0:
            order.front = lots
            return
        behind = back**self.power / whole
        moved = front - (1 - behind) * gone + min(back - behind * gone, 0.0)
        order.front = min(moved, lots)

    def _in_line(self, side: int) -> list[Order]:
        """Best price first, then the oldest: sorting is stable."""
        mine = [order for order in self.orders if order.side == side]
        return sorted(mine, key=lambda order: -side * order.ticks)

    def trade(self, taker: int, ticks: int, lots: int) -> None:
        for order in self._in_line(-taker):
            beyond = order.side * (order.ticks - ticks)
            if beyond > 0:
                self._fill(order, order.lots)
            elif beyond == 0:
                order.front -= lots
                order.traded += lots
                through = int(-order.front + 0.5) if order.front <= -0.5 else 0
                if through:
                    order.front = 0.0
                    self._fill(order, min(through, order.lots) if self.partial else order.lots)

    def _fill(self, order: Order, lots: int) -> None:
        self.done.append(("FILL", order.key, order.ticks, lots))
        order.lots -= lots
        if not order.lots:
            self.orders.remove(order)

    def place(self, key: int, side: int, ticks: int, lots: int, tif: str) -> None:
        other = self.best[-side]
        if other is None or side * (ticks - other) < 0:
            if tif == "IOC":
                self.done.append(("EXPIRED", key, ticks, lots))
                return
            front = float(self.levels[side].get(ticks, 0))
            self.orders.append(Order(key, side, ticks, lots, front))
            self.done.append(("PLACED", key, ticks, lots))
        elif tif == "POST_ONLY":
            self.done.append(("REFUSED", key, ticks, lots))
        elif not self.partial:
            self.done.append(("FILL", key, other, lots))
        else:
            self._take(key, side, ticks, lots, tif, other)

    def _take(self, key: int, side: int, ticks: int, lots: int, tif: str, best: int) -> None:
        left, level = lots, best
        while left and level is not None and side * (ticks - level) >= 0:
            if level != ticks or tif == "IOC":
                taken = min(left, self.levels[-side][level])
                self.done.append(("FILL", key, level, taken))
                left -= taken
            level = self._behind(-side, level)
        if left:
            self.done.append(("EXPIRED" if tif == "IOC" else "FILL", key, ticks, left))

    def cancel(self, key: int) -> None:
        mine = [order for order in self.orders if order.key == key]
        if not mine:
            self.done.append(("CANCEL_REJECTED", key, 0, 0))
            return
        self.orders.remove(mine[0])
        self.done.append(("CANCELED", key, mine[0].ticks, 0))
