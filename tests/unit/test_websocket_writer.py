"""Frames as a client sends them, read back by the ``websockets`` library as a server."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.frames import Opcode
from websockets.protocol import SERVER, Protocol

from appliance.hot.wire.websocket_reader import BINARY, CLOSE, PING, PONG, TEXT
from appliance.hot.wire.websocket_writer import (
    NO_ROOM,
    clear,
    make_writer,
    queue_bytes,
    queue_start,
    sent,
    write_frame,
)


def take(writer, count):
    start = queue_start(writer)
    data = writer.data[start : start + count].tobytes()
    sent(writer, count)
    return data


@pytest.mark.parametrize("length", [0, 1, 124, 125, 126, 127, 150, 65_535, 65_536, 70_001])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_every_length_is_understood(length, opcode):
    text = np.frombuffer(b"..." + b"abcdefg" * (length // 7 + 1), np.uint8)
    writer = make_writer(80_000, 5)
    size = write_frame(writer, opcode, text, 3, length)
    assert size == queue_bytes(writer)
    server = Protocol(SERVER, max_size=None)
    server.receive_data(take(writer, size))
    (frame,) = server.events_received()
    assert frame.opcode == opcode and frame.fin
    assert bytes(frame.data) == text[3 : 3 + length].tobytes()


@settings(max_examples=60)
@given(st.data())
def test_a_queue_that_is_sent_in_pieces(data):
    writer = make_writer(1500, data.draw(st.integers(-(2**63), 2**63 - 1)))
    server = Protocol(SERVER, max_size=None)
    wanted, got = [], []
    for _ in range(data.draw(st.integers(1, 20))):
        opcode = data.draw(st.sampled_from([TEXT, PING, PONG]))
        limit = 400 if opcode == TEXT else 125
        payload = data.draw(st.binary(max_size=limit))
        source = np.frombuffer(payload + b"!", np.uint8)
        if write_frame(writer, opcode, source, 0, len(payload)) == NO_ROOM:
            assert queue_bytes(writer) + 14 + len(payload) > 1500
        else:
            wanted.append((opcode, payload))
        count = data.draw(st.integers(0, queue_bytes(writer)))
        if count:
            server.receive_data(take(writer, count))
            got += server.events_received()
    if queue_bytes(writer):
        server.receive_data(take(writer, queue_bytes(writer)))
        got += server.events_received()
    assert server.parser_exc is None
    assert [(int(f.opcode), bytes(f.data)) for f in got] == wanted


def test_masking_keys_differ_and_need_no_seed():
    writer = make_writer(100_000, 0)
    text = np.zeros(4, np.uint8)
    keys = set()
    for _ in range(1000):
        size = write_frame(writer, TEXT, text, 0, 4)
        keys.add(take(writer, size)[2:6])
    assert len(keys) > 995


def test_no_room_leaves_the_queue_as_it_is():
    writer = make_writer(1024, 1)
    text = np.zeros(1200, np.uint8)
    assert write_frame(writer, TEXT, text, 0, 1020) == NO_ROOM
    assert write_frame(writer, TEXT, text, 0, 900) == 908
    assert write_frame(writer, TEXT, text, 0, 200) == NO_ROOM
    assert queue_bytes(writer) == 908
    clear(writer)
    assert queue_bytes(writer) == 0


def test_close_is_a_control_frame():
    writer = make_writer(1024, 1)
    body = np.frombuffer(b"\x03\xe8bye", np.uint8)
    server = Protocol(SERVER, max_size=None)
    server.receive_data(take(writer, write_frame(writer, CLOSE, body, 0, 5)))
    (frame,) = server.events_received()
    assert frame.opcode is Opcode.CLOSE and server.close_rcvd.reason == "bye"
