"""From the parameters of a USD-M order to a draft. The texts are those that clients report.

Source: binance-protocol 5; the codes from -4000 on stand in third-party clients only.
"""

import re
from typing import Final

from appliance.abi.market import Market
from appliance.abi.trading import Side
from appliance.abi.units import E8, NS_PER_S
from appliance.cold.synthetic.listing import ORDER_TYPES, TIMES_IN_FORCE, short
from appliance.cold.synthetic.matching import Prevention
from appliance.cold.synthetic.symbols import decimal_text
from appliance.cold.venue.instrument import Instrument
from appliance.cold.venue.order import Draft
from appliance.cold.venue.params import Params
from appliance.cold.venue.refusal import Refused, illegal, missing, not_required
from appliance.cold.venue.spot_rules import BAD_SIDE, BAD_TIME_IN_FORCE, BAD_TYPE

_CLIENT_ID: Final = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}")
_CLIENT_ID_LEGAL: Final = r"^[\.A-Z\:/a-z0-9_-]{1,36}$"
_RESPONSES: Final = ("ACK", "RESULT")
_ALGO_TYPES: Final = ("STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET")
_ALGO: Final = (-4120, "Order type not supported for this endpoint. Please use the Algo Order API.")
_PRECISION: Final = (-1111, "Precision is over the maximum defined for this asset.")
_GOOD_TILL_MIN_S: Final = 600
_PREVENTIONS: Final = tuple(mode for mode in Prevention if mode != Prevention.DECREMENT)


def draft(params: Params, instrument: Instrument, new_id: str, now_ns: int) -> Draft:
    """A USD-M order; ``new_id`` is its client id if it has none. Raises Refused."""
    side = Side[params.choice("side", ("BUY", "SELL"), BAD_SIDE)]
    kind = params.text("type")
    if kind in (*_ALGO_TYPES, "TRAILING_STOP_MARKET"):
        raise Refused(*_ALGO)
    kind = params.choice("type", ORDER_TYPES[Market.USDM], BAD_TYPE)
    if params.text("positionSide", "BOTH") != "BOTH":
        raise Refused(-4061, "Order's position side does not match user's setting.")
    if params.text("priceMatch", "NONE") != "NONE":
        raise not_required("priceMatch")  # not built
    reduce_only = params.flag("reduceOnly")
    time_in_force, price_ticks = "GTC", 0
    if kind == "LIMIT":
        allowed = TIMES_IN_FORCE[Market.USDM]
        time_in_force = params.choice("timeInForce", allowed, BAD_TIME_IN_FORCE)
        price_ticks = _price_ticks(params, instrument, side)
    elif params.has("price"):
        raise not_required("price")
    lots = _lots(params, instrument, kind)
    if not reduce_only:
        _check_notional(instrument, price_ticks, lots)
    return Draft(
        symbol=instrument.symbol,
        side=side,
        kind=kind,
        time_in_force=time_in_force,
        price_ticks=price_ticks,
        lots=lots,
        client_id=_client_id(params, new_id),
        prevention=_prevention(params),
        post_only=time_in_force == "GTX",
        reduce_only=reduce_only,
        good_till_ms=_good_till_ms(params, time_in_force, now_ns),
        response=_response(params),
    )


def _client_id(params: Params, new_id: str) -> str:
    text = params.text("newClientOrderId", new_id)
    if not _CLIENT_ID.fullmatch(text):
        raise illegal("newClientOrderId", _CLIENT_ID_LEGAL)
    return text


def _prevention(params: Params) -> Prevention:
    """selfTradePreventionMode: USD-M knows no DECREMENT."""
    name = "selfTradePreventionMode"
    if not params.has(name):
        return Prevention.EXPIRE_MAKER
    refusal = (-1130, f"Data sent for parameter '{name}' is not valid.")
    return Prevention(params.choice(name, _PREVENTIONS, refusal))


def _response(params: Params) -> str:
    if not params.has("newOrderRespType"):
        return "ACK"
    bad = (-1102, missing("newOrderRespType").message)
    return params.choice("newOrderRespType", _RESPONSES, bad)


def _good_till_ms(params: Params, time_in_force: str, now_ns: int) -> int:
    if time_in_force != "GTD":
        return 0
    until_ms = params.integer("goodTillDate")
    if until_ms * 1_000_000 <= now_ns + _GOOD_TILL_MIN_S * NS_PER_S:
        raise Refused(-4205, "Timestamp for the GTD must be larger than now plus 600 seconds.")
    return until_ms // 1000 * 1000  # the venue keeps whole seconds


def _price_ticks(params: Params, instrument: Instrument, side: int) -> int:
    price_e8 = params.decimal_e8("price")
    filters, contract = instrument.filters, instrument.contract
    if price_e8 <= 0:
        raise Refused(-4001, "Price less than 0.")
    if price_e8 % 10 ** (8 - contract.price_digits):
        raise Refused(*_PRECISION)
    if price_e8 > filters.price_max_e8:
        raise Refused(-4002, "Price greater than max price.")
    if price_e8 < filters.price_min_e8:
        raise Refused(-4013, "Price less than min price.")
    if price_e8 % filters.tick_e8:
        raise Refused(-4014, "Price not increased by tick size.")
    highest_e8 = instrument.mark_e8 * filters.multiplier_up_e8 // E8
    lowest_e8 = instrument.mark_e8 * filters.multiplier_down_e8 // E8
    if side == Side.BUY and price_e8 > highest_e8:
        text = _band_text(highest_e8, contract.price_digits)
        raise Refused(-4016, f"Limit price can't be higher than {text}.")
    if side == Side.SELL and price_e8 < lowest_e8:
        text = _band_text(lowest_e8, contract.price_digits)
        raise Refused(-4024, f"Limit price can't be lower than {text}.")
    return price_e8 // contract.price_grid_e8


def _band_text(value_e8: int, digits: int) -> str:
    unit = 10 ** (8 - digits)
    return decimal_text(value_e8 // unit * unit, digits)


def _lots(params: Params, instrument: Instrument, kind: str) -> int:
    quantity_e8 = params.decimal_e8("quantity")
    filters, contract = instrument.filters, instrument.contract
    if quantity_e8 <= 0:
        raise Refused(-4003, "Quantity less than or equal to zero.")
    if quantity_e8 % 10 ** (8 - contract.quantity_digits):
        raise Refused(*_PRECISION)
    most_e8 = filters.market_quantity_max_e8 if kind == "MARKET" else filters.quantity_max_e8
    if quantity_e8 > most_e8:
        raise Refused(-4005, "Quantity greater than max quantity.")
    if quantity_e8 < filters.quantity_min_e8:
        raise Refused(-4004, "Quantity less than min quantity.")
    if quantity_e8 % filters.step_e8:
        raise Refused(-4023, "Qty not increased by step size.")
    return quantity_e8 // contract.quantity_grid_e8


def _check_notional(instrument: Instrument, price_ticks: int, lots: int) -> None:
    filters = instrument.filters
    price_e8 = price_ticks * instrument.contract.price_grid_e8 or instrument.mark_e8
    if price_e8 * instrument.base_e8(lots) // E8 < filters.notional_min_e8:
        least = short(filters.notional_min_e8)
        text = f"Order's notional must be no smaller than {least} (unless you choose reduce only)."
        raise Refused(-4164, text)


def check_count(instrument: Instrument, open_orders: int) -> None:
    """MAX_NUM_ORDERS. Raises Refused."""
    if open_orders >= instrument.filters.orders_max:
        raise Refused(-2025, "Reach max open order limit.")
