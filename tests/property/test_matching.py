"""The matching engine against the plainest one: a list of orders, searched from end to end."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.abi.trading import Side
from appliance.cold.synthetic.matching import Fill, MatchingEngine

BUY, SELL = int(Side.BUY), int(Side.SELL)


@dataclass
class Plain:
    """side, price, lots, number; the list is in order of arrival."""

    orders: list[list[int]] = field(default_factory=list)
    number: int = 0

    def place(self, side: int, price: int, lots: int, rests: bool) -> tuple[int, list[Fill]]:
        fills = []
        while lots:
            others = [o for o in self.orders if o[0] == -side and (price - o[1]) * side >= 0]
            if not others:
                break
            best = min(o[1] * side for o in others)
            maker = next(o for o in others if o[1] * side == best)
            filled = min(lots, maker[2])
            lots -= filled
            maker[2] -= filled
            fills.append(Fill(maker[3], maker[1], filled))
            if not maker[2]:
                self.orders.remove(maker)
        if not lots or not rests:
            return 0, fills
        self.number += 1
        self.orders.append([side, price, lots, self.number])
        return self.number, fills

    def cancel(self, number: int) -> int:
        for order in self.orders:
            if order[3] == number:
                self.orders.remove(order)
                return order[2]
        return 0

    def depth(self, side: int) -> list[tuple[int, int]]:
        levels: dict[int, int] = {}
        for own, price, lots, _ in self.orders:
            if own == side:
                levels[price] = levels.get(price, 0) + lots
        return sorted(levels.items(), reverse=side == BUY)


PLACE = st.tuples(
    st.just("place"),
    st.sampled_from([BUY, SELL]),
    st.integers(95, 105),
    st.integers(1, 9),
    st.booleans(),
)
CANCEL = st.tuples(st.just("cancel"), st.integers(0, 40))


@settings(deadline=None, max_examples=300)
@given(st.lists(st.one_of(PLACE, PLACE, CANCEL), max_size=60))
def test_same_as_the_plain_one(actions: list[tuple[Any, ...]]) -> None:
    engine, plain = MatchingEngine(), Plain()
    before: dict[int, dict[int, int]] = {BUY: {}, SELL: {}}
    placed = filled = canceled = expired = 0
    for kind, *values in actions:
        if kind == "place":
            side, price, lots, rests = values
            number = engine.place(side, price, lots, rests=rests)
            assert (number, engine.fills) == plain.place(side, price, lots, rests)
            taken = sum(fill.lots for fill in engine.fills)
            placed += lots
            filled += taken
            expired += 0 if rests else lots - taken
        else:
            lost = engine.cancel(values[0])
            assert lost == plain.cancel(values[0])
            canceled += lost
        bids, asks = engine.bids.depth(99), engine.asks.depth(99)
        assert bids == plain.depth(BUY)
        assert asks == plain.depth(SELL)
        assert engine.bids.best() == (bids[0] if bids else (0, 0))
        assert engine.asks.best() == (asks[0] if asks else (0, 0))
        assert not bids or not asks or bids[0][0] < asks[0][0]
        # what was placed was filled (both orders of a fill), taken back, dropped, or rests
        resting = sum(lots for _, lots in bids + asks)
        assert placed == 2 * filled + canceled + expired + resting
        assert resting == sum(order.lots for order in engine.orders.values())
        # the changes lead from the book before to the book now, and name no other level
        for side, levels, changes in zip(
            (BUY, SELL), (bids, asks), engine.take_changes(), strict=True
        ):
            for price, lots in changes:
                before[side].pop(price, None)
                if lots:
                    before[side][price] = lots
            assert before[side] == dict(levels)
            assert [p for p, _ in changes] == sorted({p for p, _ in changes}, reverse=side == BUY)


@pytest.mark.parametrize(("price", "lots"), [(0, 1), (1, 0), (-1, 1), (1, -1)])
def test_orders_that_are_none(price: int, lots: int) -> None:
    with pytest.raises(ValueError, match="an order of"):
        MatchingEngine().place(BUY, price, lots)


def test_oldest_first_at_a_price() -> None:
    engine = MatchingEngine()
    first, second = engine.place(SELL, 100, 3), engine.place(SELL, 100, 3)
    better = engine.place(SELL, 99, 1)
    assert engine.place(BUY, 100, 5) == 0
    assert engine.fills == [Fill(better, 99, 1), Fill(first, 100, 3), Fill(second, 100, 1)]
