"""The plain form of a verdict: the text itself, and that nothing of the verdict is lost."""

import json

import pytest

from appliance.abi.limits import FRAME_BYTES_MAX, LEVELS_PER_FRAME_MAX
from appliance.abi.market import Fault, Kind, Market
from appliance.abi.units import E8
from appliance.cold.canonical import compose, decimal_text
from appliance.cold.clerk import Clerk
from appliance.cold.verdict import Listing, refused

SPOT = ("BTCUSDT", Market.SPOT, 1_000_000, 1_000)
USDM = ("这是测试币456", Market.USDM, 10_000_000, 100_000)
CLERK = Clerk([SPOT, USDM])


def rewritten(text: str, hint: int = -1) -> str:
    verdict = CLERK.decide(text.encode(), instrument_hint=hint)
    assert verdict.fault is Fault.NONE, verdict
    plain = CLERK.canonical(verdict)
    assert CLERK.decide(plain, instrument_hint=verdict.instrument) == verdict
    return plain.decode()


def test_difference() -> None:
    text = (
        ' { "a" : [ ], "b":[["1.50","\\u0031"]], "pu":3 ,"u":5,"U":4,"zz":{"e":[1]},'
        '"s":"\\u8fd9是测试币456","T":7,"E":1723161255000123,"e":"depth\\u0055pdate","st":1}'
    )
    assert rewritten(text) == (
        '{"stream":"这是测试币456@depth","data":{"e":"depthUpdate","E":1723161255000123,"T":7,'
        '"s":"这是测试币456","U":4,"u":5,"pu":3,"b":[["1.5","1.000"]],"a":[]}}'
    )


def test_partial_depth_keeps_the_form_of_its_market() -> None:
    spot = '{"stream":"btcusdt@depth20","data":{"asks":[],"bids":[["1","1"]],"lastUpdateId":5}}'
    assert rewritten(spot) == (
        '{"stream":"btcusdt@depth5","data":'
        '{"lastUpdateId":5,"bids":[["1.00","1.00000"]],"asks":[]}}'
    )
    usdm = spot.replace("btcusdt", USDM[0])
    assert rewritten(usdm) == (
        '{"stream":"这是测试币456@depth5","data":{"e":"depthUpdate","E":0,"s":"这是测试币456",'
        '"U":5,"u":5,"b":[["1.0","1.000"]],"a":[]}}'
    )


def test_ticker() -> None:
    spot = '{"b":"1","B":"2","a":"3","A":"4","s":"BTCUSDT","u":1}'
    assert rewritten(spot) == (
        '{"stream":"btcusdt@bookTicker","data":{"u":1,"s":"BTCUSDT","b":"1.00","B":"2.00000",'
        '"a":"3.00","A":"4.00000"}}'
    )
    usdm = (
        '{"E":9,"T":8,"b":"1","B":"2","a":"0","A":"0","s":"这是测试币456","u":1,"e":"bookTicker"}'
    )
    assert rewritten(usdm) == (
        '{"stream":"这是测试币456@bookTicker","data":{"e":"bookTicker","u":1,"s":"这是测试币456",'
        '"b":"1.0","B":"2.000","a":"0.0","A":"0.000","T":8,"E":9}}'
    )


def test_trades() -> None:
    event = '"E":2,"T":1,"s":"BTCUSDT","p":"1","q":"2","m":true'
    plain = '"E":2,"s":"BTCUSDT","%s":6,"p":"1.00","q":"2.00000","T":1,"m":true'
    assert rewritten(f'{{"e":"trade","t":6,{event}}}') == (
        '{"stream":"btcusdt@trade","data":{"e":"trade",' + plain % "t" + "}}"
    )
    assert rewritten(f'{{"e":"aggTrade","a":6,{event},"X":"ADL"}}') == (
        '{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade",' + plain % "a" + ',"X":"OTHER"}}'
    )


def test_snapshot_stays_bare() -> None:
    text = '{ "E": 9, "bids": [["1", "0.5"]], "asks": [], "lastUpdateId": 7 }'
    assert rewritten(text, hint=0) == (
        '{"lastUpdateId":7,"E":9,"bids":[["1.00","0.50000"]],"asks":[]}'
    )


def test_what_is_of_no_interest_stays_so() -> None:
    assert rewritten('{"e":"kline"}') == "{}"
    assert CLERK.decide(rewritten('{"e":"trade","s":"X"}').encode()).kind is Kind.STRANGER


def test_undecided_has_no_plain_form() -> None:
    with pytest.raises(ValueError):
        compose(refused(Fault.NOT_JSON, ""), Listing(*SPOT))


@pytest.mark.parametrize(
    ("units", "grid_e8", "text"),
    [
        (0, 1, "0.00000000"),
        (1, 1, "0.00000001"),
        (7, 5_000_000, "0.35"),
        (3, E8, "3"),
        (3, 10 * E8, "30"),
        (0, 10 * E8, "0"),
        (11, 110_000_000, "12.1"),
        (2**62, E8, "4611686018427387904"),
        (2**62, 1, "46116860184.27387904"),
    ],
)
def test_decimals_have_the_shape_of_their_grid(units: int, grid_e8: int, text: str) -> None:
    assert decimal_text(units, grid_e8) == text


@pytest.mark.parametrize(
    "stream", [None, "btcusdt@depth", "btcusdt@depth5", "!x@depth5", "snapshot"]
)
def test_never_longer_than_a_frame_may_be(stream: str | None) -> None:
    """Short decimals in a frame of the greatest length: the usual shape would not fit."""
    frame = _frame_of_most_levels(stream, 0)
    frame = _frame_of_most_levels(stream, FRAME_BYTES_MAX - len(frame))
    assert len(frame) == FRAME_BYTES_MAX
    assert len(rewritten(frame, hint=0)) <= FRAME_BYTES_MAX


def _frame_of_most_levels(stream: str | None, longer_n: int) -> str:
    """``longer_n`` of its prices have a digit more."""
    prices = ["9" * 15] * longer_n + ["9" * 14] * (2 * LEVELS_PER_FRAME_MAX - longer_n)
    levels = [[price, "8" * 9] for price in prices]
    bids, asks = levels[:LEVELS_PER_FRAME_MAX], levels[LEVELS_PER_FRAME_MAX:]
    document: object = {"lastUpdateId": 1, "bids": bids, "asks": asks}
    if stream != "snapshot":
        event = {"e": "depthUpdate", "E": 1, "s": "BTCUSDT", "U": 1, "u": 2, "b": bids, "a": asks}
        document = event if stream is None else {"stream": stream, "data": event}
    return json.dumps(document, separators=(",", ":"))
