"""JSON, envelope, keys and numbers of a frame: what is refused, and why."""

import json
from typing import Any

import pytest

from appliance.abi.limits import FRAME_BYTES_MAX, LEVELS_PER_FRAME_MAX
from appliance.abi.market import Fault, Kind
from appliance.abi.units import NO_ID
from appliance.cold.frame_event import EVENT_KEYS
from tests.oracle.reference_decode import KEYS_THAT_MATTER, reference_decode
from tests.strategies.frames import INSTRUMENTS
from tests.strategies.plain_events import (
    AGG_TRADE,
    DEPTH,
    SNAPSHOT,
    TRADE,
    decide,
    decide_text,
)

# --- JSON and envelope ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        *["", " ", "{", '{"e":"trade"}x', '{"e":"trade",}', "{e:1}", '{"a":01}', '{"a":1e999}'],
        *['{"a":18446744073709551616}', '{"a":-9223372036854775809}', '{"a":NaN}', '{"a":"\t"}'],
        *['{"a":"\\ud800"}', '{"a":"\\x"}', b'{"a":"\xff"}', b'{"\xed\xa0\x80":1}', "{}\0"],
        "[" * 1025 + "]" * 1025,
    ],
)
def test_what_is_not_json(text: str | bytes) -> None:
    assert decide_text(text).fault is Fault.NOT_JSON


def test_unsound_json_is_a_fault_even_where_nobody_looks() -> None:
    text = json.dumps({"stream": "btcusdt@depth", "data": DEPTH | {"zz": 0}})
    assert decide_text(text).fault is Fault.NONE
    for value in ("1e999", '"\\ud800"', "18446744073709551616", "[1,]", "nul"):
        assert decide_text(text.replace('"zz": 0', f'"zz": {value}')).fault is Fault.NOT_JSON


def test_length() -> None:
    text = json.dumps(DEPTH)
    assert decide_text(text.ljust(FRAME_BYTES_MAX)).kind is Kind.DEPTH
    assert decide_text(text.ljust(FRAME_BYTES_MAX + 1)).fault is Fault.TOO_LONG


def test_top_level() -> None:
    assert decide([DEPTH]).kind is Kind.OTHER
    for value in (1, "x", None, True, 1.5):
        assert decide(value).fault is Fault.NOT_AN_OBJECT


def test_envelope() -> None:
    assert decide([DEPTH], "!ticker@arr").kind is Kind.OTHER
    assert decide(1, "btcusdt@depth").fault is Fault.WRONG_TYPE
    assert decide_text('{"stream":1,"data":{}}').fault is Fault.WRONG_TYPE
    assert decide_text('{"stream":null,"data":[]}').fault is Fault.WRONG_TYPE
    data = json.dumps(DEPTH)
    extra = f'{{"id":1,"data":{data},"e":"x","e":1,"stream":"btcusdt@depth"}}'
    assert decide_text(extra).kind is Kind.DEPTH
    for double in (f'"data":{data},"data":1', f'"stream":"x","data":{data}'):
        text = f'{{"stream":"btcusdt@depth",{double}}}'
        assert decide_text(text).fault is Fault.DUPLICATE_KEY
    alone = json.dumps(DEPTH | {"stream": 1})
    assert decide_text(alone).kind is Kind.DEPTH  # without both keys there is no envelope


@pytest.mark.parametrize("key", [*DEPTH, "A", "st", "X", "lastUpdateId", "t"])
def test_a_key_that_matters_may_stand_only_once(key: str) -> None:
    members = [*DEPTH.items(), ("zz", 1), ("zz", 2), (key, 1)]
    if key not in DEPTH:
        members.append((key, 1))
    text = "{" + ",".join(f"{json.dumps(k)}:{json.dumps(v)}" for k, v in members) + "}"
    assert decide_text(text).fault is Fault.DUPLICATE_KEY
    escaped = text.replace('"zz"', "".join(f"\\u{ord(c):04x}" for c in key).join('""'), 1)
    assert decide_text(escaped).fault is Fault.DUPLICATE_KEY


def test_keys_that_matter() -> None:
    assert set(KEYS_THAT_MATTER) == EVENT_KEYS
    assert len(EVENT_KEYS) == 20


def test_a_key_that_does_not_matter_may_repeat() -> None:
    text = json.dumps(DEPTH)[:-1] + ',"ps":1,"ps":2,"k":{"e":1,"e":2}}'
    assert decide_text(text).kind is Kind.DEPTH


# --- integers, decimals, levels ---------------------------------------------------


def test_integers() -> None:
    for key in ("E", "U", "u", "pu", "T"):
        for value in ("1", 1.0, True, None, []):
            assert decide(DEPTH | {key: value}).fault is Fault.WRONG_TYPE
        for value in (-2, 2**63, 2**64 - 1):
            assert decide(DEPTH | {key: value}).fault is Fault.OUT_OF_RANGE
    assert decide(DEPTH | {"pu": -1}).values["previous_id"] == NO_ID
    assert decide(DEPTH | {"U": -1}).fault is Fault.OUT_OF_RANGE
    assert decide(DEPTH | {"u": 2**63 - 1}).values["last_id"] == 2**63 - 1
    assert decide(DEPTH | {"U": 106}).fault is Fault.BAD_IDS
    assert decide(DEPTH | {"U": 105}).fault is Fault.NONE
    assert decide(TRADE | {"m": 1}).fault is Fault.WRONG_TYPE
    assert decide(TRADE | {"t": "7"}).fault is Fault.WRONG_TYPE
    assert decide(AGG_TRADE | {"a": "7"}).fault is Fault.WRONG_TYPE


