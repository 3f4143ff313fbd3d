"""What the made-up venue says of its symbols: their filters, and the whole exchangeInfo.

Shapes as spot (``/api/v3/exchangeInfo``) and USD-M (``/fapi/v1/exchangeInfo``) have them; the
figures are near those of 2026. Spot writes eight decimals, USD-M no needless digit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from appliance.abi.market import Market
from appliance.abi.units import E8, NS_PER_MS
from appliance.cold.exchange_info import decimals_of
from appliance.cold.synthetic.matching import Prevention
from appliance.cold.synthetic.symbols import Contract, contracts, decimal_text

QUOTES: Final = ("USDT", "USDC", "BTC", "ETH", "EUR")
ORDER_TYPES: Final = {
    Market.SPOT: ("LIMIT", "LIMIT_MAKER", "MARKET"),
    Market.USDM: ("LIMIT", "MARKET"),
}
TIMES_IN_FORCE: Final = {
    Market.SPOT: ("GTC", "IOC", "FOK"),
    Market.USDM: ("GTC", "IOC", "FOK", "GTX", "GTD"),
}
PREVENTIONS: Final = tuple(Prevention)
# rateLimitType, interval, intervalNum, limit [binance-protocol 3 and 5]
RATE_LIMITS: Final = {
    Market.SPOT: (
        ("REQUEST_WEIGHT", "MINUTE", 1, 6000),
        ("ORDERS", "SECOND", 10, 50),
        ("ORDERS", "DAY", 1, 160_000),
        ("RAW_REQUESTS", "MINUTE", 5, 300_000),
    ),
    Market.USDM: (
        ("REQUEST_WEIGHT", "MINUTE", 1, 2400),
        ("ORDERS", "MINUTE", 1, 1200),
        ("ORDERS", "SECOND", 10, 300),
    ),
}
_ONBOARD_MS: Final = 1_569_398_400_000
_DELIVERY_MS: Final = 4_133_404_800_000  # of a perpetual: never
_NOTIONAL_MIN_E8: Final = 5 * E8
_SPOT_BAND: Final = (5 * E8, E8 // 5)  # multiplierUp, multiplierDown
_USDM_BAND: Final = (115 * E8 // 100, 85 * E8 // 100)


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters of one symbol, as integers times 10**8; counts as they are."""

    price_min_e8: int
    price_max_e8: int
    tick_e8: int
    quantity_min_e8: int
    quantity_max_e8: int
    step_e8: int
    market_quantity_max_e8: int
    notional_min_e8: int
    notional_max_e8: int
    multiplier_up_e8: int  # of the reference price
    multiplier_down_e8: int
    orders_max: int
    position_max_e8: int  # of the base asset; 0: there is none


def filters_of(contract: Contract) -> Filters:
    """The filters that the venue gives a contract."""
    usdm = contract.market == Market.USDM
    up_e8, down_e8 = _USDM_BAND if usdm else _SPOT_BAND
    order_e8 = contract.order_lots * contract.quantity_grid_e8
    return Filters(
        price_min_e8=contract.price_grid_e8,
        price_max_e8=contract.start_ticks * 100 * contract.price_grid_e8,
        tick_e8=contract.price_grid_e8,
        quantity_min_e8=contract.quantity_grid_e8,
        quantity_max_e8=order_e8 * 10_000,
        step_e8=contract.quantity_grid_e8,
        market_quantity_max_e8=order_e8 * 1_000,
        notional_min_e8=_NOTIONAL_MIN_E8,
        notional_max_e8=9_000_000 * E8,
        multiplier_up_e8=up_e8,
        multiplier_down_e8=down_e8,
        orders_max=200,
        # the real venue, too, limits positions in a few symbols only
        position_max_e8=order_e8 * 20_000 if contract.symbol == "BNBUSDT" and not usdm else 0,
    )


def assets_of(symbol: str) -> tuple[str, str]:
    """Base and quote asset; what ends in no quote asset that we know is quoted in USDT."""
    for quote in QUOTES:
        if symbol.endswith(quote) and symbol != quote:
            return symbol.removesuffix(quote), quote
    return symbol, "USDT"


def rate_limits(market: Market) -> list[dict[str, Any]]:
    """The ``rateLimits`` of exchangeInfo."""
    keys = ("rateLimitType", "interval", "intervalNum", "limit")
    return [dict(zip(keys, limit, strict=True)) for limit in RATE_LIMITS[market]]


def exchange_info(symbols: Sequence[str], market: Market) -> dict[str, Any]:
    """The venue's exchangeInfo of these symbols, in the shape of its market."""
    return describe(contracts(symbols, market), market, 0)


