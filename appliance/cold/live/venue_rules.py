"""The instruments of a run: the venue's rules, and the grid that its books are really on."""

import re
from fractions import Fraction
from math import gcd
from typing import Any, Final

from appliance.abi.units import E8
from appliance.cold import instrument_table
from appliance.cold.errors import ApplianceError
from appliance.cold.exchange_info import ExchangeInfo, parse_exchange_info
from appliance.cold.frame_event import short
from appliance.cold.grid import Learnt
from appliance.cold.instrument_table import Instruments
from appliance.cold.live.order_messages import Grid
from appliance.cold.live.rest_client import RestClient, RestError, parsed, patiently
from appliance.cold.run_config import BadConfig, RunConfig

TRIES: Final = 3
SNAPSHOT_LEVELS: Final = 100
_DECIMAL: Final = re.compile(r"[0-9]{1,30}(\.[0-9]{1,30})?", re.ASCII)


async def ask(rest: RestClient, config: RunConfig) -> Instruments:
    """INSTRUMENT records of the configured symbols. ApplianceError, BadConfig."""
    try:
        info = await _info(rest, config)
        learnt = [await _learn(rest, info, symbol) for symbol in config.symbols]
    except RestError as error:
        raise ApplianceError(f"the venue does not answer as it should: {error}") from None
    return instrument_table.build(learnt, info, config.symbols)


async def _info(rest: RestClient, config: RunConfig) -> ExchangeInfo:
    document = parsed("/exchangeInfo", await patiently(lambda: rest.public("/exchangeInfo"), TRIES))
    if not isinstance(document, dict) or not isinstance(document.get("symbols"), list):
        raise ApplianceError("/exchangeInfo: there are no symbols in the answer")
    info = parse_exchange_info(document)
    if info.market != config.market:
        raise ApplianceError(f"the venue is {info.market.name}, not {config.market.name}")
    rest.weights.most = _weight_max(document.get("rateLimits"))
    faults = [
        f"{config.path}: symbols: {short(symbol)}:"
        f" {info.refused.get(symbol, 'the venue has no such symbol')}"
        for symbol in config.symbols
        if symbol not in info.rules
    ]
    if faults:
        raise BadConfig("\n".join(faults))
    return info


def _weight_max(limits: Any) -> int:
    """Of a minute; 0: the venue does not tell."""
    for limit in limits if isinstance(limits, list) else ():
        if not isinstance(limit, dict) or not isinstance(limit.get("limit"), int):
            continue
        span = limit.get("interval"), limit.get("intervalNum")
        if limit.get("rateLimitType") == "REQUEST_WEIGHT" and span == ("MINUTE", 1):
            return int(limit["limit"])
    return 0


async def _learn(rest: RestClient, info: ExchangeInfo, symbol: str) -> Learnt:
    """The grid of a book: the venue's tick, or finer where levels lie between two."""
    params: dict[str, str | int] = {"symbol": symbol, "limit": SNAPSHOT_LEVELS}
    document = parsed("/depth", await patiently(lambda: rest.public("/depth", params), TRIES))
    rules = info.rules[symbol]
    try:
        rows = [*document["bids"], *document["asks"]]
        prices = [_e8(price) for price, _ in rows]
        sizes = [_e8(size) for _, size in rows]
    except (KeyError, TypeError, ValueError):
        raise ApplianceError(f"/depth of {symbol}: not a snapshot") from None
    return Learnt(
        symbol=symbol,
        market=info.market,
        price_grid_e8=gcd(rules.price_grid_e8, *prices),
        quantity_grid_e8=gcd(rules.quantity_grid_e8, *sizes),
        first_price_e8=prices[0] if prices else 0,
        frames_n=0,
    )


def _e8(text: object) -> int:
    """Of any size: what fits is a question of the grid, which is not known yet."""
    if not isinstance(text, str) or not _DECIMAL.fullmatch(text):
        raise ValueError(text)
    number = Fraction(text) * E8
    if number.denominator != 1:
        raise ValueError(text)
    return int(number)


def grids_of(instruments: Instruments) -> dict[str, tuple[int, Grid]]:
    """Symbol -> (instrument, its units)."""
    rows: Any = instruments.records
    return {
        symbol: (i, Grid(int(rows[i].price_grid_e8), int(rows[i].quantity_grid_e8)))
        for i, symbol in enumerate(instruments.symbols)
    }
