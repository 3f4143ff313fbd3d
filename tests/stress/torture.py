"""The two sides of the torture tests, each in a process of its own (test_two_processes.py).

    python -m tests.stress.torture produce|consume PATH MESSAGES

goes through the rings in turn and prints one JSON object of outcome counts. Every loop gives up
by itself when the other side is gone for good.
"""

import json
import mmap
import sys
import time
from pathlib import Path

import numpy as np

from appliance.abi.broadcast_reader import BroadcastReader
from appliance.abi.layout import records, slot_dtype
from appliance.abi.ring_layout import TAIL
from appliance.hot import broadcast, frame_ring, ring
from appliance.hot.atomics import load_acquire, store_release
from appliance.hot.cpu import pause
from appliance.hot.jit import hot, hot_inline

SLOTS = 8  # the messages go round it many thousand times
CAPACITY_BYTES = 2048
FRAME_LENGTHS = 500  # 0 .. 499 bytes
WORDS = 14
IDLE_MAX = 2_000_000_000
READY = 47  # a header word that no ring uses: the reader of a broadcast ring is there
# Where in the region each ring stands
RING, FRAMES = 0, 8192
BROADCASTS = {"read": 16_384, "read_slowly": 24_576, "poll": 32_768}
REGION_BYTES = 65_536
RECORD = slot_dtype([("sequence", "<i8"), ("number", "<i8"), ("words", "<i8", (WORDS,))])


@hot_inline
def check_word(number, k):
    return number * 31 + k * 7 + 1


@hot
def is_whole(slot, number):
    """Whether every word of the record belongs to the message ``number``."""
    if slot.number != number:
        return 0
    for k in range(WORDS):
        if slot.words[k] != check_word(number, k):
            return 0
    return 1


@hot
def ring_produce(r, messages):
    full = 0
    for number in range(messages):
        idle = 0
        index = ring.claim(r)
        while index < 0:
            full += 1
            idle += 1
            if idle > IDLE_MAX:
                return -1
            pause()
            index = ring.claim(r)
        slot = r.slots[index]
        slot.number = number
        for k in range(WORDS):
            slot.words[k] = check_word(number, k)
        ring.publish(r)
    return full


@hot
def ring_consume(r, messages, outcomes):
    """outcomes: in order, lost or doubled or reordered, torn, found empty."""
    idle = 0
    expected = 0
    while expected < messages and idle < IDLE_MAX:
        index = ring.peek(r)
        if index < 0:
            outcomes[3] += 1
            idle += 1
            pause()
            continue
        idle = 0
        slot = r.slots[index]
        if is_whole(slot, expected):
            outcomes[0] += 1
        elif is_whole(slot, slot.number):
            outcomes[1] += 1
        else:
            outcomes[2] += 1
        slot.number = -1  # a slot that came back too early would show
        ring.release(r)
        expected += 1


@hot
def frame_produce(r, scratch, messages):
    full = 0
    for number in range(messages):
        length = (number * 37) % FRAME_LENGTHS
        for k in range(length):
            scratch[k] = (number + k) & 255
        idle = 0
        while not frame_ring.push(r, scratch, 0, length, number * 3, number & 7, 1, number):
            full += 1
            idle += 1
            if idle > IDLE_MAX:
                return -1
            pause()
    return full


@hot
def frame_consume(r, messages, outcomes):
    """outcomes: in order, lost or doubled or reordered, torn, found empty."""
    idle = 0
    expected = 0
    while expected < messages and idle < IDLE_MAX:
        offset = frame_ring.peek(r)
        if offset < 0:
            outcomes[3] += 1
            idle += 1
            pause()
            continue
        idle = 0
        length = frame_ring.length_at(r, offset)
        whole = frame_ring.receive_ns_at(r, offset) == expected * 3
        whole = whole and length == (expected * 37) % FRAME_LENGTHS
        if whole:
            for k in range(length):
                byte = offset + 64 + k
                whole = whole and r.data[byte] == (expected + k) & 255
                r.data[byte] = 0
        if frame_ring.number_at(r, offset) != expected:
            outcomes[1] += 1
        elif whole:
            outcomes[0] += 1
        else:
            outcomes[2] += 1
        frame_ring.release(r)
        expected += 1


@hot
def broadcast_produce(b, first, messages):
    for number in range(first, first + messages):
        slot = b.slots[broadcast.begin(b)]
        slot.number = number
        for k in range(WORDS):
            slot.words[k] = check_word(number, k)
        broadcast.commit(b)
        for _ in range(number & 63):  # so that readers catch up, and meet every moment
            pause()


