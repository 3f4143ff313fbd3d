"""The broadcast ring, and the two readers of it, against a plain list of what was written."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.abi.broadcast_reader import BroadcastReader
from appliance.abi.layout import records, slot_dtype
from appliance.abi.ring_layout import TAIL
from appliance.hot.broadcast import (
    begin,
    broadcast_bytes,
    broadcast_in,
    commit,
    make_broadcast,
    make_cursor,
    read,
    read_newest,
    write,
)
from appliance.hot.jit import JIT_DISABLED, hot

RECORD = slot_dtype([("sequence", "<i8"), ("number", "<i8"), ("filler", "<i8", (20,))])


@hot
def put(b, number):
    slot = b.slots[begin(b)]
    slot.number = number
    slot.filler[19] = -number
    commit(b)


def drain(b, cursor):
    out = records(1, RECORD)
    numbers = []
    while read(b, cursor, out):
        assert out[0].filler[19] == -out[0].number
        numbers.append(int(out[0].number))
    return numbers


def test_readers_get_every_record_in_order_and_do_not_disturb_each_other():
    b = make_broadcast(8, RECORD)
    one, other = make_cursor(b), make_cursor(b)
    for number in range(5):
        put(b, number)
    assert drain(b, one) == drain(b, other) == [0, 1, 2, 3, 4]
    assert drain(b, one) == [] and one.tolist() == other.tolist() == [5, 0]


def test_write_copies_a_whole_record():
    b = make_broadcast(8, RECORD)
    cursor = make_cursor(b)
    source = records(1, RECORD)
    source[0].number, source[0].filler, source[0].sequence = 7, -7, 1
    write(b, source)
    assert source[0].sequence == 0
    assert drain(b, cursor) == [7] and b.slots[0].sequence == 1


@settings(deadline=None, max_examples=100)
@given(st.sampled_from([2, 4, 8, 32]), st.lists(st.integers(0, 70), max_size=20))
def test_received_and_missed_add_up(slots_n, bursts):
    """Between reads the producer writes bursts of up to several times the ring."""
    memory = bytearray(broadcast_bytes(slots_n, RECORD))
    b = broadcast_in(memory, 0, slots_n, RECORD, initialise=True)
    cursor = make_cursor(b)
    reader = BroadcastReader(memory, 0, RECORD)
    written = 0
    polled = polled_missed = 0
    for burst in bursts:
        for _ in range(burst):
            put(b, written)
            written += 1
        missed_before = int(cursor[1])
        numbers = drain(b, cursor)
        missed = int(cursor[1]) - missed_before
        assert len(numbers) + missed == burst
        assert numbers == list(range(written - len(numbers), written))
        if burst <= slots_n:
            assert missed == 0
        else:
            assert len(numbers) >= slots_n - slots_n // 8 - 1

        rows, missed = reader.poll(1000)
        assert rows["number"].tolist() == numbers and missed == burst - len(numbers)
        assert (rows["filler"][:, 19] == -rows["number"]).all()
        polled += len(rows)
        polled_missed += missed
    assert cursor[0] == written == polled + polled_missed == reader.position


def test_a_record_that_is_being_written_is_not_read():
    b = make_broadcast(4, RECORD)
    cursor = make_cursor(b)
    for number in range(4):
        put(b, number)
    slot = b.slots[begin(b)]  # that of record 0, which the reader wants next
    slot.number, slot.filler = 99, -99
    assert drain(b, cursor) == [1, 2, 3] and cursor.tolist() == [4, 1]
    commit(b)
    assert drain(b, cursor) == [99] and cursor.tolist() == [5, 1]


def test_numpy_reader_drops_a_record_that_is_being_written():
    memory = bytearray(broadcast_bytes(4, RECORD))
    b = broadcast_in(memory, 0, 4, RECORD, initialise=True)
    for number in range(4):
        put(b, number)
    begin(b)
    rows, missed = BroadcastReader(memory, 0, RECORD).poll(10)
    assert rows["number"].tolist() == [1, 2, 3] and missed == 1


def test_a_record_that_changes_during_the_copy_is_not_believed():
    """The producer strikes while the first copy is made (uncompiled: where we can reach in)."""
    b = make_broadcast(4, RECORD)
    cursor = make_cursor(b)
    for number in range(4):
        put(b, number)

    class Striking(list):
        def __setitem__(self, index, record):
            super().__setitem__(index, record.copy())
            if b.header[TAIL] == 4:
                put(b, 4)

    out = Striking([None])
    function = getattr(read, "py_func", read)
    names = function.__globals__
    compiled = names["_copy"]
    names["_copy"] = getattr(compiled, "py_func", compiled)
    try:
        assert function(b, cursor, out) == 1
    finally:
        names["_copy"] = compiled
    assert cursor.tolist() == [3, 2]  # 0 torn; 1 is within the margin; 2 read
    assert out[0].number == 2


def test_a_late_reader_starts_where_it_asked_to():
    b = make_broadcast(4, RECORD)
    for number in range(6):
        put(b, number)
    assert drain(b, make_cursor(b)) == []
    from_start = make_cursor(b, from_start=True)
    assert drain(b, from_start) == [3, 4, 5] and from_start[1] == 3


def test_read_newest_conflates_and_counts_nothing_as_missed():
    b = make_broadcast(4, RECORD)
    cursor = make_cursor(b)
    out = records(1, RECORD)
    assert read_newest(b, cursor, out) == 0
    for number in range(11):
        put(b, number)
    assert read_newest(b, cursor, out) == 1 and out[0].number == 10
    assert cursor.tolist() == [11, 0]
    assert read_newest(b, cursor, out) == 0
    put(b, 11)
    assert read(b, cursor, out) == 1 and out[0].number == 11


def test_numpy_reader_takes_no_more_than_it_is_asked_for():
    memory = bytearray(256 + broadcast_bytes(8, RECORD))
    b = broadcast_in(memory, 256, 8, RECORD, initialise=True)
    put(b, 0)
    late = BroadcastReader(memory, 256, RECORD, from_start=False)
    reader = BroadcastReader(memory, 256, RECORD)
    for number in range(1, 6):
        put(b, number)
    assert reader.poll(4)[0]["number"].tolist() == [0, 1, 2, 3]
    rows, missed = reader.poll(4)
    assert rows["number"].tolist() == [4, 5] and missed == 0
    assert len(reader.poll(4)[0]) == 0
    assert late.poll(9)[0]["number"].tolist() == [1, 2, 3, 4, 5]
    put(b, 6)
    assert rows["number"].tolist() == [4, 5]  # a copy, not a view


def test_readers_work_on_read_only_memory():
    memory = bytearray(broadcast_bytes(4, RECORD))
    b = broadcast_in(memory, 0, 4, RECORD, initialise=True)
    view = broadcast_in(bytes(memory), 0, 4, RECORD, initialise=False)
    cursor = make_cursor(view)
    assert drain(view, cursor) == []
    put(b, 3)
    view = broadcast_in(bytes(memory), 0, 4, RECORD, initialise=False)
    assert drain(view, cursor) == [3]


def test_what_is_no_broadcast_ring_is_refused():
    memory = bytearray(broadcast_bytes(4, RECORD))
    with pytest.raises(ValueError):
        BroadcastReader(memory, 0, RECORD)
    broadcast_in(memory, 0, 4, RECORD, initialise=True)
    with pytest.raises(ValueError, match="192"):
        BroadcastReader(memory, 0, slot_dtype([("sequence", "<i8")]))
    plain = slot_dtype([("number", "<i8", (24,))])
    with pytest.raises(ValueError, match="sequence"):
        BroadcastReader(memory, 0, plain)
    with pytest.raises(ValueError, match="sequence"):
        make_broadcast(4, plain)
    with pytest.raises(ValueError, match="sequence"):
        make_broadcast(4, slot_dtype([("sequence", "<f8")]))


@pytest.mark.skipif(JIT_DISABLED, reason="nothing is compiled")
def test_compiled_reader_copies_between_its_two_looks_and_allocates_nothing():
    b = make_broadcast(4, RECORD)
    out, cursor = records(1, RECORD), np.zeros(2, np.int64)
    put(b, 1), write(b, records(1, RECORD)), read(b, cursor, out), read_newest(b, cursor, out)
    for function in (put, write, read, read_newest):
        code = function.inspect_llvm(function.signatures[0])
        assert "NRT_Allocate" not in code
    code = read.inspect_llvm(read.signatures[0])
    copies = [line for line in code.splitlines() if "@llvm.memcpy" in line and "call" in line]
    lines = [line for line in code.splitlines() if line in copies or "fence" in line]
    fences = [line for line in lines if "fence acq_rel" in line]
    assert len(copies) == len(fences) > 0
    kinds = ["fence" in line for line in lines]
    assert kinds == [False, True] * len(copies)  # after every copy its fence
    code = put.inspect_llvm(put.signatures[0])
    assert code.index("store atomic i64 0") < code.index("fence acq_rel")
