"""The capture ring (appliance.hot.capture, appliance.abi.capture_reader, appliance.abi.capture,
appliance.cold.capture_region): nothing waits, nothing is lost unsaid."""

import random
import threading
from pathlib import Path

import numpy as np
import pytest

from appliance.abi.capture import capture_path, longest_frame
from appliance.abi.capture_reader import CaptureError, CaptureReader
from appliance.abi.market import FrameSource
from appliance.cold.capture_region import CaptureRegion
from appliance.hot.capture import Capture, keep, keep_remembered, remember
from appliance.hot.frame_ring import Frame

pytestmark = pytest.mark.hot

CAPACITY = 1 << 14


@pytest.fixture
def region(tmp_path: Path) -> CaptureRegion:
    return CaptureRegion(tmp_path / "lonecore-x.telemetry", epoch=77, capacity=CAPACITY)


def put(capture: Capture, frame: bytes, at_ns: int, instrument: int = 0) -> None:
    data = np.frombuffer(frame, np.uint8).copy()
    source = np.int64(FrameSource.REST)
    keep(capture, data, Frame(0, len(frame), at_ns, 0, source, 0), instrument)


def frame_of(n: int, rng: random.Random) -> bytes:
    return bytes([n % 251]) * rng.choice([0, 1, 63, 64, 65, 300, 900])


def test_every_frame_in_order(region: CaptureRegion) -> None:
    reader = CaptureReader(region.path)
    assert reader.epoch == 77
    rng, sent, got = random.Random(1), [], []
    for n in range(2000):
        frame = frame_of(n, rng)
        put(region.capture, frame, 1000 + n, n % 3 - 1)
        sent.append((n, 1000 + n, n % 3 - 1, int(FrameSource.REST), frame))
        while reader.waiting_bytes > rng.randrange(CAPACITY // 2):
            taken = reader.poll(rng.choice([1, 64, 500, 1 << 20]))
            assert taken.missed_n == 0
            got += taken.frames
    while reader.waiting_bytes:
        got += reader.poll().frames
    assert [tuple(one) for one in got] == sent
    reader.close()


def test_a_reader_that_is_lapped_goes_on_and_knows(region: CaptureRegion) -> None:
    reader = CaptureReader(region.path)
    for n in range(10):
        put(region.capture, b"a", n)
    assert len(reader.poll().frames) == 10
    for n in range(1000):
        put(region.capture, b"b" * 100, n)
    assert reader.waiting_bytes > CAPACITY
    assert reader.poll() == ([], 1000)
    put(region.capture, b"c", 5)
    taken = reader.poll()
    assert [one.frame for one in taken.frames] == [b"c"] and taken.missed_n == 0
    assert reader.number == 1011


def test_a_second_reader_begins_where_the_first_one_was(region: CaptureRegion) -> None:
    first = CaptureReader(region.path)
    for n in range(20):
        put(region.capture, b"%d" % n, n)
    first.poll(700)
    second = CaptureReader(region.path)
    second.seek(first.position, first.number)
    taken = second.poll()
    assert [one.number for one in taken.frames] == list(range(first.number, 20))


def test_one_that_is_too_long_is_counted(region: CaptureRegion) -> None:
    reader = CaptureReader(region.path)
    put(region.capture, b"x" * int(longest_frame(CAPACITY)), 1)
    put(region.capture, b"x" * (int(longest_frame(CAPACITY)) + 1), 2)
    put(region.capture, b"y", 3)
    taken = reader.poll()
    assert [len(one.frame) for one in taken.frames] == [longest_frame(CAPACITY), 1]
    assert taken.missed_n == 1


def test_remembered_is_kept_once(region: CaptureRegion) -> None:
    reader = CaptureReader(region.path)
    buffers = np.zeros((2, 100), np.uint8)
    buffers[1, 10:15] = np.frombuffer(b"hello", np.uint8)
    remember(region.capture, 1, Frame(10, 5, 123, 0, 0, 0), 4)
    for _ in range(2):
        keep_remembered(region.capture, buffers)
    (one,) = reader.poll().frames
    assert one == (0, 123, 4, int(FrameSource.STREAM), b"hello")


def test_what_is_no_ring_is_refused(region: CaptureRegion, tmp_path: Path) -> None:
    for content in (b"", b"\0" * 10_000, region.path.read_bytes()[:CAPACITY]):
        path = tmp_path / "other"
        path.write_bytes(content)
        with pytest.raises(CaptureError, match="no capture ring"):
            CaptureReader(path)
    with pytest.raises(CaptureError, match="No such file"):
        CaptureReader(capture_path(tmp_path / "lonecore-y.telemetry"))


def test_a_reader_beside_a_writer_that_never_waits(region: CaptureRegion) -> None:
    """What is given is whole and in order, and with what is missed it is all."""
    sent_n = 20_000
    reader = CaptureReader(region.path)
    over = threading.Event()

    def write() -> None:
        for n in range(sent_n):
            put(region.capture, b"%05d" % n * (1 + n % 40), n)
        over.set()

    writer = threading.Thread(target=write)
    writer.start()
    got_n = missed_n = 0
    last = -1
    while not over.is_set() or reader.waiting_bytes:
        taken = reader.poll(2000)
        missed_n += taken.missed_n
        for one in taken.frames:
            assert one.number > last and one.frame == b"%05d" % one.number * (1 + one.number % 40)
            last = one.number
        got_n += len(taken.frames)
    writer.join()
    assert got_n + missed_n == sent_n
    put(region.capture, b"the last", 1)
    assert [one.frame for one in reader.poll().frames] == [b"the last"]
