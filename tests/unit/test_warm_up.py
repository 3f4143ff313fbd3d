"""A loop that does not do its work stops the start; the real one is rehearsed in tests/e2e."""

import pytest

from appliance.abi import control as c
from appliance.cold.strategy_loader import load_strategy
from appliance.cold.warm_up import WarmUpError, warm_up
from appliance.hot.core import Core
from tests.strategies.cores import reader


def test_both_markets_with_faults() -> None:
    taken: list[bytes] = []
    frames_n = warm_up(reader(taken), load_strategy("market_maker", {}), (0, 0))
    assert frames_n == len(taken) > 1000
    assert any(b"aggTrade" in frame for frame in taken)
    assert any(b'@trade"' in frame for frame in taken)
    assert any(frame.startswith(b"#") for frame in taken)  # rubbish
    assert sum(frame.startswith(b'{"lastUpdateId"') for frame in taken) == 8


def test_a_loop_that_does_nothing() -> None:
    def run(core: Core) -> int:
        return int(c.Left.DRAINED)

    with pytest.raises(WarmUpError, match="SPOT"):
        warm_up(run, load_strategy("idle", {}), (0, 0))
