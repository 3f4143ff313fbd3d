"""The recorded market as orders of the crowd in a matching engine, among those of clients.

At every price the crowd has the recorded size, clients queue behind what was there when they came:

* more was recorded at a price: it joins the end of the queue;
* less was recorded: what no trade explains leaves from the end of the queue, so that what stands
  before a client leaves last. The recording does not say whose order was taken back; this is the
  assumption that fills a client latest. (Half of the volume at a price is younger than a client
  that has been there for long: a fair guess would fill it earlier.)
* a recorded trade takes from the front of the queue, whoever stands there. It proves that nobody
  offered better and that nobody on the taker's own side stood at that price: what the crowd still
  has there is out of date and goes. If the crowd has less than was traded, it is given the rest.
* a recorded order at or through a client's price trades with the client.

What clients take is missing from the book until the recorded size at that price changes: the
recorded crowd does not answer to clients. Where only trades led the crowd astray, the next recorded
difference sets it right.
"""

from bisect import bisect_left, bisect_right

from appliance.cold.synthetic.matching import CROWD, Half, MatchingEngine, Order


class RecordedCrowd(MatchingEngine):
    """``astray``: (side, ticks) where the crowd may differ from what was recorded, by trades."""

    def __init__(self) -> None:
        super().__init__()
        self.astray: set[tuple[int, int]] = set()

    def crowd_lots(self, side: int, ticks: int) -> int:
        """What the crowd has at a price."""
        return sum(order.lots for order in self._crowd_at(self.half(side), ticks))

    def shrink(self, side: int, ticks: int, lots: int) -> None:
        """The crowd has no more than ``lots`` at a price: the end of the queue goes first."""
        half = self.half(side)
        orders = self._crowd_at(half, ticks)
        surplus = sum(order.lots for order in orders) - lots
        for order in reversed(orders):
            if surplus <= 0:
                break
            if order.lots <= surplus:
                surplus -= self.cancel(order.number)
            else:
                self.reduce(order.number, order.lots - surplus)
                surplus = 0

    def grow(self, side: int, ticks: int, lots: int) -> None:
        """More of the crowd comes; it may meet a client's order, then ``fills`` shows it."""
        self.fills = []
        self._clear(-side, ticks, at_it=True)
        half = self.half(side)
        level = half.levels.get(ticks * half.sign)
        last = next(reversed(level.queue.values())) if level is not None else None
        if last is not None and last.owner == CROWD:
            self.enlarge(last.number, lots)
        else:
            self.place(side, ticks, lots)

    def missing(self, taker: int, ticks: int, lots: int) -> int:
        """Make way for a recorded trade; the lots that the book lacks for it."""
        self._clear(-taker, ticks, at_it=False)
        self._clear(taker, ticks, at_it=True)
        self.astray.add((-taker, ticks))
        return max(0, lots - self.half(-taker).lots_up_to(ticks))

    def _clear(self, side: int, ticks: int, *, at_it: bool) -> None:
        """No crowd of ``side`` at ``ticks`` (if ``at_it``) and better."""
        half = self.half(side)
        bound = ticks * half.sign
        first = bisect_left(half.keys, bound) if at_it else bisect_right(half.keys, bound)
        for key in half.keys[first:]:
            for order in self._crowd_at(half, key * half.sign):
                self.cancel(order.number)
                self.astray.add((side, order.price_ticks))

    def _crowd_at(self, half: Half, ticks: int) -> list[Order]:
        level = half.levels.get(ticks * half.sign)
        return [o for o in level.queue.values() if o.owner == CROWD] if level is not None else []
