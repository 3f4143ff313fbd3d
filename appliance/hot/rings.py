"""The rings of a loop over one piece of memory; places and producers: abi/ring_region.py."""

from typing import Any, NamedTuple

from appliance.abi.limits import FRAME_RING_BYTES
from appliance.abi.ring_region import RingKind, RingPlace, region_bytes, ring_places
from appliance.hot.broadcast import Broadcast, broadcast_in
from appliance.hot.frame_ring import FrameRing, frame_ring_in
from appliance.hot.ring import Ring, aligned_memory, ring_in


class Rings(NamedTuple):
    ingress: FrameRing
    to_clerk: FrameRing
    from_clerk: FrameRing
    market: Broadcast
    requests: Ring
    egress: Ring
    reports: Ring
    to_desk: FrameRing
    from_desk: Ring


def rings_in(buffer: Any, places: tuple[RingPlace, ...], *, initialise: bool) -> Rings:
    """The rings in shared memory.

    initialise: True for the process that makes them, False to attach. Raises ValueError if what
    stands there are not these rings.
    """
    made: dict[str, Any] = {}
    for place in places:
        if place.kind is RingKind.FRAMES:
            made[place.name] = frame_ring_in(
                buffer, place.offset, place.capacity, initialise=initialise
            )
            continue
        assert place.dtype is not None
        over = ring_in if place.kind is RingKind.SLOTS else broadcast_in
        made[place.name] = over(
            buffer, place.offset, place.capacity, place.dtype, initialise=initialise
        )
    return Rings(**made)


def make_rings(ingress_bytes: int = FRAME_RING_BYTES) -> Rings:
    """New rings in ordinary memory of this process: for a loop that nobody else looks into."""
    places = ring_places(ingress_bytes)
    return rings_in(aligned_memory(region_bytes(places)), places, initialise=True)
