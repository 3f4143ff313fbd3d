"""Writes the capture ring (abi/capture.py): frames as they came, when their orders have left.

``keep`` writes a frame now. ``remember`` notes where the frame that is being worked on lies, and
``keep_remembered`` writes it, before the bytes are gone: within the same pass.
"""

from typing import Any, Final, NamedTuple

import numpy as np

from appliance.abi import capture as layout
from appliance.abi.capture import CAPTURE_KIND, CLAIMED, EPOCH, KIND, NEXT_N
from appliance.abi.limits import FRAME_HEADER_BYTES
from appliance.abi.market import FrameSource
from appliance.abi.ring_layout import FRAME, RING_HEADER_BYTES, TAIL, WRAP
from appliance.hot.atomics import fence, store_release
from appliance.hot.frame_ring import Frame
from appliance.hot.jit import hot, hot_inline
from appliance.hot.memory import copy_bytes
from appliance.hot.ring import aligned_memory, header_in

NOTHING: Final = -1

# Words of Capture.remembered
_LINK: Final = 0  # or NOTHING
_START: Final = 1
_FRAME_LENGTH: Final = 2
_FRAME_NS: Final = 3
_FRAME_INSTRUMENT: Final = 4
_WORDS_N: Final = 8

# Words of a record's header
_LENGTH, _RECEIVE_NS, _INSTRUMENT, _SOURCE, _NUMBER = (
    FRAME.fields[name][1] // 8  # type: ignore[index]
    for name in ("length_bytes", "receive_ns", "instrument", "source", "number")
)

_stride = hot_inline(layout.stride)
_longest_frame = hot_inline(layout.longest_frame)


class Capture(NamedTuple):
    header: np.ndarray  # int64[RING_HEADER_WORDS]
    data: np.ndarray  # uint8[capacity]
    words: np.ndarray  # int64[capacity // 8]: the same memory
    remembered: np.ndarray  # int64[_WORDS_N]


@hot
def keep(capture: Capture, source_bytes: np.ndarray, frame: Frame, instrument: Any) -> None:
    """Write ``frame`` of ``source_bytes`` as the next record. Never waits."""
    header = capture.header
    words = capture.words
    capacity = len(words) * 8
    stored = frame.length if frame.length <= _longest_frame(capacity) else 0
    tail = header[TAIL]
    offset = tail & (capacity - 1)
    end = tail + _stride(stored)
    wraps = offset + _stride(stored) > capacity
    if wraps:
        end += capacity - offset
    # LAPPED: a reader that finds one of these bytes changed finds this, too (pairs with poll)
    store_release(header, CLAIMED, end)
    fence()
    if wraps:
        words[offset >> 3] = WRAP
        offset = 0
    word = offset >> 3
    words[word + _LENGTH] = frame.length
    words[word + _RECEIVE_NS] = frame.receive_ns
    words[word + _INSTRUMENT] = instrument
    words[word + _SOURCE] = frame.source
    words[word + _NUMBER] = header[NEXT_N]
    copy_bytes(capture.data, offset + FRAME_HEADER_BYTES, source_bytes, frame.start, stored)
    header[NEXT_N] += 1
    # PUBLISHED: the record is written before the tail shows it (pairs with poll)
    store_release(header, TAIL, end)


@hot_inline
def remember(capture: Capture, link: int, frame: Frame, instrument: int) -> None:
    """``frame`` of the buffer of ``link`` is to be kept."""
    remembered = capture.remembered
    remembered[_LINK] = link
    remembered[_START] = frame.start
    remembered[_FRAME_LENGTH] = frame.length
    remembered[_FRAME_NS] = frame.receive_ns
    remembered[_FRAME_INSTRUMENT] = instrument


@hot_inline
def keep_remembered(capture: Capture, buffers: np.ndarray) -> None:
    """Keep what is remembered, of ``buffers``, one row a link."""
    remembered = capture.remembered
    if remembered[_LINK] == NOTHING:
        return
    frame = Frame(
        remembered[_START],
        remembered[_FRAME_LENGTH],
        remembered[_FRAME_NS],
        remembered[_FRAME_INSTRUMENT],
        FrameSource.STREAM,
        0,
    )
    keep(capture, buffers[remembered[_LINK]], frame, frame.hint)
    remembered[_LINK] = NOTHING


def capture_ring_bytes(capacity: int) -> int:
    """Bytes of a capture ring with room for ``capacity`` bytes of records."""
    return RING_HEADER_BYTES + capacity


def capture_in(buffer: Any, capacity: int, epoch: int) -> Capture:
    """A new capture ring over shared memory, of the run ``epoch``. Cold code."""
    header = header_in(buffer, 0, capacity, 1, initialise=True)
    header[EPOCH] = epoch
    remembered = np.zeros(_WORDS_N, np.int64)
    remembered[_LINK] = NOTHING
    capture = Capture(
        header,
        np.frombuffer(buffer, np.uint8, capacity, RING_HEADER_BYTES),
        np.frombuffer(buffer, np.int64, capacity // 8, RING_HEADER_BYTES),
        remembered,
    )
    header[KIND] = CAPTURE_KIND
    return capture


def make_capture(capacity: int = 1 << 20) -> Capture:
    """A capture ring that nobody else sees."""
    return capture_in(aligned_memory(capture_ring_bytes(capacity)), capacity, 0)
