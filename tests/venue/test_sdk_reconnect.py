"""The server goes, as it says beforehand: Binance's own client comes back and misses nothing."""

import asyncio
import logging
from typing import Any

import pytest

from appliance.abi.market import Market
from appliance.cold.venue.connection import Times
from tests.venue import sdk
from tests.venue.conftest import OpenVenue
from tests.venue.running_venue import RunningVenue
from tests.venue.sdk import arrived, data, event, kind_of

pytestmark = sdk.OLD_AIOHTTP
ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "time_in_force": "GTC"}
ORDER |= {"price": "50000.00", "quantity": "0.001"}


async def _comes_back(venue: RunningVenue) -> None:
    keys = venue.demo_keys(Market.SPOT)
    async with sdk.api(venue, Market.SPOT, keys, "ed25519") as api:
        await data(api.session_logon())
        told: list[Any] = []
        (await api.user_data_stream_subscribe()).stream.on("message", told.append)
        await data(api.order_place(**ORDER))
        await arrived(lambda: len(told) == 2, "the first order's user data")
        first = api.connections[0]
        assert venue.post("/venue/shutdown", {}) == {"connections": 1}
        await arrived(lambda: api.connections and api.connections[0] is not first, "a new one")
        # by the session and to the subscription that the client has made anew
        await arrived(lambda: api.connections[0].is_session_log_on, "its log-on")
        order = (await data(api.order_place(**ORDER))).result.order_id
        await arrived(
            lambda: any(
                event(message).i == order
                for message in told
                if kind_of(message) == "ExecutionReport"
            ),
            "the second order's user data",
        )


def test_after_a_notice(open_venue: OpenVenue, caplog: pytest.LogCaptureFixture) -> None:
    venue = open_venue(markets=[Market.SPOT], times=Times(notice_s=60.0))
    with caplog.at_level(logging.WARNING):
        asyncio.run(_comes_back(venue))
    assert any("shutdown" in record.getMessage() for record in caplog.records), "it was told"
