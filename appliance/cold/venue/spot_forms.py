"""Replies of spot, REST and WebSocket API alike: orders, trades, the account, the market."""

from typing import Any

from appliance.cold.synthetic.listing import eight
from appliance.cold.synthetic.tape import Aggregate, Print
from appliance.cold.venue.clock import VenueClock
from appliance.cold.venue.instrument import Instrument
from appliance.cold.venue.order import ClientOrder, Trade
from appliance.cold.venue.spot_account import FEE_PPM, SpotAccount

Form = dict[str, Any]


class SpotForms:
    """Writes replies with the venue's clock."""

    def __init__(self, clock: VenueClock) -> None:
        self._clock = clock

    def placed(self, instrument: Instrument, order: ClientOrder) -> Form:
        """The answer to a new order: ACK, RESULT or FULL."""
        draft = order.draft
        form: Form = {
            "symbol": draft.symbol,
            "orderId": order.order_id,
            "orderListId": -1,
            "clientOrderId": draft.client_id,
            "transactTime": self._clock.ms(order.updated_ns),
        }
        if draft.response == "ACK":
            return form
        form |= self._state(instrument, order)
        form["workingTime"] = self._clock.ms(order.created_ns)
        if draft.response == "FULL":
            form["fills"] = [self._fill(instrument, trade) for trade in order.trades]
        form["selfTradePreventionMode"] = draft.prevention.value
        return form | _conditional(instrument, order)

    def canceled(self, instrument: Instrument, order: ClientOrder) -> Form:
        """The answer to a cancel."""
        draft = order.draft
        form = {
            "symbol": draft.symbol,
            "origClientOrderId": draft.client_id,
            "orderId": order.order_id,
            "orderListId": -1,
            "clientOrderId": order.canceled_by or draft.client_id,
            "transactTime": self._clock.ms(order.updated_ns),
            **self._state(instrument, order),
            "selfTradePreventionMode": draft.prevention.value,
        }
        return form | _conditional(instrument, order)

    def status(self, instrument: Instrument, order: ClientOrder) -> Form:
        """The answer to a query of an order."""
        draft = order.draft
        created_ms = self._clock.ms(order.created_ns)
        form = {
            "symbol": draft.symbol,
            "orderId": order.order_id,
            "orderListId": -1,
            "clientOrderId": draft.client_id,
            **self._state(instrument, order),
            "stopPrice": eight(0),
            "icebergQty": eight(0),
            "time": created_ms,
            "updateTime": self._clock.ms(order.updated_ns),
            "isWorking": True,
            "workingTime": created_ms,
            "selfTradePreventionMode": draft.prevention.value,
        }
        return form | _conditional(instrument, order)

    def _state(self, instrument: Instrument, order: ClientOrder) -> Form:
        draft = order.draft
        return {
            "price": instrument.price(draft.price_ticks),
            "origQty": instrument.quantity(order.lots),
            "executedQty": instrument.quantity(order.filled_lots),
            "origQuoteOrderQty": eight(draft.quote_e8),
            "cummulativeQuoteQty": eight(order.filled_quote_e8),
            "status": order.status,
            "timeInForce": draft.time_in_force,
            "type": draft.kind,
            "side": draft.side_name,
        }

    def _fill(self, instrument: Instrument, trade: Trade) -> Form:
        return {
            "price": instrument.price(trade.price_ticks),
            "qty": instrument.quantity(trade.lots),
            "commission": eight(trade.commission_e8),
            "commissionAsset": trade.commission_asset,
            "tradeId": trade.trade_id,
        }

    def my_trade(self, instrument: Instrument, trade: Trade) -> Form:
        return {
            "symbol": trade.symbol,
            "id": trade.trade_id,
            "orderId": trade.order_id,
            "orderListId": -1,
            "price": instrument.price(trade.price_ticks),
            "qty": instrument.quantity(trade.lots),
            "quoteQty": eight(trade.quote_e8),
            "commission": eight(trade.commission_e8),
            "commissionAsset": trade.commission_asset,
            "time": self._clock.ms(trade.at_ns),
            "isBuyer": trade.side > 0,
            "isMaker": trade.is_maker,
            "isBestMatch": True,
        }

    def account(self, account: SpotAccount, omit_zero: bool) -> Form:
        fee = eight(FEE_PPM * 100)
        balances = [
            {"asset": asset, "free": eight(balance.free_e8), "locked": eight(balance.locked_e8)}
            for asset, balance in account.balances.items()
            if balance.free_e8 or balance.locked_e8 or not omit_zero
        ]
        points = FEE_PPM // 100
        return {
            "makerCommission": points,
            "takerCommission": points,
            "buyerCommission": 0,
            "sellerCommission": 0,
            "commissionRates": {"maker": fee, "taker": fee, "buyer": eight(0), "seller": eight(0)},
            "canTrade": True,
            "canWithdraw": False,
            "canDeposit": False,
            "brokered": False,
            "requireSelfTradePrevention": False,
            "preventSor": False,
            "updateTime": self._clock.ms(account.updated_ns) if account.updated_ns else 0,
            "accountType": "SPOT",
            "balances": balances,
            "permissions": ["SPOT"],
            "uid": account.owner,
        }

    def trade(self, instrument: Instrument, trade: Print) -> Form:
        """A public trade."""
        return {
            "id": trade.trade_id,
            "price": instrument.price(trade.price_ticks),
            "qty": instrument.quantity(trade.lots),
            "quoteQty": eight(instrument.quote_e8(trade.price_ticks, trade.lots)),
            "time": self._clock.ms(trade.at_ns),
            "isBuyerMaker": trade.maker_buys,
            "isBestMatch": True,
        }

    def aggregate(self, instrument: Instrument, trade: Aggregate) -> Form:
        return {
            "a": trade.aggregate_id,
            "p": instrument.price(trade.price_ticks),
            "q": instrument.quantity(trade.lots),
            "f": trade.first_id,
            "l": trade.last_id,
            "T": self._clock.ms(trade.at_ns),
            "m": trade.maker_buys,
            "M": True,
        }


def _conditional(instrument: Instrument, order: ClientOrder) -> Form:
    """Keys that are there only when they mean something."""
    form: Form = {}
    if order.draft.strategy_id:
        form["strategyId"] = order.draft.strategy_id
    if order.draft.strategy_type:
        form["strategyType"] = order.draft.strategy_type
    if order.prevented_lots:
        form["preventedQuantity"] = instrument.quantity(order.prevented_lots)
    if order.expiry_reason:
        form["expiryReason"] = order.expiry_reason
    return form


def book_ticker(instrument: Instrument) -> Form:
    bid, ask = instrument.tape.touch
    return {
        "symbol": instrument.symbol,
        "bidPrice": instrument.price(bid[0]),
        "bidQty": instrument.quantity(bid[1]),
        "askPrice": instrument.price(ask[0]),
        "askQty": instrument.quantity(ask[1]),
    }
