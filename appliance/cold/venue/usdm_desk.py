"""What USD-M's clients can ask for, and where: REST under /fapi, methods of the WebSocket API.

Weights and methods: binance-protocol 5.
"""

from collections.abc import Callable
from typing import Final

from appliance.abi.units import NS_PER_MS, NS_PER_S
from appliance.cold.synthetic.listing import eight
from appliance.cold.venue import usdm_rules
from appliance.cold.venue.clock import VenueClock
from appliance.cold.venue.desk import Call, Operation, Security
from appliance.cold.venue.exchange import Exchange
from appliance.cold.venue.instrument import Instrument
from appliance.cold.venue.market_desk import Form, MarketDesk, limit_of
from appliance.cold.venue.order import ClientOrder, Draft
from appliance.cold.venue.params import Params
from appliance.cold.venue.refusal import NO_SUCH_ORDER, Refused
from appliance.cold.venue.spot_forms import book_ticker
from appliance.cold.venue.usdm_account import LEVERAGE_MAX, NOTIONAL_MAX, UsdmAccount
from appliance.cold.venue.usdm_forms import UsdmForms
from appliance.cold.venue.user_data import UserData

_DEPTH_DEFAULT: Final = 500
_DEPTH_MAX: Final = 1000
_DEPTH_WEIGHTS: Final = ((50, 2), (100, 5), (500, 10), (_DEPTH_MAX, 20))
_FUNDING_NS: Final = 8 * 3600 * NS_PER_S


def _depth_weight(params: Params) -> int:
    limit = params.integer("limit", _DEPTH_DEFAULT)
    return next((weight for most, weight in _DEPTH_WEIGHTS if limit <= most), 20)


def _open_weight(params: Params) -> int:
    return 1 if params.has("symbol") else 40


