"""Instruments from what a venue answers: its rules, and the grid of its books."""

import json
import socket
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.abi.market import Market
from appliance.abi.units import E8
from appliance.cold.errors import ApplianceError
from appliance.cold.instrument_table import Instruments
from appliance.cold.live import rest_client, venue_rules
from appliance.cold.live.order_messages import Grid
from appliance.cold.live.rest_client import RestClient
from appliance.cold.live.venue_rules import TRIES, ask, grids_of
from appliance.cold.run_config import BadConfig, RunConfig, check
from appliance.cold.synthetic import exchange_info
from tests.strategies import rest_calls
from tests.strategies.loopback import Loopback, http

SYMBOLS = ("BTCUSDT", "ETHUSDT")
BOOK = {"lastUpdateId": 7, "bids": [["60000.00", "1.5"]], "asks": [["60000.10", "0.00002"]]}


class Venue(Loopback):
    """Answers /exchangeInfo with ``info`` and /depth with ``books``; raw bytes as they are."""

    def __init__(self, info: Any, **books: Any) -> None:
        super().__init__(self._answer)
        self.info, self.books = info, books

    def _answer(self, connection: socket.socket) -> None:
        target = self.read_head(connection).split(" ")[1]
        answer = self.info
        if "/depth?" in target:
            answer = self.books.get(target.partition("symbol=")[2].partition("&")[0], BOOK)
        raw = isinstance(answer, bytes)
        connection.sendall(answer if raw else http(200, json.dumps(answer).encode()))


def config(*symbols: str, market: str = "spot") -> RunConfig:
    document = {"mode": "paper", "market": market, "symbols": list(symbols)}
    return check(document, Path("run.toml"))


def asked(venue: Venue, *symbols: str, market: str = "spot") -> tuple[Instruments, int]:
    """The instruments, and the weight of a minute that the client now knows."""

    async def work(rest: RestClient) -> tuple[Instruments, int]:
        return await ask(rest, config(*symbols, market=market)), rest.weights.most

    with venue:
        return rest_calls.ask(venue, work)


