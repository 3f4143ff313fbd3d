"""Addresses of the venue: the documented ones, and stream names as it spells them."""

from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.abi.limits import INSTRUMENTS_MAX
from appliance.abi.link import LinkRole
from appliance.abi.market import Market
from appliance.cold.live.endpoints import PRODUCTION, STREAMS_MAX, Endpoints

SPOT, USDM = PRODUCTION[Market.SPOT], PRODUCTION[Market.USDM]
SYMBOLS = ["BTCUSDT", "币安人生USDT"]


def names(url: str) -> list[str]:
    return unquote(urlsplit(url).query.removeprefix("streams=")).split("/")


def test_the_documented_addresses() -> None:
    assert SPOT.rest + SPOT.api == "https://api.binance.com/api/v3"
    assert USDM.rest + USDM.api == "https://fapi.binance.com/fapi/v1"
    assert SPOT.orders == "wss://ws-api.binance.com:443/ws-api/v3"
    assert USDM.orders == "wss://ws-fapi.binance.com/ws-fapi/v1"


def test_spot_has_all_market_data_on_one_connection() -> None:
    assert SPOT.books_url(["BTCUSDT"]) == (
        "wss://stream.binance.com:9443/stream?streams="
        "btcusdt@depth@100ms/btcusdt@bookTicker/btcusdt@trade"
    )
    assert SPOT.trades_url(["BTCUSDT"]) is None
    assert SPOT.roles(orders=False) == (LinkRole.BOOKS,)
    assert SPOT.roles(orders=True) == (LinkRole.BOOKS, LinkRole.ORDERS)


def test_usdm_has_a_path_for_each_kind() -> None:
    assert USDM.books_url(["BTCUSDT", "ETHUSDT"]) == (
        "wss://fstream.binance.com/public/stream?streams=btcusdt@depth@100ms/btcusdt@bookTicker"
        "/ethusdt@depth@100ms/ethusdt@bookTicker"
    )
    assert USDM.trades_url(["BTCUSDT", "ETHUSDT"]) == (
        "wss://fstream.binance.com/market/stream?streams=btcusdt@aggTrade/ethusdt@aggTrade"
    )
    assert USDM.user_url("abc123") == "wss://fstream.binance.com/private/ws/abc123"
    assert USDM.roles(orders=False) == (LinkRole.BOOKS, LinkRole.TRADES)
    assert set(USDM.roles(orders=True)) == set(LinkRole)


@pytest.mark.parametrize("market", [Market.SPOT, Market.USDM])
def test_symbols_outside_ascii_are_percent_encoded(market: Market) -> None:
    url = PRODUCTION[market].books_url(SYMBOLS)
    assert url.isascii()
    assert names(url)[:2] == ["btcusdt@depth@100ms", "btcusdt@bookTicker"]
    assert "币安人生usdt@bookTicker" in names(url)


def test_as_many_streams_as_a_connection_takes() -> None:
    most = [f"S{i}USDT" for i in range(INSTRUMENTS_MAX)]
    for endpoints in (SPOT, USDM):
        assert len(names(endpoints.books_url(most))) <= STREAMS_MAX
        assert len(names(endpoints.trades_url(most) or "")) <= STREAMS_MAX


@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1), min_size=1, max_size=5))
def test_no_symbol_breaks_out_of_the_query(symbols: list[str]) -> None:
    own = Endpoints(Market.SPOT, "http://h:1", "ws://h:1/base", "ws://h:1/orders")
    parts = urlsplit(own.books_url(symbols))
    assert (parts.scheme, parts.netloc, parts.path) == ("ws", "h:1", "/base/stream")
    assert parts.fragment == "" and parts.query.isascii() and parts.query.count("=") == 1
    assert list(parse_qs(parts.query)) == ["streams"]
