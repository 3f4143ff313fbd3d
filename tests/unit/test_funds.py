"""What the account owns (appliance.cold.live.funds), by a scripted venue: asked until certain."""

import asyncio
from typing import Any

import pytest

from appliance.abi.layout import records
from appliance.abi.market import Market
from appliance.abi.trading import POSITION
from appliance.cold.limits import demo_limits
from appliance.cold.live import funds as module
from appliance.cold.live.funds import Funds, owned_e8
from appliance.cold.live.rest_client import Unclear
from appliance.hot.gate import Gate, make_gate
from tests.strategies.instruments import instruments

SPOT = {
    "balances": [
        {"asset": "BTC", "free": "1.50000000", "locked": "0.25000000"},
        {"asset": "USDT", "free": "1000.00000000", "locked": "50.50000000"},
        {"asset": "ETH", "free": "2.00000000", "locked": "0.00000000"},
    ]
}
USDM = [
    {"asset": "USDT", "balance": "500.00000000", "crossUnPnl": "-20.00000000"},
    {"asset": "BNB", "balance": "1.00000000", "crossUnPnl": "0.00000000"},
]


class Script:
    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.paths: list[str] = []

    async def signed(self, method: str, path: str) -> Any:
        assert method == "GET"
        self.paths.append(path)
        answer = self.answers.pop(0)
        if callable(answer):
            return answer()
        if isinstance(answer, Exception):
            raise answer
        return answer


def made(market: Market, *answers: Any) -> tuple[Funds, Gate, Script]:
    rows = instruments(("BTCUSDT", 1_000_000, 1_000), ("ETHUSDT", 1_000_000, 10_000))
    gate = make_gate(rows, records(2, POSITION), 2)
    demo_limits(rows, [100, 100]).write(gate)
    script = Script(*answers)
    symbols = ("BTCUSDT", "ETHUSDT")
    return Funds(gate, market, symbols, "USDT", script), gate, script  # type: ignore[arg-type]


def test_spot_owns_what_is_free_and_what_is_locked() -> None:
    funds, gate, script = made(Market.SPOT, SPOT)
    gate.positions[0].position_lots = -20_000
    gate.account[0].cash_e8 = 700
    asyncio.run(funds.ask())
    assert script.paths == ["/account"]
    assert gate.account[0].funds_known == 1
    assert gate.account[0].funds_e8 == 105_050_000_000 - 700
    # 1.75 BTC in lots of 0.00001 is owned now, at a position of -0.2: so 1.95 at zero
    assert gate.valuations[0].base_owned_lots == 175_000 + 20_000
    assert gate.valuations[1].base_owned_lots == 20_000


def test_usdm_owns_its_wallet_and_the_profit_of_what_is_open() -> None:
    funds, gate, script = made(Market.USDM, USDM)
    gate.account[0].profit_e8 = -1_000
    asyncio.run(funds.ask())
    assert script.paths == ["/fapi/v3/balance"]
    assert gate.account[0].funds_e8 == 48_000_000_000 + 1_000


def test_an_answer_that_a_fill_overtook_is_asked_for_again() -> None:
    funds, gate, script = made(Market.SPOT)

    def filled() -> Any:
        gate.positions[0].fills_n += 1
        return SPOT

    script.answers = [filled, SPOT]
    asyncio.run(funds.ask())
    assert gate.account[0].funds_known == 1 and funds.asked_n == 2
    funds, gate, script = made(Market.SPOT)
    script.answers = [filled] * module.TRIES
    asyncio.run(funds.ask())
    assert gate.account[0].funds_known == 0


@pytest.mark.parametrize(
    "answer",
    [
        *({}, [], None, "text", {"balances": None}, {"balances": [{}]}),
        {"balances": [{"asset": "BTC", "free": 1.5, "locked": "0"}]},
        {"balances": [{"asset": "BTC", "free": "NaN", "locked": "0"}]},
        {"balances": [{"asset": "BTC", "free": "x", "locked": "0"}]},
    ],
    ids=str,
)
def test_an_answer_that_is_none(answer: Any) -> None:
    with pytest.raises(Unclear, match="/account: "):
        owned_e8(answer, Market.SPOT)
    funds, gate, _ = made(Market.SPOT, answer)
    asyncio.run(funds.ask())
    assert gate.account[0].funds_known == 0 and funds.failed


def test_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now_s[0])
    funds, _, _ = made(Market.SPOT, Unclear("/account: HTTP 502"), SPOT)
    assert funds.is_due() and not funds.is_due()
    asyncio.run(funds.ask())
    assert funds.failed == "/account: HTTP 502" and not funds.is_due()
    now_s[0] += module.AFTER_FAILURE_S
    assert funds.is_due()
    asyncio.run(funds.ask())
    now_s[0] += module.ASK_AGAIN_S - 1
    assert not funds.is_due()
    now_s[0] += 1
    assert funds.is_due()
