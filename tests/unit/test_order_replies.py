"""Replies to orders and cancels: accepted, refused for certain, or unknown."""

import pytest

from appliance.abi.market import Market
from appliance.abi.trading import Report
from appliance.cold.live.order_messages import Grid, OrderMessages
from tests.strategies.order_forms import CANCEL_ID, EPOCH, KEY, ORDER_ID, queried, refusal, reply

NOW_NS = 77
GRIDS = {"ETHBTC": (1, Grid(price_e8=10, quantity_e8=10_000_000))}
SPOT = OrderMessages(Market.SPOT, EPOCH, GRIDS)
USDM = OrderMessages(Market.USDM, EPOCH, GRIDS)


def outcome(answer: dict[str, object], market: OrderMessages = SPOT) -> Report | None:
    said, _ = market.reply(answer, NOW_NS)
    assert said is None or said.order_key == KEY
    return None if said is None else said.report


@pytest.mark.parametrize("market", [SPOT, USDM])
def test_an_acknowledged_order(market: OrderMessages) -> None:
    said, code = market.reply(
        reply(ORDER_ID, symbol="ETHBTC", orderId=12, clientOrderId=ORDER_ID), NOW_NS
    )
    assert code == 0 and said is not None
    assert (said.report, said.order_key, said.venue_id) == (Report.ACCEPTED, KEY, 12)
    assert said.instrument == 1 and said.tells_total == 0


REFUSED = Report.REJECTED
UNKNOWN = Report.UNKNOWN


@pytest.mark.parametrize(
    ("status", "code", "text", "expected"),
    [
        (400, -2010, "Account has insufficient balance for requested action.", REFUSED),
        (400, -2010, "Order would immediately match and take.", REFUSED),
        (400, -2010, "Duplicate order sent.", UNKNOWN),  # of whose is it then?
        (400, -4116, "ClientOrderId is duplicated.", UNKNOWN),
        (400, -1013, "Filter failure: LOT_SIZE", REFUSED),
        (400, -1021, "Timestamp for this request is outside of the recvWindow.", REFUSED),
        (400, -1121, "Invalid symbol.", REFUSED),
        (400, -2019, "Margin is insufficient.", REFUSED),
        (403, 0, "WAF", REFUSED),
        (418, -1003, "Way too much request weight used; IP banned", REFUSED),
        (429, -1003, "Too much request weight used", REFUSED),
        (429, -1015, "Too many new orders; current limit is 50 orders per 10 SECOND.", REFUSED),
        (400, -1000, "An unknown error occurred while processing the request.", UNKNOWN),
        (400, -1001, "Internal error; unable to process your request.", UNKNOWN),
        (400, -1006, "Execution status unknown.", UNKNOWN),
        (400, -1007, "Timeout waiting for response from backend server.", UNKNOWN),
        (503, -1008, "Server is currently overloaded with other requests.", UNKNOWN),
        (500, -1000, "", UNKNOWN),
        (502, 0, "Bad Gateway", UNKNOWN),
        (504, -1007, "Send status unknown; execution status unknown.", UNKNOWN),
        (599, -2010, "whatever it says", UNKNOWN),
    ],
)
def test_an_order_is_refused_for_certain_or_unknown(status, code, text, expected) -> None:
    for market in (SPOT, USDM):
        said, told = market.reply(refusal(ORDER_ID, status, code, text), NOW_NS)
        assert said is not None and told == code
        assert (said.report, said.order_key, said.venue_ns) == (expected, KEY, NOW_NS)
        assert said.instrument == -1 and said.tells_total == 0


@pytest.mark.parametrize("error", [None, "text", [], {}])
@pytest.mark.parametrize(("status", "expected"), [(500, UNKNOWN), (400, REFUSED), (0, UNKNOWN)])
def test_an_error_without_a_code(error: object, status: int, expected: Report) -> None:
    assert outcome({"id": ORDER_ID, "status": status, "error": error}) == expected


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, -2011, UNKNOWN),  # "Unknown order sent.": it ended, or never came: ask
        (400, -1021, UNKNOWN),
        (400, -1007, UNKNOWN),
        (503, -1008, UNKNOWN),
        (429, -1003, None),  # the time-out says so, lest the next one follow at once
        (429, -1015, None),
        (418, -1003, None),
    ],
)
def test_a_cancel_never_ends_an_order_by_failing(status, code, expected) -> None:
    assert outcome(refusal(CANCEL_ID, status, code)) == expected


def test_a_cancel_that_was_carried_out_tells_what_was_executed() -> None:
    result = queried(status="CANCELED", executedQty="0.2", cummulativeQuoteQty="0.02052882")
    said, code = SPOT.reply(reply(CANCEL_ID, **result), NOW_NS)
    assert code == 0 and said is not None
    assert (said.report, said.order_key) == (Report.CANCELED, KEY)
    assert (said.tells_total, said.filled_lots, said.filled_tick_lots) == (1, 2, 2 * 1_026_441)


@pytest.mark.parametrize("other", ["logon", None, 12, "lc-0000002b-000000000007-0003"])
def test_answers_to_something_else_are_of_no_order(other: object) -> None:
    assert SPOT.reply(reply(other), NOW_NS) == (None, 0)
    assert SPOT.reply(refusal(other, 401, -2015, "Invalid API-key"), NOW_NS) == (None, -2015)
