"""Books fills and ends of orders, and sees to it that their owners hear of them."""

from collections.abc import Callable

from appliance.cold.synthetic.matching import Prevented
from appliance.cold.synthetic.tape import Print
from appliance.cold.venue.account import Account
from appliance.cold.venue.execution import Execution, Message, Reports
from appliance.cold.venue.instrument import Instrument
from appliance.cold.venue.order import ClientOrder, Trade

Deliver = Callable[[Account, Message], None]


def _nobody(_account: Account, _message: Message) -> None:
    """User data that nobody reads."""


class Settlement:
    """``deliver`` gets every message of user data, in the order in which things happened."""

    def __init__(self, reports: Reports) -> None:
        self.deliver: Deliver = _nobody
        self._reports = reports
        self._execution_id = 100_000_000

    def begin(self, instrument: Instrument, order: ClientOrder, now_ns: int) -> None:
        """A new order was taken."""
        order.account.open[order.order_id] = order
        order.account.hold(instrument, order)
        self._report(instrument, order, "NEW", now_ns)

    def fill(
        self, instrument: Instrument, order: ClientOrder, print_: Print, maker: bool, now_ns: int
    ) -> None:
        """One side of a trade."""
        account = order.account
        lots, price_ticks = print_.lots, print_.price_ticks
        charge = account.fill(instrument, order, price_ticks, lots, maker)
        quote_e8 = instrument.quote_e8(price_ticks, lots)
        order.filled_lots += lots
        order.filled_quote_e8 += quote_e8
        order.updated_ns = now_ns
        order.status = "PARTIALLY_FILLED" if order.open_lots else "FILLED"
        trade = Trade(
            trade_id=print_.trade_id,
            order_id=order.order_id,
            symbol=instrument.symbol,
            side=order.draft.side,
            price_ticks=price_ticks,
            lots=lots,
            quote_e8=quote_e8,
            commission_e8=charge.commission_e8,
            commission_asset=charge.asset,
            realised_e8=charge.realised_e8,
            is_maker=maker,
            at_ns=now_ns,
        )
        order.trades.append(trade)
        account.record(trade)
        if not order.is_open:
            account.close(order)
        self._report(instrument, order, "TRADE", now_ns, trade=trade)

    def prevent(
        self,
        instrument: Instrument,
        maker: ClientOrder,
        taker: ClientOrder,
        match: Prevented,
        now_ns: int,
    ) -> None:
        """Two orders of one account met and did not trade."""
        pairs = (maker, taker, match.maker_lots), (taker, maker, match.taker_lots)
        for order, other, lots in pairs:
            if not lots:
                continue
            order.prevented_lots += lots
            order.account.lose(instrument, order, lots)
            order.updated_ns = now_ns
            if not order.open_lots:
                order.status = "EXPIRED_IN_MATCH"
                order.account.close(order)
            self._report(
                instrument,
                order,
                "TRADE_PREVENTION",
                now_ns,
                prevented_lots=lots,
                counter_order_id=other.order_id,
                prevented_ticks=match.price_ticks,
            )

    def end(self, instrument: Instrument, order: ClientOrder, kind: str, now_ns: int) -> None:
        """An order ends unfilled; ``kind`` is CANCELED or EXPIRED."""
        order.status = kind
        order.updated_ns = now_ns
        order.account.close(order)
        self._report(instrument, order, kind, now_ns)

    def _report(
        self,
        instrument: Instrument,
        order: ClientOrder,
        kind: str,
        now_ns: int,
        *,
        trade: Trade | None = None,
        prevented_lots: int = 0,
        counter_order_id: int = 0,
        prevented_ticks: int = 0,
    ) -> None:
        self._execution_id += 1
        order.account.updated_ns = now_ns
        execution = Execution(
            kind,
            order,
            now_ns,
            self._execution_id,
            trade,
            prevented_lots,
            counter_order_id,
            prevented_ticks,
        )
        for message in self._reports.executed(instrument, execution):
            self.deliver(order.account, message)