class UsdmDesk(MarketDesk):
    """Handlers of USD-M."""

    def __init__(self, exchange: Exchange, clock: VenueClock, user_data: UserData) -> None:
        super().__init__(exchange, clock)
        self._forms = UsdmForms(clock)
        self._user_data = user_data
        self._add_market()
        self._add_account()
        self._add_settings()
        self._add_trading()

    def _add_market(self) -> None:
        for name, handler in (
            ("ping", self.ping),
            ("time", self.time),
            ("exchangeInfo", self.exchange_info),
        ):
            self.add(Operation(name, handler), f"GET /fapi/v1/{name}", f"WS {name}")
        depth = Operation("depth", self._depth, weight=_depth_weight)
        self.add(depth, "GET /fapi/v1/depth", "WS depth")
        self.add(Operation("trades", self._trades, weight=5), "GET /fapi/v1/trades")
        self.add(Operation("aggTrades", self._aggregates, weight=20), "GET /fapi/v1/aggTrades")
        ticker = Operation("ticker.book", self._book_ticker, weight=2)
        self.add(ticker, "GET /fapi/v1/ticker/bookTicker", "WS ticker.book")
        price = Operation("ticker.price", self._price)
        ways = "GET /fapi/v1/ticker/price", "GET /fapi/v2/ticker/price", "WS ticker.price"
        self.add(price, *ways)
        self.add(Operation("premiumIndex", self._premium), "GET /fapi/v1/premiumIndex")

    def _add_account(self) -> None:
        for name, handler, versions in (
            ("account", self._account, (2, 3)),
            ("balance", self._balance, (2, 3)),
            ("positionRisk", self._positions, (2, 3)),
        ):
            operation = Operation(name, handler, Security.SIGNED, 5)
            for version in versions:
                self.add(operation, f"GET /fapi/v{version}/{name}")
            api = {"account": "status", "positionRisk": "position"}.get(name, name)
            self.add(operation, f"WS account.{api}", f"WS v2/account.{api}")
        weight: int | Callable[[Params], int]
        for path, name, asked, weight in (
            ("order", "order.status", self._status, 1),
            ("openOrder", "openOrder", self._open_order, 1),
            ("openOrders", "openOrders.status", self._open_orders, _open_weight),
            ("allOrders", "allOrders", self._all_orders, 5),
            ("userTrades", "userTrades", self._user_trades, 5),
        ):
            operation = Operation(name, asked, Security.SIGNED, weight)
            self.add(operation, f"GET /fapi/v1/{path}", f"WS {name}")

    def _add_settings(self) -> None:
        signed = Security.SIGNED
        dual = Operation("positionSide.dual", lambda _call: {"dualSidePosition": False}, signed)
        self.add(dual, "GET /fapi/v1/positionSide/dual")
        multi = Operation("multiAssetsMargin", lambda _call: {"multiAssetsMargin": False}, signed)
        self.add(multi, "GET /fapi/v1/multiAssetsMargin")
        self.add(Operation("leverage", self._leverage, signed), "POST /fapi/v1/leverage")
        brackets = Operation("leverageBracket", self._brackets, signed)
        self.add(brackets, "GET /fapi/v1/leverageBracket")
        for way, name, handler in (
            ("POST", "start", self._start),
            ("PUT", "ping", self._keep_alive),
            ("DELETE", "stop", self._stop),
        ):
            operation = Operation(f"userDataStream.{name}", handler, Security.KEY)
            self.add(operation, f"{way} /fapi/v1/listenKey", f"WS userDataStream.{name}")

    def _add_trading(self) -> None:
        signed = Security.SIGNED
        place = Operation("order.place", self._place, signed, 0, orders=1)
        self.add(place, "POST /fapi/v1/order", "WS order.place")
        self.add(
            Operation("order.test", self._test, signed, 0),
            "POST /fapi/v1/order/test",
            "WS order.test",
        )
        cancel = Operation("order.cancel", self._cancel, signed, 1)
        self.add(cancel, "DELETE /fapi/v1/order", "WS order.cancel")
        every = Operation("openOrders.cancelAll", self._cancel_all, signed, 1)
        self.add(every, "DELETE /fapi/v1/allOpenOrders", "WS openOrders.cancelAll")
        countdown = Operation("countdownCancelAll", self._count_down, signed, 10)
        self.add(countdown, "POST /fapi/v1/countdownCancelAll")

    def _depth(self, call: Call) -> Form:
        form = self.depth(call, _DEPTH_DEFAULT, _DEPTH_MAX)
        changed_ns = self.instrument(call.params).tape.changed_ns
        times = {"E": self.clock.ms(call.now_ns), "T": self.clock.ms(changed_ns)}
        return {"lastUpdateId": form["lastUpdateId"]} | times | form

    def _trades(self, call: Call) -> list[Form]:
        instrument = self.instrument(call.params)
        latest = [*instrument.prints][-limit_of(call.params, 500, 1000) :]
        return [self._forms.trade(instrument, trade) for trade in latest]

    def _aggregates(self, call: Call) -> list[Form]:
        instrument = self.instrument(call.params)
        trades = self.aggregates_of(call)
        return [self._forms.aggregate(instrument, trade) for trade in trades]

    def _each(self, call: Call, write: Callable[[Instrument], Form]) -> Form | list[Form]:
        asked = self.asked_instruments(call.params)
        return [write(i) for i in asked] if isinstance(asked, list) else write(asked)

    def _book_ticker(self, call: Call) -> Form | list[Form]:
        def write(instrument: Instrument) -> Form:
            time_ms = self.clock.ms(instrument.tape.changed_ns)
            update_id = instrument.tape.last_id
            return book_ticker(instrument) | {"time": time_ms, "lastUpdateId": update_id}

        return self._each(call, write)

    def _price(self, call: Call) -> Form | list[Form]:
        now_ms = self.clock.ms(call.now_ns)

        def write(instrument: Instrument) -> Form:
            price = instrument.price(instrument.reference_ticks)
            return {"symbol": instrument.symbol, "price": price, "time": now_ms}

        return self._each(call, write)

    def _premium(self, call: Call) -> Form | list[Form]:
        next_ns = (call.now_ns // _FUNDING_NS + 1) * _FUNDING_NS

        def write(instrument: Instrument) -> Form:
            mark = eight(instrument.mark_e8)
            return {
                "symbol": instrument.symbol,
                "markPrice": mark,
                "indexPrice": mark,
                "estimatedSettlePrice": mark,
                "lastFundingRate": "0.00010000",
                "interestRate": "0.00010000",
                "nextFundingTime": next_ns // NS_PER_MS,
                "time": self.clock.ms(call.now_ns),
            }

        return self._each(call, write)

    def _owner(self, call: Call) -> UsdmAccount:
        account = call.account
        assert isinstance(account, UsdmAccount)
        return account

    def _account(self, call: Call) -> Form:
        return self._forms.account(self._owner(call))

    def _balance(self, call: Call) -> list[Form]:
        return [self._forms.balance(self._owner(call))]

    def _positions(self, call: Call) -> list[Form]:
        """Of a symbol, or of all that the account has traded."""
        account = self._owner(call)
        if call.params.has("symbol"):
            return [self._forms.position(account.position(self.instrument(call.params)))]
        return [self._forms.position(position) for position in account.positions.values()]

    def _form(self, order: ClientOrder) -> Form:
        return self._forms.status(self.exchange.instruments[order.draft.symbol], order)

    def _status(self, call: Call) -> Form:
        return self._form(self.known_order(call))

    def _open_order(self, call: Call) -> Form:
        """Refused (-2013) if the order has ended."""
        order = self.known_order(call)
        if not order.is_open:
            raise Refused(*NO_SUCH_ORDER)
        return self._form(order)

    def _open_orders(self, call: Call) -> list[Form]:
        symbol = self.instrument(call.params).symbol if call.params.has("symbol") else None
        return [self._form(order) for order in call.account.open_of(symbol)]

    def _all_orders(self, call: Call) -> list[Form]:
        return [self._form(order) for order in self.orders_of(call)]

    def _user_trades(self, call: Call) -> list[Form]:
        symbol = self.instrument(call.params).symbol if call.params.has("symbol") else None
        instruments = self.exchange.instruments
        trades = self.trades_of(call, symbol)
        return [self._forms.user_trade(instruments[trade.symbol], trade) for trade in trades]

    def _leverage(self, call: Call) -> Form:
        instrument, leverage = self.instrument(call.params), call.params.integer("leverage")
        if not 1 <= leverage <= LEVERAGE_MAX:
            raise Refused(-4028, f"Leverage {leverage} is not valid")
        self._owner(call).position(instrument).leverage = leverage
        symbol = instrument.symbol
        return {"leverage": leverage, "maxNotionalValue": str(NOTIONAL_MAX), "symbol": symbol}

    def _brackets(self, call: Call) -> list[Form] | Form:
        return self._each(call, self._forms.bracket)

    def _start(self, call: Call) -> Form:
        return {"listenKey": self._user_data.start(call.account, call.now_ns)}

    def _keep_alive(self, call: Call) -> Form:
        return {"listenKey": self._user_data.keep_alive(call.account, call.now_ns)}

    def _stop(self, call: Call) -> Form:
        self._user_data.stop(call.account)
        return {}

    def _draft(self, call: Call) -> Draft:
        instrument = self.instrument(call.params)
        now_ns = self.clock.ns(call.now_ns)
        draft = usdm_rules.draft(call.params, instrument, self.new_client_id(), now_ns)
        usdm_rules.check_count(instrument, len(call.account.open_of(instrument.symbol)))
        return draft

    def _place(self, call: Call) -> Form:
        """ACK shows the order as it was taken, RESULT as it is after matching."""
        order = self.exchange.place(call.account, self._draft(call), call.now_ns)
        form = self._forms.placed(self.exchange.instruments[order.draft.symbol], order)
        if order.draft.response == "ACK":
            zero = self.exchange.instruments[order.draft.symbol].quantity(0)
            form |= {"status": "NEW", "executedQty": zero, "cumQty": zero}
        return form

    def _test(self, call: Call) -> Form:
        """Validates as a new order would be, and places nothing."""
        self.exchange.check(call.account, self._draft(call))
        return {}

    def _cancel(self, call: Call) -> Form:
        order = self.cancel_one(call, "")
        return self._forms.placed(self.exchange.instruments[order.draft.symbol], order)

    def _cancel_all(self, call: Call) -> Form:
        for order in call.account.open_of(self.instrument(call.params).symbol):
            self.exchange.cancel(order, call.now_ns)
        return {"code": 200, "msg": "The operation of cancel all open order is done."}

    def _count_down(self, call: Call) -> Form:
        symbol = self.instrument(call.params).symbol
        countdown_ms = call.params.integer("countdownTime")
        at_ns = call.now_ns + countdown_ms * NS_PER_MS if countdown_ms else 0
        self.exchange.count_down(call.account, symbol, at_ns)
        return {"symbol": symbol, "countdownTime": str(countdown_ms)}
