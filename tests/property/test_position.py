"""Any sequence of fills against fractions: exact identities, bounded distance to the average."""

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.abi.layout import records
from appliance.abi.trading import POSITION
from appliance.hot.jit import JIT_DISABLED
from appliance.hot.position import apply_fill, mark, pnl_tick_lots, unrealised_tick_lots
from tests.oracle.reference_position import AveragePosition, ReferencePosition

EXAMPLES = 60 if JIT_DISABLED else 300

SIDES = st.sampled_from([1, -1])
SMALL = st.tuples(SIDES, st.integers(1, 50), st.integers(1, 20))
ORDINARY = st.tuples(SIDES, st.integers(1, 10**7), st.integers(1, 10**6))
# Positions beyond 2**31 lots, where the plain product would not fit
LARGE = st.tuples(SIDES, st.integers(1, 1000), st.integers(1, 10**13))
FILLS = st.one_of(*(st.lists(kind, min_size=1, max_size=30) for kind in (SMALL, ORDINARY, LARGE)))


@settings(deadline=None, max_examples=EXAMPLES)
@given(FILLS, st.integers(1, 10**4))
def test_integers_follow_the_rule_and_lose_nothing(
    fills: list[tuple[int, int, int]], mark_ticks: int
) -> None:
    positions = records(1, POSITION)
    rec = positions[0]
    mark(positions, 0, mark_ticks)
    rule, average = ReferencePosition(), AveragePosition()
    for side, price, lots in fills:
        assert apply_fill(positions, 0, side, price, lots) == 1
        rule.fill(side, price, lots)
        average.fill(side, price, lots)

        assert rec.position_lots == rule.position == average.position
        assert rec.cost_tick_lots == rule.cost
        assert rec.realised_tick_lots == rule.realised
        assert rec.cash_tick_lots == rule.cash
        assert rec.turnover_tick_lots == rule.turnover
        worth = int(rec.cash_tick_lots) + int(rec.position_lots) * mark_ticks
        assert rec.realised_tick_lots + unrealised_tick_lots(positions, 0) == worth
        assert pnl_tick_lots(positions, 0) == worth

        if rec.position_lots == 0:
            assert rec.cost_tick_lots == 0
            assert rec.realised_tick_lots == average.realised
        else:  # each reduction leaves less than one tick-lot too much in the cost
            excess = abs(int(rec.cost_tick_lots)) - average.average * abs(average.position)
            assert 0 <= excess <= average.reductions
            assert excess < max(average.reductions, 1)
    bought = sum(lots for side, _, lots in fills if side == 1)
    sold = sum(lots for side, _, lots in fills if side == -1)
    assert (rec.bought_lots, rec.sold_lots, rec.fills_n) == (bought, sold, len(fills))


@settings(deadline=None, max_examples=EXAMPLES)
@given(SIDES, st.lists(st.tuples(st.integers(1, 10**7), st.integers(1, 10**6)), min_size=1))
def test_the_average_price_is_exact_while_only_added_to(
    side: int, fills: list[tuple[int, int]]
) -> None:
    positions = records(1, POSITION)
    for price, lots in fills:
        apply_fill(positions, 0, side, price, lots)
    expected = Fraction(sum(p * q for p, q in fills), sum(q for _, q in fills))
    rec = positions[0]
    assert Fraction(int(rec.cost_tick_lots), int(rec.position_lots)) == expected
    assert rec.realised_tick_lots == 0
