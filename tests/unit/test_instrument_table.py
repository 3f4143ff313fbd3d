"""INSTRUMENT records from what was learnt and what the venue says; numbers worked out by hand."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.abi.market import INSTRUMENT, Market, symbol_text
from appliance.abi.units import E8, INT64_MAX, UNSET
from appliance.cold.errors import ApplianceError
from appliance.cold.exchange_info import ExchangeInfo, SymbolRules, decimals_of
from appliance.cold.grid import Learnt
from appliance.cold.instrument_table import build
from appliance.hot.order_text import make_templates

BTC = Learnt("BTCUSDT", Market.SPOT, 1_000_000, 1_000, 6_183_763_000_000, 9)
ETH = Learnt("ETHUSDT", Market.SPOT, 1_000_000, 10_000, 250_000_000_000, 9)
BTC_RULES = SymbolRules(
    symbol="BTCUSDT",
    market=Market.SPOT,
    tradable=True,
    price_grid_e8=1_000_000,
    price_decimals=2,
    quantity_grid_e8=1_000,
    quantity_decimals=5,
    price_min_e8=1_000_000,
    price_max_e8=1_000_000 * E8,
    quantity_min_e8=1_000,
    quantity_max_e8=9_000 * E8,
    notional_min_e8=5 * E8,
)


def info(*rules: SymbolRules, market: Market = Market.SPOT, **refused: str) -> ExchangeInfo:
    return ExchangeInfo(market, {one.symbol: one for one in rules}, refused)


def fields(record) -> dict[str, int]:  # type: ignore[no-untyped-def]
    return {name: int(record[name]) for name in INSTRUMENT.names if name != "symbol"}


def test_on_the_venues_own_tick() -> None:
    made = build([BTC], info(BTC_RULES))
    assert made.symbols == ("BTCUSDT",) and made.notes == ()
    assert made.first_prices_ticks == (6_183_763,)
    assert symbol_text(made.records[0].symbol) == "BTCUSDT"
    assert fields(made.records[0]) == {
        "market": Market.SPOT,
        "tradable": 1,
        "price_grid_e8": 1_000_000,
        "price_decimals": 2,
        "quantity_grid_e8": 1_000,
        "quantity_decimals": 5,
        "price_min_ticks": 1,
        "price_max_ticks": 100_000_000,
        "quantity_min_lots": 1,
        "quantity_max_lots": 900_000_000,
        "notional_min_tick_lots": 5 * 100 * 100_000,
        "price_step_ticks": 1,
        "quantity_step_lots": 1,
    }


def test_levels_off_the_tick_make_the_grid_finer_and_leave_the_orders() -> None:
    """Tick 0.01 and lot 0.00001 in orders; the recording has 0.0004 and 0.0000025."""
    made = build([replace(BTC, price_grid_e8=40_000, quantity_grid_e8=250)], info(BTC_RULES))
    record = made.records[0]
    assert (record.price_grid_e8, record.price_decimals, record.price_step_ticks) == (40_000, 4, 25)
    assert (record.quantity_grid_e8, record.quantity_decimals) == (250, 7)
    assert record.quantity_step_lots == 4
    assert (record.price_min_ticks, record.price_max_ticks) == (25, 2_500_000_000)
    assert (record.quantity_min_lots, record.quantity_max_lots) == (4, 3_600_000_000)
    assert record.notional_min_tick_lots == 5 * 2_500 * 400_000
    assert made.first_prices_ticks == (154_594_075,)
    prices, quantities = made.notes
    assert prices == (
        "BTCUSDT: the recording has prices between two ticks of 0.01;"
        " its book is kept on 0.0004, orders keep to the tick"
    )
    assert "quantities between two lots of 0.00001" in quantities and "0.0000025" in quantities


def test_a_recording_on_a_coarser_grid_changes_nothing() -> None:
    coarse = replace(BTC, price_grid_e8=50_000_000, quantity_grid_e8=7 * E8)
    nothing = replace(BTC, price_grid_e8=0, quantity_grid_e8=0, first_price_e8=0)
    for one in (coarse, nothing):
        made = build([one], info(BTC_RULES))
        assert fields(made.records[0]) == fields(build([BTC], info(BTC_RULES)).records[0])
        assert made.notes == ()


def test_bounds_are_rounded_to_the_safe_side() -> None:
    rules = replace(
        BTC_RULES,
        price_min_e8=1_500_000,
        price_max_e8=3_999_999,
        quantity_min_e8=1_001,
        quantity_max_e8=2_999,
        notional_min_e8=1,
    )
    record = build([BTC], info(rules)).records[0]
    assert (record.price_min_ticks, record.price_max_ticks) == (2, 3)
    assert (record.quantity_min_lots, record.quantity_max_lots) == (2, 2)
    assert record.notional_min_tick_lots == 1
    # A bound below one tick lets nothing pass; it is not "no bound".
    record = build([BTC], info(replace(rules, price_max_e8=1))).records[0]
    assert record.price_max_ticks == 0
    least = replace(rules, notional_min_e8=INT64_MAX, price_grid_e8=1, quantity_grid_e8=1)
    assert build([BTC], info(least)).records[0].notional_min_tick_lots == INT64_MAX


def test_filters_that_the_venue_does_not_have() -> None:
    bare = SymbolRules("BTCUSDT", Market.SPOT, True, 1_000_000, 2, 1_000, 5)
    record = build([BTC], info(bare)).records[0]
    for name in INSTRUMENT.names:
        if "_min_" in name or "_max_" in name:
            assert record[name] == UNSET, name
    assert record.price_step_ticks == record.quantity_step_lots == record.tradable == 1


def test_no_orders_where_the_venue_takes_none() -> None:
    halted = build([BTC], info(replace(BTC_RULES, tradable=False)))
    assert halted.records[0].tradable == 0
    assert "no orders for BTCUSDT" in halted.notes[0]
    missing = build([BTC, ETH], info(BTC_RULES))
    assert missing.records["tradable"].tolist() == [1, 0]
    assert missing.records[1].price_grid_e8 == 1_000_000
    assert missing.notes == (
        "grid learnt from the recording: ETHUSDT tick 0.01, lot 0.0001",
        "no orders for ETHUSDT: it is not in the exchangeInfo",
    )
    refused = build([ETH], info(BTC_RULES, ETHUSDT="its tick is too fine"))
    assert refused.notes[-1] == "no orders for ETHUSDT: its tick is too fine"


def test_rules_of_the_other_market() -> None:
    with pytest.raises(ApplianceError, match="is recorded on spot, this exchangeInfo is of USD-M"):
        build([BTC], info(BTC_RULES, market=Market.USDM))


def test_without_rules_the_recording_is_all_that_is_known() -> None:
    made = build([BTC, ETH], None)
    assert made.notes == (
        "grid learnt from the recording: BTCUSDT tick 0.01, lot 0.00001",
        "grid learnt from the recording: ETHUSDT tick 0.01, lot 0.0001",
    )
    for record in made.records:
        assert record.price_step_ticks == record.quantity_step_lots == record.tradable == 1
        assert record.price_max_ticks == record.notional_min_tick_lots == UNSET


@pytest.mark.parametrize(
    ("learnt", "grid"),
    [
        (1, 1),
        (50_000_000, 50_000_000),
        (2_500_000, 2_500_000),
        (20, 20),
        (10 * E8, 10 * E8),
        (6_183_763_000_000, 1_000_000),  # one price alone
        (3 * E8, E8),
        (0, 1),
    ],
)
def test_a_divisor_of_too_few_numbers_is_no_tick(learnt: int, grid: int) -> None:
    record = build([replace(BTC, price_grid_e8=learnt)], None).records[0]
    assert record.price_grid_e8 == grid


def test_no_orders_without_any_price() -> None:
    made = build([replace(BTC, price_grid_e8=0, first_price_e8=0)], None)
    assert made.records[0].tradable == 0 and made.first_prices_ticks == (0,)
    assert made.notes == ("BTCUSDT: no price in the recording, so no orders",)


def test_the_wanted_ones_in_their_order() -> None:
    made = build([BTC, ETH], None, ["ETHUSDT", "BTCUSDT", "ETHUSDT"])
    assert made.symbols == ("ETHUSDT", "BTCUSDT")
    assert build([BTC, ETH], None, ["ETHUSDT"]).symbols == ("ETHUSDT",)
    with pytest.raises(ApplianceError, match="'DOGEUSDT' is not in the recording"):
        build([BTC, ETH], None, ["DOGEUSDT"])


grids = st.integers(1, 10**10)


@given(tick=grids, lot=grids, learnt_tick=st.integers(0, 10**10), learnt_lot=st.integers(0, 10**10))
def test_any_grids(tick: int, lot: int, learnt_tick: int, learnt_lot: int) -> None:
    """The venue's tick and every recorded number are whole; orders can be written exactly."""
    rules = replace(
        BTC_RULES,
        price_grid_e8=tick,
        price_decimals=decimals_of(tick),
        quantity_grid_e8=lot,
        quantity_decimals=decimals_of(lot),
    )
    one = replace(
        BTC, price_grid_e8=learnt_tick, quantity_grid_e8=learnt_lot, first_price_e8=learnt_tick
    )
    for made in (build([one], info(rules)), build([one], None)):
        record = made.records[0]
        grid, lots = int(record.price_grid_e8), int(record.quantity_grid_e8)
        assert learnt_tick % grid == 0 and learnt_lot % lots == 0
        assert made.first_prices_ticks[0] * grid == learnt_tick
        assert make_templates(made.records, 1).lengths.all()
        if made.records[0].price_max_ticks != UNSET:  # with rules
            assert record.price_step_ticks * grid == tick
            assert record.quantity_step_lots * lots == lot
            assert (record.price_min_ticks - 1) * grid < rules.price_min_e8
            assert rules.price_min_e8 <= record.price_min_ticks * grid
            assert record.price_max_ticks * grid <= rules.price_max_e8