def refusal(venue: Venue, *symbols: str) -> str:
    with pytest.raises(ApplianceError) as caught:
        asked(venue, *(symbols or ("BTCUSDT",)))
    assert all(line.isprintable() for line in str(caught.value).splitlines())
    return str(caught.value)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Waits that were asked for, and not waited."""
    waits: list[float] = []

    async def note(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(rest_client, "asyncio", SimpleNamespace(sleep=note))
    return waits


def info(market: Market = Market.SPOT) -> dict[str, Any]:
    return exchange_info(SYMBOLS, market)


def filters(symbol: str, kind: str) -> dict[str, Any]:
    entry = next(one for one in info()["symbols"] if one["symbol"] == symbol)
    return next(one for one in entry["filters"] if one["filterType"] == kind)


@pytest.mark.parametrize("market", ["spot", "usdm"])
def test_what_is_asked(market: str) -> None:
    venue = Venue(info(Market[market.upper()]))
    instruments, weight = asked(venue, *SYMBOLS, market=market)
    assert instruments.symbols == SYMBOLS
    assert weight == {"spot": 6000, "usdm": 2400}[market]
    targets = [head.split(" ")[1].partition("v")[2][2:] for head in venue.heads]
    assert targets == [
        "exchangeInfo",
        "depth?symbol=BTCUSDT&limit=100",
        "depth?symbol=ETHUSDT&limit=100",
    ]


def test_the_order_is_the_configuration_s() -> None:
    instruments, _ = asked(Venue(info()), "ETHUSDT", "BTCUSDT")
    assert instruments.symbols == ("ETHUSDT", "BTCUSDT")
    grids = grids_of(instruments)
    assert [grids[symbol][0] for symbol in ("ETHUSDT", "BTCUSDT")] == [0, 1]


def test_the_grid_is_the_venue_s() -> None:
    book = {"bids": [], "asks": []}
    _, grid = grids_of(asked(Venue(info(), BTCUSDT=book), "BTCUSDT")[0])["BTCUSDT"]
    tick = Fraction(filters("BTCUSDT", "PRICE_FILTER")["tickSize"]) * E8
    step = Fraction(filters("BTCUSDT", "LOT_SIZE")["stepSize"]) * E8
    assert grid == Grid(int(tick), int(step))


@settings(max_examples=10)
@given(st.lists(st.tuples(st.integers(1, 10**15), st.integers(0, 10**21)), max_size=6))
def test_or_finer_where_levels_lie_between(levels: list[tuple[int, int]]) -> None:
    """Every level of the snapshot is a whole number of grids, and so is every order."""
    rows = [[f"{p // E8}.{p % E8:08}", f"{q // E8}.{q % E8:08}"] for p, q in levels]
    book = {"bids": rows[::2], "asks": rows[1::2]}
    _, grid = grids_of(asked(Venue(info(), BTCUSDT=book), "BTCUSDT")[0])["BTCUSDT"]
    tick = Fraction(filters("BTCUSDT", "PRICE_FILTER")["tickSize"]) * E8
    step = Fraction(filters("BTCUSDT", "LOT_SIZE")["stepSize"]) * E8
    assert not tick % grid.price_e8 and not step % grid.quantity_e8
    assert all(not p % grid.price_e8 and not q % grid.quantity_e8 for p, q in levels)


def test_symbols_that_the_venue_does_not_have() -> None:
    with pytest.raises(BadConfig) as caught:
        asked(Venue(info()), "BTCUSDT", "NOSUCH", "币")
    assert str(caught.value).splitlines() == [
        "run.toml: symbols: 'NOSUCH': the venue has no such symbol",
        r"run.toml: symbols: '\u5e01': the venue has no such symbol",
    ]


def test_the_other_market() -> None:
    assert refusal(Venue(info(Market.USDM))) == "the venue is USDM, not SPOT"


@pytest.mark.parametrize("document", [[], 5, None, {}, {"symbols": None}, {"symbols": {"a": 1}}])
def test_an_answer_without_symbols(document: Any) -> None:
    assert refusal(Venue(document)) == "/exchangeInfo: there are no symbols in the answer"


@pytest.mark.parametrize("symbols", [[], [5], [{"symbol": "BTCUSDT"}], [{"symbol": None}]])
def test_an_answer_with_symbols_that_are_none(symbols: list[Any]) -> None:
    assert "exchangeInfo" in refusal(Venue({"symbols": symbols}))


@pytest.mark.parametrize(
    "limits",
    [
        *(None, 5, {}, [], [5], [None], [{}], [{"rateLimitType": "REQUEST_WEIGHT"}]),
        [{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": "x"}],
        [{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 5, "limit": 9}],
        [{"rateLimitType": "REQUEST_WEIGHT", "interval": "DAY", "intervalNum": 1, "limit": 9}],
        [{"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": 9}],
    ],
)
def test_a_weight_that_is_not_told(limits: Any) -> None:
    assert asked(Venue(info() | {"rateLimits": limits}), "BTCUSDT")[1] == 0


@pytest.mark.parametrize(
    "book",
    [
        *([], 5, None, {}, {"bids": []}, {"bids": None, "asks": []}, {"bids": 5, "asks": []}),
        *({"bids": [["1", "2", "3"]], "asks": []}, {"bids": ["ab"], "asks": []}),
        {"bids": [{"price": "1", "size": "2"}], "asks": []},
    ],
)
def test_a_snapshot_that_is_none(book: Any) -> None:
    assert refusal(Venue(info(), BTCUSDT=book)) == "/depth of BTCUSDT: not a snapshot"


@pytest.mark.parametrize(
    "text",
    [
        *(5, 1.5, None, True, "", "x", "-1", "+1", " 1", "1.", ".5", "1e5", "1/2", "1/0", "٣"),
        *("0.000000001", "9" * 31, "nan", "inf", "1_0", [1]),
    ],
)
def test_levels_that_are_no_decimals(text: Any) -> None:
    for row in ([text, "1"], ["1", text]):
        said = refusal(Venue(info(), BTCUSDT={"bids": [row], "asks": []}))
        assert said == "/depth of BTCUSDT: not a snapshot"


@pytest.mark.parametrize("body", [b"<html>\n</html>", b"", b'{"symbols": [', b"[" * 100_000])
def test_answers_that_are_not_json(body: bytes) -> None:
    for venue in (Venue(http(200, body)), Venue(info(), BTCUSDT=http(200, body))):
        assert refusal(venue).startswith("the venue does not answer as it should: /")


def test_what_may_pass_is_asked_again(impatient: list[float]) -> None:
    venue = Venue(http(503, b"busy"))
    assert "HTTP 503" in refusal(venue)
    assert len(venue.heads) == TRIES and len(impatient) == TRIES - 1
    venue = Venue(http(451, b"<html>not in your country</html>"))
    assert "HTTP 451" in refusal(venue)
    assert len(venue.heads) == 1, "a no was asked again"
    assert venue_rules.SNAPSHOT_LEVELS == 100
