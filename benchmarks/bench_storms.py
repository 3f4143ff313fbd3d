"""The five failure points, injected under load: does the loop decide as fast as without them?

A risk limit hit in a storm, full rings, a telemetry reader that stopped, a full disk under the
journal's archive, a storm of frames that nobody can read. The same frames each time, in turns with
a healthy loop; a ratio of medians.
"""

import errno
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from appliance.abi import control as c
from appliance.abi.counters import REJECT_BASE, Counter
from appliance.abi.journal import KEEPING, Keeping
from appliance.abi.refusal import Reject
from appliance.abi.telemetry import Stage
from appliance.cold import boot, recording
from appliance.cold.journal_archive import Archive, ArchiveThread
from appliance.cold.journal_file import JournalFile, journal_path
from appliance.cold.telemetry_region import TelemetryRegion
from benchmarks import spine
from benchmarks.bench_spine import ALWAYS, file  # noqa: F401 - a fixture

ROUNDS = 5
MOST = 1.10
SIDECARS_MOST = 1.02
SIDECAR_ROUNDS = 41  # for a bar that is as narrow as the machine's own noise
READER = """
import sys
from appliance.abi.region import attach
view = attach(sys.argv[1])
print(view.counters()["frames"], flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def arena(file):  # noqa: F811 - the fixture
    """A book, then only bookTickers: an order each."""
    whole = recording.load([file])
    wanted = spine.has(whole, b"bookTicker") | (whole.is_rest != 0)
    first = int(np.flatnonzero(whole.is_rest)[0]) + 20
    wanted[:first] |= spine.has(whole, b'"U":')[:first]
    return spine.only(whole, wanted)


def loop_over(arena, **parts):
    """A loop that lets every order pass; ``parts`` of its gateway or itself are other ones."""
    made = spine.Spine(arena, ALWAYS, wide=True)
    gateway = {name: parts.pop(name) for name in list(parts) if name == "journal"}
    made.core = made.core._replace(gateway=made.core.gateway._replace(**gateway), **parts)
    if "telemetry" in parts:
        made.telemetry = parts["telemetry"]
    return renewed(made)


def renewed(made):
    """What was changed is what each round begins with."""
    made._checkpoint = boot.Checkpoint(made.core)
    run, _, strategy, cycles = made._made
    made._made = (run, made._made[1], strategy, cycles)
    return made


def ratio(measuring, healthy, failing, stage, rounds=ROUNDS):
    """Median of ``stage`` with the failure over that without, in turns."""
    found = []
    for _ in range(rounds if measuring else 1):
        spans = []
        for made in (healthy, failing):
            made.forget_latency()
            made.play()
            spans.append(made.percentile_ns(stage, 50))
        found.append(spans[1] / spans[0])
    return float(np.median(found))


def refused(made, reason):
    return int(made.telemetry.counters[REJECT_BASE + reason, 0])


def test_a_limit_hit_in_a_storm(benchmark, judge, measuring, arena):
    healthy, failing = loop_over(arena), loop_over(arena)
    failing.core.gate.account_limits["order_rate_max"] = 1
    failing.core.gate.account_limits["order_rate_window_ns"] = 1 << 60
    found = ratio(measuring, healthy, renewed(failing), Stage.PASS)
    assert refused(failing, Reject.ORDER_RATE) > 1000
    benchmark.pedantic(lambda: None)
    judge("a limit hit in a storm, pass / healthy pass, p50", found, at_most=MOST)


def test_a_full_journal(benchmark, judge, measuring, arena):
    healthy, failing = loop_over(arena), loop_over(arena)
    failing.core.gateway.journal.words[KEEPING] = Keeping.ARCHIVE
    found = ratio(measuring, healthy, renewed(failing), Stage.PASS)
    assert refused(failing, Reject.JOURNAL_FULL) > 1000
    benchmark.pedantic(lambda: None)
    judge("a full journal, pass / healthy pass, p50", found, at_most=MOST)


def test_a_full_disk(benchmark, judge, measuring, arena, tmp_path):
    os.sched_setaffinity(0, range(os.cpu_count() or 1))  # the archive is on another core

    class Full(Archive):
        def step(self):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    made, threads, files = [], [], []
    for kind in (Archive, Full):
        kept = JournalFile(journal_path(tmp_path, kind.__name__))
        files.append(kept)
        threads.append(ArchiveThread(kind(kept.path, kept.words, []), lambda _: None))
        made.append(loop_over(arena, journal=kept.journal))
    found = ratio(measuring, *made, Stage.TICK_TO_TRADE)
    assert threads[1].archive.faults_n > 0
    for thread in threads:
        thread._over.set()
        thread._thread.join()
    benchmark.pedantic(lambda: None)
    judge("a full disk under the archive, tick to trade / healthy, p50", found, at_most=MOST)


def test_a_reader_that_stopped(benchmark, judge, measuring, arena):
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    region = TelemetryRegion.create(f"bench-{os.getpid()}", mode="replay", cycles=(1, 0))
    with subprocess.Popen(
        [sys.executable, "-c", READER, str(region.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as reader:
        try:
            assert reader.stdout is not None and reader.stdout.readline() == b"0\n"
            os.kill(reader.pid, signal.SIGSTOP)
            healthy, failing = loop_over(arena), loop_over(arena, telemetry=region.telemetry)
            found = ratio(measuring, healthy, failing, Stage.TICK_TO_TRADE)
        finally:
            reader.kill()
    del failing
    region.close()
    benchmark.pedantic(lambda: None)
    judge("a telemetry reader that stopped, tick to trade / none, p50", found, at_most=MOST)


@pytest.mark.parametrize("state", ["none", "one that stopped", "ten"])
def test_sidecars(benchmark, judge, measuring, arena, tmp_path, state):
    """The same shared memory with nobody beside it, and with whole sidecars that read it, on
    another core than the loop's: as they are deployed."""
    names = [f"bench-{os.getpid()}-{k}" for k in range(2)]
    regions = [TelemetryRegion.create(name, mode="replay", cycles=(1, 0)) for name in names]
    words = ["taskset", "--cpu-list", "0", sys.executable, "-m", "sidecar", "run"]
    words += ["--region", names[1], "--spool"]
    count = {"none": 0, "one that stopped": 1, "ten": 10}[state]
    sidecars = [
        subprocess.Popen([*words, tmp_path / str(k)], stderr=subprocess.DEVNULL)
        for k in range(count)
    ]
    try:
        for k in range(count):
            until_s = time.monotonic() + 60
            while not (tmp_path / str(k) / "status.json").exists():
                assert time.monotonic() < until_s
                time.sleep(0.05)
        if state == "one that stopped":
            sidecars[0].send_signal(signal.SIGSTOP)
        healthy, failing = (loop_over(arena, telemetry=one.telemetry) for one in regions)
        found = ratio(measuring, healthy, failing, Stage.TICK_TO_TRADE, SIDECAR_ROUNDS)
    finally:
        for one in sidecars:
            one.kill()
            one.wait()
    del healthy, failing
    for one in regions:
        one.close()
    benchmark.pedantic(lambda: None)
    judge(f"tick to trade with sidecars ({state}) / without, p50", found, at_most=SIDECARS_MOST)


def test_frames_that_nobody_can_read(benchmark, judge, measuring, arena):
    """One for each good one, and nobody serves the ring that they go to: it is full, too."""
    garbage = b'{"e":"depthUpdate","u":' + b"[" * 40
    lines = []
    for i in range(len(arena)):
        stamp, is_rest = int(arena.receive_ns[i]), bool(arena.is_rest[i])
        lines.append(recording.Line(stamp, arena.frame(i), is_rest, "BTCUSDT" if is_rest else None))
        lines.append(recording.Line(stamp, garbage, False, None))
    healthy, failing = loop_over(arena), loop_over(recording.arena_of(lines))
    failing.core.control[c.LOCKSTEP] = 0
    found = ratio(measuring, healthy, failing, Stage.TICK_TO_TRADE)
    counters = failing.telemetry.counters
    assert counters[Counter.FRAMES, 0] >= 2 * len(arena)
    assert counters[Counter.ORDERS_SENT, 0] > 1000
    benchmark.pedantic(lambda: None)
    judge("frames that nobody can read, tick to trade / without, p50", found, at_most=MOST)
