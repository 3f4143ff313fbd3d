"""What the account owns, as the venue says it: without that the gate lets no order through.

The loop counts what it trades itself, so all it needs is what was owned at a position of zero; that
is asked for when the session starts and again now and then, because money also comes and goes on
other ways: deposits, real fees, funding.
"""

import time
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from appliance.abi.market import Market
from appliance.abi.units import E8
from appliance.cold.limits import MONEY_MAX
from appliance.cold.live.rest_client import RestClient, RestError, Unclear
from appliance.hot.gate import Gate

ASK_AGAIN_S: Final = 60.0
AFTER_FAILURE_S: Final = 1.0
PATHS: Final = {Market.SPOT: "/account", Market.USDM: "/fapi/v3/balance"}
TRIES: Final = 3


class Funds:
    """Writes ``funds_known``, ``funds_e8`` and ``base_owned_lots``; each word whole."""

    def __init__(
        self, gate: Gate, market: Market, symbols: Sequence[str], currency: str, rest: RestClient
    ) -> None:
        self._gate = gate
        self._market = market
        self._bases = [symbol.removesuffix(currency) for symbol in symbols]
        self._currency = currency
        self._rest = rest
        self._due_s = 0.0
        self.asked_n = 0
        self.failed = ""  # why the last question had no answer

    def is_due(self) -> bool:
        """Whether to ``ask``; asked once, it is about to be."""
        now_s = time.monotonic()
        if now_s < self._due_s:
            return False
        self._due_s = now_s + ASK_AGAIN_S
        return True

    async def ask(self) -> None:
        """Ask until nothing was traded meanwhile; else it is due again soon."""
        for _ in range(TRIES):
            fills_n = self._fills_n()
            try:
                answer = await self._rest.signed("GET", PATHS[self._market])
                owned = owned_e8(answer, self._market)
            except RestError as error:
                self.failed = str(error)
                break
            self.asked_n += 1
            if self._fills_n() == fills_n:
                self._write(owned)
                return
        self._due_s = time.monotonic() + AFTER_FAILURE_S

    def _fills_n(self) -> int:
        return int(self._gate.positions["fills_n"].sum())

    def _write(self, owned: dict[str, int]) -> None:
        gate = self._gate
        account = gate.account[0]
        money_e8 = min(owned.get(self._currency, 0), MONEY_MAX)
        counted_e8 = account.cash_e8 if self._market == Market.SPOT else account.profit_e8
        for i, base in enumerate(self._bases):
            lots = owned.get(base, 0) // max(1, int(gate.instruments[i].quantity_grid_e8))
            lots = min(lots, MONEY_MAX)
            gate.valuations[i].base_owned_lots = lots - int(gate.positions[i].position_lots)
        account.funds_e8 = money_e8 - int(counted_e8)
        account.funds_known = 1


def owned_e8(answer: Any, market: Market) -> dict[str, int]:
    """Asset -> what is owned of it, with what open orders hold; on USD-M with the profit of open
    positions. Unclear: the answer is not what it should be."""
    try:
        if market == Market.SPOT:
            rows = [(b["asset"], _e8(b["free"]) + _e8(b["locked"])) for b in answer["balances"]]
        else:
            rows = [(b["asset"], _e8(b["balance"]) + _e8(b["crossUnPnl"])) for b in answer]
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise Unclear(f"{PATHS[market]}: {type(error).__name__}: {error}") from None
    return dict(rows)


def _e8(text: Any) -> int:
    number = Decimal(text) * E8
    if not isinstance(text, str) or not number.is_finite():
        raise ValueError(text)
    return int(number // 1)
