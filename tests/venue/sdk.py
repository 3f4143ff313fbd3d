"""Binance's own clients, told nothing but where the venue is and which keys to use."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from binance_common.configuration import (
    ConfigurationRestAPI,
    ConfigurationWebSocketAPI,
    ConfigurationWebSocketStreams,
)
from binance_sdk_derivatives_trading_usds_futures.derivatives_trading_usds_futures import (
    DerivativesTradingUsdsFutures,
)
from binance_sdk_spot.spot import Spot
from pydantic import BaseModel

from appliance.abi.market import Market
from tests.venue.running_venue import POLL_S, WAIT_S, Keys, RunningVenue

_CLIENTS = {Market.SPOT: Spot, Market.USDM: DerivativesTradingUsdsFutures}
_PATIENCE_MS = int(WAIT_S * 1000)  # a machine that is busy
KINDS = ("hmac", "ed25519")
# How the clients of the WebSocket API call aiohttp is their affair.
OLD_AIOHTTP = pytest.mark.filterwarnings(
    "ignore:parameter 'timeout' of type 'float':DeprecationWarning"
)


def _credentials(keys: Keys, kind: str) -> dict[str, Any]:
    if kind == "hmac":
        return {"api_key": keys.hmac_key, "api_secret": keys.hmac_secret}
    return {"api_key": keys.ed25519_key, "private_key": keys.pem_file}


def rest(venue: RunningVenue, market: Market, keys: Keys, kind: str = "hmac") -> Any:
    """The REST client of a market."""
    configuration = ConfigurationRestAPI(
        base_path=venue.ready[market.name.lower()]["rest"],
        timeout=_PATIENCE_MS,
        **_credentials(keys, kind),
    )
    return _CLIENTS[market](config_rest_api=configuration).rest_api


@asynccontextmanager
async def _connected(client: Any) -> AsyncIterator[Any]:
    connection = await client.create_connection()
    assert connection is not None, "it did not connect"
    try:
        yield connection
    finally:
        await connection.close_connection(close_session=True)


def api(venue: RunningVenue, market: Market, keys: Keys, kind: str = "hmac", **more: Any) -> Any:
    """A connection to the WebSocket API, for ``async with``."""
    configuration = ConfigurationWebSocketAPI(
        stream_url=venue.ready[market.name.lower()]["ws_api"],
        timeout=_PATIENCE_MS,
        **_credentials(keys, kind),
        **more,
    )
    return _connected(_CLIENTS[market](config_ws_api=configuration).websocket_api)


def streams(venue: RunningVenue, market: Market) -> Any:
    """A connection to the streams, for ``async with``."""
    url = venue.ready[market.name.lower()]["streams"]
    configuration = ConfigurationWebSocketStreams(stream_url=url)
    return _connected(_CLIENTS[market](config_ws_streams=configuration).websocket_streams)


async def arrived(found: Callable[[], Any], what: str) -> Any:
    """What ``found`` returns as soon as that is true; fails after a bounded time."""
    until_s = time.monotonic() + WAIT_S
    while not (value := found()):
        assert time.monotonic() < until_s, f"{what} did not arrive within {WAIT_S} s"
        await asyncio.sleep(POLL_S)
    return value


async def data(call: Any) -> Any:
    """The model that a call of the WebSocket API brings; it must be one, not an error."""
    found = (await call).data()
    assert isinstance(found, BaseModel), found
    return found


async def refusal(call: Any) -> tuple[int, str]:
    """Code and message of a call of the WebSocket API that is refused."""
    found = (await call).data()
    assert isinstance(found, dict) and "error" in found, found
    return found["error"]["code"], found["error"]["msg"]


def event(message: Any) -> Any:
    """User data comes wrapped: one of many models."""
    return getattr(message, "actual_instance", message)


def kind_of(message: Any) -> str:
    """The name of a user data event's model: ExecutionReport, OrderTradeUpdate, .."""
    return type(event(message)).__name__


def misfits(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the REST clients had to say of replies that do not fit their strict models."""
    return [r.getMessage() for r in caplog.get_records("call") if r.levelno >= logging.WARNING]


def missing(found: Any) -> set[str]:
    """Names of all fields, at any depth, that Binance's models have and the reply has not."""
    return set(_missing(found))


def _missing(found: Any) -> Iterator[str]:
    if isinstance(found, list):
        for one in found:
            yield from _missing(one)
    elif isinstance(found, BaseModel):
        whole = getattr(found, "actual_instance", None)
        if whole is not None:
            yield from _missing(whole)
            return
        for name in type(found).model_fields:
            value = getattr(found, name)
            if value is None:
                yield name
            elif name != "additional_properties":
                yield from _missing(value)
