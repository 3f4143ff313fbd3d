"""The telemetry region's plan: nothing overlaps, nothing shares a line, names fit."""

from itertools import pairwise

import numpy as np
import pytest

from appliance.abi import telemetry as layout
from appliance.abi.counter_metadata import METADATA, CounterKind, counter_infos
from appliance.abi.counters import COUNTER_TABLE, FAULT_BASE, REJECT_BASE
from appliance.abi.event import EVENT
from appliance.abi.limits import (
    COUNTERS_MAX,
    EVENT_RING_SLOTS,
    FALSE_SHARING_RANGE,
    HISTOGRAM_BUCKETS,
    INSTRUMENTS_MAX,
    STAGES_MAX,
)
from appliance.abi.market import Fault
from appliance.abi.refusal import Reject
from appliance.abi.ring_layout import RING_HEADER_BYTES
from appliance.abi.telemetry import SECTIONS, Section

BLOCKS = (
    layout.HEARTBEAT_OFFSET,
    layout.LIFECYCLE_OFFSET,
    layout.CLOCK_OFFSET,
    layout.READY_OFFSET,
)


def test_sections_follow_the_header_without_overlap() -> None:
    end = layout.HEADER_BYTES
    for place in sorted(SECTIONS.values()):
        assert place.offset >= end
        assert place.offset % layout.PAGE_BYTES == 0
        end = place.offset + place.length_bytes
    assert set(SECTIONS) == set(Section)
    assert end <= layout.REGION_BYTES < end + layout.PAGE_BYTES
    assert layout.REGION_BYTES % layout.PAGE_BYTES == 0


@pytest.mark.parametrize(
    ("section", "count", "stride_bytes"),
    [
        (Section.METADATA, COUNTERS_MAX, 512),
        (Section.COUNTERS, COUNTERS_MAX, 128),
        (Section.HISTOGRAMS, STAGES_MAX, HISTOGRAM_BUCKETS * 8),
        (Section.STAGES, STAGES_MAX, 128),
        (Section.STATUS, INSTRUMENTS_MAX, 384),
        (Section.RINGS, layout.RINGS_MAX, 128),
        (Section.PROCESS, 1, 128),
        (Section.LIMITS, layout.LIMIT_ROWS_MAX, 128),
    ],
)
def test_sizes(section: Section, count: int, stride_bytes: int) -> None:
    place = SECTIONS[section]
    assert place.stride_bytes == stride_bytes
    assert place.length_bytes == count * stride_bytes


def test_the_event_ring_has_room_for_its_slots() -> None:
    place = SECTIONS[Section.EVENTS]
    assert place.length_bytes == RING_HEADER_BYTES + EVENT_RING_SLOTS * EVENT.itemsize


def test_what_is_written_apart_stands_apart() -> None:
    for one, other in pairwise(BLOCKS):
        assert other - one >= FALSE_SHARING_RANGE
    assert all(offset % FALSE_SHARING_RANGE == 0 for offset in BLOCKS)
    assert BLOCKS[0] >= layout.HEADER.itemsize
    assert BLOCKS[-1] + FALSE_SHARING_RANGE <= layout.HEADER_BYTES
    for place in SECTIONS.values():
        assert place.stride_bytes % FALSE_SHARING_RANGE == 0


def test_places_that_other_versions_rely_on() -> None:
    fields = layout.HEADER.fields or {}
    where = {name: fields[name][1] for name in ("magic", "major", "minor", "endian_mark", "crc")}
    assert where == {"magic": 0, "major": 8, "minor": 10, "endian_mark": 12, "crc": 16}
    assert layout.READY_OFFSET == 2432


@pytest.mark.parametrize("dtype", [layout.STATUS, EVENT])
def test_the_sequence_is_the_first_word(dtype: "np.dtype[np.void]") -> None:
    assert (dtype.fields or {})["sequence"] == (np.dtype(np.int64), 0)


def test_the_hash_is_a_positive_word_that_the_plan_determines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert 0 < layout.LAYOUT_HASH < 2**63
    assert layout._layout_hash() == layout.LAYOUT_HASH
    monkeypatch.setattr(layout, "RING", layout.PROCESS)
    assert layout._layout_hash() != layout.LAYOUT_HASH


def test_every_counter_describes_itself() -> None:
    infos = counter_infos()
    assert len(infos) == len(COUNTER_TABLE) + len(Reject) - 1 + len(Fault) - 1
    assert len({info.id for info in infos}) == len({info.label for info in infos}) == len(infos)
    assert all(0 <= info.id < COUNTERS_MAX for info in infos)
    by_label = {info.label: info for info in infos}
    assert by_label["reject.position"].id == REJECT_BASE + Reject.POSITION
    assert by_label["fault.not_json"].id == FAULT_BASE + Fault.NOT_JSON
    assert by_label["frames"].kind is CounterKind.COUNTER


def test_the_texts_fit() -> None:
    fields = METADATA.fields or {}
    for info in counter_infos():
        for name in ("unit", "label", "meaning"):
            assert len(getattr(info, name).encode()) < fields[name][0].itemsize


def test_every_stage_has_a_sentence() -> None:
    assert set(layout.STAGE_TABLE) == set(layout.Stage)
    assert all(layout.STAGE_TABLE.values())
