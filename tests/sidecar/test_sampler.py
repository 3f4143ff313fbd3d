"""Sampling (sidecar.sampler): what stands in the spool is what the appliance counted."""

import errno
import os
import random
from collections import Counter as Tally
from pathlib import Path

import pytest

from appliance.abi.counters import Counter
from appliance.abi.limits import EVENT_RING_SLOTS
from appliance.abi.telemetry import Lifecycle, Stage
from sidecar import region_reader, stream
from sidecar.lanes import Lanes
from sidecar.point import Class
from sidecar.process_figures import process_figures
from sidecar.sampler import RUNS_MAX, Sampler
from sidecar.spool import Spool
from tests.sidecar.reading import Read, points_of
from tests.sidecar.regions import NOW_NS, Run

S = 10**9
BYTES_MAX = 1 << 30


class Bench:
    """A host with runs, a spool, and a sampler that may be killed."""

    def __init__(self, folder: Path) -> None:
        self.runs = folder / "shm"
        self.runs.mkdir()
        self.spool_folder = folder / "spool"
        self.now_ns = NOW_NS
        self.begin()

    def begin(self) -> None:
        self.spool = Spool(self.spool_folder, BYTES_MAX)
        self.sampler = Sampler(self.spool, None, directory=self.runs)

    def kill(self) -> None:
        """The kernel closes what a killed process had open; nothing else happens."""
        self.sampler.close()
        self.spool.close()

    def step(self) -> None:
        self.now_ns += S
        self.sampler.step(self.now_ns)

    def points(self, measurement: str) -> list[Read]:
        return [p for p in points_of(self.spool) if p.measurement == measurement]

    def sum(self, measurement: str, field: str, **tags: str) -> int:
        found = [p for p in self.points(measurement) if tags.items() <= p.tags.items()]
        return sum(p.fields[field] for p in found)


@pytest.fixture
def bench(tmp_path: Path):
    made = Bench(tmp_path)
    yield made
    made.kill()


def test_runs_are_found_and_their_end_is_told(bench: Bench) -> None:
    first, second = Run(bench.runs, "one"), Run(bench.runs, "two")
    first.count(Counter.FILLS, 4)
    second.count(Counter.FILLS, 7)
    bench.step()
    bench.step()
    assert bench.sum("lc_orders", "delta", kind="fill", proc="one") == 4
    assert bench.sum("lc_orders", "delta", kind="fill", proc="two") == 7
    second.region.set_lifecycle(Lifecycle.CLEAN)
    bench.step()
    last = [p for p in bench.points("lc_hb") if p.tags["proc"] == "two"][-1]
    assert (last.fields["up"], last.fields["health"]) == (0, "ended")
    first.end()
    second.end()


def test_runs_by_name(tmp_path: Path, bench: Bench) -> None:
    one, two = Run(bench.runs, "one"), Run(bench.runs, "two")
    spool = Spool(tmp_path / "other", BYTES_MAX)
    sampler = Sampler(spool, None, ["two", "three"], bench.runs)
    sampler.step(NOW_NS)
    assert {p.tags["proc"] for p in points_of(spool)} == {"two", "sidecar"}
    sampler.close()
    spool.close()
    one.end()
    two.end()


