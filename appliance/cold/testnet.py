"""Whether an address is of a venue without real money: only there live starts uncertified.

What is not known to be one is taken for the exchange itself.
"""

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

MODE: Final = "testnet"  # as telemetry calls it

_ENDS: Final = (".testnet.binance.vision", ".binancefuture.com")
_DEMO: Final = ("demo-", ".binance.com")
_SHOWN: Final = 80


def faults(urls: Mapping[str, str | None]) -> list[str]:
    """A line for each address of ``venue`` that is missing, or may be the exchange's."""
    told = []
    for name, url in urls.items():
        if url is None:
            told.append(f"testnet = true: venue.{name} is missing, and would be the exchange's")
        elif not is_without_money(urlsplit(url).hostname or ""):
            told.append(
                f"testnet = true: venue.{name} = {url[:_SHOWN]}: neither a testnet of the venue"
                " nor an address of a private network"
            )
    return told


def is_without_money(host: str) -> bool:
    """A testnet by its name, or an address that only a private network has."""
    host = host.lower().rstrip(".")
    if host == "localhost" or f".{host}".endswith(_ENDS):
        return True
    if host.startswith(_DEMO[0]) and host.endswith(_DEMO[1]):
        return host.count(".") == 2
    try:
        return ip_address(host).is_private
    except ValueError:
        return False
