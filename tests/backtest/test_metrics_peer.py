"""Figures of a fixed equity curve against empyrical-reloaded (appliance.cold.backtest.metrics)."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from appliance.cold.backtest import metrics
from tests.extra_environment import interpreter

PERIODS = 365 * 24 * 60.0
_PEER = """
import json, sys
import numpy as np
import empyrical as e
curve = np.array(json.load(sys.stdin))
returns = curve[1:] / curve[:-1] - 1
n = float(sys.argv[1])
print(json.dumps({
    "total_return": float(e.cum_returns_final(returns)),
    "max_drawdown": float(e.max_drawdown(returns)),
    "sharpe_ratio": float(e.sharpe_ratio(returns, annualization=n)),
    "sortino_ratio": float(e.sortino_ratio(returns, annualization=n)),
    "annual_return": float(e.annual_return(returns, annualization=n)),
    "calmar_ratio": float(e.calmar_ratio(returns, annualization=n)),
}))
"""


@pytest.fixture(scope="module")
def python() -> Path:
    return interpreter("empyrical")


@pytest.mark.parametrize(("seed", "n"), [(1, 40), (2, 1440), (3, 20_000)])
def test_the_same_figures(python: Path, seed: int, n: int) -> None:
    steps = np.random.default_rng(seed).normal(2e-6, 1e-4, n)
    curve = 10_000 * np.cumprod(1 + steps)
    done = subprocess.run(
        [python, "-c", _PEER, str(PERIODS)],
        input=json.dumps(curve.tolist()),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    theirs = json.loads(done.stdout)
    returns = metrics.returns_of(curve)
    ours = {
        "total_return": metrics.total_return(curve),
        "max_drawdown": metrics.max_drawdown(curve),
        "sharpe_ratio": metrics.sharpe_ratio(returns, PERIODS),
        "sortino_ratio": metrics.sortino_ratio(returns, PERIODS),
        "annual_return": metrics.annual_return(curve, PERIODS),
        "calmar_ratio": metrics.calmar_ratio(curve, PERIODS),
    }
    for name, value in ours.items():
        assert value == pytest.approx(theirs[name], rel=1e-12, abs=1e-12), name
