"""Replies of USD-M, REST and WebSocket API alike."""

from typing import Any, Final

from appliance.cold.synthetic.listing import eight
from appliance.cold.synthetic.tape import Aggregate, Print
from appliance.cold.venue.clock import VenueClock
from appliance.cold.venue.instrument import Instrument
from appliance.cold.venue.order import ClientOrder, Trade
from appliance.cold.venue.usdm_account import (
    ASSET,
    LEVERAGE_MAX,
    MAINTENANCE_PPM,
    NOTIONAL_MAX,
    Position,
    UsdmAccount,
)
from appliance.cold.venue.usdm_reports import signed

Form = dict[str, Any]
_NOTIONAL_MAX: Final = str(NOTIONAL_MAX)  # of a position, at any leverage


class UsdmForms:
    """Writes replies with the venue's clock."""

    def __init__(self, clock: VenueClock) -> None:
        self._clock = clock

    def placed(self, instrument: Instrument, order: ClientOrder) -> Form:
        """To a new order and a cancel: no average price any more since 2026-07."""
        draft = order.draft
        return {
            "orderId": order.order_id,
            "symbol": draft.symbol,
            "status": order.status,
            "clientOrderId": draft.client_id,
            "price": instrument.price(draft.price_ticks),
            "origQty": instrument.quantity(order.lots),
            "executedQty": instrument.quantity(order.filled_lots),
            "cumQty": instrument.quantity(order.filled_lots),
            "timeInForce": draft.time_in_force,
            "type": draft.kind,
            "reduceOnly": draft.reduce_only,
            "closePosition": False,
            "side": draft.side_name,
            "positionSide": "BOTH",
            "stopPrice": instrument.price(0),
            "workingType": "CONTRACT_PRICE",
            "priceProtect": False,
            "origType": draft.kind,
            "priceMatch": "NONE",
            "selfTradePreventionMode": draft.prevention.value,
            "goodTillDate": draft.good_till_ms,
            "updateTime": self._clock.ms(order.updated_ns),
        }

    def status(self, instrument: Instrument, order: ClientOrder) -> Form:
        """To a query: also what it traded at."""
        form = self.placed(instrument, order)
        del form["cumQty"]
        return form | {
            "avgPrice": instrument.price_of(order.filled_quote_e8, order.filled_lots),
            "cumQuote": signed(order.filled_quote_e8),
            "time": self._clock.ms(order.created_ns),
        }

    def user_trade(self, instrument: Instrument, trade: Trade) -> Form:
        buyer = trade.side > 0
        return {
            "symbol": trade.symbol,
            "id": trade.trade_id,
            "orderId": trade.order_id,
            "side": "BUY" if buyer else "SELL",
            "price": instrument.price(trade.price_ticks),
            "qty": instrument.quantity(trade.lots),
            "realizedPnl": eight(trade.realised_e8),
            "quoteQty": signed(trade.quote_e8),
            "commission": eight(trade.commission_e8),
            "commissionAsset": trade.commission_asset,
            "time": self._clock.ms(trade.at_ns),
            "positionSide": "BOTH",
            "buyer": buyer,
            "maker": trade.is_maker,
        }

    def balance(self, account: UsdmAccount) -> Form:
        unrealised_e8 = sum(p.unrealised_e8 for p in account.positions.values())
        return {
            "accountAlias": f"demo{account.owner}",
            "asset": ASSET,
            "balance": eight(account.wallet_e8),
            "crossWalletBalance": eight(account.wallet_e8),
            "crossUnPnl": eight(unrealised_e8),
            "availableBalance": eight(account.available_e8),
            "maxWithdrawAmount": eight(account.available_e8),
            "marginAvailable": True,
            "updateTime": self._clock.ms(account.updated_ns) if account.updated_ns else 0,
        }

    def position(self, position: Position) -> Form:
        """positionRisk, with the keys of v2 and v3 alike."""
        instrument = position.instrument
        margin = eight(position.margin_e8)
        return {
            "symbol": instrument.symbol,
            "positionSide": "BOTH",
            "positionAmt": signed(instrument.base_e8(position.lots)),
            "entryPrice": signed(position.entry_e8),
            "breakEvenPrice": signed(position.break_even_e8),
            "markPrice": eight(instrument.mark_e8),
            "unRealizedProfit": eight(position.unrealised_e8),
            "unrealizedProfit": eight(position.unrealised_e8),
            "liquidationPrice": "0",
            "isolatedMargin": "0",
            "notional": eight(position.value_e8),
            "marginAsset": ASSET,
            "isolatedWallet": "0",
            "isolated": False,
            "initialMargin": margin,
            "maintMargin": eight(position.maintenance_e8),
            "positionInitialMargin": margin,
            "openOrderInitialMargin": "0",
            "adl": 1,
            "bidNotional": "0",
            "askNotional": "0",
            "leverage": str(position.leverage),
            "marginType": "cross",
            "isAutoAddMargin": "false",
            "maxNotional": _NOTIONAL_MAX,
            "maxNotionalValue": _NOTIONAL_MAX,
            "updateTime": self._clock.ms(position.updated_ns) if position.updated_ns else 0,
        }

    def account(self, account: UsdmAccount) -> Form:
        """The account, with the keys of v2 and v3 alike."""
        positions = list(account.positions.values())
        unrealised_e8 = sum(p.unrealised_e8 for p in positions)
        position_e8 = sum(p.margin_e8 for p in positions)
        margin_e8 = account.wallet_e8 + unrealised_e8
        initial_e8 = margin_e8 - account.available_e8
        maintenance = eight(sum(p.maintenance_e8 for p in positions))
        asset = {
            "asset": ASSET,
            "walletBalance": eight(account.wallet_e8),
            "unrealizedProfit": eight(unrealised_e8),
            "marginBalance": eight(margin_e8),
            "maintMargin": maintenance,
            "initialMargin": eight(initial_e8),
            "positionInitialMargin": eight(position_e8),
            "openOrderInitialMargin": eight(initial_e8 - position_e8),
            "crossWalletBalance": eight(account.wallet_e8),
            "crossUnPnl": eight(unrealised_e8),
            "availableBalance": eight(account.available_e8),
            "maxWithdrawAmount": eight(account.available_e8),
            "marginAvailable": True,
            "updateTime": self._clock.ms(account.updated_ns) if account.updated_ns else 0,
        }
        return {
            "feeTier": 0,
            "feeBurn": False,
            "canTrade": True,
            "canDeposit": True,
            "canWithdraw": True,
            "multiAssetsMargin": False,
            "tradeGroupId": -1,
            "updateTime": 0,
            "totalInitialMargin": eight(initial_e8),
            "totalMaintMargin": maintenance,
            "totalWalletBalance": eight(account.wallet_e8),
            "totalUnrealizedProfit": eight(unrealised_e8),
            "totalMarginBalance": eight(margin_e8),
            "totalPositionInitialMargin": eight(position_e8),
            "totalOpenOrderInitialMargin": eight(initial_e8 - position_e8),
            "totalCrossWalletBalance": eight(account.wallet_e8),
            "totalCrossUnPnl": eight(unrealised_e8),
            "availableBalance": eight(account.available_e8),
            "maxWithdrawAmount": eight(account.available_e8),
            "assets": [asset],
            "positions": [self.position(position) for position in positions],
        }

    def bracket(self, instrument: Instrument) -> Form:
        """Leverage and maintenance margin: the same for a position of any size."""
        bracket = {
            "bracket": 1,
            "initialLeverage": LEVERAGE_MAX,
            "notionalCap": NOTIONAL_MAX,
            "notionalFloor": 0,
            "maintMarginRatio": MAINTENANCE_PPM / 1_000_000,
            "cum": 0.0,
        }
        return {"symbol": instrument.symbol, "notionalCoef": 1.0, "brackets": [bracket]}

    def trade(self, instrument: Instrument, trade: Print) -> Form:
        """A public trade."""
        return {
            "id": trade.trade_id,
            "price": instrument.price(trade.price_ticks),
            "qty": instrument.quantity(trade.lots),
            "quoteQty": signed(instrument.quote_e8(trade.price_ticks, trade.lots)),
            "time": self._clock.ms(trade.at_ns),
            "isBuyerMaker": trade.maker_buys,
            "isRPITrade": False,
        }

    def aggregate(self, instrument: Instrument, trade: Aggregate) -> Form:
        quantity = instrument.quantity(trade.lots)
        return {
            "a": trade.aggregate_id,
            "p": instrument.price(trade.price_ticks),
            "q": quantity,
            "nq": quantity,
            "f": trade.first_id,
            "l": trade.last_id,
            "T": self._clock.ms(trade.at_ns),
            "m": trade.maker_buys,
        }
