"""Balances of a spot account, as integers times 10**8 of each asset."""

from collections.abc import Mapping
from typing import Final

from appliance.abi.trading import Side
from appliance.cold.venue.account import Account, Charge
from appliance.cold.venue.instrument import Instrument
from appliance.cold.venue.order import ClientOrder, Draft
from appliance.cold.venue.refusal import failed_filter, rejected

FEE_PPM: Final = 1000  # maker and taker alike: 0.1 %, in the asset that is received
NO_FUNDS: Final = "Account has insufficient balance for requested action."


class Balance:
    """Of one asset."""

    __slots__ = ("free_e8", "locked_e8")

    def __init__(self, free_e8: int) -> None:
        self.free_e8 = free_e8
        self.locked_e8 = 0


class SpotAccount(Account):
    """Owns assets. A resting order locks what it would give."""

    def __init__(self, name: str, owner: int, funds_e8: Mapping[str, int]) -> None:
        super().__init__(name, owner)
        self.balances = {asset: Balance(free_e8) for asset, free_e8 in funds_e8.items()}

    def balance(self, asset: str) -> Balance:
        return self.balances.setdefault(asset, Balance(0))

    def check(self, instrument: Instrument, draft: Draft, lots: int, worst_e8: int) -> None:
        if draft.side == Side.BUY:
            self._check_position(instrument, lots)
            if worst_e8 > self.balance(instrument.quote).free_e8:
                raise rejected(NO_FUNDS)
        elif instrument.base_e8(lots) > self.balance(instrument.base).free_e8:
            raise rejected(NO_FUNDS)

    def _check_position(self, instrument: Instrument, lots: int) -> None:
        """MAX_POSITION: free + locked + what all open buys would bring."""
        bound_e8 = instrument.filters.position_max_e8
        if not bound_e8:
            return
        balance = self.balance(instrument.base)
        buying = lots + sum(
            order.open_lots
            for order in self.open_of(instrument.symbol)
            if order.draft.side == Side.BUY
        )
        if balance.free_e8 + balance.locked_e8 + instrument.base_e8(buying) > bound_e8:
            raise failed_filter("MAX_POSITION")

    def hold(self, instrument: Instrument, order: ClientOrder) -> None:
        draft = order.draft
        if draft.side == Side.SELL:
            asset, held_e8 = instrument.base, instrument.base_e8(order.lots)
        elif draft.price_ticks:
            asset = instrument.quote
            held_e8 = instrument.quote_e8(draft.price_ticks, order.lots)
        else:
            return  # a market buy takes at once, and pays as it goes
        order.held_e8 = held_e8
        order.held_asset = asset
        balance = self.balance(asset)
        balance.free_e8 -= held_e8
        balance.locked_e8 += held_e8

    def fill(
        self, instrument: Instrument, order: ClientOrder, price_ticks: int, lots: int, _maker: bool
    ) -> Charge:
        quote_e8 = instrument.quote_e8(price_ticks, lots)
        base_e8 = instrument.base_e8(lots)
        base, quote = self.balance(instrument.base), self.balance(instrument.quote)
        if order.draft.side == Side.BUY:
            limit = order.draft.price_ticks
            held_e8 = instrument.quote_e8(limit, lots) if limit else 0
            quote.locked_e8 -= held_e8
            quote.free_e8 += held_e8 - quote_e8
            commission_e8 = base_e8 * FEE_PPM // 1_000_000
            base.free_e8 += base_e8 - commission_e8
            order.held_e8 -= held_e8
            return Charge(commission_e8, instrument.base)
        base.locked_e8 -= base_e8
        order.held_e8 -= base_e8
        commission_e8 = quote_e8 * FEE_PPM // 1_000_000
        quote.free_e8 += quote_e8 - commission_e8
        return Charge(commission_e8, instrument.quote)

    def lose(self, instrument: Instrument, order: ClientOrder, lots: int) -> None:
        if not order.held_e8:
            return
        draft = order.draft
        freed_e8 = instrument.base_e8(lots)
        if draft.side == Side.BUY:
            freed_e8 = instrument.quote_e8(draft.price_ticks, lots)
        balance = self.balance(order.held_asset)
        balance.locked_e8 -= freed_e8
        balance.free_e8 += freed_e8
        order.held_e8 -= freed_e8

    def release(self, order: ClientOrder) -> None:
        if order.held_e8:
            balance = self.balance(order.held_asset)
            balance.locked_e8 -= order.held_e8
            balance.free_e8 += order.held_e8
            order.held_e8 = 0
