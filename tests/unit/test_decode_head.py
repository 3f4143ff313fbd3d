"""appliance.hot.decode.head: heads by template. Oracle: a decoder that has learnt nothing."""

import random

import numpy as np
import pytest

from appliance.abi.limits import HEAD_BYTES_MAX, HEAD_SLOTS
from appliance.abi.market import Kind
from appliance.hot.decode import vector
from appliance.hot.decode.fields import LAST_ID, STREAM_INSTRUMENT
from appliance.hot.decode.frame import Decoder, configure
from appliance.hot.decode.head import FRAME_BYTES_MIN, read_head
from appliance.hot.jit import hot
from tests.conftest import JIT_DISABLED
from tests.strategies.hot_decoder import new_decoder, placed, read
from tests.strategies.plain_events import CLERK

SIDE = b'[["61837.63000000","3.78826000"],["61837.00000000","0.00000000"]]'
DEPTH = (
    b'{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1723161255208,"s":"BTCUSDT",'
    b'"U":50093239189,"u":50093239202,"b":' + SIDE + b',"a":[]}}'
)
TICKER = (
    b'{"stream":"btcusdt@bookTicker","data":{"u":50093239212,"s":"BTCUSDT",'
    b'"b":"61837.63000000","B":"3.78800000","a":"61837.64000000","A":"1.54600000"}}'
)
TRADE = (
    b'{"stream":"btcusdt@trade","data":{"e":"trade","E":1723161255000,"s":"BTCUSDT","t":3726,'
    b'"p":"61837.63000000","q":"0.00017000","T":1723161254999,"m":true,"M":true}}'
)
USDM = (
    b'{"stream":"btcusdc@depth@0ms","data":{"e":"depthUpdate","E":1723161255000,"T":1723161254999,'
    b'"s":"BTCUSDC","U":100,"u":105,"pu":99,"b":[["61837.6","0.250"]],"a":[]}}'
)
PARTIAL = (
    b'{"stream":"btcusdt@depth20@100ms","data":{"lastUpdateId":50093239218,"bids":%b,"asks":[]}}'
)
SHAPES = {
    "depth": DEPTH,
    "ticker": TICKER,
    "trade": TRADE,
    "usdm": USDM,
    "partial": PARTIAL % SIDE,
}


@hot
def _head_bytes(decoder, text, at, end):
    """How long the head is that a template fits, 0 if none does."""
    key = read_head(decoder.parts.heads, decoder.parts.fields, text, at, end)
    return max(key - at, 0)


@hot
def _fits(text, at, rows, subtrahend, maximum):
    return vector.fits(text, at, rows, subtrahend, maximum)


def head_bytes(decoder: Decoder, frame: bytes) -> int:
    text, at = placed(frame)
    return int(_head_bytes(decoder, text, at, at + len(frame)))


def taught(*frames: bytes) -> Decoder:
    decoder = new_decoder()
    for frame in frames:
        read(decoder, frame)
    return decoder


def test_fits_is_its_twin() -> None:
    rng = np.random.default_rng(3)
    for _ in range(200):
        text = rng.integers(0, 256, 64 + 8, np.uint8)
        rows = np.concatenate([text[3:67] - rng.integers(0, 3, 64, np.uint8), np.full(64, 2)])
        rows = rows.astype(np.uint8)
        if rng.random() < 0.7:
            rows[int(rng.integers(0, 128))] = rng.integers(0, 256)
        assert _fits(text, 3, rows, 0, 64) == vector.twin_fits(text, 3, rows, 0, 64)


@pytest.mark.parametrize("name", SHAPES)
def test_the_first_frame_teaches_the_second_uses_it(name: str) -> None:
    frame = SHAPES[name]
    decoder = new_decoder()
    assert head_bytes(decoder, frame) == 0
    first = read(decoder, frame)
    assert first.kind is not Kind.UNDECIDED
    behind = min(frame.find(key) for key in (b'"b":', b'"bids":', b'"p":') if key in frame)
    assert head_bytes(decoder, frame) == behind
    assert read(decoder, frame) == first


@pytest.mark.parametrize("name", SHAPES)
def test_other_digits_are_read_and_any_other_byte_is_not_passed_over(name: str) -> None:
    frame = SHAPES[name]
    decoder = taught(frame)
    length = head_bytes(decoder, frame)
    fresh = new_decoder()
    for place in range(0, length, 5 if JIT_DISABLED else 1):
        for c in range(256) if not JIT_DISABLED else (0, 34, 44, 48, 49, 57, 58, 92, 128, 255):
            changed = frame[:place] + bytes([c]) + frame[place + 1 :]
            reading = read(decoder, changed)
            fresh.parts.heads.words[:] = 0
            assert reading == read(fresh, changed), changed
            if head_bytes(decoder, frame) == 0:  # that was a lesson: back to this one
                decoder = taught(frame)


