"""``appliance bench`` as its users have it (appliance.cold.bench_command,
appliance.cold.bench.inside, appliance.cold.bench.wire, appliance.cold.bench.device,
appliance.cold.bench.facts, appliance.cold.bench.setting, appliance.cold.bench.strategy,
appliance.hot.strategy.every_record)."""

import json
import os
from pathlib import Path

import pytest

from tests.e2e.conftest import COLD_S, Appliance

pytestmark = pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="needs two cores")
WIRE = ("wire_1x", "wire_10x", "wire_burst")


def may_fifo() -> bool:
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except OSError:
        return False
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    return True


@pytest.mark.timeout(900)  # it may have two loops to compile
def test_it_measures_and_leaves_its_files(appliance: Appliance, tmp_path: Path) -> None:
    # First in, first out, whatever is measured must have the core to itself, or nothing ever ends.
    words = ("bench", "--rounds", 2, "--out", tmp_path, "--json", "--fifo", 1 if may_fifo() else 0)
    done = appliance(*words, timeout_s=2 * COLD_S)
    assert done.code == 0 and done.err == "", done.err[-2000:]
    told = done.report
    assert json.loads((tmp_path / "result.json").read_text()) == told
    assert told["facts"]["core"] != told["facts"]["load_core"] and told["rounds"] == 2
    series = told["series"]
    assert set(series) >= {"hiccups", "lost", "ring_hop", "decode", "gate", "tick_to_trade", *WIRE}
    if told["facts"]["emulated"]:
        assert all(set(one) == {"title", "withheld", "n"} for one in series.values())
        return
    for name, one in series.items():
        assert 0 <= one["p50_ns"] <= one["p99_ns"] <= one["p999_ns"] and one["n"] > 0, name
        assert all(len(rounds) == 2 for rounds in one["by_round"].values())
    sent = {"wire_1x": 600, "wire_10x": 1800, "wire_burst": 1600}
    for name in WIRE:
        assert series[name]["n"] + series[name]["unanswered"] == sent[name]
    assert series["tick_to_trade"]["n"] == 6000, "an order to each frame"
    names = {path.name for path in tmp_path.iterdir()}
    assert names >= {"bench.hlog", "report.html", "wire_1x.hgrm", "gate.hgrm"}
    again = appliance("bench", "--compare", tmp_path / "result.json", tmp_path / "result.json")
    again.refused("2 rounds say nothing of noise")
    shown = appliance("bench", "--rounds", 1, timeout_s=COLD_S).out
    assert "an order through the risk gate" in shown and "check-host" in shown
