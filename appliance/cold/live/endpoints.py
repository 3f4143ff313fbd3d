"""Where the venue is, and how its streams are named (spot and USD-M)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from appliance.abi.link import LinkRole
from appliance.abi.market import Market
from appliance.cold.run_config import RunConfig

# The venue ends a connection at 24 h, and takes 1024 streams on one.
STREAMS_MAX: Final = 1024


@dataclass(frozen=True)
class Endpoints:
    """Base URLs without a path of ours: schemes http(s) and ws(s)."""

    market: Market
    rest: str
    streams: str
    orders: str

    @property
    def api(self) -> str:
        """Path of the REST interface."""
        return "/api/v3" if self.market == Market.SPOT else "/fapi/v1"

    def books_url(self, symbols: Sequence[str]) -> str:
        """Combined stream of differences and bookTickers, and on spot of trades."""
        kinds = ["depth@100ms", "bookTicker"]
        if self.market == Market.SPOT:
            kinds.append("trade")
            return f"{self.streams}/stream?streams={_names(symbols, kinds)}"
        return f"{self.streams}/public/stream?streams={_names(symbols, kinds)}"

    def trades_url(self, symbols: Sequence[str]) -> str | None:
        """Trades, where they come on a connection of their own."""
        if self.market == Market.SPOT:
            return None
        return f"{self.streams}/market/stream?streams={_names(symbols, ['aggTrade'])}"

    def user_url(self, listen_key: str) -> str:
        """USD-M only: on spot the user data come with the replies to orders."""
        return f"{self.streams}/private/ws/{listen_key}"

    def roles(self, *, orders: bool) -> tuple[LinkRole, ...]:
        """The links that a session needs."""
        roles = [LinkRole.BOOKS]
        if self.market == Market.USDM:
            roles.append(LinkRole.TRADES)
        if orders:
            roles.append(LinkRole.ORDERS)
            if self.market == Market.USDM:
                roles.append(LinkRole.USER)
        return tuple(roles)


PRODUCTION: Final = {
    Market.SPOT: Endpoints(
        Market.SPOT,
        "https://api.binance.com",
        "wss://stream.binance.com:9443",
        "wss://ws-api.binance.com:443/ws-api/v3",
    ),
    Market.USDM: Endpoints(
        Market.USDM,
        "https://fapi.binance.com",
        "wss://fstream.binance.com",
        "wss://ws-fapi.binance.com/ws-fapi/v1",
    ),
}


def endpoints_of(config: RunConfig) -> Endpoints:
    """The configured addresses, the market's own where there are none."""
    usual = PRODUCTION[config.market]
    return Endpoints(
        config.market,
        (config.text("venue.rest") or usual.rest).rstrip("/"),
        (config.text("venue.streams") or usual.streams).rstrip("/"),
        (config.text("venue.orders") or usual.orders).rstrip("/"),
    )


def _names(symbols: Sequence[str], kinds: Sequence[str]) -> str:
    from urllib.parse import quote

    return "/".join(quote(f"{symbol.lower()}@{kind}", "@") for symbol in symbols for kind in kinds)