def test_names_that_come_and_go_do_not_add_up(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(region_reader, "TOLD_AGAIN_S", -1.0)
    for n in range(3 * RUNS_MAX):
        run = Run(bench.runs, f"run{n}")
        run.count(Counter.FILLS, 1)
        bench.step()
        run.region.set_lifecycle(Lifecycle.CLEAN)
        run.path.unlink()
        bench.step()
        bench.step()
        assert bench.sampler.told()["runs"] == []
    assert bench.sum("lc_orders", "delta", kind="fill") == 3 * RUNS_MAX


@pytest.mark.parametrize("seed", range(10))
def test_killed_and_started_again_at_any_moment(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Sums in the spool are the appliance's own, whatever died and whatever disk was full."""
    rng = random.Random(seed)
    truth = Tally()
    run = Run(bench.runs)
    write = os.write

    def sometimes_full(fd: int, data: bytes) -> int:
        if rng.random() < 0.1:
            raise OSError(errno.ENOSPC, "full")
        return write(fd, data)

    monkeypatch.setattr(stream.os, "write", sometimes_full)
    for number in range(120):
        fills, spans = rng.randint(0, 5), rng.randint(0, 5)
        run.count(Counter.FILLS, fills)
        run.stage(Stage.GATE, rng.randint(1, 10**6), spans)
        for k in range(fills):
            run.event(1000 * number + k, bench.now_ns + number)
        truth.update(fills=fills, spans=spans)
        if rng.random() < 0.7:
            bench.step()
        if rng.random() < 0.2:
            bench.kill()
            bench.begin()
        if rng.random() < 0.05:  # the appliance itself, after it was read to its end
            before = bench.spool.number
            while bench.spool.number == before:
                bench.step()
            run.region.set_lifecycle(Lifecycle.CLEAN)
            run.path.unlink()
            run = Run(bench.runs)
    monkeypatch.undo()
    bench.step()
    bench.step()
    assert bench.sum("lc_orders", "delta", kind="fill") == truth["fills"]
    assert bench.sum("lc_latency", "n", stage="gate") == truth["spans"]
    assert bench.sum("lc_hist", "n", stage="gate") == truth["spans"]
    orders = [p.fields["order"] for p in bench.points("lc_event")]
    assert len(orders) == len(set(orders)) == truth["fills"]
    series = Tally((p.series, p.time_ns) for p in points_of(bench.spool))
    assert max(series.values()) == 1, "two points of one series at one moment"
    run.end()


def test_events_that_nobody_could_read_leave_a_gap(bench: Bench) -> None:
    run = Run(bench.runs)
    bench.step()
    for k in range(EVENT_RING_SLOTS + 50):
        run.event(k)
    bench.step()
    (gap,) = bench.points("lc_gap")
    assert gap.tags["why"] == "events_missed"
    assert gap.fields["lost"] + len(bench.points("lc_event")) == EVENT_RING_SLOTS + 50
    run.end()


def test_a_clock_that_is_set_back_and_forth(bench: Bench) -> None:
    """Moments come again; each point stays one of its own, also over a restart."""
    run = Run(bench.runs)
    truth = 0
    for n in range(60):
        if n in (10, 25, 40):
            bench.now_ns -= 3600 * S
        if n in (20, 50):
            bench.now_ns += 7200 * S
        if n in (12, 27, 41):
            bench.kill()
            bench.begin()
        run.count(Counter.FILLS, n)
        truth += n
        bench.step()
    assert bench.sum("lc_orders", "delta", kind="fill") == truth
    everything = Tally((p.series, p.time_ns) for p in points_of(bench.spool))
    assert max(everything.values()) == 1
    gaps = [p for p in bench.points("lc_gap") if p.tags["why"] == "clock_set_back"]
    assert len(gaps) == 3
    assert all(3500 * S < p.fields["to_ns"] - p.fields["from_ns"] < 3700 * S for p in gaps)
    run.end()


class Behind:
    """A sender that has sent nothing."""

    def __init__(self) -> None:
        self.lanes = {kind: Lanes() for kind in Class}
        self.sent = type("Sent", (), {"lines_n": 0, "retries_n": 0, "quarantined_n": 0})
        self.sent.last_ok_ns = 0


@pytest.mark.parametrize("is_sent", [False, True])
def test_what_was_shed_unsent_leaves_a_gap(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, is_sent: bool
) -> None:
    monkeypatch.setattr(stream, "SEGMENT_BYTES", 1)
    run = Run(bench.runs)
    bench.sampler._sender = Behind()
    if is_sent:
        monkeypatch.setattr(Lanes, "oldest", stream.Position(10**6, 0))
    for _ in range(30):
        run.stage(Stage.GATE, 50, 10)
        bench.step()
    before = bench.sum("lc_hist", "n")
    bench.spool.bytes_max = bench.spool.bytes_n
    bench.step()
    gaps = [p for p in bench.points("lc_gap") if p.tags["why"] == "shed_detail"]
    after = bench.sum("lc_hist", "n")
    assert after < before
    if is_sent:
        assert gaps == []
    else:
        assert len({p.time_ns for p in gaps}) == len(gaps) > 3
        assert sum(p.fields["lost"] for p in gaps) * 10 == before - after
        assert bench.sampler.sampled.shed_lines_n == sum(p.fields["lost"] for p in gaps)
    run.end()


def test_gaps_wait_for_a_disk_that_takes_them(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(bench.runs)
    bench.step()
    bench.spool.note_damage(Class.SHOULD, stream.Position(1, 99), 99)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(stream.os, "fdatasync", full)
    bench.step()
    bench.step()
    assert bench.sampler.sampled.write_faults_n == 2 and "full" in bench.sampler.sampled.said
    monkeypatch.undo()
    bench.step()
    (gap,) = bench.points("lc_gap")
    assert (gap.tags["why"], gap.fields["lost"]) == ("damaged_should", 99)
    run.end()


def test_a_host_without_runs_has_lost_no_places(bench: Bench) -> None:
    bench.step()
    bench.kill()
    bench.begin()
    bench.step()
    assert bench.points("lc_gap") == []


def test_places_that_are_lost_leave_a_gap(bench: Bench) -> None:
    run = Run(bench.runs)
    bench.step()
    bench.kill()
    for path in bench.spool_folder.glob("places-*"):
        path.unlink()
    bench.begin()
    bench.step()
    (gap,) = bench.points("lc_gap")
    assert gap.tags["why"] == "places_lost" and gap.fields["to_ns"] == NOW_NS + S
    run.end()


def test_what_cannot_be_read_is_told(bench: Bench) -> None:
    (bench.runs / "lonecore-bad.telemetry").write_bytes(b"x" * 9_000)
    bench.step()
    (complaint,) = bench.sampler.told()["complaints"]
    assert "is not a telemetry region" in complaint
    assert [p.tags["proc"] for p in points_of(bench.spool)] == ["sidecar"]


def test_figures_of_a_process() -> None:
    figures = process_figures(os.getpid())
    assert figures is not None and figures.rss_bytes > 10**6 and figures.threads >= 1
    assert figures.minflt > 0 and figures.utime_ns + figures.stime_ns > 0
    assert process_figures(2**22 + 1) is None
