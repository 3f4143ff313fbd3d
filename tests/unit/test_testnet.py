"""appliance.cold.testnet: which addresses are of venues without real money."""

import tomllib

import pytest

from appliance.cold import testnet
from appliance.cold.live.endpoints import PRODUCTION
from appliance.cold.run_config import check
from tests.unit.test_run_config import JOURNAL, LIVE, PAPER, PATH, RISK, complaints


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "127.0.0.1", "::1", "10.0.2.2", "192.168.1.7", "LOCALHOST"),
        *("testnet.binance.vision", "stream.testnet.binance.vision", "testnet.binancefuture.com"),
        *("stream.binancefuture.com", "demo-api.binance.com", "demo-fapi.binance.com"),
    ],
)
def test_without_money(host: str) -> None:
    assert testnet.is_without_money(host)


@pytest.mark.parametrize(
    "host",
    [
        *(
            "api.binance.com",
            "fapi.binance.com",
            "stream.binance.com",
            "8.8.8.8",
            "",
            "example.org",
        ),
        *("demo-x.api.binance.com", "xtestnet.binance.vision.com", "evilbinancefuture.com"),
        *("venue.internal", "localhost.example.org", "demo-api.binance.com.example.org"),
    ],
)
def test_anything_else_may_be_the_exchange(host: str) -> None:
    assert not testnet.is_without_money(host)


def test_nothing_of_this_stands_in_the_way_of_a_halt() -> None:
    """Only who sends orders needs a certificate, or a venue without money."""
    rest = f"{RISK}{JOURNAL}[keys]\nfile = 'x'\n"
    for first in ("", "testnet = true\n"):
        text = f"{first}{LIVE}{rest}"
        assert check(tomllib.loads(text), PATH, trades=False).mode == "live"
        assert complaints(text)


@pytest.mark.parametrize("market", PRODUCTION)
def test_the_exchange_itself(market: object) -> None:
    there = PRODUCTION[market]  # type: ignore[index]
    urls = {"rest": there.rest, "streams": there.streams, "orders": None}
    told = testnet.faults(urls)
    assert len(told) == 3 and "orders is missing, and would be" in told[2]
    assert told[0].startswith(f"testnet = true: venue.rest = {there.rest}: neither")
    assert testnet.faults({"rest": "http://127.0.0.1:8080/x"}) == []


def test_a_testnet_is_explicit_and_is_none_of_the_exchanges_addresses() -> None:
    rest = f"{RISK}{JOURNAL}[keys]\nfile = 'x'\n"
    assert complaints(f"testnet = true\n{PAPER}") == [
        "testnet = true: only live has orders at a venue"
    ]
    assert complaints(f"testnet = 1\n{LIVE}{rest}")[0] == "testnet = 1: must be true or false"
    told = complaints(f"testnet = true\n{LIVE}{rest}[venue]\nrest = 'https://api.binance.com'\n")
    assert [line.split()[3] for line in told] == ["venue.rest", "venue.streams", "venue.orders"]
    venue = "\n".join(
        ("[venue]", "rest = 'http://[::1]:1'", "streams = 'ws://[::1]:1'", "orders = 'ws://[::1]'")
    )
    config = check(tomllib.loads(f"testnet = true\n{LIVE}{rest}{venue}"), PATH)
    assert config.values["testnet"] is True
