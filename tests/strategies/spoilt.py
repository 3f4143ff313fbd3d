"""Every way to spoil a frame, from nearly sound to noise."""

from typing import Any

from hypothesis import strategies as st

from tests.strategies.messages import messages, valid_frames
from tests.strategies.spelling import Frame, Members, Message, Raw, spell, styles
from tests.strategies.values import (
    ANYTHING,
    DIFF_TOPICS,
    EVENT_KEYS,
    INSTRUMENTS,
    OTHER_TOPICS,
    PARTIAL_TOPICS,
    RANGES,
)

BAD_TOKENS = [
    *["-0", "-1", "1.0", "1e3", "1E-3", "9223372036854775807", "9223372036854775808"],
    *["18446744073709551615", "18446744073709551616", "-9223372036854775808"],
    *["-9223372036854775809", "1e308", "1e309", "-1e400", "01", "-", "1.", ".5", "+1", "0x10"],
    *["NaN", "Infinity", "-Infinity", "tru", "True", "nul", "truefalse", "'a'", "1 2", "[1,]"],
    *['{"a":1,}', '{"a"}', "{1:2}", "[", "]", "{", "}", '"', '"\\', "", ",", ":", "9" * 400],
    *['"\\ud800"', '"\\udc00"', '"\\ud83d\\ude00"', '"\\ud83d\\u0041"', '"\\u12"', '"\\x41"'],
    *['"\t"', '"\x00"', '"\x7f"', "[" * 20 + "]" * 20, '{"a":' * 20 + "1" + "}" * 20],
    *["[" * 1030 + "]" * 1030, "[" * 1022 + "]" * 1022, "0e999999999999", "1e-999999999999"],
]
BAD_VALUES = [
    *[None, True, False, 0, -1, 7, 2**63 - 1, 2**63, -(2**63), 1.5, 1e300],
    *["", "abc", "-1.5", "-0", "+1", "1e5", ".5", "5.", "1.2.3", "１２", "٣", "1_000", " 1", "1 "],
    *["1\n", "1,5", "0x1", "0", "0.0", "0.00000000", "1", "9" * 40, "1" * 41, "0" * 40 + "1"],
    *["0.000000001", "0.0000000010", "1." + "0" * 39, "1." + "0" * 40, "46116860184273879.04"],
    *["46116860184273879.05", "4611686018427387904", "4611686018427387905", "92233720368547758.07"],
    *["1000000.015", "0.07", "3.3", "MARKET", "depthUpdate", "bookTicker", "trade", "aggTrade"],
    *[[], [["1", "1"]], [["1"]], [["1", "1", "1"]], [[1, "1"]], [["1", 1]], [None], ["1", "1"]],
    *[[["1", "1"], []], [[["1", "1"]]], [["0", "1"]], [["1", "-1"]], [["1", None]], [{}], [True]],
]
EDGES = [0, 1, -1, -2, 2, 10**18, 2**63 - 1, 2**63, 2**64 - 1, -(2**63), 9 * 10**12, 9 * 10**15]
NEARLY_DECIMALS = st.one_of(
    st.builds("{}.{:0{}d}".format, st.integers(0, 10**6), st.integers(0, 999), st.integers(3, 12)),
    st.integers(0, 10**12).map(str),
    st.integers(-2, 2).map(lambda n: str(2**62 + n)),
    st.integers(0, 10**41).map(str),
    st.sampled_from([value for value in BAD_VALUES if isinstance(value, str)]),
)
VALUES = st.one_of(
    st.sampled_from(BAD_VALUES),
    st.sampled_from(BAD_TOKENS).map(Raw),
    st.integers(-(2**63), 2**64 - 1),
    st.sampled_from(INSTRUMENTS).map(lambda row: row[0]),
    ANYTHING,
)


@st.composite
def _spoilt_event(draw: st.DrawFn) -> Frame:
    """A sound message with one or two members changed, removed, doubled or added."""
    message = draw(messages())
    event = Members(message.event)
    for _ in range(draw(st.sampled_from([1, 1, 2]))):
        change = draw(st.sampled_from(["value", "level", "remove", "double", "add", "swap"]))
        at = draw(st.integers(0, len(event) - 1)) if event else 0
        if change == "add" or not event:
            event.insert(at, (draw(st.sampled_from(EVENT_KEYS)), draw(VALUES)))
        elif change == "value":
            event[at] = (event[at][0], draw(VALUES))
        elif change == "remove":
            del event[at]
        elif change == "double":
            event.insert(draw(st.integers(0, len(event))), (event[at][0], draw(VALUES)))
        elif change == "swap":
            other = draw(st.integers(0, len(event) - 1))
            event[at], event[other] = (
                (event[at][0], event[other][1]),
                (event[other][0], event[at][1]),
            )
        else:
            event[:] = [_spoil_side(draw, pair) for pair in event]
    return spell(message._replace(event=event), draw(styles()), draw(draw(RANGES).members))


