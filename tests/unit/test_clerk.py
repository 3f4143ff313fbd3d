"""The clerk, rule by rule, against values written by hand."""

import json
from typing import Any

import pytest

from appliance.abi.market import DECODED, Fault, Kind, Market
from appliance.abi.units import E8, NO_ID, NO_TIME
from appliance.cold.clerk import Clerk
from tests.strategies.frames import INSTRUMENTS
from tests.strategies.plain_events import (
    AGG_TRADE,
    BTCUSDT,
    CHINESE,
    CLERK,
    DEPTH,
    NIKKEI,
    SATS,
    SNAPSHOT,
    TICKER,
    TRADE,
    decide,
    decide_text,
    without,
)

# --- what each kind says -------------------------------------------------------------------------


def test_depth_difference() -> None:
    verdict = decide(DEPTH | {"T": 1723161254000, "pu": 99}, "btcusdt@depth@100ms")
    assert (verdict.kind, verdict.fault, verdict.instrument) == (Kind.DEPTH, Fault.NONE, BTCUSDT)
    assert verdict.bids == [(6183763, 378826), (6183700, 0)]
    assert verdict.asks == [(6183800, 1)]
    assert set(verdict.values) == set(DECODED.names or ())
    assert {name: value for name, value in verdict.values.items() if value} == {
        "kind": Kind.DEPTH,
        "event_ns": 1723161255000 * 10**6,
        "trade_ns": 1723161254000 * 10**6,
        "first_id": 100,
        "last_id": 105,
        "previous_id": 99,
        "bid_n": 2,
        "ask_n": 1,
    }


def test_spot_difference_has_no_previous_id_and_no_trade_time() -> None:
    verdict = decide(DEPTH)
    assert verdict.kind is Kind.DEPTH
    assert (verdict.values["previous_id"], verdict.values["trade_ns"]) == (NO_ID, NO_TIME)


def test_partial_depth_of_usdm_differs_from_the_diff_by_its_stream_only() -> None:
    event = DEPTH | {"s": "BTCUSDC", "b": [["0.1", "0.001"]], "a": []}
    assert decide(event, "btcusdc@depth20@100ms").kind is Kind.PARTIAL
    assert decide(event, "btcusdc@depth@100ms").kind is Kind.DEPTH


def test_partial_depth_of_spot_takes_its_symbol_from_the_stream() -> None:
    verdict = decide(SNAPSHOT, "这是测试币456@depth5")
    assert (verdict.kind, verdict.instrument) == (Kind.PARTIAL, CHINESE)
    assert (verdict.values["first_id"], verdict.values["last_id"]) == (42, 42)
    assert (verdict.bids, verdict.asks) == ([(15000, 2)], [(20000, 3)])


def test_ticker_with_and_without_event_type() -> None:
    bare = decide(TICKER, "btcusdt@bookTicker")
    named = decide(TICKER | {"e": "bookTicker", "E": 5, "T": 4}, "!bookTicker")
    assert bare.kind is named.kind is Kind.TICKER
    assert (bare.values["event_ns"], named.values["event_ns"]) == (NO_TIME, 5_000_000)
    for name, value in {
        "last_id": 9,
        "bid_ticks": 101,
        "bid_lots": 200_000,
        "ask_ticks": 102,
        "ask_lots": 50_000,
        "at_market": 0,
    }.items():
        assert bare.values[name] == named.values[name] == value


def test_an_empty_side_of_a_ticker() -> None:
    empty = decide(TICKER | {"b": "0.00", "B": "0"})
    assert (empty.kind, empty.values["bid_ticks"], empty.values["ask_ticks"]) == (
        Kind.TICKER,
        0,
        102,
    )
    assert decide(TICKER | {"a": "0.00", "A": "0.1"}).fault is Fault.OUT_OF_RANGE
    assert decide(TICKER | {"B": "0"}).kind is Kind.TICKER


@pytest.mark.parametrize(
    ("event", "kind", "id_"), [(TRADE, Kind.TRADE, 7), (AGG_TRADE, Kind.AGG_TRADE, 8)]
)
def test_trades(event: dict[str, Any], kind: Kind, id_: int) -> None:
    verdict = decide(event)
    assert verdict.kind is kind
    for name, value in {
        "event_ns": 1723161255000 * 10**6,
        "trade_ns": 1723161254999 * 10**6,
        "last_id": id_,
        "price_ticks": 1050,
        "quantity_lots": 100_000,
        "buyer_is_maker": 1,
        "at_market": 1,
    }.items():
        assert verdict.values[name] == value
    assert decide(event | {"m": False}).values["buyer_is_maker"] == 0


