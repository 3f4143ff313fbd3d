"""What telemetry costs an order: tick to trade with it against the same loop with it compiled out.

Two processes on one core (conftest.py), in turns. What the host does lasts longer than a round of
each: the ratio is that of two neighbouring rounds, and of all pairs the median.
"""

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from benchmarks import telemetry_share
from benchmarks.bench_spine import ROOT, file  # noqa: F401 - a fixture

ROUNDS = 101
MOST = 1.03
HOT = sorted((ROOT / "appliance" / "hot").rglob("*.py"))


class Side:
    """One of the two, waiting to be asked."""

    def __init__(self, how: str, recording: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.telemetry_share", how, str(recording)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.rounds: list[list[float]] = []

    def line(self) -> list[str]:
        assert self.process.stdout is not None
        return self.process.stdout.readline().split()

    def play(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.rounds.append([float(word) for word in self.line()])

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()

    def median(self, column: int) -> float:
        return float(np.median([one[column] for one in self.rounds]))


def test_what_is_taken_out(benchmark):
    """All that the loop counts and notes; and what is left is code that compiles to something."""
    removed = 0
    for path in HOT:
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for telemetry in (True, False):
            _, count = telemetry_share.transformed(
                name, path.read_text(), str(path), telemetry=telemetry
            )
            assert not telemetry or count == 0
            removed += count
    assert removed > 60
    benchmark.pedantic(lambda: None)


@pytest.fixture(scope="module")
def played(request, file):  # noqa: F811 - the fixture
    """Both sides, after ROUNDS of each."""
    if request.config.getoption("benchmark_disable"):
        pytest.skip("compiles two loops")
    with ExitStack() as stack:
        sides = []
        for how in ("on", "off"):
            side = Side(how, file)
            stack.callback(side.close)
            ready, removed = side.line()
            assert ready == "ready" and (int(removed) > 60) == (how == "off")
            sides.append(side)
        on, off = sides
        for _ in range(ROUNDS):
            on.play()
            off.play()
    assert on.median(0) == off.median(0) > 1000, "as many orders"
    return on, off


@pytest.mark.parametrize(("column", "name"), [(1, "p50"), (2, "p99")])
def test_share_of_tick_to_trade(benchmark, judge, played, column, name):
    on, off = played
    benchmark.pedantic(lambda: None)
    benchmark.extra_info[name] = [on.median(column), off.median(column)]
    pairs = zip(on.rounds, off.rounds, strict=True)
    ratio = float(np.median([one[column] / other[column] for one, other in pairs]))
    judge(f"tick to trade, telemetry on / compiled out, {name}", ratio, at_most=MOST)
