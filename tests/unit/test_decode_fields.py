"""Keys and values of an event in appliance.hot.decode: found by name, typed, once each.

Under test: appliance.hot.decode.fields, appliance.hot.decode.event.
"""

import itertools
import json
import random
from typing import Any

import pytest

from appliance.abi.market import Fault, Kind
from appliance.abi.units import NO_ID, NO_TIME
from tests.conftest import JIT_DISABLED
from tests.strategies.hot_decoder import Reading, agree, new_decoder, read
from tests.strategies.plain_events import (
    AGG_TRADE,
    CLERK,
    DEPTH,
    SNAPSHOT,
    TICKER,
    TRADE,
    without,
)

Event = dict[str, Any]

DECODER = new_decoder()
EVENTS = {
    "depth": (DEPTH | {"T": 7, "pu": 99, "st": 1}, "btcusdt@depth", -1),
    "partial": (DEPTH | {"T": 7, "pu": 99}, "btcusdt@depth10@100ms", -1),
    "bare partial": (SNAPSHOT | {"E": 5}, "btcusdt@depth5", -1),
    "ticker": (TICKER, "btcusdt@bookTicker", -1),
    "named ticker": (TICKER | {"e": "bookTicker", "E": 5, "T": 4, "st": 1}, "!bookTicker", -1),
    "trade": (TRADE | {"X": "MARKET"}, "btcusdt@trade", -1),
    "aggTrade": (AGG_TRADE | {"f": 1, "l": 2, "M": True}, "btcusdt@aggTrade", -1),
    "snapshot": (SNAPSHOT | {"E": 3, "T": 2}, None, 1),
}
cases = pytest.mark.parametrize(("event", "stream", "hint"), EVENTS.values(), ids=list(EVENTS))


def both(text: str | bytes, hint: int = -1) -> Reading:
    data = text if isinstance(text, bytes) else text.encode()
    reading = read(DECODER, data, hint, b'"}]}')
    agree(reading, CLERK, data, hint)
    return reading


def dumped(event: Any, stream: str | None) -> str:
    document = event if stream is None else {"stream": stream, "data": event}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def decided(event: Any, stream: str | None = None, hint: int = -1) -> Reading:
    return both(dumped(event, stream), hint)


def raw(event: Event, key: str, token: str, stream: str | None) -> str:
    """``event`` with the text ``token`` as the value of ``key``."""
    return dumped(event | {key: "<here>"}, stream).replace('"<here>"', token)


@cases
def test_usual_events_are_taken_raw_and_enveloped(event: Event, stream: str, hint: int) -> None:
    assert decided(event, stream, hint).kind is not Kind.UNDECIDED
    assert decided(event, None, hint).kind is not Kind.UNDECIDED
    spaced = json.dumps({"stream": stream, "data": event} if stream else event, indent=2)
    assert both(spaced, hint) == decided(event, stream, hint)


@cases
def test_any_order_of_keys(event: Event, stream: str | None, hint: int) -> None:
    usual = decided(event, stream, hint)
    rng = random.Random(1)
    for _ in range(10 if JIT_DISABLED else 40):
        shuffled = dict(rng.sample(list(event.items()), len(event)))
        assert decided(shuffled, stream, hint) in (usual, Reading(Kind.UNDECIDED, -1, {}, [], []))
        if stream is not None and not stream.startswith("!"):
            assert decided(shuffled, stream, hint) == usual


@cases
def test_each_key_missing_doubled_renamed_or_escaped(
    event: Event, stream: str | None, hint: int
) -> None:
    text = dumped(event, stream)
    for key in event:
        both(dumped(without(event, key), stream), hint)
        value = json.dumps(event[key], separators=(",", ":"))
        for other in (value, "1", '"x"', "[]", "null", "{}"):
            doubled = text.replace(f'"{key}":', f'"{key}":{other},"{key}":', 1)
            expected = Kind.OTHER if key in ("f", "l", "M") else Kind.UNDECIDED
            if expected is Kind.UNDECIDED:
                assert both(doubled, hint).kind is Kind.UNDECIDED, doubled
        for name in (key + "x", key.swapcase(), f" {key}", f"\\u{ord(key[0]):04x}{key[1:]}", ""):
            both(text.replace(f'"{key}":', f'"{name}":', 1), hint)


