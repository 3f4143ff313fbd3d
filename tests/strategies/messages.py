"""Sound messages of every kind, and their frames in every spelling."""

import random
from typing import Any

from hypothesis import strategies as st

from tests.strategies.spelling import Frame, Members, Message, spell, styles
from tests.strategies.values import (
    ANYTHING,
    DIFF_TOPICS,
    INSTRUMENTS,
    OTHER_EVENTS,
    OTHER_TOPICS,
    PARTIAL_TOPICS,
    RANGES,
    STRANGERS,
    TAME,
    Range,
    Row,
    decimals,
    levels,
)


@st.composite
def _depth(draw: st.DrawFn, row: Row, numbers: Range) -> tuple[list[str], Members]:
    first, last = sorted([draw(numbers.ids), draw(numbers.ids)])
    event = Members([("e", "depthUpdate"), ("E", draw(numbers.stamps)), ("s", row[0])])
    event += [("U", first), ("u", last)]
    event += [("b", draw(levels(row, numbers))), ("a", draw(levels(row, numbers)))]
    if draw(st.booleans()):
        event += [("T", draw(numbers.stamps)), ("pu", draw(st.integers(-1, 2**63 - 1)))]
    return draw(st.sampled_from([DIFF_TOPICS, PARTIAL_TOPICS])), event


@st.composite
def _bare_depth(draw: st.DrawFn, row: Row, numbers: Range) -> tuple[list[str], Members]:
    event = Members([("lastUpdateId", draw(numbers.ids))])
    event += [("bids", draw(levels(row, numbers))), ("asks", draw(levels(row, numbers)))]
    if draw(st.booleans()):
        event += [("E", draw(numbers.stamps)), ("T", draw(numbers.stamps))]
    return PARTIAL_TOPICS, event


@st.composite
def _ticker(draw: st.DrawFn, row: Row, numbers: Range) -> tuple[list[str], Members]:
    event = Members([("u", draw(numbers.ids)), ("s", row[0])])
    for price, quantity in (("b", "B"), ("a", "A")):
        empty = draw(st.integers(0, 9)) == 0
        event += [
            (price, "0.00" if empty else draw(decimals(row[2], numbers, 1))),
            (quantity, "0" if empty else draw(decimals(row[3], numbers))),
        ]
    if draw(st.booleans()):
        event += [("e", "bookTicker"), ("T", draw(numbers.stamps)), ("E", draw(numbers.stamps))]
    return ["bookTicker"], event


@st.composite
def _trade(draw: st.DrawFn, row: Row, numbers: Range) -> tuple[list[str], Members]:
    e, number = draw(st.sampled_from([("trade", "t"), ("aggTrade", "a")]))
    x = draw(st.sampled_from([None, None, "MARKET", "INSURANCE_FUND", "ADL", "", "MARKE"]))
    least = 1 if x in (None, "MARKET") else 0
    event = Members([("e", e), ("E", draw(numbers.stamps)), ("s", row[0])])
    event += [(number, draw(numbers.ids)), ("p", draw(decimals(row[2], numbers, least)))]
    event += [("q", draw(decimals(row[3], numbers, least)))]
    event += [("T", draw(numbers.stamps)), ("m", draw(st.booleans()))]
    if x is not None:
        event.append(("X", x))
    return [e], event


@st.composite
def messages(draw: st.DrawFn) -> Message:
    """One sound message of a configured instrument."""
    n = draw(st.integers(0, len(INSTRUMENTS) - 1))
    row = INSTRUMENTS[n]
    numbers = draw(RANGES)
    of_kind = draw(st.sampled_from([_depth, _depth, _bare_depth, _ticker, _trade]))
    topics, event = draw(of_kind(row, numbers))
    stream = f"{draw(st.sampled_from([row[0], row[0].lower()]))}@{draw(st.sampled_from(topics))}"
    hint = -1
    if draw(st.integers(0, 3)) == 0:  # raw: a difference, or a snapshot
        stream, hint = None, n if of_kind is _bare_depth else -1
    elif of_kind is _ticker and draw(st.booleans()):
        stream = "!bookTicker"
    if draw(st.integers(0, 2)) == 0:
        event.append(("st", 1))
    event += draw(numbers.members)
    return Message(stream, event, hint)


@st.composite
def _others(draw: st.DrawFn) -> Message:
    """Sound, and of no interest, or of a symbol that is not configured."""
    sound = draw(messages())
    change = draw(st.integers(0, 6))
    event = Members(sound.event)
    if change == 0:
        event = _with(event, "e", draw(st.sampled_from(OTHER_EVENTS)))
    elif change == 1:
        event = _with(event, "st", draw(st.sampled_from([0, 2, -1, 2**63])))
    elif change == 2:
        stranger = draw(st.sampled_from(STRANGERS))
        event = _with(event, "s", stranger) if "s" in dict(event) else event
        topic = (sound.stream or "@depth").split("@")[-1]
        stream = None if sound.stream is None else f"{stranger.lower()}@{topic}"
        return Message(stream, event, -1)
    elif change == 3:
        return Message(None, draw(st.lists(ANYTHING, max_size=3)), sound.hint)
    elif change == 4:
        return Message("!ticker@arr", [event], sound.hint)
    elif change == 5:
        return Message(None, Members([("result", None), ("id", draw(TAME.ids))]), -1)
    elif change == 6:
        topic = draw(st.sampled_from(OTHER_TOPICS))
        if sound.stream is not None and dict(event).get("e") == "depthUpdate":
            return Message(f"{sound.stream.split('@')[0]}@{topic}", event, -1)
    return Message(sound.stream, event, sound.hint)


def _with(event: Members, key: str, value: Any) -> Members:
    """``event`` with ``key`` just once."""
    return Members([*(pair for pair in event if pair[0] != key), (key, value)])


@st.composite
def valid_frames(draw: st.DrawFn) -> Frame:
    """Frames without a fault: market data, and what is of no interest."""
    message = draw(st.one_of(messages(), messages(), messages(), _others()))
    style = draw(styles())
    if style.shuffle and isinstance(message.event, Members):
        shuffled = Members(message.event)
        random.Random(style.seed).shuffle(shuffled)
        message = message._replace(event=shuffled)
    return spell(message, style, draw(draw(RANGES).members))
