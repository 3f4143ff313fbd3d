"""A small campaign (campaign.py); ``make campaign`` runs the whole one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CACHE = ROOT / "build" / "test-cache"
COUNTS = {"disconnect": 6, "drop": 6, "silence": 2, "doubt": 4}
TIMEOUT_S = 550


@pytest.mark.timeout(600)  # nothing compiled yet, and a machine that is busy
@pytest.mark.parametrize("market", ["spot", "usdm"])
def test_books_orders_and_positions_after_every_incident(market: str) -> None:
    hidden = ("NUMBA_DISABLE_JIT", "NUMBA_BOUNDSCHECK", "NUMBA_CACHE_DIR")
    environment = {k: v for k, v in os.environ.items() if k not in hidden}
    options = [f"--{name}s={count}" for name, count in COUNTS.items()]
    done = subprocess.run(
        [sys.executable, "-m", "tests.live.campaign", "--market", market, "--seed", "7", *options],
        cwd=ROOT,
        env=environment | {"LONECORE_CACHE": str(CACHE)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    tally = json.loads(done.stdout)
    assert {name: tally[name] for name in COUNTS} == COUNTS
    assert tally["books_compared"] == 2 * sum(COUNTS.values())
    assert tally["orders_sent"] > 100 and tally["refused_book_not_live"] > 0
