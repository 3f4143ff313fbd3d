"""The whole pipeline on a real recording (a made-up session where there is none).

Frames per second, frame to order, start, and what the loop allocates, compiles and faults in.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from appliance.abi.counters import Counter
from appliance.abi.market import Market
from appliance.abi.telemetry import Stage
from appliance.cold import recording
from appliance.cold.recording import arena_of
from appliance.cold.synthetic import generate
from benchmarks import frames, spine

ALWAYS = str(Path(__file__).with_name("always.py"))
RECORDED = "hftbacktest/examples/spot/btcusdt_20240808.gz"
ROOT = Path(__file__).resolve().parents[1]
PURITY_FRAMES = 10_000_000


@pytest.fixture(scope="module")
def arena(file):
    return recording.load([file])


def replay(arena_file, *options, cache=None):
    """One `appliance replay` in a process of its own; its JSON."""
    environment = dict(os.environ)
    environment.pop("NUMBA_CACHE_DIR", None)
    if cache is not None:
        environment["LONECORE_CACHE"] = str(cache)
    command = [sys.executable, "-m", "appliance", "replay", str(arena_file), "--json", *options]
    done = subprocess.run(command, capture_output=True, env=environment, check=True)
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    recorded = ROOT.parent / "shared" / "data" / RECORDED
    if recorded.exists():
        return recorded
    made = tmp_path_factory.mktemp("made") / "session.gz"
    recording.write(made, generate(1, 60.0, market=Market.SPOT))
    return made


def test_replay_rate(benchmark, judge, measuring, file):
    results = [replay(file) for _ in range(7 if measuring else 1)]
    rates = [result["frames_per_s"] for result in results]
    benchmark.extra_info["frames_per_s"] = rates
    benchmark.pedantic(replay, args=(file,), rounds=1)
    assert results[0]["orders"] > 0
    judge("replay, frames/s, median of 7 processes", float(np.median(rates)), at_least=1_000_000)


def test_start(benchmark, judge, measuring, file, tmp_path):
    if not measuring:
        pytest.skip("compiles for half a minute")
    colds = [replay(file, cache=tmp_path / str(n)) for n in range(3)]
    cache = tmp_path / "0"
    warm = benchmark.pedantic(replay, args=(file,), kwargs={"cache": cache}, rounds=3)
    assert ({cold["start"] for cold in colds}, warm["start"]) == ({"cold"}, "warm")
    seconds = [cold["start_s"] for cold in colds]
    benchmark.extra_info["cold_s"] = seconds
    judge("start to ready, cold, s, median of 3", float(np.median(seconds)), at_most=30)
    judge("start to ready, warm, s", warm["start_s"], at_most=2)


def test_purity(benchmark, measuring, arena, file):
    times = -(-PURITY_FRAMES // len(arena)) if measuring else 2
    options = ("--repeat", str(times))
    result = benchmark.pedantic(replay, args=(file, *options), rounds=1)
    benchmark.extra_info["frames"] = result["frames"]
    benchmark.extra_info |= result["purity"]
    assert result["frames"] == times * len(arena)
    assert set(result["purity"].values()) == {0}, result["purity"]


def _with_depth_of_20(arena, count):
    """Book first, then ``count`` differences of 20 levels a side that continue it."""
    first = next(arena.frame(i) for i in range(len(arena)) if arena.is_rest[i])
    last_id = int(first.split(b":")[1].split(b",")[0])
    stamp = int(arena.receive_ns[0])
    lines = [recording.Line(stamp, first, True, "BTCUSDT")]
    template = frames.depth_20("spot")
    for k in range(count):
        text = template.replace(b'"U":50093239189', b'"U":%d' % (last_id + 2 * k + 1))
        text = text.replace(b'"u":50093239202', b'"u":%d' % (last_id + 2 * k + 2))
        lines.append(recording.Line(stamp + 1_000_000 * k, text, False, None))
    return arena_of(lines)


def test_frame_to_order(benchmark, judge, measuring, arena):
    tickers = spine.has(arena, b"bookTicker") | (arena.is_rest != 0)
    depths = spine.has(arena, b'"U":')
    first_live = int(np.flatnonzero(arena.is_rest)[0]) + 20
    tickers[:first_live] |= depths[:first_live]
    one = spine.Spine(spine.only(arena, tickers), ALWAYS, wide=True)
    one.play()
    one.forget_latency()
    benchmark.pedantic(one.play, rounds=3 if measuring else 1)
    assert one.telemetry.counters[Counter.ORDERS_SENT, 0] > 1000
    p50 = one.percentile_ns(Stage.TICK_TO_TRADE, 50)
    benchmark.extra_info["ticker_p50_ns"] = p50
    benchmark.extra_info["ticker_p99_ns"] = one.percentile_ns(Stage.TICK_TO_TRADE, 99)
    judge("bookTicker frame to order bytes, p50 ns", p50, at_most=1000)


def test_depth_frame_to_order(benchmark, judge, measuring, arena):
    two = spine.Spine(_with_depth_of_20(arena, 5000), ALWAYS, wide=True)
    two.play()
    two.forget_latency()
    benchmark.pedantic(two.play, rounds=3 if measuring else 1)
    assert two.telemetry.counters[Counter.ORDERS_SENT, 0] > 1000
    p50 = two.percentile_ns(Stage.TICK_TO_TRADE, 50)
    benchmark.extra_info["depth_p50_ns"] = p50
    benchmark.extra_info["depth_p99_ns"] = two.percentile_ns(Stage.TICK_TO_TRADE, 99)
    judge("depth frame of 20 + 20 levels to order bytes, p50 ns", p50, at_most=2000)
