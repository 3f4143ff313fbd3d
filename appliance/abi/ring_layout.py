"""Layout of the shared-memory rings.

A fixed-slot ring is a header and a power of two of slots. Positions count records since the ring
was made and never wrap; a record of position p stands in slot ``p & (slots - 1)``.

::

    header   0 +------------------+  written by the producer
               | tail             |  next position to write (published, release)
               | head_cache       |  producer's last look at head: its own notes
           128 +------------------+  written by the consumer
               | head             |  next position to read (published, release)
               | tail_cache       |  consumer's last look at tail: its own notes
           256 +------------------+  written once
               | capacity         |  slots, or bytes of a frame ring
               | record_bytes     |  1 for a frame ring
           384 +------------------+

The frame ring counts bytes instead of records: each frame is a 64-byte header (``FRAME``),
its bytes, and at least 64 readable bytes more, in whole cache lines. A frame never straddles
the end of the ring: a header of length ``WRAP`` says "go on at offset 0".

A broadcast ring has the same header and one producer; its readers keep their own position and
only read. Slot ``sequence`` is position + 1 of the record in it, or 0 while it is being written
(a sequence lock): a reader that finds another sequence than the one it came for was lapped.
"""

from typing import Final

import numpy as np

from appliance.abi.layout import slot_dtype
from appliance.abi.limits import FRAME_HEADER_BYTES

# Words (int64) of a ring header
TAIL: Final = 0
HEAD_CACHE: Final = 1
HEAD: Final = 16
TAIL_CACHE: Final = 17
CAPACITY: Final = 32
RECORD_BYTES: Final = 33
RING_HEADER_WORDS: Final = 48
RING_HEADER_BYTES: Final = RING_HEADER_WORDS * 8

WRAP: Final = -1  # length_bytes of a frame header: nothing here, go on at offset 0

FRAME: Final[np.dtype[np.void]] = slot_dtype(
    [
        ("length_bytes", "<i8"),  # of the frame; WRAP: go on at offset 0
        ("receive_ns", "<i8"),  # local clock, Unix epoch
        ("instrument", "<i8"),  # index if the carrier of the frame knows it (REST), else -1
        ("source", "<i8"),  # FrameSource
        ("number", "<i8"),  # of the frame within its source, from 0
    ],
    itemsize=FRAME_HEADER_BYTES,
)
