"""One symbol on the venue: its grid and filters, its book, what was traded."""

from collections import deque
from typing import Final, Protocol

from appliance.abi.units import E8
from appliance.cold.synthetic.frames import FrameWriter
from appliance.cold.synthetic.listing import Filters, assets_of, filters_of
from appliance.cold.synthetic.matching import MatchingEngine
from appliance.cold.synthetic.symbols import Contract, decimal_text
from appliance.cold.synthetic.tape import Aggregate, Print, Tape
from appliance.cold.venue.order import ClientOrder

NEVER_NS: Final = 1 << 62
_HISTORY_MAX: Final = 1000  # trades that REST can show


class Source(Protocol):
    """Whoever moves the market: made-up flow, or a recording."""

    next_ns: int  # when it acts next; NEVER_NS: its market has ended

    def act(self) -> int:
        """Act once, at ``next_ns``: the side that took liquidity, or 0."""

    def resume(self, now_ns: int) -> None:
        """Far behind the clock (the machine has slept): the next act is at ``now_ns``."""


class Instrument:
    """A symbol that is listed."""

    def __init__(
        self, contract: Contract, engine: MatchingEngine, tape: Tape, source: Source
    ) -> None:
        self.contract = contract
        self.symbol = contract.symbol
        self.base, self.quote = assets_of(contract.symbol)
        self.filters: Filters = filters_of(contract)
        self.engine = engine
        self.tape = tape
        self.source = source
        self.writer = FrameWriter(contract, extended=True)
        self.resting: dict[int, ClientOrder] = {}  # clients' orders by their number in the engine
        self.prints: deque[Print] = deque(maxlen=_HISTORY_MAX)
        self.aggregates: deque[Aggregate] = deque(maxlen=_HISTORY_MAX)

    @property
    def reference_ticks(self) -> int:
        """What bands are measured from: the last trade, before the first one the start price.

        The real venue's reference price, and its five-minute average before it, follow rules that
        are not public; the last price is what both fall back on.
        """
        return self.prints[-1].price_ticks if self.prints else self.contract.start_ticks

    @property
    def mark_e8(self) -> int:
        """USD-M's mark price: the middle of the touch (the real one also follows an index)."""
        bid, ask = self.engine.bids.best()[0], self.engine.asks.best()[0]
        ticks_twice = bid + ask if bid and ask else 2 * self.reference_ticks
        return ticks_twice * self.contract.price_grid_e8 // 2

    def quote_e8(self, price_ticks: int, lots: int) -> int:
        """Price times quantity, in the quote asset."""
        price_e8 = price_ticks * self.contract.price_grid_e8
        return price_e8 * lots * self.contract.quantity_grid_e8 // E8

    def base_e8(self, lots: int) -> int:
        return lots * self.contract.quantity_grid_e8

    def price(self, ticks: int) -> str:
        """A price as the venue writes it."""
        return self.writer.price(ticks)

    def quantity(self, lots: int) -> str:
        """A quantity as the venue writes it."""
        return self.writer.quantity(lots)

    def price_of(self, quote_e8: int, lots: int) -> str:
        """An average price, with the digits of a price."""
        base_e8 = self.base_e8(lots)
        digits = self.contract.price_digits
        unit = 10 ** (8 - digits)
        average_e8 = quote_e8 * E8 // base_e8 // unit * unit if base_e8 else 0
        return decimal_text(average_e8, digits)
