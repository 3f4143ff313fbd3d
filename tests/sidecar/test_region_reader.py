"""Runs one after the other (sidecar.region_reader): nothing counted twice, nothing across runs."""

from pathlib import Path

import numpy as np
import pytest

from appliance.abi.counters import Counter
from appliance.abi.limits import EVENT_RING_SLOTS
from appliance.abi.region import attach
from appliance.abi.region_report import Health
from appliance.abi.telemetry import Lifecycle, Stage
from sidecar import region_reader
from sidecar.region_reader import RegionReader
from tests.sidecar.regions import NOW_NS, Run

S = 10**9


def kept(reader: RegionReader, end_ns: int):
    interval = reader.read(end_ns)
    reader.keep()
    return interval


def test_what_was_added_since_the_last_interval(tmp_path: Path) -> None:
    run = Run(tmp_path)
    reader = RegionReader(run.path)
    run.count(Counter.FRAMES, 7)
    run.stage(Stage.GATE, 40, 3)
    first = kept(reader, NOW_NS * 2)
    run.count(Counter.FRAMES, 5)
    run.stage(Stage.GATE, 44, 2)
    second = kept(reader, NOW_NS * 2 + S)
    assert (first.added.counters["frames"], second.added.counters["frames"]) == (7, 5)
    assert second.totals.counters["frames"] == 12
    assert [int(i.added.buckets[Stage.GATE].sum()) for i in (first, second)] == [3, 2]
    assert (first.added.sums_ns[Stage.GATE], second.added.sums_ns[Stage.GATE]) == (120, 88)
    assert (second.start_ns, second.end_ns) == (first.end_ns, first.end_ns + S)
    assert first.restarts_n == second.restarts_n == 1
    reader.close()
    run.end()


def test_an_interval_that_was_not_kept_is_read_again_in_a_longer_one(tmp_path: Path) -> None:
    run = Run(tmp_path)
    reader = RegionReader(run.path)
    kept(reader, NOW_NS * 2)
    run.count(Counter.FILLS, 1)
    run.event(11)
    lost = reader.read(NOW_NS * 2 + S)
    run.count(Counter.FILLS, 1)
    run.event(12)
    again = kept(reader, NOW_NS * 2 + 2 * S)
    assert [int(e["order_key"]) for e in lost.events] == [11]
    assert [int(e["order_key"]) for e in again.events] == [11, 12]
    assert again.added.counters["fills"] == 2 and again.end_ns - again.start_ns == 2 * S
    reader.close()
    run.end()


def test_a_reader_that_starts_again_goes_on(tmp_path: Path) -> None:
    run = Run(tmp_path)
    reader = RegionReader(run.path)
    run.count(Counter.FILLS, 3)
    run.event(1)
    kept(reader, NOW_NS * 2)
    reader.close()
    run.count(Counter.FILLS, 2)
    run.event(2)
    other = RegionReader(run.path, reader.place)
    interval = kept(other, NOW_NS * 2 + 60 * S)
    assert interval.added.counters["fills"] == 2
    assert [int(e["order_key"]) for e in interval.events] == [2] and interval.events_from_n == 1
    assert interval.end_ns - interval.start_ns == 60 * S and interval.restarts_n == 1
    other.close()
    run.end()


def test_the_rest_of_a_run_that_was_replaced_then_the_next_from_its_beginning(
    tmp_path: Path,
) -> None:
    first = Run(tmp_path)
    reader = RegionReader(first.path)
    first.count(Counter.FRAMES, 10)
    kept(reader, NOW_NS * 2)
    first.count(Counter.FRAMES, 4)
    first.region.set_lifecycle(Lifecycle.CLEAN)
    first.path.unlink()
    second = Run(tmp_path)
    second.count(Counter.FRAMES, 3)
    last = kept(reader, NOW_NS * 2 + S)
    assert (last.health, last.added.counters["frames"]) == (Health.REPLACED, 4)
    assert last.figures is None
    begin = kept(reader, NOW_NS * 2 + 2 * S)
    assert begin.run.epoch != last.run.epoch and begin.restarts_n == 2
    assert (begin.added.counters["frames"], begin.totals.counters["frames"]) == (3, 3)
    reader.close()
    second.end()


def test_a_hundred_restarts(tmp_path: Path) -> None:
    reader, added, truth = RegionReader(tmp_path / "lonecore-live.telemetry"), 0, 0
    rng = np.random.default_rng(1)
    end_ns = NOW_NS * 2
    for _ in range(100):
        run = Run(tmp_path)
        for _ in range(int(rng.integers(0, 3))):
            n = int(rng.integers(0, 100))
            run.count(Counter.FRAMES, n)
            truth += n
            end_ns += S
            if interval := kept(reader, end_ns):
                added += interval.added.counters["frames"]
        end_ns += S
        # A run is read at least once before the next one takes its place.
        with attach(run.path) as view:
            epoch = view.identity.epoch
        while (interval := kept(reader, end_ns)).run.epoch != epoch:
            added += interval.added.counters["frames"]
        added += interval.added.counters["frames"]
        run.region.set_lifecycle(Lifecycle.CLEAN)
        run.path.unlink()
    assert added == truth
    reader.close()


def test_events_that_were_overwritten_are_counted(tmp_path: Path) -> None:
    run = Run(tmp_path)
    reader = RegionReader(run.path)
    kept(reader, NOW_NS * 2)
    for k in range(EVENT_RING_SLOTS + 100):
        run.event(k)
    interval = kept(reader, NOW_NS * 2 + S)
    assert interval.events_missed_n + len(interval.events) == EVENT_RING_SLOTS + 100
    assert interval.events_missed_n >= 100
    assert int(interval.events[0]["order_key"]) == interval.events_from_n
    reader.close()
    run.end()


def test_a_run_that_has_ended_is_told_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(tmp_path)
    reader = RegionReader(run.path)
    kept(reader, NOW_NS * 2)
    run.count(Counter.FRAMES, 2)
    run.region.set_lifecycle(Lifecycle.FAILED)
    interval = kept(reader, NOW_NS * 2 + S)
    assert (interval.health, interval.added.counters["frames"]) == (Health.FAILED, 2)
    monkeypatch.setattr(region_reader, "TOLD_AGAIN_S", -1.0)
    assert kept(reader, NOW_NS * 2 + 2 * S) is None
    reader.close()
    run.end()


def test_a_clock_that_was_set_back(tmp_path: Path) -> None:
    """A little: the next interval ends just behind the last; more: it is believed."""
    run = Run(tmp_path)
    reader = RegionReader(run.path)
    first = kept(reader, NOW_NS * 2)
    run.count(Counter.FRAMES, 2)
    second = kept(reader, NOW_NS * 2 - S)
    assert second.end_ns == first.end_ns + 1 and second.added.counters["frames"] == 2
    run.count(Counter.FRAMES, 3)
    third = kept(reader, NOW_NS)
    assert (third.start_ns, third.end_ns) == (NOW_NS, NOW_NS)
    assert third.added.counters["frames"] == 3
    reader.close()
    run.end()


@pytest.mark.parametrize("content", [b"", b"x" * 100, bytes(8192), b"x" * 8192])
def test_what_is_no_region_is_told_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "lonecore-live.telemetry"
    path.write_bytes(content)
    reader = RegionReader(path)
    assert reader.read(NOW_NS) is None and str(path) in reader.complaint
    assert "\n" not in reader.complaint and not reader.is_gone
    path.unlink()
    assert reader.read(NOW_NS) is None and reader.complaint == "" and reader.is_gone
