"""A file of rings: appliance.abi.ring_region, appliance.hot.rings, appliance.cold.ring_region."""

import itertools

import numpy as np
import pytest

from appliance.abi.limits import FALSE_SHARING_RANGE
from appliance.abi.ring_region import RingKind, region_bytes, ring_places, rings_path
from appliance.abi.telemetry import Lifecycle
from appliance.cold import mapping
from appliance.cold.ring_region import RingRegion, remove_orphans
from appliance.cold.telemetry_region import TelemetryRegion
from appliance.hot import ring
from appliance.hot.frame_ring import length_at, peek, push
from appliance.hot.rings import Rings, make_rings, rings_in

INGRESS_BYTES = 1 << 16


@pytest.fixture
def telemetry(tmp_path):
    with TelemetryRegion.create("here", mode="test", directory=tmp_path) as region:
        yield region


def test_the_rings_follow_one_another_and_do_not_overlap():
    places = ring_places(INGRESS_BYTES)
    assert [place.name for place in places] == list(Rings._fields)
    for one, next_one in itertools.pairwise(places):
        gap = next_one.offset - (one.offset + one.length_bytes)
        assert 0 <= gap < FALSE_SHARING_RANGE
        assert next_one.offset % FALSE_SHARING_RANGE == 0
    assert region_bytes(places) == places[-1].offset + places[-1].length_bytes


def test_what_one_side_writes_the_other_reads(telemetry):
    region = RingRegion(telemetry.path)
    places = ring_places()
    theirs = rings_in(mapping.attach(region._region.path, writable=True), places, initialise=False)
    frame = np.frombuffer(b'{"u":1}', np.uint8)
    assert push(region.rings.ingress, frame, 0, len(frame), 5, -1, 0, 0) == 1
    assert length_at(theirs.ingress, peek(theirs.ingress)) == len(frame)
    assert ring.size(theirs.reports) == 0
    region.close()
    assert not rings_path(telemetry.path).exists()
    region.close()


def test_another_layout_is_refused():
    places = ring_places(INGRESS_BYTES)
    memory = np.zeros(region_bytes(places), np.uint8)
    rings_in(memory, places, initialise=True)
    rings_in(memory, places, initialise=False)
    with pytest.raises(ValueError, match="stands at"):
        rings_in(memory, ring_places(INGRESS_BYTES // 2), initialise=False)


def test_rings_in_ordinary_memory_begin_empty():
    rings = make_rings(INGRESS_BYTES)
    kinds = {place.name: place.kind for place in ring_places(INGRESS_BYTES)}
    for name, made in rings._asdict().items():
        assert made.header[0] == 0, name
        assert (kinds[name] is RingKind.FRAMES) == hasattr(made, "data")


def test_only_what_dead_processes_left_is_removed(tmp_path, telemetry):
    region = RingRegion(telemetry.path)
    orphan = tmp_path / "lonecore-gone.rings"
    orphan.write_bytes(b"x")
    other = tmp_path / "something.rings"
    other.write_bytes(b"x")
    assert remove_orphans(tmp_path, tmp_path) == 1
    assert not orphan.exists() and other.exists()
    assert rings_path(telemetry.path).exists()
    region.close()


def test_rings_of_an_owner_that_is_dead_are_removed(tmp_path, telemetry, monkeypatch):
    region = RingRegion(telemetry.path)
    telemetry.set_lifecycle(Lifecycle.RUNNING)
    monkeypatch.setattr("appliance.cold.ring_region.is_alive", lambda process: False)
    assert remove_orphans(tmp_path, tmp_path) == 1
    region.close()
