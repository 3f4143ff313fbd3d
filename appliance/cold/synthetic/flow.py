"""Random order flow around a wandering fair price.

The fair price is a random walk with spells of trend and of haste. Most who come leave a limit
order near it, some take back an order, a few take liquidity; whoever sees the touch on the wrong
side of the fair price takes it. The book that comes of it has gaps, clusters, thin and thick
spells, and a touch that changes with nearly every second action.
"""

from decimal import Context, Decimal
from functools import cache
from math import isqrt
from random import Random
from typing import Final

from appliance.abi.trading import Side
from appliance.cold.synthetic.matching import MatchingEngine
from appliance.cold.synthetic.symbols import Contract

_FAIR_UNITS: Final = 1 << 16  # the fair price is kept in 1/65536 of a tick
_VOLATILITY_PPM: Final = 15  # of the price, in one second
_SPREAD_PPM: Final = 4  # the unit in which orders stand away from the fair price
_ORDERS_A_SIDE: Final = 400  # about what the book settles at
_LEVELS_MIN: Final = 8  # fewer, and nobody takes or cancels: no side ever empties
_SWEEP_LEVELS: Final = 5  # that one taker goes through at most
_TABLE: Final = 256
_TABLE_UNITS: Final = 1 << 12
_SPELL_ACTIONS: Final = 2048  # mean length of a spell
_BURST_ACTIONS: Final = 48
_HASTES: Final = (2, 3, 4, 7)  # quarters of the usual rate
_TRENDS: Final = (-1, 0, 0, 1)
_BURST_HASTE: Final = 40


@cache
def exponential_table() -> tuple[int, ...]:
    """Quantiles of the exponential distribution, mean 4096.

    By decimal arithmetic: the last bit of a C library's log differs between machines.
    """
    context = Context(prec=30)
    table = []
    for i in range(_TABLE):
        rest = context.divide(Decimal(2 * (_TABLE - i) - 1), Decimal(2 * _TABLE))
        table.append(int(context.multiply(-context.ln(rest), Decimal(_TABLE_UNITS))))
    return tuple(table)


