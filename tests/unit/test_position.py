"""Position and profit: worked examples, refusals, and the wide multiply-divide."""

import random

import numpy as np
import pytest

from appliance.abi.layout import records
from appliance.abi.trading import POSITION, Side
from appliance.hot.position import (
    TURNOVER_MAX,
    apply_fill,
    mark,
    pnl_tick_lots,
    share,
    unrealised_tick_lots,
)


def test_a_round_trip() -> None:
    positions = records(2, POSITION)
    assert apply_fill(positions, 1, Side.BUY, 100, 3) == 1
    assert apply_fill(positions, 1, Side.BUY, 110, 1) == 1
    rec = positions[1]
    assert (rec.position_lots, rec.cost_tick_lots) == (4, 410)  # average 102.5, exactly
    assert apply_fill(positions, 1, Side.SELL, 120, 3) == 1
    # floor(410 x 3 / 4) = 307 leaves; 103 stays in the cost of the last lot
    assert (rec.position_lots, rec.cost_tick_lots, rec.realised_tick_lots) == (1, 103, 360 - 307)
    assert apply_fill(positions, 1, Side.SELL, 90, 1) == 1
    assert (rec.position_lots, rec.cost_tick_lots) == (0, 0)
    assert rec.realised_tick_lots == rec.cash_tick_lots == 360 + 90 - 410
    assert (rec.bought_lots, rec.sold_lots, rec.fills_n) == (4, 4, 4)
    assert rec.turnover_tick_lots == 300 + 110 + 360 + 90
    assert positions[0].fills_n == 0


@pytest.mark.parametrize("side", [Side.BUY, Side.SELL])
def test_crossing_zero_realises_everything_and_opens_at_the_price(side: Side) -> None:
    positions = records(1, POSITION)
    apply_fill(positions, 0, side, 100, 5)
    apply_fill(positions, 0, -side, 107, 8)
    rec = positions[0]
    assert rec.position_lots == -3 * side
    assert rec.cost_tick_lots == -3 * 107 * side
    assert rec.realised_tick_lots == 5 * 7 * side


def test_a_short_position_keeps_the_remainder_too() -> None:
    positions = records(1, POSITION)
    apply_fill(positions, 0, Side.SELL, 10, 2)
    apply_fill(positions, 0, Side.SELL, 11, 1)
    apply_fill(positions, 0, Side.BUY, 9, 1)
    rec = positions[0]
    assert (rec.position_lots, rec.cost_tick_lots) == (-2, -21)  # floor(31 / 3) = 10 left
    assert rec.realised_tick_lots == 10 - 9


def test_marks_and_profit() -> None:
    positions = records(1, POSITION)
    apply_fill(positions, 0, Side.BUY, 100, 2)
    assert (unrealised_tick_lots(positions, 0), pnl_tick_lots(positions, 0)) == (0, 0)
    mark(positions, 0, 103)
    assert (unrealised_tick_lots(positions, 0), pnl_tick_lots(positions, 0)) == (6, 6)
    mark(positions, 0, 0)  # no price: the last mark stays
    assert positions[0].mark_ticks == 103
    apply_fill(positions, 0, Side.SELL, 90, 1)
    assert pnl_tick_lots(positions, 0) == -10 + 3


@pytest.mark.parametrize(
    ("i", "side", "price", "lots"),
    [
        (-1, 1, 10, 1),
        (1, 1, 10, 1),
        (0, 0, 10, 1),
        (0, 2, 10, 1),
        (0, 1, 0, 1),
        (0, 1, -5, 1),
        (0, 1, 10, 0),
        (0, -1, 10, -3),
        (0, 1, 1 << 40, 1 << 40),
    ],
)
def test_nonsense_changes_nothing(i: int, side: int, price: int, lots: int) -> None:
    positions = records(1, POSITION)
    apply_fill(positions, 0, Side.BUY, 7, 7)
    before = positions.tobytes()
    assert apply_fill(positions, i, side, price, lots) == 0
    assert positions.tobytes() == before


def test_the_turnover_ends_exactly_at_its_bound() -> None:
    positions = records(1, POSITION)
    assert apply_fill(positions, 0, Side.BUY, 1, TURNOVER_MAX - 5) == 1
    assert apply_fill(positions, 0, Side.SELL, 2, 3) == 0
    assert apply_fill(positions, 0, Side.SELL, 1, 5) == 1
    assert apply_fill(positions, 0, Side.SELL, 1, 1) == 0
    assert positions[0].position_lots == TURNOVER_MAX - 10


def test_share_is_the_exact_floor_up_to_the_bounds() -> None:
    rng = random.Random(7)
    edges = [1, 2, 3, (1 << 31) - 1, 1 << 31, (1 << 31) + 1, 1 << 61, TURNOVER_MAX]
    cases = [(a, p, w) for a in [0, *edges] for w in edges for p in edges if p <= w]
    for _ in range(300):
        whole = rng.randrange(1, 1 << rng.randrange(1, 63))
        cases.append((rng.randrange(1 << rng.randrange(63)), rng.randrange(whole) + 1, whole))
    for amount, part, whole in cases:
        arguments = (np.int64(amount), np.int64(part), np.int64(min(whole, TURNOVER_MAX)))
        assert share(*arguments) == amount * part // whole, (amount, part, whole)


@pytest.mark.parametrize("seed", range(5))
def test_losses_in_a_row(seed: int) -> None:
    """A round trip is what was realised from flat to flat, or to the other side."""
    rng = random.Random(seed)
    positions = records(1, POSITION)
    held, opened, row = 0, 0, 0  # lots; realised when the trip began; losses in a row
    for _ in range(400):
        side, price, lots = rng.choice([1, -1]), rng.randint(50, 60), rng.randint(1, 4)
        apply_fill(positions, 0, side, price, lots)
        before, held = held, held + side * lots
        if before != 0 and (held == 0 or (held > 0) != (before > 0)):
            realised = int(positions[0].realised_tick_lots)
            row = row + 1 if realised < opened else 0
            opened = realised
        assert positions[0].losses_in_row_n == row