def test_a_trade_that_is_no_market_trade() -> None:
    assert decide(TRADE | {"X": "MARKET"}).values["at_market"] == 1
    fund = decide(TRADE | {"X": "INSURANCE_FUND", "p": "0", "q": "0"})
    assert (fund.kind, fund.values["at_market"]) == (Kind.TRADE, 0)
    assert decide(TRADE | {"X": 1}).fault is Fault.WRONG_TYPE
    assert decide(TRADE | {"p": "0"}).fault is Fault.OUT_OF_RANGE
    assert decide(TRADE | {"q": "0.0"}).fault is Fault.OUT_OF_RANGE


def test_snapshot_belongs_to_whom_the_hint_names() -> None:
    verdict = decide(SNAPSHOT | {"E": 3, "T": 2}, hint=NIKKEI)
    assert verdict.kind is Kind.SNAPSHOT
    assert verdict.values["last_id"] == 42
    assert (verdict.values["event_ns"], verdict.values["trade_ns"]) == (3_000_000, 2_000_000)
    assert (verdict.bids, verdict.asks) == ([(30, 2)], [(40, 3)])
    for hint in (-1, -2, len(INSTRUMENTS)):
        assert decide(SNAPSHOT, hint=hint).kind is Kind.STRANGER


# --- kind ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        *[("depth", Kind.DEPTH), ("depth@", Kind.DEPTH), ("depth@0ms", Kind.DEPTH)],
        *[("depth5", Kind.PARTIAL), ("depth10@100ms", Kind.PARTIAL), ("depth20@", Kind.PARTIAL)],
        *[("depth50", Kind.OTHER), ("depth1", Kind.OTHER), ("rpiDepth@500ms", Kind.OTHER)],
        *[
            ("depthX", Kind.OTHER),
            ("", Kind.OTHER),
            ("DEPTH", Kind.OTHER),
            ("depth200", Kind.OTHER),
        ],
    ],
)
def test_depth_by_stream(part: str, kind: Kind) -> None:
    assert decide(DEPTH, f"btcusdt@{part}").kind is kind
    bare = kind if kind is Kind.PARTIAL else Kind.OTHER
    assert decide(SNAPSHOT, f"btcusdt@{part}").kind is bare


@pytest.mark.parametrize(
    "event",
    [{}, {"result": None, "id": 1}, {"e": "kline", "k": {}}, without(TICKER, "s"), {"e": ""}]
    + [without(SNAPSHOT, key) for key in SNAPSHOT],
)
def test_of_no_interest(event: dict[str, Any]) -> None:
    assert decide(event, hint=0).kind is Kind.OTHER


def test_event_type_must_be_a_string() -> None:
    for e in (1, None, True, [], {}):
        assert decide(DEPTH | {"e": e}).fault is Fault.WRONG_TYPE


def test_other_family_of_futures() -> None:
    for event in (DEPTH, TICKER, TRADE, AGG_TRADE):
        assert decide(event | {"st": 1}).instrument == BTCUSDT
        for st in (2, 0, -1, 2**63):
            assert decide(event | {"st": st}).kind is Kind.OTHER
        for st in ("1", None, 1.0, True):
            assert decide(event | {"st": st}).fault is Fault.WRONG_TYPE
    assert decide(SNAPSHOT | {"st": 2}, hint=0).kind is Kind.OTHER


