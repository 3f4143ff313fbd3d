"""The ring of frames against a list of byte strings."""

from collections import deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.abi.limits import FRAME_BYTES_MAX, FRAME_HEADER_BYTES, FRAME_PADDING_BYTES
from appliance.abi.ring_layout import FRAME, RING_HEADER_BYTES, WRAP
from appliance.hot.frame_ring import (
    capacity_bytes,
    claim,
    frame_ring_bytes,
    frame_ring_in,
    instrument_at,
    length_at,
    make_frame_ring,
    number_at,
    payload_bytes_max,
    peek,
    publish,
    push,
    push_many,
    receive_ns_at,
    release,
    size_bytes,
    source_at,
)
from appliance.hot.jit import JIT_DISABLED

ARENA = np.random.default_rng(5).integers(0, 256, FRAME_BYTES_MAX + 1000).astype(np.uint8)


def put(ring, start, length, number=0):
    return push(ring, ARENA, start, length, number * 10, number % 7, number % 3, number)


def take(ring):
    """(length, number, stored bytes), having checked the other fields; None if empty."""
    offset = peek(ring)
    if offset < 0:
        return None
    assert offset % 64 == 0 and peek(ring) == offset
    length, number = length_at(ring, offset), number_at(ring, offset)
    fields = (receive_ns_at(ring, offset), instrument_at(ring, offset), source_at(ring, offset))
    assert fields == (number * 10, number % 7, number % 3)
    header = ring.data[offset : offset + FRAME_HEADER_BYTES].view(FRAME)[0]
    assert header["length_bytes"] == length and header["number"] == number
    begin = offset + FRAME_HEADER_BYTES
    stored = min(length, payload_bytes_max(ring))
    assert len(ring.data[begin + stored :]) >= FRAME_PADDING_BYTES  # readable behind it
    payload = ring.data[begin : begin + stored].tobytes()
    release(ring)
    return length, number, payload


def wanted(start, length, number=0):
    return length, number, ARENA[start : start + length].tobytes()


def test_frames_come_out_as_they_went_in():
    ring = make_frame_ring(4096)
    assert take(ring) is None and size_bytes(ring) == 0
    for number, length in enumerate([0, 1, 63, 64, 65, 1000]):
        assert put(ring, number, length, number) == 1
    for number, length in enumerate([0, 1, 63, 64, 65, 1000]):
        assert take(ring) == wanted(number, length, number)
    assert take(ring) is None and size_bytes(ring) == 0


@settings(deadline=None, max_examples=150)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 384)), max_size=120))
def test_frame_ring_is_a_bounded_queue(steps):
    """1 KiB, so that nearly every frame meets the end of the ring."""
    ring = make_frame_ring(1024)
    model = deque()
    number = 0
    for is_put, length in steps:
        if is_put:
            if put(ring, number, length, number):
                model.append(wanted(number, length, number))
                number += 1
            else:
                assert model  # an empty ring takes any frame
        else:
            assert take(ring) == (model.popleft() if model else None)
        assert 0 <= size_bytes(ring) <= 1024
    while model:
        assert take(ring) == model.popleft()
    assert take(ring) is None


def test_the_largest_frame_fits_wherever_the_ring_stands():
    ring = make_frame_ring(1024)
    largest = payload_bytes_max(ring)
    assert largest == 1024 // 2 - FRAME_HEADER_BYTES - FRAME_PADDING_BYTES
    for number in range(40):
        assert put(ring, 0, 10, number) and take(ring) == wanted(0, 10, number)
        assert put(ring, 3, largest, number) and take(ring) == wanted(3, largest, number)


