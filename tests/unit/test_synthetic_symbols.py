"""The made-up venue's exchangeInfo says what its frames keep to."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.abi.market import Market
from appliance.cold.exchange_info import decimal_e8, parse_exchange_info
from appliance.cold.synthetic import contracts, exchange_info
from appliance.cold.synthetic.flow import exponential_table
from appliance.cold.synthetic.listing import assets_of, eight, filters_of, short
from appliance.cold.synthetic.symbols import decimal_text

NAMES = ("BTCUSDT", "ETHUSDT", "BNBUSDT", "SOLUSDT", "XRPUSDT", "DOGEUSDT", "OTHERBTC")


@pytest.mark.parametrize("market", [Market.SPOT, Market.USDM])
def test_exchange_info_is_read_back(market: Market) -> None:
    info = parse_exchange_info(exchange_info(NAMES, market))
    assert info.market == market
    assert not info.refused
    assert "PRICE_FILTER" not in info.unused_filters
    for contract in contracts(NAMES, market):
        rules = info.rules[contract.symbol]
        assert rules.tradable
        assert rules.price_grid_e8 == rules.price_min_e8 == contract.price_grid_e8
        assert rules.quantity_grid_e8 == rules.quantity_min_e8 == contract.quantity_grid_e8
        assert rules.price_max_e8 > 10 * contract.start_ticks * contract.price_grid_e8
        assert rules.notional_min_e8 == 5 * 10**8
        order_e16 = contract.start_ticks * contract.price_grid_e8 * contract.order_lots
        assert order_e16 * contract.quantity_grid_e8 > 5 * 10**16  # a usual order is large enough


@pytest.mark.parametrize("market", [Market.SPOT, Market.USDM])
def test_filters_are_those_of_exchange_info(market: Market) -> None:
    for entry in exchange_info(NAMES, market)["symbols"]:
        listed = {filter_["filterType"]: filter_ for filter_ in entry["filters"]}
        filters = filters_of(contracts([entry["symbol"]], market)[0])
        write = eight if market == Market.SPOT else short
        assert listed["PRICE_FILTER"]["tickSize"] == write(filters.tick_e8)
        assert listed["LOT_SIZE"]["maxQty"] == write(filters.quantity_max_e8)
        assert listed["MARKET_LOT_SIZE"]["maxQty"] == write(filters.market_quantity_max_e8)
        assert ("MAX_POSITION" in listed) == bool(filters.position_max_e8)
        assert (entry["baseAsset"], entry["quoteAsset"]) == assets_of(entry["symbol"])


def test_how_numbers_are_written() -> None:
    assert [eight(value) for value in (0, 150_000_000, -1)] == [
        "0.00000000",
        "1.50000000",
        "-0.00000001",
    ]
    assert [short(value) for value in (0, 150_000_000, 10**12)] == ["0", "1.5", "10000"]


@settings(deadline=None, max_examples=200)
@given(st.integers(0, 10**17), st.integers(0, 8))
def test_decimal_text(units: int, digits: int) -> None:
    value_e8 = units * 10 ** (8 - digits) % 2**62 // 10 ** (8 - digits) * 10 ** (8 - digits)
    text = decimal_text(value_e8, digits)
    assert decimal_e8(text) == value_e8
    assert len(text.partition(".")[2]) == digits


def test_exponential_table() -> None:
    table = exponential_table()
    assert list(table) == sorted(table)
    assert sum(table) / len(table) == pytest.approx(4096, rel=0.01)