# --- instrument ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stream", "symbol", "expected"),
    [
        ("btcusdt@depth", "BTCUSDT", BTCUSDT),
        ("BTCUSDT@depth", "BTCUSDT", BTCUSDT),
        ("!x@depth", "BTCUSDT", BTCUSDT),
        ("这是测试币456@depth", "这是测试币456", CHINESE),
        ("1000sats@depth", "1000SATS", SATS),
        ("btcusdt@depth", "btcusdt", Fault.UNKNOWN_SYMBOL),
        ("btcusdt@depth", "1000SATS", Fault.UNKNOWN_SYMBOL),
        ("btcusdt@depth", "ETHUSDT", Fault.UNKNOWN_SYMBOL),
        ("ethusdt@depth", "BTCUSDT", Fault.UNKNOWN_SYMBOL),
        ("BtcUsdt@depth", "BTCUSDT", Fault.UNKNOWN_SYMBOL),
        ("@depth", "BTCUSDT", Fault.UNKNOWN_SYMBOL),
        ("ethusdt@depth", "ETHUSDT", Kind.STRANGER),
        ("bnbusdt@depth", "ETHUSDT", Kind.STRANGER),
        ("!x@depth", "ETHUSDT", Kind.STRANGER),
        ("btcusdt@depth", 1, Fault.WRONG_TYPE),
    ],
)
def test_instrument(stream: str, symbol: Any, expected: int | Fault | Kind) -> None:
    event = DEPTH | {"s": symbol, "b": [], "a": []}
    verdict = decide(event, stream)
    if isinstance(expected, Fault):
        assert verdict.fault is expected
    elif isinstance(expected, Kind):
        assert (verdict.kind, verdict.instrument) == (expected, -1)
    else:
        assert (verdict.kind, verdict.instrument) == (Kind.DEPTH, expected)


def test_symbol_is_required_where_the_venue_sends_it() -> None:
    for event in (DEPTH, TRADE, AGG_TRADE, TICKER | {"e": "bookTicker"}):
        assert decide(without(event, "s")).fault is Fault.MISSING_KEY


def test_bare_partial_depth_of_nobody() -> None:
    assert decide(SNAPSHOT, "ethusdt@depth5").kind is Kind.STRANGER
    assert decide(SNAPSHOT | {"s": "BTCUSDT"}, "!x@depth5", hint=0).kind is Kind.STRANGER


def test_values_of_a_stranger_do_not_matter() -> None:
    assert decide({"e": "depthUpdate", "s": "ETHUSDT", "b": 1, "U": "x"}).kind is Kind.STRANGER


def test_escapes_are_resolved_in_keys_and_strings() -> None:
    text = json.dumps({"stream": "btcusdt@depth", "data": DEPTH})
    for plain in ("stream", "btcusdt@depth", "depthUpdate", "BTCUSDT", "61837.00"):
        escaped = "".join(f"\\u{ord(c):04X}" for c in plain)
        text = text.replace(f'"{plain}"', f'"{escaped}"')
    assert decide_text(text) == decide(DEPTH)


def test_ambiguous_instruments_are_refused() -> None:
    row = ("BTCUSDT", Market.SPOT, 1, 1)
    others = ["BTCUSDT", "btcusdt", "", "x@y", "!x", "C" * 33]
    for symbol in others:
        with pytest.raises(ValueError):
            Clerk([row, (symbol, Market.SPOT, 1, 1)])
    for grids in ((0, 1), (1, 0), (-1, 1)):
        with pytest.raises(ValueError):
            Clerk([("X", Market.SPOT, *grids)])


@pytest.mark.parametrize(
    ("event", "stream", "keys"),
    [
        (DEPTH, None, "E U u b a"),
        (DEPTH, "btcusdt@depth5", "E U u b a"),
        (TRADE, None, "E T t p q m"),
        (AGG_TRADE, None, "E T a p q m"),
        (TICKER | {"e": "bookTicker"}, None, "u b B a A"),
    ],
)
def test_missing_keys(event: dict[str, Any], stream: str | None, keys: str) -> None:
    for key in keys.split():
        assert decide(without(event, key), stream).fault is Fault.MISSING_KEY


def test_a_frame_leaves_nothing_behind() -> None:
    """The verdict on a frame is the same whatever came before."""
    frames = [json.dumps(event) for event in (DEPTH, TICKER, TRADE, {"e": 1}, SNAPSHOT)] + ["{"]
    alone = [Clerk(INSTRUMENTS).decide(frame.encode()) for frame in frames]
    assert [CLERK.decide(frame.encode()) for frame in frames * 2] == alone * 2


def test_grid_of_the_largest_amounts() -> None:
    clerk = Clerk([("X", Market.SPOT, 2**40 * E8, 1)])
    text = str(2**62 * 2**40)
    frame = json.dumps(TICKER | {"s": "X", "b": text, "B": "1", "a": text, "A": "1"}).encode()
    verdict = clerk.decide(frame)
    assert verdict.values["bid_ticks"] == 2**62
    assert clerk.decide(clerk.canonical(verdict)) == verdict