@st.composite
def _spoilt_number(draw: st.DrawFn) -> Frame:
    """A sound message with one number of the right type and a wrong, or just possible, value."""
    message = draw(messages())
    event = Members(message.event)
    number_at = [n for n, (_, value) in enumerate(event) if _is_number(value)]
    at = draw(st.sampled_from(number_at))
    key, value = event[at]
    if isinstance(value, list):
        side = [list(level) for level in value]
        level = draw(st.sampled_from(side))
        level[draw(st.integers(0, 1))] = draw(NEARLY_DECIMALS)
        event[at] = (key, side)
    else:
        nearly = st.sampled_from(EDGES) if isinstance(value, int) else NEARLY_DECIMALS
        event[at] = (key, draw(nearly))
    return spell(message._replace(event=event), draw(styles()))


def _is_number(value: Any) -> bool:
    if isinstance(value, list):
        return bool(value) and all(isinstance(level, list) and len(level) == 2 for level in value)
    return type(value) is int or (isinstance(value, str) and value[:1].isdecimal())


def _spoil_side(draw: st.DrawFn, pair: tuple[str, Any]) -> tuple[str, Any]:
    key, side = pair
    if key not in ("b", "a", "bids", "asks") or not isinstance(side, list) or not side:
        return pair
    side = list(side)
    n = draw(st.integers(0, len(side) - 1))
    level = side[n]
    if isinstance(level, list) and len(level) == 2 and draw(st.booleans()):
        side[n] = [level[0], draw(VALUES)] if draw(st.booleans()) else [draw(VALUES), level[1]]
    else:
        side[n] = draw(VALUES)
    return key, side


STREAMS = st.one_of(
    st.builds(
        lambda row, lower, topic: f"{row[0].lower() if lower else row[0]}@{topic}",
        st.sampled_from(INSTRUMENTS),
        st.booleans(),
        st.sampled_from(DIFF_TOPICS + PARTIAL_TOPICS + OTHER_TOPICS + ["bookTicker", "trade"]),
    ),
    st.sampled_from(
        ["!bookTicker", "!x@depth", "!x@depth5", "@depth", "@depth5", "", "depth", "@"]
    ),
    st.sampled_from(["ethusdt@depth", "ETHUSDT@depth20", "btcusdT@depth", "btcusdt@@depth"]),
    VALUES,
)


@st.composite
def _spoilt_envelope(draw: st.DrawFn) -> Frame:
    """A sound event in an envelope that need not fit it."""
    message = draw(messages())
    top = Members([("stream", draw(STREAMS)), ("data", draw(st.just(message.event) | VALUES))])
    for _ in range(draw(st.sampled_from([0, 0, 1, 2]))):
        key = draw(st.sampled_from(["stream", "data", "Stream", "e", "s", "x"]))
        top.insert(draw(st.integers(0, 2)), (key, draw(VALUES)))
    if draw(st.integers(0, 9)) == 0:
        del top[draw(st.integers(0, len(top) - 1))]
    return spell(Message(None, top, draw(HINTS)), draw(styles()))


HINTS = st.sampled_from([-1, -1, 0, 1, len(INSTRUMENTS) - 1, len(INSTRUMENTS), -2])


@st.composite
def _wild(draw: st.DrawFn) -> Frame:
    """Keys and values that were never meant for one another."""
    parts = [draw(messages()).event for _ in range(2)]
    event = Members([pair for part in parts for pair in part if draw(st.integers(0, 2))])
    if draw(st.booleans()):
        event = Members(dict(event).items())
    stream = draw(st.none() | STREAMS)
    return spell(Message(stream, event, draw(HINTS)), draw(styles()))


@st.composite
def _spoilt_bytes(draw: st.DrawFn) -> Frame:
    """A sound frame with its bytes cut, flipped, doubled or mixed with others."""
    data, hint = draw(valid_frames())
    at = draw(st.integers(0, len(data)))
    size = draw(st.sampled_from([1, 1, 2, 8, 64]))
    some = draw(
        st.binary(min_size=1, max_size=4) | st.sampled_from([b'"', b"\\", b",", b"0", b"}"])
    )
    change = draw(st.sampled_from(["flip", "cut", "drop", "double", "insert", "write", "front"]))
    if change == "flip" and at < len(data):
        bit = 1 << draw(st.integers(0, 7))
        data = data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :]
    elif change == "cut":
        data = data[:at]
    elif change == "drop":
        data = data[:at] + data[at + size :]
    elif change == "double":
        data = data[:at] + data[at : at + size] + data[at:]
    elif change == "insert":
        data = data[:at] + some + data[at:]
    elif change == "write":
        data = data[:at] + some + data[at + len(some) :]
    elif change == "front":
        data = draw(st.sampled_from([b"\xef\xbb\xbf", b" ", b"\0", b"\xff", b"[", b"1"])) + data
    return Frame(data, hint)


def broken_frames() -> st.SearchStrategy[Frame]:
    """Mostly faulty, from nearly sound to noise; now and then still sound."""
    return st.one_of(
        _spoilt_event(),
        _spoilt_number(),
        _spoilt_envelope(),
        _spoilt_bytes(),
        _wild(),
        st.builds(Frame, st.binary(max_size=64), HINTS),
        st.builds(lambda value, style: spell(Message(None, value, -1), style), VALUES, styles()),
    )
