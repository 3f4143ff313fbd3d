"""Addresses, key files, signatures, TLS, REST and clock against a whole venue, over TLS."""

import asyncio
import json
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.frames import Frame, Opcode

from appliance.abi.market import Market
from appliance.cold.errors import ApplianceError
from appliance.cold.live import key_file, signature, venue_clock, venue_rules
from appliance.cold.live.endpoints import Endpoints
from appliance.cold.live.opening import Opened, OpeningFailed, open_websocket
from appliance.cold.live.rest_client import Refused, RestClient, parsed
from appliance.cold.run_config import check
from appliance.cold.tls_client import TlsContext
from appliance.cold.venue.server import VenueSettings
from tests.venue.running_venue import WAIT_S, RunningVenue

EACH_MARKET = pytest.mark.parametrize("market", [Market.SPOT, Market.USDM], ids=["spot", "usdm"])
SYMBOLS = ("BTCUSDT", "ETHUSDT")


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningVenue]:
    folder = tmp_path_factory.mktemp("venue")
    settings = VenueSettings(keys_dir=folder / "keys", tls_dir=folder, limits_factor=1000)
    with RunningVenue(settings) as running:
        yield running


@pytest.fixture(scope="module")
def tls(venue: RunningVenue) -> TlsContext:
    return TlsContext(Path(venue.ready["ca"]))


def endpoints(venue: RunningVenue, market: Market) -> Endpoints:
    urls = venue.ready[market.name.lower()]
    return Endpoints(market, urls["rest"], urls["streams"], urls["ws_api"])


def key_of(venue: RunningVenue, market: Market) -> key_file.ApiKey:
    return key_file.load(Path(venue.ready[market.name.lower()]["keys"]["ed25519"]))


def ask(venue: RunningVenue, market: Market, work: Any, key: Any = None) -> Any:
    """The result of ``work`` with a client of the venue."""

    async def run() -> Any:
        trusting = ssl.create_default_context(cafile=venue.ready["ca"])
        client = RestClient(endpoints(venue, market), trusting, key or key_of(venue, market))
        try:
            return await work(client)
        finally:
            await client.close()

    return asyncio.run(run())


class Messages:
    """Texts of an open WebSocket, read one after the other."""

    def __init__(self, opened: Opened) -> None:
        self._opened, self._data = opened, opened.early
        opened.socket.settimeout(WAIT_S)

    def _take(self, count: int) -> bytes:
        while len(self._data) < count:
            assert self._opened.tls is not None
            more = self._opened.tls.receive(self._opened.socket, 65536)
            assert more, "the venue closed"
            self._data += more
        taken, self._data = self._data[:count], self._data[count:]
        return taken

    def next(self) -> Any:
        """The JSON of the next text (RFC 6455, 5.2: unmasked, whole)."""
        while True:
            first, length = self._take(2)
            if length >= 126:
                length = int.from_bytes(self._take(2 if length == 126 else 8), "big")
            payload = self._take(length)
            if first == 0x81:
                return json.loads(payload)
            assert first in (0x89, 0x8A), f"frame {first:#x}"

    def send(self, document: Any) -> None:
        assert self._opened.tls is not None
        frame = Frame(Opcode.TEXT, json.dumps(document).encode()).serialize(mask=True)
        self._opened.tls.send(self._opened.socket, frame)


def streams_of(url: str, tls: TlsContext, wanted: set[str]) -> set[str]:
    """The streams that deliver, until all of those wanted have, or too many messages came."""
    opened = open_websocket(url, tls, WAIT_S)
    try:
        messages, found = Messages(opened), set()
        for _ in range(5000):
            found.add(messages.next()["stream"])
            if found >= wanted:
                break
        return found
    finally:
        opened.close()


@EACH_MARKET
def test_every_stream_that_we_name_delivers(
    venue: RunningVenue, tls: TlsContext, market: Market
) -> None:
    own = endpoints(venue, market)
    kinds = {"depth@100ms", "bookTicker"} | ({"trade"} if market == Market.SPOT else set())
    wanted = {f"{symbol.lower()}@{kind}" for symbol in SYMBOLS for kind in kinds}
    assert streams_of(own.books_url(SYMBOLS), tls, wanted) == wanted
    if (url := own.trades_url(SYMBOLS)) is not None:
        wanted = {f"{symbol.lower()}@aggTrade" for symbol in SYMBOLS}
        assert streams_of(url, tls, wanted) == wanted


