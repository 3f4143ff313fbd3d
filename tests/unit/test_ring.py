"""The ring of fixed slots against a deque."""

from collections import deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.abi.layout import slot_dtype
from appliance.abi.ring_layout import CAPACITY, HEAD, RECORD_BYTES, RING_HEADER_BYTES, TAIL
from appliance.hot.jit import JIT_DISABLED, hot
from appliance.hot.ring import claim, make_ring, peek, publish, release, ring_bytes, ring_in, size

RECORD = slot_dtype([("number", "<i8"), ("check", "<i8")])


@hot
def put(ring, number):
    index = claim(ring)
    if index < 0:
        return 0
    ring.slots[index].number = number
    ring.slots[index].check = ~number
    publish(ring)
    return 1


@hot
def take(ring):
    index = peek(ring)
    if index < 0:
        return -1
    number = ring.slots[index].number
    if ring.slots[index].check != ~number:
        return -2
    release(ring)
    return number


def test_a_new_ring_is_empty_and_takes_as_many_records_as_it_has_slots():
    ring = make_ring(4, RECORD)
    assert peek(ring) == -1 and size(ring) == 0
    assert [put(ring, n) for n in range(6)] == [1, 1, 1, 1, 0, 0]
    assert claim(ring) == -1 and size(ring) == 4
    assert [take(ring) for _ in range(5)] == [0, 1, 2, 3, -1]


def test_claim_and_peek_change_nothing_by_themselves():
    ring = make_ring(2, RECORD)
    assert claim(ring) == claim(ring) == 0 and size(ring) == 0
    assert peek(ring) == -1
    put(ring, 5)
    assert peek(ring) == peek(ring) == 0 and size(ring) == 1
    assert ring.slots[0].number == 5


@settings(deadline=None, max_examples=100)
@given(st.sampled_from([2, 4, 8]), st.lists(st.integers(-9, 9), max_size=60))
def test_ring_is_a_bounded_queue(slots_n, steps):
    """A positive step puts so many records, a negative one takes so many."""
    ring = make_ring(slots_n, RECORD)
    model = deque()
    number = 0
    for step in steps:
        for _ in range(step):
            fits = len(model) < slots_n
            assert put(ring, number) == fits
            if fits:
                model.append(number)
                number += 1
        for _ in range(-step):
            assert take(ring) == (model.popleft() if model else -1)
        assert size(ring) == len(model)
    assert (ring.header[TAIL], ring.header[HEAD]) == (number, number - len(model))


def test_positions_far_from_the_start():
    ring = make_ring(4, RECORD)
    ring.header[[0, 1, 16, 17]] = 2**60 + 3
    assert [put(ring, n) for n in range(5)] == [1, 1, 1, 1, 0]
    assert claim(ring) == -1 and peek(ring) == 3
    assert [take(ring) for _ in range(5)] == [0, 1, 2, 3, -1]


def test_a_slot_is_not_given_out_again_before_it_is_released():
    ring = make_ring(2, RECORD)
    put(ring, 1), put(ring, 2)
    index = peek(ring)
    assert claim(ring) == -1
    release(ring)
    assert claim(ring) == index


def test_both_sides_in_shared_memory():
    memory = bytearray(128 + ring_bytes(4, RECORD))
    producer = ring_in(memory, 128, 4, RECORD, initialise=True)
    consumer = ring_in(memory, 128, 4, RECORD, initialise=False)
    assert ring_bytes(4, RECORD) == RING_HEADER_BYTES + 4 * RECORD.itemsize
    assert (producer.header[CAPACITY], producer.header[RECORD_BYTES]) == (4, RECORD.itemsize)
    for number in range(20):
        assert put(producer, number) and take(consumer) == number
    late = ring_in(memory, 128, 4, RECORD, initialise=False)  # attaching loses nothing
    put(producer, 99)
    assert take(late) == 99
    fresh = ring_in(memory, 128, 4, RECORD, initialise=True)
    assert size(fresh) == 0 and take(fresh) == -1


@pytest.mark.parametrize(("slots_n", "offset"), [(0, 0), (1, 0), (3, 0), (-4, 0), (4, 64), (4, 8)])
def test_impossible_rings_are_refused(slots_n, offset):
    with pytest.raises(ValueError, match="a ring"):
        ring_in(bytearray(4096), offset, slots_n, RECORD, initialise=True)


def test_attaching_to_something_else_is_refused():
    memory = bytearray(ring_bytes(8, RECORD))
    with pytest.raises(ValueError, match="0 x 0"):
        ring_in(memory, 0, 8, RECORD, initialise=False)
    ring_in(memory, 0, 8, RECORD, initialise=True)
    with pytest.raises(ValueError, match="8 x 64 bytes"):
        ring_in(memory, 0, 4, RECORD, initialise=False)
    with pytest.raises(ValueError):
        ring_in(memory, 0, 8, slot_dtype([("a", "<i8", (9,))]), initialise=False)
    with pytest.raises(ValueError):
        ring_in(memory[:-1], 0, 8, RECORD, initialise=True)


def test_plain_memory_keeps_the_sides_apart():
    header = make_ring(2, RECORD).header
    assert header.ctypes.data % 128 == 0
    assert isinstance(header, np.ndarray) and header.dtype == np.int64


@pytest.mark.skipif(JIT_DISABLED, reason="nothing is compiled")
def test_compiled_ring_is_ordered_and_allocates_nothing():
    ring = make_ring(2, RECORD)
    put(ring, 1), take(ring)
    for function in (put, take):
        code = function.inspect_llvm(function.signatures[0])
        assert "NRT_Allocate" not in code
        assert code.count("store atomic i64") == code.count("load atomic i64") == 1