class Flow:
    """Drives the book of one symbol. ``step`` is one arrival."""

    def __init__(self, contract: Contract, rng: Random, actions_per_s: int) -> None:
        self.engine = MatchingEngine()
        self._random = rng.random
        self._exponential = exponential_table()
        self._fair = contract.start_ticks * _FAIR_UNITS
        self._lots = contract.order_lots
        self._unit = max(1, contract.start_ticks * _SPREAD_PPM // 1_000_000)
        deviation = contract.start_ticks * _FAIR_UNITS * _VOLATILITY_PPM // 1_000_000
        # a uniform step of +-a has a deviation of a / sqrt(3)
        self._wander = deviation * 173 // (100 * isqrt(max(1, actions_per_s)))
        self._trend_step = deviation // (2 * max(1, actions_per_s))
        self._gap_ns = 1_000_000_000 // max(1, actions_per_s)
        self._trend = 0
        self._haste = 4
        self._spell_left = 0
        self._burst_left = 0
        self._live: list[int] = []  # numbers of orders, with dead ones among them
        self._fill_book()

    def gap_ns(self) -> int:
        """Time until the next action, at least 1 us."""
        gap = self._gap_ns * self._exponential[int(self._random() * _TABLE)] >> 12
        haste = _BURST_HASTE if self._burst_left else self._haste
        return max(1000, gap * 4 // haste)

    def step(self) -> int:
        """One arrival: the side that took liquidity, or 0. The fills stand in ``engine.fills``."""
        self._drift()
        engine = self.engine
        engine.fills = []
        roll = self._random()
        fair_ticks = self._fair // _FAIR_UNITS
        if roll < 0.5:
            if engine.asks.keys and -engine.asks.keys[-1] < fair_ticks - self._unit:
                return self._take(Side.BUY, fair_ticks)
            if engine.bids.keys and engine.bids.keys[-1] > fair_ticks + self._unit:
                return self._take(Side.SELL, fair_ticks)
        if roll < 0.08:
            return self._take(Side.BUY if self._random() < 0.5 else Side.SELL, 0)
        cancels = 0.45 * len(engine.orders) / (2 * _ORDERS_A_SIDE)
        if roll < 0.08 + min(cancels, 0.8):
            self._cancel()
            return 0
        return self._leave(Side.BUY if self._random() < 0.5 else Side.SELL, fair_ticks)

    def _drift(self) -> None:
        random = self._random
        if self._spell_left <= 0:
            self._spell_left = int(random() * 2 * _SPELL_ACTIONS)
            self._trend = _TRENDS[int(random() * len(_TRENDS))] * self._trend_step
            self._haste = _HASTES[int(random() * len(_HASTES))]
        self._spell_left -= 1
        if self._burst_left:
            self._burst_left -= 1
        elif random() < 0.001:
            self._burst_left = int(random() * 2 * _BURST_ACTIONS)
        self._fair += int(random() * (2 * self._wander + 1)) - self._wander + self._trend
        self._fair = max(self._fair, (_LEVELS_MIN + 1) * self._unit * _FAIR_UNITS)

    def _size(self) -> int:
        return 1 + (self._lots * self._exponential[int(self._random() * _TABLE)] >> 12)

    def _offset(self) -> int:
        """Ticks behind the fair price: many close to it, some far away."""
        far = self._exponential[int(self._random() * _TABLE)]
        unit = self._unit
        # squaring an exponential gives it a heavy tail
        return int((unit * far * far >> 23) * self._random() * 8) + int(self._random() * unit)

    def _leave(self, side: int, fair_ticks: int) -> int:
        """Leave a limit order; it may take first. Returns the side if it did."""
        engine = self.engine
        own, other = engine.half(side), engine.half(-side)
        key = (fair_ticks if side == Side.BUY else -fair_ticks - 1) - self._offset()
        roll = self._random()
        if own.keys and roll < 0.4 and own.keys[-1] <= (fair_ticks + self._unit) * side:
            key = own.keys[-1]  # join the touch, or better it by a tick
            if roll < 0.1 and other.keys and key + 1 < -other.keys[-1]:
                key += 1
        if len(other.keys) >= _LEVELS_MIN:
            key = min(key, -other.keys[-_SWEEP_LEVELS])
        elif other.keys:
            key = min(key, -other.keys[-1] - 1)
        price_ticks = max(1, key * own.sign)
        number = engine.place(side, price_ticks, self._size())
        if number:
            self._live.append(number)
        return side if engine.fills else 0

    def _take(self, side: int, limit_ticks: int) -> int:
        """Take liquidity, up to ``limit_ticks`` if not 0. Returns the side if there was any."""
        other = self.engine.half(-side)
        if len(other.keys) < _LEVELS_MIN:
            return self._leave(-side, self._fair // _FAIR_UNITS)
        last = other.keys[-_SWEEP_LEVELS] * other.sign
        if limit_ticks:
            last = min(last, limit_ticks) if side == Side.BUY else max(last, limit_ticks)
        self.engine.place(side, last, 2 * self._size(), rests=False)
        return side if self.engine.fills else 0

    def _cancel(self) -> None:
        """Take back an order: one at the touch, or any."""
        engine = self.engine
        roll = self._random()
        if roll < 0.4:
            half = engine.bids if roll < 0.2 else engine.asks
            if len(half.keys) >= _LEVELS_MIN:
                queue = half.levels[half.keys[-1]].queue
                # a client's order is not the crowd's to take back
                mine = next((number for number in reversed(queue) if not queue[number].owner), 0)
                engine.cancel(mine)
            return
        live = self._live
        if len(live) > 16 * _ORDERS_A_SIDE:
            live[:] = [number for number in live if number in engine.orders]
        for _ in range(16):
            if not live:
                return
            place = int(self._random() * len(live))
            number = live[place]
            live[place] = live[-1]
            live.pop()
            order = engine.orders.get(number)
            if order is not None:
                if len(engine.half(order.side).keys) >= _LEVELS_MIN:
                    engine.cancel(number)
                else:
                    live.append(number)
                return

    def _fill_book(self) -> None:
        fair_ticks = self._fair // _FAIR_UNITS
        for _ in range(_ORDERS_A_SIDE):
            for side, start in ((Side.BUY, fair_ticks), (Side.SELL, fair_ticks + 1)):
                price_ticks = max(1, start - side * self._offset())
                self._live.append(self.engine.place(side, price_ticks, self._size()))
        self.engine.take_changes()
