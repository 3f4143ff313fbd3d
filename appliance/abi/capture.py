"""The capture ring: every frame of the venue as it came, for whoever records.

A file of its own beside the telemetry region (``lonecore-NAME.capture``): a header of
ring_layout.py and a power of two of bytes. One producer, which overwrites what is oldest and waits
for nobody; any number of readers, which only read.

::

    record   a header of 64 bytes (ring_layout.FRAME) and the frame's bytes, in whole cache lines;
             never across the end of the ring: a header of length WRAP says "go on at offset 0"
    CLAIMED  position up to which bytes may be changing. What lies less than the capacity behind it
             is whole.
    TAIL     position up to which records are complete
    NEXT_N   number of the next record, from 0: a hole in the numbers is what a reader has missed

A reader copies [its position, TAIL), then looks at CLAIMED: was it lapped meanwhile, the copy is
worth nothing, and it goes on at TAIL. A frame longer than a quarter of the ring is not kept: its
record has no bytes.
"""

from pathlib import Path
from typing import Any, Final

from appliance.abi.limits import FRAME_HEADER_BYTES
from appliance.abi.telemetry import REGION_PREFIX, REGION_SUFFIX

CAPTURE_SUFFIX: Final = ".capture"
OTHERS: Final = "others"  # in the name of a recording: of what belongs to no symbol

# Words of the ring's header, besides those of ring_layout.py
CLAIMED: Final = 1
NEXT_N: Final = 2
EPOCH: Final = 34  # of the run: the telemetry region's
KIND: Final = 35
CAPTURE_KIND: Final = int.from_bytes(b"CAPTURE1", "little")  # this is one, of this layout


def capture_path(telemetry_path: Path) -> Path:
    """The capture ring that belongs to a telemetry region."""
    name = telemetry_path.name.removeprefix(REGION_PREFIX).removesuffix(REGION_SUFFIX)
    return telemetry_path.parent / f"{REGION_PREFIX}{name}{CAPTURE_SUFFIX}"


def stride(length_bytes: Any) -> Any:
    """Bytes that a record of a frame of ``length_bytes`` takes up."""
    return (length_bytes + FRAME_HEADER_BYTES + 63) & ~63


def longest_frame(capacity: Any) -> Any:
    """Bytes of the longest frame that a ring of ``capacity`` bytes keeps."""
    return (capacity >> 2) - FRAME_HEADER_BYTES