def test_a_stranger_is_not_trusted(venue: RunningVenue) -> None:
    with pytest.raises(OpeningFailed, match="TLS: unable to get local issuer"):
        open_websocket(endpoints(venue, Market.SPOT).books_url(SYMBOLS), TlsContext(), WAIT_S)


def test_a_path_that_the_venue_does_not_have(venue: RunningVenue, tls: TlsContext) -> None:
    with pytest.raises(OpeningFailed) as caught:
        open_websocket(endpoints(venue, Market.SPOT).streams + "/none", tls, WAIT_S)
    assert caught.value.status == 404


@EACH_MARKET
def test_the_venue_verifies_our_signatures(
    venue: RunningVenue, tls: TlsContext, market: Market
) -> None:
    key = key_of(venue, market)
    assert ask(venue, market, lambda rest: rest.signed("GET", "/openOrders")) == []
    opened = open_websocket(endpoints(venue, market).orders, tls, WAIT_S)
    try:
        messages = Messages(opened)
        stamp = {"timestamp": time.time_ns() // 1_000_000}
        params = signature.api_params(key, stamp)
        messages.send({"id": "1", "method": "session.logon", "params": params})
        answer = messages.next()
        assert (answer["id"], answer["status"]) == ("1", 200), answer
        params["signature"] = signature.api_params(key, {"timestamp": 1})["signature"]
        messages.send({"id": "2", "method": "session.logon", "params": params})
        assert messages.next()["error"]["code"] == -1022
    finally:
        opened.close()


@EACH_MARKET
def test_a_key_of_somebody_else(venue: RunningVenue, market: Market) -> None:
    other = Market.USDM if market == Market.SPOT else Market.SPOT
    with pytest.raises(Refused) as caught:
        ask(
            venue,
            market,
            lambda rest: rest.signed("GET", "/openOrders"),
            key_of(venue, other),
        )
    assert caught.value.code == -2015


def test_a_key_of_the_other_kind_is_refused_by_us(venue: RunningVenue) -> None:
    with pytest.raises(ApplianceError, match="cannot log on to the WebSocket API"):
        key_file.load(Path(venue.ready["spot"]["keys"]["hmac"]))


def test_the_user_s_stream_of_usdm(venue: RunningVenue, tls: TlsContext) -> None:
    made = ask(venue, Market.USDM, lambda rest: rest.keyed("POST", "/listenKey"))
    url = endpoints(venue, Market.USDM).user_url(made["listenKey"])
    open_websocket(url, tls, WAIT_S).close()


@EACH_MARKET
def test_clock_and_weight(venue: RunningVenue, market: Market) -> None:
    """It lives on our own machine: the offset is zero, within what measuring allows."""

    async def work(rest: RestClient) -> None:
        found = await venue_clock.measure(rest)
        assert abs(found.offset_ns) <= found.error_ns
        used = rest.weights.used
        parsed("/depth", await rest.public("/depth", {"symbol": "BTCUSDT", "limit": 1000}))
        assert rest.weights.used > used > 0

    ask(venue, market, work)


@EACH_MARKET
def test_the_instruments(venue: RunningVenue, market: Market) -> None:
    document = {"mode": "paper", "market": market.name.lower(), "symbols": [*SYMBOLS]}
    config = check(document, Path("run.toml"))

    async def work(rest: RestClient) -> tuple[Any, int]:
        return await venue_rules.ask(rest, config), rest.weights.most

    instruments, weight_max = ask(venue, market, work)
    assert instruments.symbols == SYMBOLS and weight_max > 1000
    assert all(grid.price_e8 > 0 for _, grid in venue_rules.grids_of(instruments).values())
    with pytest.raises(ApplianceError, match="the venue has no such symbol"):
        bad = check(document | {"symbols": ["NOSUCH"]}, Path("run.toml"))
        ask(venue, market, lambda rest: venue_rules.ask(rest, bad))
