"""A backtest against hftbacktest 2.4.4: same data, latencies, fees, queue, strategy; rows a second.

Two processes on one core (conftest.py), in turns; of all neighbouring runs the median ratio. Timed
is the run alone, compiled before: no loading of data, no making of books. That the two give the
same orders and fills is tests/backtest/test_peer.py.
"""

import numpy as np
import pytest

from tests.backtest.rivals import Rival, converted

ROUNDS = 41
LEAST = 3.0
MS = 1_000_000


@pytest.mark.parametrize("queue", ["RISK_AVERSE", "POWER_3"])
def test_rows_a_second(benchmark, judge, measuring, tmp_path, queue):
    if not measuring:
        pytest.skip("compiles two engines")
    data = converted(tmp_path)
    settings = {"queue": queue, "latency_ns": [5 * MS, 5 * MS]}
    with (
        Rival("peer", data, tmp_path, **settings) as peer,
        Rival("ours", data, tmp_path, **settings) as ours,
    ):
        times = np.array([(peer.time_s(), ours.time_s()) for _ in range(ROUNDS)])
        rows_n = ours.rows_n
    benchmark.pedantic(lambda: None)
    rates = rows_n / np.median(times, axis=0) / 1e6
    benchmark.extra_info["mrows_per_s"] = {"hftbacktest": rates[0], "ours": rates[1]}
    ratio = float(np.median(times[:, 0] / times[:, 1]))
    name = f"rows a second, {queue}, {rates[1]:.1f} M against hftbacktest's {rates[0]:.1f} M"
    judge(name, ratio, at_least=LEAST)
