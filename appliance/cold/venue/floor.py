"""One market put together: instruments, engine, desk, keys, streams, user data."""

import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Final

from appliance.abi.market import Market
from appliance.abi.units import E8
from appliance.cold.venue.account import Account
from appliance.cold.venue.clock import VenueClock
from appliance.cold.venue.credentials import KeyRing
from appliance.cold.venue.desk import Desk
from appliance.cold.venue.exchange import Exchange
from appliance.cold.venue.hub import Hub
from appliance.cold.venue.instrument import NEVER_NS, Instrument
from appliance.cold.venue.market_desk import MarketDesk
from appliance.cold.venue.quotas import Quotas
from appliance.cold.venue.spot_account import SpotAccount
from appliance.cold.venue.spot_desk import SpotDesk
from appliance.cold.venue.spot_reports import SpotReports
from appliance.cold.venue.usdm_account import UsdmAccount
from appliance.cold.venue.usdm_desk import UsdmDesk
from appliance.cold.venue.usdm_reports import UsdmReports
from appliance.cold.venue.user_data import UserData

_FUNDS_E8: Final = 1_000_000 * E8  # of every quote asset, and of the wallet
_BASE_FUNDS_E8: Final = 1_000 * E8


class Floor:
    """A market, whole. It is told the time; ``advance`` moves it."""

    def __init__(
        self,
        market: Market,
        instruments: Sequence[Instrument],
        *,
        limits_factor: int = 1,
    ) -> None:
        self.market = market
        self.clock = VenueClock()
        reports = (UsdmReports if market == Market.USDM else SpotReports)(self.clock)
        self.exchange = Exchange(market, instruments, reports)
        self.quotas = Quotas(market, limits_factor)
        self.desk = Desk(KeyRing(), self.quotas, self.clock)
        self.hub = Hub(self.exchange, self.clock)
        self.user_data = UserData(self.hub, self.clock)
        self.exchange.settlement.deliver = self.user_data.deliver
        self.market_desk: MarketDesk
        if market == Market.USDM:
            self.market_desk = UsdmDesk(self.exchange, self.clock, self.user_data)
        else:
            self.market_desk = SpotDesk(self.exchange, self.clock, self.quotas)
            self.exchange.on_first_fill = lambda account: self.quotas.filled(account.owner)

    def open_account(self, name: str) -> Account:
        """A new account with funds of every asset that is traded here."""
        owner = len(self.exchange.accounts) + 1
        account: Account
        if self.market == Market.USDM:
            account = UsdmAccount(name, owner, _FUNDS_E8)
        else:
            account = SpotAccount(name, owner, self._funds_e8())
        account.updated_ns = time.time_ns()  # its funds have come
        self.exchange.accounts.append(account)
        return account

    def advance(self, now_ns: int) -> None:
        """Let the market act up to ``now_ns`` and send what is due."""
        self.exchange.advance(now_ns)
        self.hub.flush(now_ns)
        self.user_data.advance(now_ns)

    @property
    def has_ended(self) -> bool:
        """True if no symbol's market will ever move again."""
        return self.exchange.next_ns == NEVER_NS

    def _funds_e8(self) -> Mapping[str, int]:
        instruments = self.exchange.instruments.values()
        funds_e8 = {instrument.base: _BASE_FUNDS_E8 for instrument in instruments}
        return funds_e8 | {instrument.quote: _FUNDS_E8 for instrument in instruments}


def new_key_text() -> str:
    """A key of the venue's form: 64 letters and digits."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    return "".join(secrets.choice(alphabet) for _ in range(64))
