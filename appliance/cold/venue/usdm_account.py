"""A USD-M account: one wallet in USDT, one net position a symbol (one-way mode, cross margin)."""

from typing import Final

from appliance.abi.trading import Side
from appliance.abi.units import E8
from appliance.cold.venue.account import Account, Charge
from appliance.cold.venue.instrument import Instrument
from appliance.cold.venue.order import ClientOrder, Draft
from appliance.cold.venue.refusal import Refused

ASSET: Final = "USDT"
MAKER_PPM: Final = 200
TAKER_PPM: Final = 500
LEVERAGE: Final = 20
LEVERAGE_MAX: Final = 125
NOTIONAL_MAX: Final = 100_000_000  # of a position, at any leverage
MAINTENANCE_PPM: Final = 25_000  # as exchangeInfo says


class Position:
    """Net position. ``cost_e8`` is what its lots cost, without sign; fees stand apart."""

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.lots = 0
        self.cost_e8 = 0
        self.fees_e8 = 0  # paid on what is open, for the break-even price
        self.realised_e8 = 0  # since the account began, fees not counted (``cr``)
        self.leverage = LEVERAGE
        self.updated_ns = 0

    @property
    def sign(self) -> int:
        return (self.lots > 0) - (self.lots < 0)

    @property
    def value_e8(self) -> int:
        """At the mark, with the sign of the position."""
        return self.instrument.mark_e8 * self.instrument.base_e8(self.lots) // E8

    @property
    def unrealised_e8(self) -> int:
        return self.value_e8 - self.sign * self.cost_e8

    @property
    def entry_e8(self) -> int:
        """Average price, down to 10**-8; 0 without a position."""
        size_e8 = self.instrument.base_e8(abs(self.lots))
        return self.cost_e8 * E8 // size_e8 if size_e8 else 0

    @property
    def break_even_e8(self) -> int:
        size_e8 = self.instrument.base_e8(abs(self.lots))
        return (self.cost_e8 + self.sign * self.fees_e8) * E8 // size_e8 if size_e8 else 0

    @property
    def margin_e8(self) -> int:
        return abs(self.value_e8) // self.leverage

    @property
    def maintenance_e8(self) -> int:
        """The margin below which the real venue would close the position."""
        return abs(self.value_e8) * MAINTENANCE_PPM // 1_000_000

    def trade(self, lots: int, price_ticks: int) -> int:
        """Book ``lots`` with their sign; returns the profit that closing brought, in e8."""
        instrument = self.instrument
        closing = min(abs(lots), abs(self.lots)) if lots * self.lots < 0 else 0
        realised_e8 = 0
        if closing:
            # the closed part takes its share of the cost, rounded down: the rest stays
            share_e8 = self.cost_e8 * closing // abs(self.lots)
            realised_e8 = self.sign * (instrument.quote_e8(price_ticks, closing) - share_e8)
            self.fees_e8 -= self.fees_e8 * closing // abs(self.lots)
            self.cost_e8 -= share_e8
        opening = abs(lots) - closing
        self.cost_e8 += instrument.quote_e8(price_ticks, opening)
        self.lots += lots
        self.realised_e8 += realised_e8
        return realised_e8


class UsdmAccount(Account):
    """``wallet_e8`` changes with fees and realised profit only."""

    def __init__(self, name: str, owner: int, wallet_e8: int) -> None:
        super().__init__(name, owner)
        self.wallet_e8 = wallet_e8
        self.positions: dict[str, Position] = {}

    def position(self, instrument: Instrument) -> Position:
        position = self.positions.get(instrument.symbol)
        if position is None:
            position = self.positions[instrument.symbol] = Position(instrument)
        return position

    @property
    def unrealised_e8(self) -> int:
        return sum(position.unrealised_e8 for position in self.positions.values())

    @property
    def position_margin_e8(self) -> int:
        return sum(position.margin_e8 for position in self.positions.values())

    @property
    def order_margin_e8(self) -> int:
        return sum(self.order_margin_of(position) for position in self.positions.values())

    @property
    def available_e8(self) -> int:
        used_e8 = self.position_margin_e8 + self.order_margin_e8
        return self.wallet_e8 + self.unrealised_e8 - used_e8

    def order_margin_of(self, position: Position) -> int:
        """What open orders may add to the position's margin: the dearer side counts."""
        instrument = position.instrument
        dearest_e8 = 0
        for side in (Side.BUY, Side.SELL):
            # lots that only close what is open need no margin
            free = max(0, -side * position.lots)
            value_e8 = 0
            for order in self.open_of(instrument.symbol):
                if order.draft.side == side and not order.draft.reduce_only:
                    opening = max(0, order.open_lots - free)
                    free = max(0, free - order.open_lots)
                    value_e8 += instrument.quote_e8(order.draft.price_ticks, opening)
            dearest_e8 = max(dearest_e8, value_e8)
        return dearest_e8 // position.leverage

    def open_values_e8(self, instrument: Instrument) -> tuple[int, int]:
        """What open buys and open sells of a symbol are worth at their prices."""
        values_e8 = {Side.BUY: 0, Side.SELL: 0}
        for order in self.open_of(instrument.symbol):
            value_e8 = instrument.quote_e8(order.draft.price_ticks, order.open_lots)
            values_e8[Side(order.draft.side)] += value_e8
        return values_e8[Side.BUY], values_e8[Side.SELL]

    def reducing_lots(self, symbol: str) -> int:
        """Lots of open reduce-only orders."""
        return sum(order.open_lots for order in self.open_of(symbol) if order.draft.reduce_only)

    def may_reduce(self, instrument: Instrument) -> bool:
        position = self.position(instrument)
        orders = [o for o in self.open_of(instrument.symbol) if o.draft.reduce_only]
        wrong_side = any(order.draft.side * position.lots >= 0 for order in orders)
        return not wrong_side and self.reducing_lots(instrument.symbol) <= abs(position.lots)

    def closable(self, instrument: Instrument, side: int, unbooked: int) -> int:
        return max(0, -side * (self.position(instrument).lots + unbooked))

    def check(self, instrument: Instrument, draft: Draft, lots: int, worst_e8: int) -> None:
        position = self.position(instrument)
        closes = draft.side * position.lots < 0
        if draft.reduce_only:
            left = abs(position.lots) - self.reducing_lots(instrument.symbol)
            if not closes or lots > left:
                raise Refused(-2022, "ReduceOnly Order is rejected.")
            return
        opening = lots - min(lots, abs(position.lots)) if closes else lots
        if opening and worst_e8 * opening // lots // position.leverage > self.available_e8:
            raise Refused(-2019, "Margin is insufficient.")

    def hold(self, instrument: Instrument, _order: ClientOrder) -> None:
        self.position(instrument)  # margin is worked out of the open orders

    def fill(
        self, instrument: Instrument, order: ClientOrder, price_ticks: int, lots: int, maker: bool
    ) -> Charge:
        position = self.position(instrument)
        realised_e8 = position.trade(order.draft.side * lots, price_ticks)
        rate_ppm = MAKER_PPM if maker else TAKER_PPM
        commission_e8 = instrument.quote_e8(price_ticks, lots) * rate_ppm // 1_000_000
        position.fees_e8 = position.fees_e8 + commission_e8 if position.lots else 0
        self.wallet_e8 += realised_e8 - commission_e8
        return Charge(commission_e8, ASSET, realised_e8)

    def lose(self, _instrument: Instrument, _order: ClientOrder, _lots: int) -> None:
        """Nothing was set aside."""

    def release(self, _order: ClientOrder) -> None:
        """Nothing was set aside."""
