"""Positions and open orders in the account's money (appliance.hot.valuation), against fractions."""

from fractions import Fraction
from math import ceil, floor

import numpy as np
import pytest

from appliance.abi.layout import records
from appliance.abi.market import INSTRUMENT, BookState
from appliance.abi.trading import POSITION
from appliance.hot import valuation
from appliance.hot.gate import Gate, make_gate
from appliance.hot.jit import JIT_DISABLED, hot
from appliance.hot.position import apply_fill
from appliance.hot.valuation import revalue

SUMS = ("long", "short", "gross", "open", "open_buy", "cash", "profit", "turnover")
STEPS = 60 if JIT_DISABLED else 400


@hot
def value_it(gate, i, now_ns):
    revalue(gate, i, now_ns)


def made(*multiples: tuple[int, int]) -> Gate:
    n = len(multiples)
    gate = make_gate(records(n, INSTRUMENT), records(n, POSITION), n)
    for i, (multiple, divisor) in enumerate(multiples):
        value = gate.valuations[i]
        value.value_multiple, value.value_divisor = multiple, divisor
        value.most_tick_lots = 10**15 // multiple
        gate.references[i].book_state = BookState.LIVE
        gate.limits[i].fee_ppm = 750
    return gate


def expected(gate: Gate, i: int) -> dict[str, int]:
    position, value = gate.positions[i], gate.valuations[i]
    money = Fraction(int(value.value_multiple), int(value.value_divisor))
    held, mark = int(position.position_lots), int(position.mark_ticks)
    long_e8 = ceil((held + int(position.open_buy_lots)) * mark * money)
    short_e8 = ceil((int(position.open_sell_lots) - held) * mark * money)
    turnover = int(position.turnover_tick_lots)
    fees = floor(Fraction(turnover * 750, 10**6)) + 1 if turnover else 0
    cash_e8 = floor((int(position.cash_tick_lots) - fees) * money)
    return {
        "long": long_e8,
        "short": short_e8,
        "gross": max(0, long_e8, short_e8),
        "open": ceil(int(position.open_notional_tick_lots) * money),
        "open_buy": ceil(int(position.open_buy_tick_lots) * money),
        "cash": cash_e8,
        "profit": cash_e8 + floor(held * mark * money),
        "turnover": ceil(turnover * money),
    }


@pytest.mark.parametrize(
    "multiples", [((10, 1),), ((1, 1), (3, 4)), ((7, 10), (1, 1000), (100, 3), (1, 1))]
)
@pytest.mark.parametrize("seed", range(3))
def test_sums_over_random_days(multiples: tuple[tuple[int, int], ...], seed: int) -> None:
    rng = np.random.default_rng(seed)
    gate = made(*multiples)
    account, peak = gate.account[0], 0
    for step in range(STEPS):
        i = int(rng.integers(0, len(multiples)))
        position = gate.positions[i]
        position.mark_ticks = int(rng.integers(1, 10_000))
        if rng.random() < 0.6:
            side = int(rng.choice([1, -1]))
            apply_fill(
                gate.positions, i, side, int(rng.integers(1, 10_000)), int(rng.integers(1, 99))
            )
        for name in ("open_buy_lots", "open_sell_lots", "open_notional_tick_lots"):
            position[name] = int(rng.integers(0, 10**4))
        position.open_buy_tick_lots = int(rng.integers(0, 10**4))
        value_it(gate, i, 1 + step)
        assert account.unvalued_n == 0
        totals = dict.fromkeys(SUMS, 0)
        for k in range(len(multiples)):
            if gate.positions[k].mark_ticks > 0:
                for name, value in expected(gate, k).items():
                    totals[name] += value
        assert {name: int(account[f"{name}_e8"]) for name in SUMS} == totals
        peak = max(peak, totals["profit"])
        assert account.profit_peak_e8 == peak
    assert account.fills_n == account.runaway_n == sum(int(p.fills_n) for p in gate.positions)


def test_what_has_no_value_keeps_its_last_one_and_is_counted() -> None:
    gate = made((10, 1), (10, 1))
    position, account = gate.positions[0], gate.account[0]
    position.open_buy_lots = 5
    value_it(gate, 0, 1)
    assert account.unvalued_n == 1, "orders, and no price"
    position.mark_ticks = 100
    value_it(gate, 0, 2)
    assert (account.unvalued_n, account.long_e8) == (0, 5_000)
    apply_fill(gate.positions, 0, 1, 100, 3)
    gate.references[0].book_state = BookState.STALE
    value_it(gate, 0, 3)
    assert (account.unvalued_n, account.long_e8) == (1, 5_000)
    value_it(gate, 0, 4)
    assert account.unvalued_n == 1, "not counted twice"
    value_it(gate, 1, 5)
    assert account.unvalued_n == 1
    gate.references[0].book_state = BookState.LIVE
    value_it(gate, 0, 6)
    assert (account.unvalued_n, account.long_e8) == (0, 8_000)


@pytest.mark.parametrize(
    ("name", "lots"),
    [("open_buy_lots", 1_000), ("open_sell_lots", 1_000), ("position_lots", -1_000)],
)
def test_what_is_too_large_has_no_value(name: str, lots: int) -> None:
    gate = made((1, 1))
    gate.valuations[0].most_tick_lots = 100_000
    gate.positions[0].mark_ticks = 100
    gate.positions[0][name] = lots
    value_it(gate, 0, 1)
    assert gate.account[0].unvalued_n == 0
    gate.positions[0][name] = lots + (1 if lots > 0 else -1)
    value_it(gate, 0, 1)
    assert gate.account[0].unvalued_n == 1


@pytest.mark.parametrize(
    "name", ["open_notional_tick_lots", "turnover_tick_lots", "cash_tick_lots"]
)
def test_sums_that_are_too_large(name: str) -> None:
    gate = made((1, 1))
    gate.valuations[0].most_tick_lots = 100_000
    gate.positions[0].mark_ticks = 1
    for value, unvalued in ((100_000, 0), (100_001, 1)):
        gate.positions[0][name] = value
        value_it(gate, 0, 1)
        assert gate.account[0].unvalued_n == unvalued


@pytest.mark.parametrize("lots", [1_000, 1 << 31])
def test_the_greatest_product_that_fits(lots: int) -> None:
    """One way for products within 60 bits, another beyond them: the same bound."""
    for signed in (lots, -lots):
        assert valuation.fits(signed, 3, 3 * lots)
        assert not valuation.fits(signed, 3, 3 * lots - 1)
        assert not valuation.fits(signed, 4, 3 * lots)
        assert not valuation.fits(signed, 1 << 40, 3 * lots)
