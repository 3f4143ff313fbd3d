"""Benchmarks are judged when they are measured, and only run when they are a smoke test."""

import os
import sys
from math import inf
from pathlib import Path
from typing import Protocol

import pytest

from appliance.cold import compile_cache
from appliance.cold.strategy_loader import source_of

# Before anything imports Numba. One strategy a process: the one that sends an order every time.
os.environ.setdefault("NUMBA_NRT_STATS", "1")
if "numba" not in sys.modules:
    compile_cache.prepare(source_of(str(Path(__file__).with_name("always.py"))))


class Judge(Protocol):
    def __call__(
        self, name: str, measured: float, *, at_most: float = inf, at_least: float = -inf
    ) -> None: ...


VERDICTS = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[VERDICTS] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Every judged figure beside its bar, after the tables of times."""
    if lines := terminalreporter.config.stash[VERDICTS]:
        terminalreporter.section("bars")
        for line in lines:
            terminalreporter.write_line(line)


@pytest.fixture(autouse=True, scope="session")
def pinned() -> None:
    """The process stays on one core: the last of those it may use, farthest from interrupts."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


@pytest.fixture
def measuring(request: pytest.FixtureRequest) -> bool:
    """False under --benchmark-disable: one round, whose time says nothing."""
    return not request.config.getoption("benchmark_disable")


@pytest.fixture
def judge(measuring: bool, request: pytest.FixtureRequest) -> Judge:
    """``judge(name, measured, at_most=bar)``: says how it stands; fails if missed."""

    def judge_one(
        name: str, measured: float, *, at_most: float = inf, at_least: float = -inf
    ) -> None:
        if not measuring:
            return
        met = at_least <= measured <= at_most
        bar = f"at most {at_most:.4g}" if at_most != inf else f"at least {at_least:.4g}"
        line = f"{name}: {measured:.4g}, {bar}: {'met' if met else 'MISSED'}"
        request.config.stash[VERDICTS].append(line)
        assert met, line

    return judge_one