TOKENS = [
    *["null", "true", "false", "0", "-0", "-1", "1", "1.0", "1e3", "0.5", "-7.25", "{}", "[]"],
    *['""', '"1"', '"x"', '"BTCUSDT"', '"1.5"', '"0"', '"MARKET"', '"MARKE"', '"MARKETS"'],
    *['"-1"', '"1e3"', '" 1"', '"1\\u0030"', '"M\\u0041RKET"', "[[]]", '[["1.5","1"]]', "[1]"],
    *["9223372036854775807", "9223372036854775808", "18446744073709551616", "01", "+1", "--1"],
    *["truex", "tru", "nulls", "1x", "1 2", "'1'", "", "-", "1.", ".5", "1e", "NaN", '"\\ud800"'],
    *["9" * 400, '{"a":[{"b":"]"}]}', "[" * 17 + "]" * 17, "[" * 1030 + "]" * 1030],
]


@cases
def test_each_value_of_each_type(event: Event, stream: str | None, hint: int) -> None:
    for key, token in itertools.product(event, TOKENS[::5] if JIT_DISABLED else TOKENS):
        both(raw(event, key, token, stream), hint)
        if stream is not None and not JIT_DISABLED:
            both(raw(event, key, token, None), hint)


@cases
def test_unknown_keys_are_stepped_over(event: Event, stream: str | None, hint: int) -> None:
    usual = decided(event, stream, hint)
    text = dumped(event, stream)
    inside = text.index("{", 1 if stream else 0) + 1
    for key in ("ps", "Z", "x", "", "bid", "lastUpdateIds", "é", "long key, rather", "st ", "0"):
        for value in ("1", '"a"', "null", '[["1","2"]]', '{"b":[["1","2"]],"s":"X"}', '"\\n]"'):
            added = f'{text[:inside]}"{key}":{value},{text[inside:]}'
            assert both(added, hint) == usual, added
    for value in ("9" * 19, "1e5", "[" * 17 + "]" * 17, '"\\ud83d\\ude00"'):
        added = f'{text[:inside]}"zz":{value},{text[inside:]}'
        assert both(added, hint).kind in (usual.kind, Kind.UNDECIDED)


def test_an_escaped_key_may_be_any_key() -> None:
    text = dumped(DEPTH, "btcusdt@depth")
    for added in ('"\\u0073":"BTCUSDC"', '"\\u0045":1', '"x\\u0045":1', '"\\\\":1', '"\\"":1'):
        both(text.replace('"e":', added + ',"e":'))
    assert both(text.replace('"e":', '"\\u0073":"X","e":')).kind is Kind.UNDECIDED


@pytest.mark.parametrize("digits_n", range(1, 21))
@pytest.mark.parametrize("digit", ["1", "9"])
def test_integers_of_every_length(digits_n: int, digit: str) -> None:
    number = digit * digits_n
    for event, keys in (
        (DEPTH | {"T": 7, "pu": 99}, ("E", "T", "pu")),
        (TRADE, ("t", "E", "T")),
        (AGG_TRADE, ("a",)),
        (TICKER, ("u",)),
        (SNAPSHOT, ("lastUpdateId",)),
    ):
        stream = None if event is SNAPSHOT else "btcusdt@depth"
        for key, sign, behind in itertools.product(keys, ("", "-"), ("", " ", "0", ".0", "e0")):
            reading = both(raw(event, key, sign + number + behind, stream), 0)
            if sign == "" and behind in ("", " ") and digits_n <= 18:
                assert reading.kind is not Kind.UNDECIDED
    both(raw(DEPTH, "u", number, None))
    both(raw(DEPTH, "U", number, None))


@pytest.mark.parametrize(
    ("stamp", "time_ns"),
    [
        (0, 0),
        (1, 10**6),
        (1723161255000, 1723161255000 * 10**6),
        (8_999_999_999_999, 8_999_999_999_999 * 10**6),
        (9_000_000_000_000, 9_000_000_000_000 * 1000),
        (1723161255000123, 1723161255000123 * 1000),
        (8_999_999_999_999_999, 8_999_999_999_999_999 * 1000),
        (9_000_000_000_000_000, 9_000_000_000_000_000),
        (999_999_999_999_999_999, 999_999_999_999_999_999),
    ],
)
def test_stamps(stamp: int, time_ns: int) -> None:
    for key, name in (("E", "event_ns"), ("T", "trade_ns")):
        for event in (DEPTH, TRADE, TICKER, SNAPSHOT):
            reading = decided(event | {key: stamp}, None, 0)
            assert reading.values[name] == time_ns
    assert decided(DEPTH).values["trade_ns"] == NO_TIME
    assert decided(TICKER).values["event_ns"] == NO_TIME


