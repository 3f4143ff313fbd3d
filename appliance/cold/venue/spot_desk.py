"""What spot's clients can ask for, and where: REST under /api/v3, methods of the WebSocket API.

Weights: spot documents rest-api.md and web-socket-api.md. An order that is accepted and a cancel
that succeeds weigh nothing since 2026-04 [binance-protocol 3].
"""

from typing import Final

from appliance.cold.venue import spot_rules
from appliance.cold.venue.clock import VenueClock
from appliance.cold.venue.desk import Call, Operation, Security
from appliance.cold.venue.exchange import Exchange
from appliance.cold.venue.market_desk import Form, MarketDesk, limit_of
from appliance.cold.venue.order import ClientOrder, Draft
from appliance.cold.venue.params import Params
from appliance.cold.venue.quotas import Quotas
from appliance.cold.venue.refusal import CONFLICT, UNKNOWN_ORDER, Refused, missing, not_required
from appliance.cold.venue.spot_account import SpotAccount
from appliance.cold.venue.spot_forms import SpotForms, book_ticker

_DEPTH_DEFAULT: Final = 100
_DEPTH_MAX: Final = 5000
_DEPTH_WEIGHTS: Final = ((100, 5), (500, 25), (1000, 50), (_DEPTH_MAX, 250))
_RESTRICTIONS: Final = {"ONLY_NEW": "NEW", "ONLY_PARTIALLY_FILLED": "PARTIALLY_FILLED"}


def _depth_weight(params: Params) -> int:
    limit = params.integer("limit", _DEPTH_DEFAULT)
    return next((weight for most, weight in _DEPTH_WEIGHTS if limit <= most), 250)


def _open_weight(params: Params) -> int:
    return 6 if params.has("symbol") else 80


