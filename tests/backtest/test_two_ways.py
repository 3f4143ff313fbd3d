"""A session through the live loop and through a backtest: the same decisions, one by one.

Of a strategy with a timer, and of one that is asked at everything and looks at levels.
"""

import json
import subprocess
import sys

import pytest

from tests.backtest.rivals import recording
from tests.extra_environment import ROOT

# The recorder's clock was behind the venue's by this much.
SHIFT_NS = 1_272_500_000


@pytest.mark.compiled
@pytest.mark.parametrize(
    ("strategy", "least"),
    [("tests/backtest/quoter.py", 3000), ("imbalance_taker", 100)],
)
def test_the_same_decisions(strategy: str, least: int) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.backtest.two_ways", recording(), strategy, str(SHIFT_NS)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["odd"] == [[0, 0, 0]], "times were changed on one way only"
    assert len(told["rows"]) >= least
    assert told["rows"] == told["frames"]