@pytest.mark.parametrize(
    ("stamp", "time_ns"),
    [
        (0, 0),
        (1723161255000, 1723161255000_000_000),
        (1723161255000123, 1723161255000123_000),
        (1723161255000123456, 1723161255000123456),
        (9 * 10**12 - 1, (9 * 10**12 - 1) * 10**6),
        (9 * 10**12, 9 * 10**15),
        (9 * 10**15 - 1, (9 * 10**15 - 1) * 10**3),
        (9 * 10**15, 9 * 10**15),
        (2**63 - 1, 2**63 - 1),
    ],
)
def test_stamps_are_told_apart_by_their_size(stamp: int, time_ns: int) -> None:
    assert decide(DEPTH | {"E": stamp}).values["event_ns"] == time_ns


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.01", 1),
        ("00012.30", 1230),
        ("1", 100),
        ("1.0100000000000000000", 101),
        ("46116860184273879.04", 2**62),
        ("46116860184273879.05", Fault.OUT_OF_RANGE),
        ("0" * 38 + "10", 1000),
        ("0" * 39 + "10", Fault.OUT_OF_RANGE),
        ("1." + "0" * 39, 100),
        ("1." + "0" * 40, Fault.OUT_OF_RANGE),
        ("0.00", Fault.OUT_OF_RANGE),
        ("0.005", Fault.OFF_GRID),
        ("0.010000001", Fault.OFF_GRID),
        ("0.01000000000001", Fault.OFF_GRID),
        *[(text, Fault.BAD_DECIMAL) for text in ("", "-1", "+1", "1.", ".5", "1e3", "1.2.3")],
        *[
            (text, Fault.BAD_DECIMAL)
            for text in (" 1", "1 ", "1\n", "１", "٣", "1_0", "0x1", "NaN")
        ],
        *[(value, Fault.WRONG_TYPE) for value in (1, 1.5, None, True, [], {})],
    ],
)
def test_decimals(text: Any, expected: int | Fault) -> None:
    level = decide(DEPTH | {"b": [[text, "0"]]})
    trade = decide(TRADE | {"p": text})
    if isinstance(expected, Fault):
        assert level.fault is trade.fault is expected
    else:
        assert level.bids == [(expected, 0)]
        assert trade.values["price_ticks"] == expected


def test_grids_that_are_no_power_of_ten() -> None:
    event = DEPTH | {"s": "NIKKEI", "b": [["0.15", "3"]], "a": []}
    assert decide(event).bids == [(3, 3)]
    assert decide(event | {"b": [["0.16", "3"]]}).fault is Fault.OFF_GRID
    assert decide(event | {"b": [["0.15", "3.5"]]}).fault is Fault.OFF_GRID


@pytest.mark.parametrize(
    "side",
    [
        *[None, {}, "", 1, [1], [None], ["ab"], [{}], [[]], [["1"]], [["1", "1", "1"]]],
        *[[[1, "1"]], [["1", 1]], [["1", None]], [["1", ["1"]]], [["1", "1"], ["1", "1", []]]],
    ],
)
def test_levels_are_pairs_of_strings(side: Any) -> None:
    assert decide(DEPTH | {"a": side}).fault is Fault.WRONG_TYPE
    assert decide(SNAPSHOT | {"bids": side}, hint=0).fault is Fault.WRONG_TYPE


def test_number_of_levels() -> None:
    level = ["1", "0"]
    most = decide(DEPTH | {"b": [level] * LEVELS_PER_FRAME_MAX, "a": [level]})
    assert (most.kind, most.values["bid_n"]) == (Kind.DEPTH, LEVELS_PER_FRAME_MAX)
    more = decide(DEPTH | {"b": [level] * (LEVELS_PER_FRAME_MAX + 1)})
    assert more.fault is Fault.TOO_MANY_LEVELS


def test_depth_of_nesting() -> None:
    """simdjson allows 1,023 values within one another that are not empty."""
    for depth, fault in ((1021, Fault.NONE), (1022, Fault.NONE), (1023, Fault.NOT_JSON)):
        text = json.dumps(DEPTH)[:-1] + f',"zz":{"[" * depth}1{"]" * depth}}}'
        assert decide_text(text).fault is fault
        assert (not reference_decode(text.encode(), INSTRUMENTS).why) == (fault is Fault.NONE)
    deep = json.dumps(DEPTH)[:-1].replace('"b":', '"zz":') + f',"b":{"[" * 1000}{"]" * 1000}}}'
    assert decide_text(deep).fault is Fault.WRONG_TYPE


def test_a_detail_is_bounded() -> None:
    long = "x" * 100_000
    for event in (
        DEPTH | {"b": [[long, "1"]]},
        DEPTH | {"s": long, "e": 5},
        {"e": "trade", "s": 1},
    ):
        assert len(decide(event).detail) <= 160
    assert len(decide(DEPTH | {"s": long}, f"{long}@depth").detail) <= 160
    assert len(decide(DEPTH | {"s": long}, "btcusdt@depth").detail) <= 160
