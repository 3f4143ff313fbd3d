"""The compiled decoder (appliance.hot.decode) against the clerk, on sound and broken frames."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.abi.market import Fault, Kind
from appliance.cold.clerk import Clerk
from tests.strategies.frames import INSTRUMENTS, Frame, any_frames, broken_frames, valid_frames
from tests.strategies.hot_decoder import (
    BOOKS,
    HOSTILE,
    Reading,
    agree,
    carried,
    expected,
    new_decoder,
    read,
)
from tests.strategies.messages import messages
from tests.strategies.spelling import PLAIN, Members, Message, spell

CLERK = Clerk(INSTRUMENTS)
EXAMPLES = settings().max_examples  # of the profile
WARM = new_decoder()  # has seen the frames of every test before

surroundings = st.sampled_from(HOSTILE) | st.binary(min_size=1, max_size=64)
LONG_NUMBER = re.compile(rb"[0-9]{19}")


def _read(frame: Frame, behind: bytes = b"\0", before: bytes = b"\0") -> Reading:
    return read(WARM, frame.data, carried(frame.hint), behind, before)


@settings(max_examples=6 * EXAMPLES)
@given(valid_frames(), surroundings, surroundings)
def test_valid_frames(frame: Frame, behind: bytes, before: bytes) -> None:
    verdict = agree(_read(frame, behind, before), CLERK, frame.data, carried(frame.hint))
    assert verdict.fault is Fault.NONE


@settings(max_examples=8 * EXAMPLES)
@given(broken_frames(), surroundings, surroundings)
def test_broken_frames(frame: Frame, behind: bytes, before: bytes) -> None:
    agree(_read(frame, behind, before), CLERK, frame.data, carried(frame.hint))


@settings(max_examples=2 * EXAMPLES)
@given(any_frames(), surroundings, surroundings)
def test_what_surrounds_a_frame_does_not_matter(frame: Frame, one: bytes, other: bytes) -> None:
    assert _read(frame, one, other) == _read(frame, other, one) == _read(frame)


@settings(max_examples=4 * EXAMPLES)
@given(any_frames(), any_frames())
def test_what_came_before_does_not_matter(frame: Frame, earlier: Frame) -> None:
    """Not the frames of all other tests, not one just before, not the frame itself."""
    alone = read(new_decoder(), frame.data, carried(frame.hint))
    assert _read(frame) == alone
    _read(earlier)
    assert _read(frame) == alone
    assert _read(frame) == alone


@settings(max_examples=4 * EXAMPLES)
@given(valid_frames())
def test_plain_frames_are_taken(frame: Frame) -> None:
    """The clerk's own rewriting, which comes back to the compiled decoder."""
    verdict = CLERK.decide(frame.data, instrument_hint=carried(frame.hint))
    plain = CLERK.canonical(verdict)
    hint = verdict.instrument if verdict.kind is Kind.SNAPSHOT else -1
    reading = read(WARM, plain, hint)
    if reading.kind is Kind.UNDECIDED:
        assert LONG_NUMBER.search(plain.replace(b".", b"")), plain
    else:
        assert reading == expected(verdict), plain


@settings(max_examples=4 * EXAMPLES)
@given(messages(), st.randoms(use_true_random=False), st.booleans())
def test_any_order_of_keys_is_taken(message: Message, rng, spaced: bool) -> None:
    event = Members(message.event)
    rng.shuffle(event)
    style = PLAIN._replace(space="usual") if spaced else PLAIN
    frame = spell(message._replace(event=event), style)
    reading = read(WARM, frame.data, frame.hint)
    verdict = agree(reading, CLERK, frame.data, frame.hint)
    if reading.kind is Kind.UNDECIDED:
        shown = frame.data.replace(b".", b"")
        wild = LONG_NUMBER.search(shown) or b"\\" in shown or re.search(rb"[0-9][eE][-+0-9]", shown)
        assert wild or _late_symbol(frame.data), (frame, verdict)


def _late_symbol(frame: bytes) -> bool:
    """Levels may come before the symbol they belong to only where the stream names it."""
    return b'"stream"' not in frame and b'"s":' in frame.replace(b" ", b"")


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.UNDECIDED])
def test_every_kind_can_be_taken(kind: Kind) -> None:
    """Guards the tests above against a decoder that takes nothing."""
    symbol = b'"s":"BTCUSDT"'
    sides = b'"b":[["1.5","2"]],"a":[["1.75","0.5"]]'
    bare = b'{"lastUpdateId":3,"bids":[["1.5","2"]],"asks":[["1.75","0.5"]]}'
    diff = b'{"e":"depthUpdate","E":1,' + symbol + b',"U":2,"u":3,' + sides + b"}"
    trade = b'"E":1,"T":1,"p":"2.5","q":"1","m":true,' + symbol + b"}"
    frame, hint = {
        Kind.DEPTH: (b'{"stream":"btcusdt@depth@100ms","data":' + diff + b"}", -1),
        Kind.PARTIAL: (b'{"stream":"btcusdt@depth20","data":' + bare + b"}", -1),
        Kind.TICKER: (b'{"u":5,"b":"1.5","B":"2","a":"1.75","A":"3",' + symbol + b"}", -1),
        Kind.TRADE: (b'{"e":"trade","t":9,' + trade, -1),
        Kind.AGG_TRADE: (b'{"e":"aggTrade","a":9,' + trade, -1),
        Kind.SNAPSHOT: (bare, 0),
        Kind.OTHER: (b'{"e":"kline","k":{"t":1}}', -1),
        Kind.STRANGER: (diff.replace(b"BTCUSDT", b"ETHUSDT"), -1),
    }[kind]
    reading = read(WARM, frame, hint)
    assert reading.kind is kind
    agree(reading, CLERK, frame, hint)
    if kind in BOOKS:
        assert (reading.bids, reading.asks) == ([(150, 200_000)], [(175, 50_000)])