class SpotDesk(MarketDesk):
    """Handlers of spot."""

    def __init__(self, exchange: Exchange, clock: VenueClock, quotas: Quotas) -> None:
        super().__init__(exchange, clock)
        self._forms = SpotForms(clock)
        self._quotas = quotas
        self._add_market()
        self._add_account()
        self._add_trading()

    def _add_market(self) -> None:
        for name, handler, weight in (
            ("ping", self.ping, 1),
            ("time", self.time, 1),
            ("exchangeInfo", self.exchange_info, 20),
        ):
            self.add(Operation(name, handler, weight=weight), f"GET /api/v3/{name}", f"WS {name}")
        depth = Operation("depth", self._depth, weight=_depth_weight)
        self.add(depth, "GET /api/v3/depth", "WS depth")
        trades = Operation("trades.recent", self._trades, weight=25)
        self.add(trades, "GET /api/v3/trades", "WS trades.recent")
        aggregates = Operation("trades.aggregate", self._aggregates, weight=4)
        self.add(aggregates, "GET /api/v3/aggTrades", "WS trades.aggregate")
        ticker = Operation("ticker.book", self._book_ticker, weight=2)
        self.add(ticker, "GET /api/v3/ticker/bookTicker", "WS ticker.book")
        price = Operation("ticker.price", self._price, weight=2)
        self.add(price, "GET /api/v3/ticker/price", "WS ticker.price")

    def _add_account(self) -> None:
        signed = Security.SIGNED
        for name, handler, weight, ways in (
            ("account.status", self._account, 20, ("GET /api/v3/account",)),
            ("order.status", self._status, 4, ("GET /api/v3/order",)),
            ("openOrders.status", self._open_orders, _open_weight, ("GET /api/v3/openOrders",)),
            ("allOrders", self._all_orders, 20, ("GET /api/v3/allOrders",)),
            ("myTrades", self._my_trades, 20, ("GET /api/v3/myTrades",)),
            ("account.rateLimits.orders", self._order_limits, 40, ("GET /api/v3/rateLimit/order",)),
        ):
            self.add(Operation(name, handler, signed, weight), *ways, f"WS {name}")

    def _add_trading(self) -> None:
        signed = Security.SIGNED
        place = Operation("order.place", self._place, signed, 1, orders=1, free=True)
        self.add(place, "POST /api/v3/order", "WS order.place")
        test = Operation("order.test", self._test, signed, 1)
        self.add(test, "POST /api/v3/order/test", "WS order.test")
        cancel = Operation("order.cancel", self._cancel, signed, 1, free=True)
        self.add(cancel, "DELETE /api/v3/order", "WS order.cancel")
        every = Operation("openOrders.cancelAll", self._cancel_all, signed, 1, free=True)
        self.add(every, "DELETE /api/v3/openOrders", "WS openOrders.cancelAll")
        replace = Operation("order.cancelReplace", self._replace, signed, 1, orders=1, free=True)
        self.add(replace, "POST /api/v3/order/cancelReplace", "WS order.cancelReplace")

    def _depth(self, call: Call) -> Form:
        return self.depth(call, _DEPTH_DEFAULT, _DEPTH_MAX)

    def _trades(self, call: Call) -> list[Form]:
        instrument = self.instrument(call.params)
        limit = limit_of(call.params, 500, 1000)
        return [self._forms.trade(instrument, trade) for trade in [*instrument.prints][-limit:]]

    def _aggregates(self, call: Call) -> list[Form]:
        instrument = self.instrument(call.params)
        trades = self.aggregates_of(call)
        return [self._forms.aggregate(instrument, trade) for trade in trades]

    def _book_ticker(self, call: Call) -> Form | list[Form]:
        asked = self.asked_instruments(call.params)
        return [book_ticker(i) for i in asked] if isinstance(asked, list) else book_ticker(asked)

    def _price(self, call: Call) -> Form | list[Form]:
        asked = self.asked_instruments(call.params)
        forms = [
            {"symbol": i.symbol, "price": i.price(i.reference_ticks)}
            for i in (asked if isinstance(asked, list) else [asked])
        ]
        return forms if isinstance(asked, list) else forms[0]

    def _account(self, call: Call) -> Form:
        account = call.account
        assert isinstance(account, SpotAccount)
        return self._forms.account(account, call.params.flag("omitZeroBalances"))

    def _form(self, order: ClientOrder) -> Form:
        return self._forms.status(self.exchange.instruments[order.draft.symbol], order)

    def _status(self, call: Call) -> Form:
        return self._form(self.known_order(call))

    def _open_orders(self, call: Call) -> list[Form]:
        symbol = self.instrument(call.params).symbol if call.params.has("symbol") else None
        return [self._form(order) for order in call.account.open_of(symbol)]

    def _all_orders(self, call: Call) -> list[Form]:
        return [self._form(order) for order in self.orders_of(call)]

    def _my_trades(self, call: Call) -> list[Form]:
        instrument = self.instrument(call.params)
        trades = self.trades_of(call, instrument.symbol)
        return [self._forms.my_trade(instrument, trade) for trade in trades]

    def _order_limits(self, call: Call) -> list[Form]:
        return [w.as_dict() for w in self._quotas.of_account(call.account.owner, call.now_ns)]

    def _draft(self, call: Call) -> Draft:
        instrument = self.instrument(call.params)
        draft = spot_rules.draft(call.params, instrument, self.new_client_id())
        spot_rules.check_count(instrument, len(call.account.open_of(instrument.symbol)))
        return draft

    def _place(self, call: Call) -> Form:
        order = self.exchange.place(call.account, self._draft(call), call.now_ns)
        return self._forms.placed(self.exchange.instruments[order.draft.symbol], order)

    def _test(self, call: Call) -> Form:
        """Validates as a new order would be, and places nothing."""
        self.exchange.check(call.account, self._draft(call))
        return {}

    def _cancel(self, call: Call) -> Form:
        params = call.params
        if params.has("cancelRestrictions"):
            wanted = _RESTRICTIONS.get(params.text("cancelRestrictions"))
            order = self.find(call.account, params)
            if wanted is None:
                raise missing("cancelRestrictions")
            if order is not None and order.is_open and order.status != wanted:
                raise Refused(-2011, "Order was not canceled due to cancel restrictions.")
        cancel_id = spot_rules.client_id(params, "newClientOrderId", self.new_client_id())
        order = self.cancel_one(call, cancel_id)
        return self._forms.canceled(self.exchange.instruments[order.draft.symbol], order)

    def _cancel_all(self, call: Call) -> list[Form]:
        """Refused (-2011) if there was nothing to cancel."""
        instrument = self.instrument(call.params)
        orders = call.account.open_of(instrument.symbol)
        if not orders:
            raise Refused(*UNKNOWN_ORDER)
        cancel_id = self.new_client_id()
        for order in orders:
            self.exchange.cancel(order, call.now_ns, cancel_id)
        return [self._forms.canceled(instrument, order) for order in orders]

    def _replace(self, call: Call) -> Form:
        """Cancel, then place. Refused with -2021 if one part failed, -2022 if both did."""
        params = call.params
        modes = ("STOP_ON_FAILURE", "ALLOW_FAILURE")
        bad_mode = missing("cancelReplaceMode")
        mode = params.choice("cancelReplaceMode", modes, (bad_mode.code, bad_mode.message))
        if params.has("timeInForce") and params.text("type") == "MARKET":
            raise not_required("timeInForce")
        renamed = {
            "symbol": params.text("symbol"),
            "orderId": params.text("cancelOrderId", ""),
            "origClientOrderId": params.text("cancelOrigClientOrderId", ""),
            "newClientOrderId": params.text("cancelNewClientOrderId", ""),
            "cancelRestrictions": params.text("cancelRestrictions", ""),
        }
        canceled, placed = None, None
        cancel_result = new_result = "SUCCESS"
        try:
            canceled = self._cancel(Call(Params(renamed), call.now_ns, call.signer))
        except Refused as no:
            cancel_result, canceled = "FAILURE", {"code": no.code, "msg": no.message}
        if cancel_result == "FAILURE" and mode == "STOP_ON_FAILURE":
            new_result = "NOT_ATTEMPTED"
        else:
            try:
                placed = self._place(call)
            except Refused as no:
                new_result, placed = "FAILURE", {"code": no.code, "msg": no.message}
        form = {
            "cancelResult": cancel_result,
            "newOrderResult": new_result,
            "cancelResponse": canceled,
            "newOrderResponse": placed,
        }
        if cancel_result == new_result == "SUCCESS":
            return form
        if "SUCCESS" in (cancel_result, new_result):
            raise Refused(-2021, "Order cancel-replace partially failed.", CONFLICT, form)
        raise Refused(-2022, "Order cancel-replace failed.", data=form)
