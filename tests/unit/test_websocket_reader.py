"""The reader against the ``websockets`` library as oracle: same frames, cut anywhere; and all
that is illegal."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import CLIENT, Protocol

from appliance.hot.jit import JIT_DISABLED
from appliance.hot.wire import websocket_reader as ws
from appliance.hot.wire.websocket_reader import (
    NOTHING,
    RECEIVE_BYTES_MAX,
    make_reader,
    make_room,
    next_frame,
    payload_bytes,
    payload_start,
    received,
    reset,
    room_bytes,
    unparsed_bytes,
)

LIMIT = 512 * 1024
SMALL = 4096


def feed(reader, piece):
    """Put ``piece`` in, as much at a time as there is room; what comes out."""
    out = []
    while piece:
        start = make_room(reader)
        room = room_bytes(reader)
        assert 0 < room <= RECEIVE_BYTES_MAX
        part, piece = piece[:room], piece[room:]
        reader.data[start : start + len(part)] = np.frombuffer(part, np.uint8)
        received(reader, len(part))
        out += drain(reader)
    return out


def drain(reader):
    out = []
    while (code := next_frame(reader)) > 0:
        start = payload_start(reader)
        out.append((code, reader.data[start : start + payload_bytes(reader)].tobytes()))
    if code < 0:
        out.append(code)
    return out


def cut(stream, places):
    places = sorted({p % (len(stream) + 1) for p in places} | {0, len(stream)})
    return [stream[a:b] for a, b in pairwise(places)]


def oracle(stream, limit=LIMIT):
    """(messages and control frames, the close code that the library fails the connection with)."""
    protocol = Protocol(CLIENT, max_size=limit)
    protocol.receive_data(stream)
    out, parts, opcode = [], [], None
    for frame in protocol.events_received():
        if frame.opcode in (Opcode.CLOSE, Opcode.PING, Opcode.PONG):
            out.append((int(frame.opcode), bytes(frame.data)))
            continue
        if frame.opcode is not Opcode.CONT:
            opcode, parts = int(frame.opcode), []
        parts.append(bytes(frame.data))
        if frame.fin:
            out.append((opcode, b"".join(parts)))
    refused = protocol.close_sent.code if protocol.parser_exc is not None else None
    return out, refused


def raw(first, second, rest=b""):
    return bytes([first, second]) + rest


def frame(opcode, data, fin=True):
    return Frame(Opcode(opcode), data, fin).serialize(mask=False)


# ---- legal streams ---------------------------------------------------------------------------

controls = st.tuples(st.sampled_from([9, 10]), st.binary(max_size=125))
payloads = st.one_of(
    st.binary(max_size=300),
    st.integers(120, 130).map(lambda n: b"x" * n),
    st.integers(65_530, 65_541).map(lambda n: b"y" * n),
)
messages = st.tuples(
    st.sampled_from([1, 2]),
    st.lists(st.tuples(payloads, st.lists(controls, max_size=2)), min_size=1, max_size=4),
)


def spell(items):
    stream = b""
    for opcode, parts in items:
        for i, (payload, between) in enumerate(parts):
            last = i == len(parts) - 1
            stream += frame(opcode if i == 0 else 0, payload, last)
            for control, body in between:
                stream += frame(control, body)
    return stream


@settings(max_examples=100)
@given(
    st.lists(messages, max_size=6),
    st.booleans(),
    st.lists(st.integers(0, 2**20), max_size=30),
)
def test_the_same_frames_wherever_they_are_cut(items, closing, places):
    stream = spell(items) + (frame(8, b"\x03\xe8bye") + b"\xff\xff" if closing else b"")
    wanted, refused = oracle(stream)
    assert refused is None
    reader = make_reader(LIMIT)
    got = []
    for piece in cut(stream, places):
        got += feed(reader, piece)
    assert got == wanted
    assert unparsed_bytes(reader) == 0


@settings(max_examples=25)
@given(st.lists(messages, max_size=3), st.lists(st.binary(max_size=20), max_size=2))
def test_byte_by_byte(items, more):
    items = [(o, [(p[:200], c) for p, c in parts]) for o, parts in items]
    stream = spell(items) + b"".join(frame(9, body) for body in more)
    reader = make_reader(SMALL)
    got = []
    for i in range(len(stream)):
        got += feed(reader, stream[i : i + 1])
    assert got == oracle(stream)[0]


def test_a_small_buffer_is_moved_to_its_front_without_losing_a_byte():
    rng = np.random.default_rng(7)
    reader = make_reader(SMALL)
    stream, wanted = b"", []
    for k in range(400):
        body = rng.integers(0, 256, int(rng.integers(0, SMALL // 3))).astype(np.uint8).tobytes()
        stream += frame(1, body, False) + frame(9, b"%d" % k)
        stream += frame(0, body, False) + frame(0, body[:7])
        wanted += [(9, b"%d" % k), (1, body + body + body[:7])]
    got, at = [], 0
    while at < len(stream):
        count = int(rng.integers(1, 3000))
        got += feed(reader, stream[at : at + count])
        at += count
    assert got == wanted


def test_messages_of_the_limit():
    reader = make_reader(LIMIT)
    body = bytes(range(256)) * (LIMIT // 256)
    for _ in range(3):
        assert feed(reader, frame(1, body)) == [(1, body)]
        parts = frame(1, body[:1000], False) + frame(10, b"p") + frame(0, body[1000:])
        assert feed(reader, parts) == [(10, b"p"), (1, body)]
        pieces = frame(2, body[:-1], False) + frame(0, b"", False) + frame(0, body[-1:])
        assert feed(reader, pieces) == [(2, body)]


def test_a_ping_among_30_kb_that_come_in_single_bytes():
    reader = make_reader(LIMIT)
    body = bytes(range(250)) * 120
    stream = frame(1, body[:15_000], False)
    stream += frame(9, b"1723161255208") + frame(0, body[15_000:])
    got, at = [], {}
    for i in range(len(stream)):
        for said in feed(reader, stream[i : i + 1]):
            got.append(said)
            at[said[0]] = i
    assert got == [(9, b"1723161255208"), (1, body)]
    assert at[9] == 15_004 + 15 - 1 and at[1] == len(stream) - 1


# ---- illegal ones ----------------------------------------------------------------------------

BEGUN = frame(1, b"part", False)
ILLEGAL = [
    (b"", raw(0xC1, 0), ws.RESERVED_BITS),
    (b"", raw(0xA1, 0), ws.RESERVED_BITS),
    (b"", raw(0x91, 0), ws.RESERVED_BITS),
    (b"", raw(0xC9, 0), ws.RESERVED_BITS),
    (b"", raw(0x81, 0x80, b"\1\2\3\4"), ws.MASKED),
    (b"", raw(0x89, 0x82, b"\1\2\3\4ab"), ws.MASKED),
    *[(b"", raw(0x80 | code, 0), ws.OPCODE_UNKNOWN) for code in (3, 4, 5, 6, 7)],
    *[(b"", raw(0x80 | code, 0), ws.OPCODE_UNKNOWN) for code in range(11, 16)],
    (b"", raw(0x81, 126, b"\x10\x01" + b"a" * 4097), ws.MESSAGE_TOO_LONG),
    (b"", raw(0x81, 127, (1 << 62).to_bytes(8, "big")), ws.MESSAGE_TOO_LONG),
    (b"", raw(0x81, 127, (1 << 63).to_bytes(8, "big")), ws.MESSAGE_TOO_LONG),
    (b"", raw(0x81, 127, b"\xff" * 8), ws.MESSAGE_TOO_LONG),
    (BEGUN, raw(0x80, 126, b"\x0f\xfd" + b"a" * 4093), ws.MESSAGE_TOO_LONG),
    (b"", raw(0x89, 126, b"\x00\x7e" + b"a" * 126), ws.CONTROL_TOO_LONG),
    (b"", raw(0x88, 127, b"\0" * 6 + b"\x01\x00" + b"a" * 256), ws.CONTROL_TOO_LONG),
    *[(b"", raw(code, 0), ws.CONTROL_FRAGMENTED) for code in (8, 9, 10)],
    (b"", frame(0, b"abc"), ws.CONTINUATION_UNEXPECTED),
    (b"", frame(0, b"abc", False), ws.CONTINUATION_UNEXPECTED),
    (frame(1, b"abc"), frame(0, b"abc"), ws.CONTINUATION_UNEXPECTED),
    (BEGUN, frame(1, b"abc"), ws.CONTINUATION_MISSING),
    (BEGUN, frame(2, b"abc", False), ws.CONTINUATION_MISSING),
    (b"", raw(0x88, 1, b"\x03"), ws.CLOSE_TOO_SHORT),
]


@pytest.mark.parametrize(("before", "stream", "why"), ILLEGAL)
def test_illegal_frames_are_refused_by_both_for_good(before, stream, why):
    said, refused = oracle(before + stream, SMALL)
    assert refused in (CloseCode.PROTOCOL_ERROR, CloseCode.MESSAGE_TOO_BIG)
    assert (refused == CloseCode.MESSAGE_TOO_BIG) == (why == ws.MESSAGE_TOO_LONG)
    reader = make_reader(SMALL)
    got = feed(reader, before) + feed(reader, stream)
    assert got == [*said, why]
    assert feed(reader, frame(1, b"more")) == [why]
    reset(reader)
    assert feed(reader, frame(1, b"more")) == [(1, b"more")]


@pytest.mark.parametrize(("before", "stream", "why"), ILLEGAL)
def test_illegal_frames_are_refused_at_the_first_byte_that_tells(before, stream, why):
    reader = make_reader(SMALL)
    feed(reader, before)
    said = [feed(reader, stream[i : i + 1]) for i in range(len(stream))]
    first = next(i for i, out in enumerate(said) if why in out)
    assert first <= 9 and all(not out for out in said[:first] if out != [(1, b"abc")])


@settings(max_examples=300)
@given(st.binary(max_size=40), st.lists(st.integers(0, 40), max_size=5))
@example(b"\x81\x7e\x00\x05hello", [3])  # longer spelling than needed: both take it
@example(b"\x01\x00\x88\x00", [])
def test_any_bytes_mean_the_same_to_both(stream, places):
    said, refused = oracle(stream, SMALL)
    reader = make_reader(SMALL)
    got = []
    for piece in cut(stream, places):
        got += feed(reader, piece)
    codes = [item for item in got if not isinstance(item, tuple)]
    got = [item for item in got if isinstance(item, tuple)]
    if refused is not None and not codes:
        # Ours to hand on, theirs to judge: a close frame's code, text, or message cut short.
        assert got[-1][0] == ws.CLOSE
        got.pop()
        said = [item for item in said if item[0] != ws.CLOSE]
    elif refused is None and codes:
        # We refuse by the header, the library when the whole frame has come.
        assert got == said[: len(got)]
        return
    assert got == said


def test_after_a_close_frame_nothing_follows():
    reader = make_reader(SMALL)
    got = feed(reader, frame(1, b"a", False) + frame(8, b"\x03\xe9") + frame(0, b"b"))
    assert got == [(ws.CLOSE, b"\x03\xe9")]
    assert feed(reader, b"\xff" * 100) == [] and next_frame(reader) == NOTHING


@pytest.mark.skipif(JIT_DISABLED, reason="nothing is compiled")
def test_nothing_is_allocated():
    reader = make_reader(SMALL)
    next_frame(reader)
    code = next_frame.inspect_llvm(next_frame.signatures[0])
    assert "NRT_Allocate" not in code and "llvm.memmove" in code


def test_a_reader_for_less_than_a_control_frame_is_not_made():
    with pytest.raises(ValueError, match="125"):
        make_reader(100)
