"""The whole loop compiled, compiled with bounds checks, and as plain Python: the same to the byte.

What runs here as one: appliance.hot.duty_cycle, appliance.hot.core, appliance.hot.feed,
appliance.hot.trader, appliance.hot.reporter, with appliance.hot.strategy.slot bound to
appliance.hot.strategy.market_maker or appliance.hot.strategy.imbalance_taker.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.abi.market import Market
from appliance.cold.recording import write
from appliance.cold.synthetic.faults import Faults, inject
from appliance.cold.synthetic.session import generate

ROOT = Path(__file__).resolve().parents[2]
PARAMS = {
    "market_maker": "",
    "idle": "",
    "imbalance_taker": "levels=1,threshold_milli=50,pause_ns=0",
}
TIMES = ("latency_ns", "purity", "start_s", "start", "loop_s", "frames_per_s")
WAYS = {
    "compiled": {},
    "bounds-checked": {"NUMBA_BOUNDSCHECK": "1"},
    "uncompiled": {"NUMBA_DISABLE_JIT": "1"},
}


def replay(file: Path, strategy: str, way: str) -> dict:
    environment = {**os.environ, "LONECORE_CACHE": str(ROOT / "build" / "test-cache"), **WAYS[way]}
    environment.pop("NUMBA_CACHE_DIR", None)
    command = [sys.executable, "-m", "appliance", "replay", str(file), "--json"]
    command += ["--strategy", strategy, "--params", PARAMS[strategy]]
    done = subprocess.run(command, capture_output=True, env=environment, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr.decode()
    result = json.loads(done.stdout)
    return {key: value for key, value in result.items() if key not in TIMES}


@pytest.fixture(scope="module")
def session(tmp_path_factory) -> Path:
    """Both faults and trading in a few hundred frames; a snapshot mends the gap."""
    made = tmp_path_factory.mktemp("session") / "session.gz"
    lines = generate(
        5, 1.5, symbols=("BTCUSDT",), market=Market.USDM, snapshot_at_s=(0.25, 1.0), streams=None
    )
    write(made, inject(lines, Faults(dropped=(6,), garbage=(3,), cut=(12,))))
    return made


@pytest.mark.parametrize("strategy", ["market_maker", "imbalance_taker"])
def test_the_same_three_ways(session, strategy):
    compiled = replay(session, strategy, "compiled")
    assert compiled["orders"] > 0
    assert compiled["quarantined"] >= 2
    assert replay(session, strategy, "uncompiled") == compiled
    if strategy == "market_maker":
        assert replay(session, strategy, "bounds-checked") == compiled


def test_the_idle_strategy_never_trades(session):
    """appliance.hot.strategy.idle: for those who only want to watch the book."""
    result = replay(session, "idle", "uncompiled")
    assert (result["orders"], result["cancels"], result["fills"]) == (0, 0, 0)
    assert result["gaps"] == 2