@hot
def broadcast_consume(b, cursor, out, messages, slow, outcomes):
    """outcomes: in order, out of order, torn, nothing new, times lapped."""
    idle = 0
    while cursor[0] < messages and idle < IDLE_MAX:
        missed = cursor[1]
        position = cursor[0]
        if broadcast.read(b, cursor, out) == 0:
            outcomes[3] += 1
            idle += 1
            pause()
        else:
            idle = 0
            number = position + cursor[1] - missed
            if is_whole(out[0], number):
                outcomes[0] += 1
            elif is_whole(out[0], out[0].number):
                outcomes[1] += 1
            else:
                outcomes[2] += 1
        if cursor[1] != missed:
            outcomes[4] += 1
        for _ in range(slow * (position & 15)):
            pause()


@hot
def wait_until_ready(header):
    for _ in range(IDLE_MAX):
        if load_acquire(header, READY) != 0:
            return 1
        pause()
    return 0


def poll(memory: mmap.mmap, offset: int, messages: int) -> dict[str, int]:
    """The NumPy reader."""
    reader = BroadcastReader(memory, offset, RECORD)
    counts = dict.fromkeys(("in_order", "misplaced", "torn", "missed"), 0)
    last = -1
    give_up = time.monotonic() + 600
    while reader.position < messages and time.monotonic() < give_up:
        rows, missed = reader.poll(1000)
        counts["missed"] += missed
        if not len(rows):
            continue
        numbers = rows["number"]
        whole = (rows["words"] == numbers[:, None] * 31 + np.arange(WORDS) * 7 + 1).all(axis=1)
        rises = np.diff(numbers, prepend=last) > 0
        last = int(numbers[-1])
        counts["torn"] += int((~whole).sum())
        counts["misplaced"] += int((whole & ~rises).sum())
        counts["in_order"] += int((whole & rises).sum())
    return counts


def read(b: broadcast.Broadcast, messages: int, slow: int) -> dict[str, int]:
    """The compiled reader; begins with none, so that it is compiled when it says it is ready."""
    cursor, out = broadcast.make_cursor(b, from_start=True), records(1, RECORD)
    outcomes = np.zeros(5, np.int64)
    broadcast_consume(b, cursor, out, 0, slow, outcomes)
    store_release(b.header, READY, 1)
    broadcast_consume(b, cursor, out, messages, slow, outcomes)
    names = ("in_order", "misplaced", "torn", "nothing_new", "lapped")
    return dict(zip(names, outcomes.tolist(), strict=True)) | {"missed": int(cursor[1])}


def produce(memory: mmap.mmap, messages: int) -> dict[str, dict[str, int]]:
    r = ring.ring_in(memory, RING, SLOTS, RECORD, initialise=False)
    results = {"ring": {"full": int(ring_produce(r, messages))}}
    f = frame_ring.frame_ring_in(memory, FRAMES, CAPACITY_BYTES, initialise=False)
    scratch = np.zeros(FRAME_LENGTHS, np.uint8)
    results["frames"] = {"full": int(frame_produce(f, scratch, messages))}
    for name, offset in BROADCASTS.items():
        b = broadcast.broadcast_in(memory, offset, SLOTS, RECORD, initialise=False)
        broadcast_produce(b, 0, 0)
        wait_until_ready(b.header)
        broadcast_produce(b, 0, messages)
        results[name] = {"written": int(b.header[TAIL])}
    return results


def consume(memory: mmap.mmap, messages: int) -> dict[str, dict[str, int]]:
    names = ("in_order", "misplaced", "torn", "empty")
    results = {}
    r = ring.ring_in(memory, RING, SLOTS, RECORD, initialise=False)
    outcomes = np.zeros(4, np.int64)
    ring_consume(r, messages, outcomes)
    results["ring"] = dict(zip(names, outcomes.tolist(), strict=True))
    f = frame_ring.frame_ring_in(memory, FRAMES, CAPACITY_BYTES, initialise=False)
    outcomes = np.zeros(4, np.int64)
    frame_consume(f, messages, outcomes)
    results["frames"] = dict(zip(names, outcomes.tolist(), strict=True))
    for name, offset in BROADCASTS.items():
        b = broadcast.broadcast_in(memory, offset, SLOTS, RECORD, initialise=False)
        if name == "poll":
            b.header[READY] = 1
            results[name] = poll(memory, offset, messages)
        else:
            results[name] = read(b, messages, 20 if name == "read_slowly" else 0)
    return results


def main(role: str, path: str, messages: int) -> None:
    with Path(path).open("r+b") as file:
        memory = mmap.mmap(file.fileno(), 0)
    print(json.dumps({"produce": produce, "consume": consume}[role](memory, messages)))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
