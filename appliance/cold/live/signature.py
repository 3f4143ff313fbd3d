"""Signed requests (binance-protocol 3): what is signed, in what order, in what spelling."""

from collections.abc import Mapping
from urllib.parse import urlencode

from appliance.cold.live.key_file import ApiKey

Params = Mapping[str, str | int]


def api_params(key: ApiKey, params: Params) -> dict[str, str | int]:
    """Params of a signed WebSocket API request: sorted by name, joined, not encoded."""
    full = {**params, "apiKey": key.name}
    payload = "&".join(f"{name}={full[name]}" for name in sorted(full))
    return {**full, "signature": key.sign(payload)}


def rest_query(key: ApiKey, params: Params) -> str:
    """Query of a signed REST request: percent-encoded before it is signed (since 2026-01)."""
    query = urlencode(params)
    return f"{query}&{urlencode({'signature': key.sign(query)})}"
