"""The recorder: what a captured frame costs the loop, and what recording costs a core.

Frames are those of a recorded USD-M session (a made-up one where there is none).
"""

import os
import time

import numpy as np
import pytest

from appliance.abi.capture import NEXT_N
from appliance.abi.market import FrameSource, Market
from appliance.cold import recording
from appliance.cold.synthetic import generate
from appliance.hot.capture import keep, make_capture
from appliance.hot.cpu import cycles
from appliance.hot.frame_ring import Frame
from appliance.hot.jit import hot
from benchmarks.bench_spine import ROOT
from sidecar.recorder import run_recorder
from sidecar.recorder.run_recorder import RunRecorder
from tests.sidecar.captures import CapturedRun

RECORDED = (
    ROOT.parent / "shared" / "data" / "hftbacktest" / "examples" / "usdm" / "btcusdt_20240808.gz"
)
SECONDS = 60
LOOKS_PER_S = 10
MOST = 0.015  # of a core: with the rest of the sidecar (bench_sidecar.py) it stays below 2 %


@pytest.fixture(scope="module")
def arena(tmp_path_factory):
    if RECORDED.exists():
        return recording.load([RECORDED])
    made = tmp_path_factory.mktemp("made") / "session.gz"
    recording.write(made, generate(1, 70.0, market=Market.USDM))
    return recording.load([made])


@hot
def keep_all(capture, data, starts, lengths, receive_ns, spans):
    for i in range(len(spans)):
        frame = Frame(starts[i], lengths[i], receive_ns[i], np.int64(-1), np.int64(0), np.int64(0))
        before = cycles()
        keep(capture, data, frame, np.int64(0))
        spans[i] = cycles() - before


def test_what_a_frame_costs_the_loop(benchmark, measuring, arena):
    """After its orders have left; said, not judged: nothing waits for it but the next frame."""
    from appliance.cold.boot import calibrated

    mult, shift = calibrated()
    capture = make_capture(1 << 25)
    spans = np.zeros(len(arena), np.int64)
    words = (capture, arena.data, arena.starts, arena.lengths, arena.receive_ns, spans)
    benchmark.pedantic(keep_all, args=words, warmup_rounds=1, rounds=5 if measuring else 1)
    p50, p99 = np.percentile(spans, [50, 99]) * mult / 2**shift
    benchmark.extra_info |= {"p50_ns": float(p50), "p99_ns": float(p99)}
    assert int(capture.header[NEXT_N]) >= len(arena)


def test_what_recording_costs_a_core(benchmark, judge, measuring, arena, tmp_path, monkeypatch):
    """A second's frames at a time, ten looks each second, a commit at the last."""
    run = CapturedRun(tmp_path, f"bench-{os.getpid()}", symbols=("BTCUSDT",), capacity=1 << 25)
    recorder = RunRecorder(run.path, tmp_path / "rec")
    recorder.step()
    stamps = arena.receive_ns - arena.receive_ns[0]
    seconds = SECONDS if measuring else 2
    used_s = frames_n = 0
    for second in range(seconds):
        span = slice(*np.searchsorted(stamps, [second * 10**9, (second + 1) * 10**9]))
        for start, length in zip(arena.starts[span], arena.lengths[span], strict=True):
            frame = Frame(start, length, int(time.time_ns()), -1, int(FrameSource.STREAM), 0)
            keep(run.ring.capture, arena.data, frame, np.int64(0))
            frames_n += 1
        for look in range(LOOKS_PER_S):
            is_last = look == LOOKS_PER_S - 1
            monkeypatch.setattr(run_recorder, "COMMIT_NS", 0 if is_last else 1 << 60)
            before_s = time.process_time()
            while recorder.step():
                pass
            used_s += time.process_time() - before_s
    assert recorder.frames_n == frames_n > 100
    recorder.close()
    run.end()
    benchmark.pedantic(lambda: None)
    benchmark.extra_info["frames_per_s"] = frames_n / seconds
    judge("recorder, share of a core, one busy USD-M symbol", used_s / seconds, at_most=MOST)


def test_how_much_it_takes(benchmark, measuring, arena, tmp_path):
    """As fast as it can: frames a second; said, not judged."""
    run = CapturedRun(tmp_path, f"bench-{os.getpid()}", symbols=("BTCUSDT",), capacity=1 << 25)
    recorder = RunRecorder(run.path, tmp_path / "rec")
    recorder.step()
    count = min(len(arena), 20_000 if measuring else 500)
    for i in range(count):
        frame = Frame(arena.starts[i], arena.lengths[i], i, -1, int(FrameSource.STREAM), 0)
        keep(run.ring.capture, arena.data, frame, np.int64(0))
    began_s = time.perf_counter()
    while recorder.step():
        pass
    recorder.end()
    benchmark.extra_info["frames_per_s"] = count / (time.perf_counter() - began_s)
    assert recorder.frames_n == count
    run.end()
    benchmark.pedantic(lambda: None)
