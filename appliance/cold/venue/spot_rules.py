"""From the parameters of a spot order to a draft: which parameters, which filters, which refusals.

Sources: spot documents rest-api.md, filters.md, errors.md (binance-protocol 3 and 4).
"""

import re
from typing import Final

from appliance.abi.market import Market
from appliance.abi.trading import Side
from appliance.abi.units import E8
from appliance.cold.synthetic.listing import ORDER_TYPES, TIMES_IN_FORCE
from appliance.cold.synthetic.matching import Prevention
from appliance.cold.venue.instrument import Instrument
from appliance.cold.venue.order import Draft
from appliance.cold.venue.params import Params
from appliance.cold.venue.refusal import (
    Refused,
    failed_filter,
    illegal,
    missing,
    not_required,
    rejected,
)

_CLIENT_ID: Final = re.compile(r"[a-zA-Z0-9-_]{1,36}")
_CLIENT_ID_LEGAL: Final = "^[a-zA-Z0-9-_]{1,36}$"
_OTHER_TYPES: Final = ("STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT")
_UNSUPPORTED: Final = ("stopPrice", "trailingDelta", "icebergQty", "pegPriceType", "pegOffsetType")
_RESPONSES: Final = ("ACK", "RESULT", "FULL")
_STRATEGY_TYPE_MIN: Final = 1_000_000
BAD_SIDE: Final = (-1117, "Invalid side.")
BAD_TYPE: Final = (-1116, "Invalid orderType.")
BAD_TIME_IN_FORCE: Final = (-1115, "Invalid timeInForce.")


def draft(params: Params, instrument: Instrument, new_id: str) -> Draft:
    """A spot order; ``new_id`` is its client id if it has none. Raises Refused."""
    side = Side[params.choice("side", ("BUY", "SELL"), BAD_SIDE)]
    known = (*ORDER_TYPES[Market.SPOT], *_OTHER_TYPES)
    kind = params.choice("type", known, BAD_TYPE)
    if kind in _OTHER_TYPES or any(map(params.has, _UNSUPPORTED)):
        raise rejected("Unsupported order combination")
    time_in_force = _time_in_force(params, kind)
    price_ticks = 0
    if kind == "MARKET":
        if params.has("price"):
            raise not_required("price")
    else:
        price_ticks = _price_ticks(params, instrument, side)
    lots, quote_e8 = _size(params, instrument, kind)
    if lots:
        check_notional(instrument, kind, price_ticks, lots)
    response = "FULL" if kind in ("LIMIT", "MARKET") else "ACK"
    if params.has("newOrderRespType"):
        bad = (-1102, missing("newOrderRespType").message)
        response = params.choice("newOrderRespType", _RESPONSES, bad)
    strategy_type = params.integer("strategyType", 0)
    if strategy_type and strategy_type < _STRATEGY_TYPE_MIN:
        raise illegal("strategyType", f"{_STRATEGY_TYPE_MIN} and more")
    return Draft(
        symbol=instrument.symbol,
        side=side,
        kind=kind,
        time_in_force=time_in_force,
        price_ticks=price_ticks,
        lots=lots,
        quote_e8=quote_e8,
        client_id=client_id(params, "newClientOrderId", new_id),
        prevention=prevention(params, Prevention.EXPIRE_MAKER),
        post_only=kind == "LIMIT_MAKER",
        response=response,
        strategy_id=params.integer("strategyId", 0),
        strategy_type=strategy_type,
    )


def client_id(params: Params, name: str, new_id: str) -> str:
    """The id that the client gave, or ``new_id``."""
    text = params.text(name, new_id)
    if not _CLIENT_ID.fullmatch(text):
        raise illegal(name, _CLIENT_ID_LEGAL)
    return text


def prevention(params: Params, default: Prevention) -> Prevention:
    """selfTradePreventionMode. TRANSFER needs trade groups, which this venue has none of."""
    name = "selfTradePreventionMode"
    if not params.has(name):
        return default
    refusal = (-1013, f"This symbol does not allow the specified {name}.")
    return Prevention(params.choice(name, tuple(Prevention), refusal))


def _time_in_force(params: Params, kind: str) -> str:
    if kind == "LIMIT":
        return params.choice("timeInForce", TIMES_IN_FORCE[Market.SPOT], BAD_TIME_IN_FORCE)
    if params.has("timeInForce"):
        raise not_required("timeInForce")
    return "GTC"


def _price_ticks(params: Params, instrument: Instrument, side: int) -> int:
    price_e8 = params.decimal_e8("price")
    filters = instrument.filters
    on_grid = price_e8 % filters.tick_e8 == 0
    if not on_grid or not filters.price_min_e8 <= price_e8 <= filters.price_max_e8:
        raise failed_filter("PRICE_FILTER")
    reference_e8 = instrument.reference_ticks * instrument.contract.price_grid_e8
    low, high = filters.multiplier_down_e8, filters.multiplier_up_e8
    if not reference_e8 * low <= price_e8 * E8 <= reference_e8 * high:
        raise failed_filter("PERCENT_PRICE_BY_SIDE")
    del side  # both sides have the same band here
    return price_e8 // instrument.contract.price_grid_e8


def _size(params: Params, instrument: Instrument, kind: str) -> tuple[int, int]:
    """Lots, or the value in the quote asset of a market order that is given by it."""
    if kind == "MARKET" and params.has("quoteOrderQty"):
        if params.has("quantity"):
            raise not_required("quantity")
        quote_e8 = params.decimal_e8("quoteOrderQty")
        if quote_e8 < instrument.filters.notional_min_e8:
            raise failed_filter("NOTIONAL")
        return 0, quote_e8
    if params.has("quoteOrderQty"):
        raise not_required("quoteOrderQty")
    quantity_e8 = params.decimal_e8("quantity")
    filters = instrument.filters
    on_grid = quantity_e8 % filters.step_e8 == 0
    if not on_grid or not filters.quantity_min_e8 <= quantity_e8 <= filters.quantity_max_e8:
        raise failed_filter("LOT_SIZE")
    if kind == "MARKET" and quantity_e8 > filters.market_quantity_max_e8:
        raise failed_filter("MARKET_LOT_SIZE")
    return quantity_e8 // instrument.contract.quantity_grid_e8, 0


def check_notional(instrument: Instrument, kind: str, price_ticks: int, lots: int) -> None:
    """NOTIONAL: at its price, a market order at the reference price. Raises Refused."""
    filters = instrument.filters
    value_e8 = instrument.quote_e8(price_ticks or instrument.reference_ticks, lots)
    too_large = value_e8 > filters.notional_max_e8 and kind != "MARKET"  # applyMaxToMarket: false
    if value_e8 < filters.notional_min_e8 or too_large:
        raise failed_filter("NOTIONAL")


def check_count(instrument: Instrument, open_orders: int) -> None:
    """MAX_NUM_ORDERS. Raises Refused."""
    if open_orders >= instrument.filters.orders_max:
        raise failed_filter("MAX_NUM_ORDERS")


__all__ = ["Refused", "check_count", "check_notional", "client_id", "draft", "prevention"]