@pytest.mark.parametrize("name", SHAPES)
def test_random_digits_agree_with_the_clerk(name: str) -> None:
    rng = random.Random(name)
    frame = SHAPES[name]
    decoder = taught(frame)
    length = head_bytes(decoder, frame)
    for _ in range(30 if JIT_DISABLED else 1000):
        digits = [rng.choice(b"0123456789") if 48 <= c <= 57 else c for c in frame[:length]]
        changed = bytes(digits) + frame[length:]
        reading = read(decoder, changed)
        verdict = CLERK.decide(changed, instrument_hint=-1)
        if reading.kind is not Kind.UNDECIDED:
            assert reading.kind is verdict.kind
            assert reading.values == {k: verdict.values[k] for k in reading.values}


def test_a_leading_zero_is_no_integer() -> None:
    decoder = taught(DEPTH)
    spoilt = DEPTH.replace(b'"u":5009', b'"u":0009')
    assert head_bytes(decoder, spoilt) == 0
    assert read(decoder, spoilt).kind is Kind.UNDECIDED


def test_an_integer_of_one_digit_may_be_zero() -> None:
    decoder = taught(DEPTH.replace(b'"U":50093239189', b'"U":7'))
    zero = DEPTH.replace(b'"U":50093239189', b'"U":0')
    assert head_bytes(decoder, zero) > 0
    assert read(decoder, zero).values["first_id"] == 0


def test_digits_that_grow_in_number_are_learnt_in_time() -> None:
    decoder = taught(DEPTH)
    longer = DEPTH.replace(b'"u":50093239202', b'"u":150093239202')
    for _ in range(12):
        assert read(decoder, longer).values["last_id"] == 150093239202
    assert head_bytes(decoder, longer) > 0
    assert head_bytes(decoder, DEPTH) == 0


def test_streams_that_share_a_slot_do_not_disturb_each_other() -> None:
    """The slot is chosen by 16 bytes of the name: these two have the same."""
    one = DEPTH.replace(b"btcusdt@depth@100ms", b"btcusdt@depth@100ms@x")
    decoder = taught(DEPTH)
    for k in range(40):
        frame = (DEPTH, one)[k % 2]
        assert read(decoder, frame) == read(new_decoder(), frame)


@pytest.mark.parametrize(
    "frame",
    [
        DEPTH.replace(b"1723161255208", b"17231612552080001"),  # more digits than are weighed
        DEPTH.replace(b'"s":"BTCUSDT"', b'"s":"\\u0042TCUSDT"'),
        DEPTH.replace(b'"data":{', b'"data":{"x":"' + b"y" * HEAD_BYTES_MAX + b'",'),
        DEPTH.replace(b"btcusdt@", b"nobody@").replace(b"BTCUSDT", b"NOBODY"),
        DEPTH[36:-1],  # without an envelope
        DEPTH.replace(b"{", b'{"more":1,', 1),
        b'{"stream":"!bookTicker","data":' + TICKER[37:],
        TICKER[: FRAME_BYTES_MIN - 1],
    ],
)
def test_what_is_not_learnt(frame: bytes) -> None:
    decoder = taught(frame, frame, frame)
    assert head_bytes(decoder, frame) == 0
    assert not decoder.parts.heads.words[:, 0].any()
    assert read(decoder, frame) == read(new_decoder(), frame)


def test_a_head_ends_before_a_negative_number() -> None:
    frame = DEPTH.replace(b'"U":50093239189', b'"U":-5')
    decoder = taught(frame)
    assert head_bytes(decoder, frame) == frame.find(b'"U"')
    assert read(decoder, frame) == read(new_decoder(), frame)


def test_a_short_frame_is_not_looked_at_beyond_its_padding() -> None:
    decoder = taught(TRADE)
    shortest = TRADE[:FRAME_BYTES_MIN]
    assert head_bytes(decoder, shortest) > 0  # the head fits; that the rest is cut is seen later
    assert head_bytes(decoder, TRADE[: FRAME_BYTES_MIN - 1]) == 0


def test_a_new_symbol_makes_it_forget() -> None:
    decoder = taught(DEPTH)
    configure(decoder, "NEWUSDT", 7)
    assert head_bytes(decoder, DEPTH) == 0
    assert decoder.parts.heads.words.shape[0] == HEAD_SLOTS


def test_the_fields_are_those_of_the_scan() -> None:
    decoder, fresh = taught(USDM), new_decoder()
    read(fresh, USDM)
    text, at = placed(USDM)
    decoder.parts.fields.what[:] = 0
    _head_bytes(decoder, text, at, at + len(USDM))
    ours, theirs = decoder.parts.fields, fresh.parts.fields
    assert ours.value[LAST_ID] == theirs.value[LAST_ID] == 105
    assert ours.scan[STREAM_INSTRUMENT] == theirs.scan[STREAM_INSTRUMENT]
    for field in np.flatnonzero(ours.what):
        assert ours.what[field] == theirs.what[field]
        assert ours.extent[field] == theirs.extent[field]


def test_behind_a_head_may_be_space_but_no_end() -> None:
    decoder = taught(TRADE)
    head = TRADE[: head_bytes(decoder, TRADE)]
    rest = TRADE[len(head) :]
    assert read(decoder, head + b" \n" + rest).kind is Kind.TRADE
    assert read(decoder, head + b"}}" + b" " * 64).kind is Kind.UNDECIDED
