"""What both markets' desks have in common: finding orders, taking them back, the public market."""

from collections.abc import Callable
from itertools import count
from typing import Any, Final, TypeVar

from appliance.cold.synthetic.listing import describe
from appliance.cold.synthetic.tape import Aggregate
from appliance.cold.venue.account import Account
from appliance.cold.venue.clock import VenueClock
from appliance.cold.venue.desk import Call, Operation
from appliance.cold.venue.exchange import Exchange
from appliance.cold.venue.instrument import Instrument
from appliance.cold.venue.order import ClientOrder, Trade
from appliance.cold.venue.params import Params
from appliance.cold.venue.refusal import NO_SUCH_ORDER, UNKNOWN_ORDER, Refused, illegal

Form = dict[str, Any]
Table = dict[tuple[str, str], Operation]  # HTTP method and path; or "WS" and the API's method
T = TypeVar("T")
_PAGE_DEFAULT: Final = 500
_PAGE_MAX: Final = 1000


class MarketDesk:
    """The handlers that spot and USD-M share. ``table`` is what can be asked for."""

    def __init__(self, exchange: Exchange, clock: VenueClock) -> None:
        self.exchange = exchange
        self.clock = clock
        self.table: Table = {}
        self._client_ids = count(1)

    def add(self, operation: Operation, *ways: str) -> None:
        """``ways`` are like ``GET /api/v3/ping`` and ``WS ping``."""
        for way in ways:
            method, path = way.split(" ", 1)
            self.table[method, path] = operation

    def new_client_id(self) -> str:
        """As the venue makes one up for an order or a cancel without an id."""
        return f"venue{next(self._client_ids):017d}"

    def ping(self, _call: Call) -> Form:
        return {}

    def time(self, call: Call) -> Form:
        return {"serverTime": self.clock.ms(call.now_ns)}

    def exchange_info(self, call: Call) -> Form:
        """Of all symbols, or of ``symbol`` or ``symbols``."""
        exchange, params = self.exchange, call.params
        if params.has("symbol"):
            listed = [exchange.instrument(params.text("symbol"))]
        elif params.has("symbols"):
            listed = [exchange.instrument(name) for name in params.names("symbols")]
        else:
            listed = list(exchange.instruments.values())
        contracts = [instrument.contract for instrument in listed]
        return describe(contracts, exchange.market, self.clock.ns(call.now_ns))

    def depth(self, call: Call, limit_default: int, limit_max: int) -> Form:
        """Prices and quantities, best first, and the id of that state of the book."""
        instrument = self.instrument(call.params)
        levels_n = limit_of(call.params, limit_default, limit_max)
        engine = instrument.engine
        return {"lastUpdateId": instrument.tape.last_id} | {
            name: [
                [instrument.price(ticks), instrument.quantity(lots)]
                for ticks, lots in half.depth(levels_n)
            ]
            for name, half in (("bids", engine.bids), ("asks", engine.asks))
        }

    def instrument(self, params: Params) -> Instrument:
        """The symbol that is asked about; Refused if it is missing or not listed."""
        return self.exchange.instrument(params.text("symbol"))

    def find(self, account: Account, params: Params) -> ClientOrder | None:
        """By ``orderId`` or ``origClientOrderId``."""
        symbol = self.instrument(params).symbol
        if not params.has("orderId") and not params.has("origClientOrderId"):
            raise Refused(
                -1102,
                "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!",
            )
        return account.find(
            symbol, params.integer("orderId", 0), params.text("origClientOrderId", " ")
        )

    def known_order(self, call: Call) -> ClientOrder:
        """For a query: Refused (-2013) if there is none."""
        order = self.find(call.account, call.params)
        if order is None:
            raise Refused(*NO_SUCH_ORDER)
        return order

    def cancel_one(self, call: Call, cancel_id: str) -> ClientOrder:
        """For a cancel: Refused (-2011) if there is no open order."""
        order = self.find(call.account, call.params)
        if order is None or not order.is_open:
            raise Refused(*UNKNOWN_ORDER)
        self.exchange.cancel(order, call.now_ns, cancel_id)
        return order

    def orders_of(self, call: Call) -> list[ClientOrder]:
        """Open and closed orders of a symbol, oldest first; ``orderId`` is where to begin."""
        account, params = call.account, call.params
        symbol = self.instrument(params).symbol
        every = sorted((*account.open.values(), *account.closed.values()), key=_by_id)
        first_id = params.integer("orderId", 0)
        in_time = self._time_filter(params)
        found = [
            order
            for order in every
            if order.draft.symbol == symbol
            and order.order_id >= first_id
            and in_time(order.created_ns)
        ]
        return _page(params, found, "orderId")

    def trades_of(self, call: Call, symbol: str | None) -> list[Trade]:
        """The account's fills, oldest first; ``fromId`` is where to begin."""
        params = call.params
        order_id, from_id = params.integer("orderId", 0), params.integer("fromId", 0)
        in_time = self._time_filter(params)
        found = [
            trade
            for trade in call.account.trades
            if (symbol is None or trade.symbol == symbol)
            and (not order_id or trade.order_id == order_id)
            and trade.trade_id >= from_id
            and in_time(trade.at_ns)
        ]
        return _page(params, found, "fromId")

    def aggregates_of(self, call: Call) -> list[Aggregate]:
        """Public trades, put together, oldest first; ``fromId`` is where to begin."""
        params = call.params
        from_id, in_time = params.integer("fromId", 0), self._time_filter(params)
        found = [
            trade
            for trade in self.instrument(params).aggregates
            if trade.aggregate_id >= from_id and in_time(trade.at_ns)
        ]
        return _page(params, found, "fromId")

    def _time_filter(self, params: Params) -> Callable[[int], bool]:
        """Of ``startTime`` and ``endTime``, both inclusive."""
        start_ms, end_ms = params.integer("startTime", 0), params.integer("endTime", 1 << 62)
        return lambda at_ns: start_ms <= self.clock.ms(at_ns) <= end_ms

    def asked_instruments(self, params: Params) -> list[Instrument] | Instrument:
        """One for ``symbol``, else a list: a reply is an object or an array accordingly."""
        if params.has("symbol"):
            return self.instrument(params)
        if params.has("symbols"):
            return [self.exchange.instrument(name) for name in params.names("symbols")]
        return list(self.exchange.instruments.values())


def limit_of(params: Params, default: int, most: int) -> int:
    """``limit``, at most ``most``; Refused if it is 0."""
    limit = params.integer("limit", default)
    if not limit:
        raise illegal("limit", "1 and more")
    return min(limit, most)


def _page(params: Params, found: list[T], first: str) -> list[T]:
    """As many as asked for: the first ones if it is said where to begin, else the latest."""
    limit = limit_of(params, _PAGE_DEFAULT, _PAGE_MAX)
    begins = params.has(first) or params.has("startTime")
    return found[:limit] if begins else found[-limit:]


def _by_id(order: ClientOrder) -> int:
    return order.order_id
