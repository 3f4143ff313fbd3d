"""The file in which the rings of one loop lie, one after the other.

::

    lonecore-<name>.rings, in /dev/shm or on hugetlbfs
      ingress     frames of the venue          cold ─► feed
      to_clerk    frames to be decided         feed ─► clerk
      from_clerk  the same, rewritten          clerk ─► feed
      market      broadcast of MARKET          feed ─► strategy, and whoever looks
      requests    REQUEST                      gateway ─► paper venue
      egress      EGRESS, encoded orders       gateway ─► socket
      reports     REPORT                       paper venue ─► order table
      to_desk     what is no market data       socket ─► session
      from_desk   REPORT                       session ─► order table

Each begins where no other data shares a line with it, with the header of abi/ring_layout.py. Owner
is the process of the telemetry region with the same name.
"""

from enum import Enum, unique
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from appliance.abi.limits import (
    CLERK_RING_BYTES,
    DESK_RING_BYTES,
    EGRESS_RING_SLOTS,
    FALSE_SHARING_RANGE,
    FRAME_PADDING_BYTES,
    FRAME_RING_BYTES,
    MARKET_RING_SLOTS,
    REPORT_RING_SLOTS,
    REQUEST_RING_SLOTS,
)
from appliance.abi.market import MARKET
from appliance.abi.ring_layout import RING_HEADER_BYTES
from appliance.abi.telemetry import REGION_PREFIX
from appliance.abi.trading import EGRESS, REPORT, REQUEST

RINGS_SUFFIX: Final = ".rings"


@unique
class RingKind(Enum):
    FRAMES = "frames"  # capacity in bytes
    SLOTS = "slots"
    BROADCAST = "broadcast"


class RingPlace(NamedTuple):
    name: str
    kind: RingKind
    capacity: int  # slots, or bytes of a frame ring
    dtype: "np.dtype[np.void] | None"  # None: frames
    offset: int
    length_bytes: int


def ring_places(ingress_bytes: int = FRAME_RING_BYTES) -> tuple[RingPlace, ...]:
    """Where each ring lies, in the order of the page above; the last one's end is the size."""
    shapes: tuple[tuple[str, RingKind, int, np.dtype[np.void] | None], ...] = (
        ("ingress", RingKind.FRAMES, ingress_bytes, None),
        ("to_clerk", RingKind.FRAMES, CLERK_RING_BYTES, None),
        ("from_clerk", RingKind.FRAMES, CLERK_RING_BYTES, None),
        ("market", RingKind.BROADCAST, MARKET_RING_SLOTS, MARKET),
        ("requests", RingKind.SLOTS, REQUEST_RING_SLOTS, REQUEST),
        ("egress", RingKind.SLOTS, EGRESS_RING_SLOTS, EGRESS),
        ("reports", RingKind.SLOTS, REPORT_RING_SLOTS, REPORT),
        ("to_desk", RingKind.FRAMES, DESK_RING_BYTES, None),
        ("from_desk", RingKind.SLOTS, REPORT_RING_SLOTS, REPORT),
    )
    places = []
    offset = 0
    for name, kind, capacity, dtype in shapes:
        content = capacity * dtype.itemsize if dtype else capacity + FRAME_PADDING_BYTES
        length = RING_HEADER_BYTES + content
        places.append(RingPlace(name, kind, capacity, dtype, offset, length))
        offset += -(-length // FALSE_SHARING_RANGE) * FALSE_SHARING_RANGE
    return tuple(places)


def region_bytes(places: tuple[RingPlace, ...]) -> int:
    """Size of a file with these rings."""
    return places[-1].offset + places[-1].length_bytes


def rings_path(telemetry_path: Path, folder: Path | None = None) -> Path:
    """The file of the rings that belongs to a telemetry region; ``folder``: another than its."""
    name = telemetry_path.name.removeprefix(REGION_PREFIX).rpartition(".")[0]
    return (folder or telemetry_path.parent) / f"{REGION_PREFIX}{name}{RINGS_SUFFIX}"
