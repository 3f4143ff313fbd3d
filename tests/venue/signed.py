"""Requests signed by hand, so that a test sees status, headers and every byte of a reply."""

import hashlib
import hmac
import http.client
import itertools
import json
import time
from typing import Any, NamedTuple
from urllib.parse import urlencode

from appliance.abi.market import Market
from tests.venue.raw_client import RawClient
from tests.venue.running_venue import WAIT_S, Keys, RunningVenue

ORDER_PATHS = {Market.SPOT: "/api/v3/order", Market.USDM: "/fapi/v1/order"}
API_PATHS = {Market.SPOT: "/ws-api/v3", Market.USDM: "/ws-fapi/v1"}
_numbers = itertools.count(1)


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    form: Any

    def shown(self, name: str) -> int:
        """A header that is a number."""
        return int(self.headers[name])


def ask(
    venue: RunningVenue, method: str, path: str, *, keys: Keys | None = None, **params: Any
) -> Reply:
    """An HTTP request, signed if there are keys. ``timestamp`` may be given."""
    headers = {}
    if keys is not None:
        headers["X-MBX-APIKEY"] = keys.hmac_key
        params = {"timestamp": time.time_ns() // 1_000_000} | params
    query = urlencode(params)
    if keys is not None:
        query += f"&signature={_signature(keys, query)}"
    connection = http.client.HTTPConnection(venue.ready["host"], venue.ready["port"], WAIT_S)
    try:
        connection.request(method, f"{path}?{query}" if query else path, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        form = json.loads(body) if answer.headers.get_content_type() == "application/json" else body
        return Reply(answer.status, dict(answer.headers), form)
    finally:
        connection.close()


def limit_order(venue: RunningVenue, market: Market, **changed: Any) -> dict[str, Any]:
    """Parameters of a buy far below the market, which rests."""
    symbol = changed.get("symbol", "BTCUSDT")
    (bid, _), *_ = venue.get("/venue/state?depth=1")[market.name.lower()]["books"][symbol]["bids"]
    digits = 2 if market == Market.SPOT else 1
    order = {"symbol": symbol, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    return order | {"quantity": "0.010", "price": f"{float(bid) * 0.9:.{digits}f}"} | changed


def api_ask(
    client: RawClient, method: str, params: dict[str, Any], keys: Keys | None = None
) -> Any:
    """The whole reply of the WebSocket API."""
    if keys is not None:
        stamped = {"apiKey": keys.hmac_key, "timestamp": time.time_ns() // 1_000_000} | params
        payload = "&".join(f"{name}={value}" for name, value in sorted(stamped.items()))
        params = stamped | {"signature": _signature(keys, payload)}
    return client.asked({"id": f"n{next(_numbers)}", "method": method, "params": params})


def _signature(keys: Keys, payload: str) -> str:
    return hmac.new(keys.hmac_secret.encode(), payload.encode(), hashlib.sha256).hexdigest()
