"""The engine against hftbacktest on a recorded session: every order, every fill, the money.

appliance.cold.backtest.engine, appliance.hot.backtest.simulation, appliance.hot.backtest.venue,
appliance.hot.backtest.local, appliance.cold.backtest.npz.
"""

import random
from pathlib import Path
from typing import Any

import pytest

from tests.backtest.rivals import Rival, converted

MS = 1_000_000
FIRST_NS = 1_723_161_256 * 10**9


def recorded_orders() -> list[list[int]]:
    """Latencies that come and go, as a recording of orders would have them."""
    rng = random.Random(5)
    orders, now_ns = [], FIRST_NS
    while now_ns < FIRST_NS + 400 * 10**9:
        entry_ns, response_ns = rng.randint(1 * MS, 30 * MS), rng.randint(1 * MS, 12 * MS)
        orders.append([now_ns, now_ns + entry_ns, now_ns + entry_ns + response_ns])
        now_ns += rng.randint(400 * MS, 900 * MS)
    return orders


SETTINGS: dict[str, dict[str, Any]] = {
    "risk averse, 5 ms": {"queue": "RISK_AVERSE", "latency_ns": [5 * MS, 5 * MS]},
    "power 3, 5 ms": {"queue": "POWER_3", "latency_ns": [5 * MS, 5 * MS]},
    "logarithm 2, recorded": {"queue": "LOG_2", "latency_orders": recorded_orders()},
    "power, 40 ms": {"queue": "POWER", "latency_ns": [30 * MS, 10 * MS], "half_ticks": 2},
    "a small buffer": {
        "queue": "POWER_2",
        "latency_ns": [1 * MS, 2 * MS],
        "buffer_rows": 500,  # less than waits on its way here: it has to grow
    },
    "logarithm, at the touch": {"queue": "LOG", "latency_ns": [2 * MS, 1 * MS], "half_ticks": 1},
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return converted(tmp_path_factory.mktemp("peer"))


@pytest.mark.compiled
@pytest.mark.parametrize("name", SETTINGS)
def test_same_orders_same_fills_same_money(data: Path, tmp_path: Path, name: str) -> None:
    settings = SETTINGS[name]
    with Rival("peer", data, tmp_path, **settings) as peer:
        theirs = peer.trace()
    with Rival("ours", data, tmp_path, **settings) as engine:
        ours = engine.trace()
    assert len(theirs["fills"]) > 100 and len(theirs["sent"]) > 1000
    assert sorted(ours["sent"]) == sorted(theirs["sent"])
    assert sorted(ours["fills"]) == sorted(theirs["fills"])
    for what in ("position", "equity", "fee"):
        assert ours[what] == pytest.approx(theirs[what], abs=1e-9), what
