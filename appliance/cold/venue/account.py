"""A client's account: its orders and trades. What it owns is a matter of its market."""

from abc import ABC, abstractmethod
from typing import Final, NamedTuple

from appliance.cold.venue.instrument import Instrument
from appliance.cold.venue.order import ClientOrder, Draft, Trade

CLOSED_MAX: Final = 10_000  # closed orders that can be asked for
TRADES_MAX: Final = 10_000


class Charge(NamedTuple):
    """What a fill cost its owner."""

    commission_e8: int
    asset: str
    realised_e8: int = 0


class Account(ABC):
    """``owner`` is its number in the matching engines, from 1."""

    def __init__(self, name: str, owner: int) -> None:
        self.name = name
        self.owner = owner
        self.open: dict[int, ClientOrder] = {}  # by order id
        self.closed: dict[int, ClientOrder] = {}  # the latest CLOSED_MAX
        self.trades: list[Trade] = []  # the latest TRADES_MAX // 2 at least
        self.traded_lots: dict[str, int] = {}  # bought less sold, of all trades there ever were
        self.trades_n = 0
        self.updated_ns = 0

    def find(self, symbol: str, order_id: int, client_id: str) -> ClientOrder | None:
        """By order id if it is not 0, else the newest with this client id."""
        if order_id:
            order = self.open.get(order_id) or self.closed.get(order_id)
            return order if order is not None and order.draft.symbol == symbol else None
        for orders in (self.open, self.closed):
            for order in reversed(orders.values()):
                if order.draft.client_id == client_id and order.draft.symbol == symbol:
                    return order
        return None

    def open_of(self, symbol: str | None) -> list[ClientOrder]:
        """Open orders of a symbol, or all; oldest first."""
        return [o for o in self.open.values() if symbol is None or o.draft.symbol == symbol]

    def close(self, order: ClientOrder) -> None:
        """Move an order that has ended."""
        self.open.pop(order.order_id, None)
        self.closed[order.order_id] = order
        if len(self.closed) > CLOSED_MAX:
            del self.closed[next(iter(self.closed))]
        self.release(order)

    def may_reduce(self, _instrument: Instrument) -> bool:
        """False if open reduce-only orders could do more than reduce."""
        return True

    def closable(self, _instrument: Instrument, _side: int, _unbooked: int) -> int:
        """Lots that an order of ``side`` may close; ``unbooked`` lots have just been traded."""
        return 0

    def record(self, trade: Trade) -> None:
        self.trades.append(trade)
        self.trades_n += 1
        before_lots = self.traded_lots.get(trade.symbol, 0)
        self.traded_lots[trade.symbol] = before_lots + trade.side * trade.lots
        if len(self.trades) > TRADES_MAX:
            del self.trades[: TRADES_MAX // 2]

    @abstractmethod
    def check(self, instrument: Instrument, draft: Draft, lots: int, worst_e8: int) -> None:
        """Refused if the account cannot afford the order.

        ``worst_e8`` is the most that it can cost, in the quote asset.
        """

    @abstractmethod
    def hold(self, instrument: Instrument, order: ClientOrder, /) -> None:
        """Set aside what a new order may need."""

    @abstractmethod
    def fill(
        self,
        instrument: Instrument,
        order: ClientOrder,
        price_ticks: int,
        lots: int,
        maker: bool,
        /,
    ) -> Charge:
        """Book a fill."""

    @abstractmethod
    def lose(self, instrument: Instrument, order: ClientOrder, lots: int, /) -> None:
        """An order has become smaller without a fill."""

    @abstractmethod
    def release(self, order: ClientOrder, /) -> None:
        """Give back what an order that has ended still held."""