def test_ids() -> None:
    assert decided(DEPTH).values["previous_id"] == NO_ID
    for previous, taken in ((-1, True), (0, True), (-2, False), (10**17, True), (-(10**17), False)):
        reading = decided(DEPTH | {"pu": previous})
        assert (reading.kind is Kind.DEPTH) == taken
    assert decided(DEPTH | {"U": 105, "u": 105}).kind is Kind.DEPTH
    assert decided(DEPTH | {"U": 106, "u": 105}).kind is Kind.UNDECIDED
    for event, key in ((DEPTH, "u"), (DEPTH, "U"), (TICKER, "u"), (TRADE, "t"), (AGG_TRADE, "a")):
        assert decided(event | {key: -1}).kind is Kind.UNDECIDED
    assert decided(SNAPSHOT | {"lastUpdateId": -1}, None, 0).kind is Kind.UNDECIDED


def test_sides_of_a_ticker_and_kinds_of_trades() -> None:
    amounts = ("0", "0.00", "1.5", "-1", "0.001", "1e5", "", "46116860184273879.04")
    for price, quantity in itertools.product(amounts, amounts):
        for keys in (("b", "B"), ("a", "A")):
            decided(TICKER | {keys[0]: price, keys[1]: quantity})
        for x in ("MARKET", "ADL", "", None, "MARKET\0", "MARKETX", "market"):
            trade = TRADE | {"p": price, "q": quantity} | ({} if x is None else {"X": x})
            decided(trade)
    assert decided(TICKER | {"b": "0.00", "B": "0"}).values["bid_ticks"] == 0
    assert decided(TRADE | {"X": "ADL", "p": "0", "q": "0"}).values["at_market"] == 0
    assert decided(TRADE | {"p": "0"}).kind is Kind.UNDECIDED


def test_levels_before_the_symbol_they_belong_to() -> None:
    """On the grid of that symbol or nobody's, whatever the hint and the stream say."""
    event = {"b": [["1.5", "2"]], "s": "BTCUSDC", "a": [["1.75", "2"]], **without(DEPTH, "s")}
    event |= {"b": [["1.5", "2"]], "a": [["1.5", "2"]]}
    late = {key: event[key] for key in ("e", "E", "U", "u", "b", "s", "a")}
    later = {key: event[key] for key in ("b", "a", "e", "E", "U", "u", "s")}
    for body, stream, hint in itertools.product(
        (late, later), (None, "!x@depth", "btcusdc@depth", "btcusdt@depth"), (-1, 0, 1, 2)
    ):
        reading = decided(body, stream, hint)
        if reading.kind is Kind.DEPTH:
            assert (reading.instrument, reading.bids, reading.asks) == (
                1,
                [(15, 2000)],
                [(15, 2000)],
            )
    assert decided(late, "btcusdc@depth").kind is Kind.DEPTH
    fine = late | {"b": [["1.53", "2"]]}  # on the hint's grid, off the symbol's
    for stream, hint in itertools.product((None, "!x@depth"), (-1, 0, 1)):
        assert decided(fine, stream, hint).kind is Kind.UNDECIDED
    assert CLERK.decide(dumped(fine, None).encode()).fault is Fault.OFF_GRID


@pytest.mark.parametrize("stream", ["btcusdt@depth", "btcusdt@depth5", None])
def test_both_names_of_a_side_in_one_event(stream: str | None) -> None:
    """``b`` counts where there is an ``e``, ``bids`` where there is none; the other is unknown."""
    sides = {
        "b": [["1.5", "2"], ["1.4", "3"]],
        "bids": [["7.5", "1"]],
        "a": [["1.75", "2"]],
        "asks": [["9", "1"], ["8", "1"]],
    }
    for order in itertools.permutations(sides):
        for base in (DEPTH, without(DEPTH, "e"), DEPTH | {"lastUpdateId": 5}):
            event = {key: value for key, value in base.items() if key not in sides}
            event |= {"lastUpdateId": 5} if "e" not in event else {}
            ordered = event | {key: sides[key] for key in order}
            decided(ordered, stream, 0)
            decided({key: sides[key] for key in order} | event, stream, 0)
            for key in order:
                decided(without(ordered, key), stream, 0)