def test_a_frame_does_not_straddle_the_end():
    ring = make_frame_ring(1024)
    for number in range(4):  # 4 x 192 bytes: 256 are left
        put(ring, 0, 64, number)
    take(ring), take(ring)
    assert put(ring, 7, 200, 4) == 1  # 320 bytes, so at the start
    assert ring.words[768 // 8] == WRAP
    assert [take(ring)[1] for _ in range(3)] == [2, 3, 4]
    assert take(ring) is None


def test_a_full_ring_takes_nothing_and_keeps_what_it_has():
    ring = make_frame_ring(1024)
    pushed = sum(put(ring, n, 100, n) for n in range(10))
    assert pushed == 1024 // 256 and size_bytes(ring) == 1024
    assert put(ring, 0, 0) == 0
    assert take(ring) == wanted(0, 100, 0)
    assert put(ring, 50, 90, 9) == 1 and put(ring, 50, 90, 9) == 0
    assert [take(ring)[1] for _ in range(4)] == [1, 2, 3, 9]


def test_a_frame_that_is_too_long_keeps_its_length_but_not_its_bytes():
    ring = make_frame_ring(4 * 1024 * 1024)
    assert payload_bytes_max(ring) == FRAME_BYTES_MAX
    for length in (FRAME_BYTES_MAX, FRAME_BYTES_MAX + 1, FRAME_BYTES_MAX + 1000):
        assert put(ring, 0, length) == 1
    assert take(ring) == wanted(0, FRAME_BYTES_MAX)
    for length in (FRAME_BYTES_MAX + 1, FRAME_BYTES_MAX + 1000):
        assert take(ring) == (length, 0, ARENA[:FRAME_BYTES_MAX].tobytes())
    assert put(ring, 5, 20) == 1 and take(ring) == wanted(5, 20)


def test_a_small_ring_never_passes_a_cut_frame_for_a_whole_one():
    ring = make_frame_ring(1024)
    assert put(ring, 0, payload_bytes_max(ring) + 1) == 1
    length, _, payload = take(ring)
    assert length == FRAME_BYTES_MAX + 1
    assert payload == ARENA[: payload_bytes_max(ring)].tobytes()
    assert put(ring, 0, FRAME_BYTES_MAX + 999) == 1
    assert take(ring)[0] == FRAME_BYTES_MAX + 999


def test_a_negative_length_is_an_empty_frame_not_a_mark():
    ring = make_frame_ring(1024)
    assert put(ring, 0, WRAP, 1) == 1 and put(ring, 0, -50, 2) == 1
    assert take(ring) == (0, 1, b"") and take(ring) == (0, 2, b"") and take(ring) is None


def test_a_claim_may_be_repeated_and_published_shorter():
    ring = make_frame_ring(1024)
    for number in range(4):
        put(ring, 0, 64, number)
    for number in range(4):
        assert take(ring)[1] == number
    assert claim(ring, 384) == 0  # does not fit behind 768
    assert claim(ring, 100) == 768  # this does
    offset = claim(ring, 384)
    ring.data[offset + 64 : offset + 67] = [1, 2, 3]
    publish(ring, offset, 3, 50, 5, 2, 5)
    assert take(ring) == (3, 5, b"\1\2\3") and take(ring) is None
    assert claim(ring, 0) == 192


def test_push_many_stops_when_full_and_goes_on_where_it_stopped():
    ring = make_frame_ring(1024)
    rows = np.arange(10)
    lengths = np.full(10, 150)
    numbers = rows + 100
    table = (ARENA, rows * 7, lengths, numbers * 10, numbers % 7, numbers % 3)
    taken, first = [], 0
    for _ in range(20):
        pushed = push_many(ring, *table, first, 10 - first, 100)
        assert pushed == min(10 - first, 3)  # 320 bytes each
        first += pushed
        while (frame := take(ring)) is not None:
            taken.append(frame)
    assert taken == [wanted(i * 7, 150, 100 + i) for i in range(10)]
    assert push_many(ring, *table, 10, 0, 100) == 0


def test_both_sides_in_shared_memory():
    memory = bytearray(frame_ring_bytes(2048) + 256)
    assert frame_ring_bytes(2048) == RING_HEADER_BYTES + 2048 + FRAME_PADDING_BYTES
    producer = frame_ring_in(memory, 256, 2048, initialise=True)
    consumer = frame_ring_in(memory, 256, 2048, initialise=False)
    assert capacity_bytes(consumer) == 2048
    for number in range(50):
        assert put(producer, number, number * 3, number)
        assert take(consumer) == wanted(number, number * 3, number)
    with pytest.raises(ValueError, match="2048 x 1"):
        frame_ring_in(memory, 256, 1024, initialise=False)


@pytest.mark.parametrize("capacity", [0, 512, 3000])
def test_impossible_rings_are_refused(capacity):
    with pytest.raises(ValueError):
        make_frame_ring(capacity)


@pytest.mark.skipif(JIT_DISABLED, reason="nothing is compiled")
def test_compiled_ring_is_ordered_and_allocates_nothing():
    ring = make_frame_ring(1024)
    put(ring, 0, 5), take(ring)
    for function in (push, push_many):
        if function.signatures:
            code = function.inspect_llvm(function.signatures[0])
            assert "NRT_Allocate" not in code
    code = push.inspect_llvm(push.signatures[0])
    assert "llvm.memcpy" in code
    assert code.count("store atomic i64") == code.count("load atomic i64") == 1