def describe(listed: Sequence[Contract], market: Market, now_ns: int) -> dict[str, Any]:
    """exchangeInfo of ``listed``, at ``now_ns``."""
    document: dict[str, Any] = {"timezone": "UTC", "serverTime": now_ns // NS_PER_MS}
    if market == Market.USDM:
        document["futuresType"] = "U_MARGINED"
    document |= {"rateLimits": rate_limits(market), "exchangeFilters": []}
    if market == Market.USDM:
        asset = {"asset": "USDT", "marginAvailable": True, "autoAssetExchange": "-10000"}
        document["assets"] = [asset]
    entry = _usdm_entry if market == Market.USDM else _spot_entry
    document["symbols"] = [entry(contract) for contract in listed]
    return document


def eight(value_e8: int) -> str:
    """As spot writes numbers: eight decimals."""
    return decimal_text(value_e8, 8) if value_e8 >= 0 else "-" + decimal_text(-value_e8, 8)


def short(value_e8: int) -> str:
    """As USD-M writes the figures of its filters: no needless digit."""
    return decimal_text(value_e8, decimals_of(value_e8) if value_e8 else 0)


def _spot_entry(contract: Contract) -> dict[str, Any]:
    base, quote = assets_of(contract.symbol)
    return {
        "symbol": contract.symbol,
        "status": "TRADING",
        "baseAsset": base,
        "baseAssetPrecision": 8,
        "quoteAsset": quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": list(ORDER_TYPES[Market.SPOT]),
        "icebergAllowed": False,
        "ocoAllowed": False,
        "otoAllowed": False,
        "opoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": False,
        "cancelReplaceAllowed": True,
        "amendAllowed": False,
        "pegInstructionsAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": _spot_filters(filters_of(contract)),
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": Prevention.EXPIRE_MAKER.value,
        "allowedSelfTradePreventionModes": [mode.value for mode in PREVENTIONS],
    }


def _spot_filters(filters: Filters) -> list[Mapping[str, Any]]:
    up, down = short(filters.multiplier_up_e8), short(filters.multiplier_down_e8)
    listed: list[Mapping[str, Any]] = [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": eight(filters.price_min_e8),
            "maxPrice": eight(filters.price_max_e8),
            "tickSize": eight(filters.tick_e8),
        },
        {
            "filterType": "LOT_SIZE",
            "minQty": eight(filters.quantity_min_e8),
            "maxQty": eight(filters.quantity_max_e8),
            "stepSize": eight(filters.step_e8),
        },
        {
            "filterType": "MARKET_LOT_SIZE",
            "minQty": eight(0),
            "maxQty": eight(filters.market_quantity_max_e8),
            "stepSize": eight(0),
        },
        {
            "filterType": "PERCENT_PRICE_BY_SIDE",
            "bidMultiplierUp": up,
            "bidMultiplierDown": down,
            "askMultiplierUp": up,
            "askMultiplierDown": down,
            "avgPriceMins": 5,
        },
        {
            "filterType": "NOTIONAL",
            "minNotional": eight(filters.notional_min_e8),
            "applyMinToMarket": True,
            "maxNotional": eight(filters.notional_max_e8),
            "applyMaxToMarket": False,
            "avgPriceMins": 5,
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": filters.orders_max},
    ]
    if filters.position_max_e8:
        position = eight(filters.position_max_e8)
        listed.append({"filterType": "MAX_POSITION", "maxPosition": position})
    return listed


def _usdm_entry(contract: Contract) -> dict[str, Any]:
    base, quote = assets_of(contract.symbol)
    return {
        "symbol": contract.symbol,
        "pair": contract.symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": _DELIVERY_MS,
        "onboardDate": _ONBOARD_MS,
        "status": "TRADING",
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": base,
        "quoteAsset": quote,
        "marginAsset": quote,
        "pricePrecision": contract.price_digits,
        "quantityPrecision": contract.quantity_digits,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": ["PoW"],
        "triggerProtect": "0.0500",
        "liquidationFee": "0.012500",
        "marketTakeBound": "0.05",
        "maxMoveOrderLimit": 10_000,
        "filters": _usdm_filters(filters_of(contract)),
        "orderTypes": list(ORDER_TYPES[Market.USDM]),
        "timeInForce": list(TIMES_IN_FORCE[Market.USDM]),
        "permissionSets": ["GRID", "COPY"],
    }


def _usdm_filters(filters: Filters) -> list[Mapping[str, Any]]:
    step, smallest = short(filters.step_e8), short(filters.quantity_min_e8)
    return [
        {
            "minPrice": short(filters.price_min_e8),
            "maxPrice": short(filters.price_max_e8),
            "filterType": "PRICE_FILTER",
            "tickSize": short(filters.tick_e8),
        },
        {
            "stepSize": step,
            "filterType": "LOT_SIZE",
            "maxQty": short(filters.quantity_max_e8),
            "minQty": smallest,
        },
        {
            "stepSize": step,
            "filterType": "MARKET_LOT_SIZE",
            "maxQty": short(filters.market_quantity_max_e8),
            "minQty": smallest,
        },
        {"limit": filters.orders_max, "filterType": "MAX_NUM_ORDERS"},
        {"notional": short(filters.notional_min_e8), "filterType": "MIN_NOTIONAL"},
        {
            "multiplierDown": decimal_text(filters.multiplier_down_e8, 4),
            "multiplierUp": decimal_text(filters.multiplier_up_e8, 4),
            "multiplierDecimal": "4",
            "filterType": "PERCENT_PRICE",
        },
    ]
