"""ccxt at a venue: nothing of it is set but URLs, keys and which markets to load."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import ccxt

from tests.venue.running_venue import WAIT_S, Keys, RunningVenue


def _urls(venue: RunningVenue, markets: str) -> dict[str, Any]:
    """All of ccxt's: what the venue does not serve must not be asked for elsewhere."""
    ours = venue.ready["spot" if markets == "spot" else "usdm"]
    known = ccxt.binance().urls["api"]
    rest = {name: ours["rest"] + urlsplit(url).path for name, url in known.items()}
    streams = dict.fromkeys(("spot", "margin", "linear", "inverse"), f"{ours['streams']}/ws")
    return rest | {"ws": streams | {"ws-api": {markets: ours["ws_api"]}}}


def settings(venue: RunningVenue, keys: Keys, markets: str, kind: str = "hmac") -> dict[str, Any]:
    """``markets``: ``spot`` or ``linear``, as ccxt calls them; ``kind``: of key.

    Currencies and margin pairs are not loaded: they are the wallet's, and no market's.
    """
    loaded = {"fetchMarkets": {"types": [markets]}, "fetchCurrencies": False, "fetchMargins": False}
    if kind == "hmac":
        key, secret = keys.hmac_key, keys.hmac_secret
    else:
        key, secret = keys.ed25519_key, Path(keys.pem_file).read_text()
    return {
        "apiKey": key,
        "secret": secret,
        "urls": {"api": _urls(venue, markets)},
        "options": loaded,
        "timeout": int(WAIT_S * 1000),
        "enableRateLimit": False,
    }
