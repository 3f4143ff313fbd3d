"""Memory of a backtest of 64 symbols: three times the history takes as much."""

import subprocess
import sys

import pytest

from appliance.abi.market import Market
from appliance.cold import recording
from appliance.cold.synthetic import generate
from benchmarks.bench_spine import ROOT

SYMBOLS = tuple(f"COIN{k:02}USDT" for k in range(64))
SECONDS = 1500.0  # until every buffer has been full
MOST = 1.05
_PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
"""


def peak_bytes(path) -> int:
    words = ["-m", "appliance", "backtest", path, "--strategy", "market_maker", "--json"]
    done = subprocess.run(
        [sys.executable, "-c", _PEAK, sys.executable, *words],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return int(done.stdout)


def test_memory_does_not_grow_with_the_history(benchmark, judge, measuring, tmp_path):
    if not measuring:
        pytest.skip("replays minutes of 64 symbols")
    peaks = []
    for times in (1, 3):
        path = tmp_path / f"{times}.gz"
        lines = generate(1, SECONDS * times, symbols=SYMBOLS, market=Market.USDM)
        recording.write(path, lines)
        peak_bytes(path)  # compiles
        peaks.append(peak_bytes(path))
    benchmark.pedantic(lambda: None)
    benchmark.extra_info["peak_mb"] = [round(one / 1e6) for one in peaks]
    name = f"peak memory, 64 symbols, three times the history ({peaks[0] / 1e6:.0f} MB before)"
    judge(name, peaks[1] / peaks[0], at_most=MOST)
