"""What happened to an order, as the engine tells those who write user data."""

from dataclasses import dataclass
from typing import Any, Protocol

from appliance.cold.venue.instrument import Instrument
from appliance.cold.venue.order import ClientOrder, Trade

Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Execution:
    """One step in an order's life. ``kind`` is the venue's execution type (``x``)."""

    kind: str
    order: ClientOrder
    at_ns: int
    execution_id: int
    trade: Trade | None = None
    prevented_lots: int = 0  # by self-trade prevention, in this step
    counter_order_id: int = 0  # the other order of a prevented match
    prevented_ticks: int = 0


class Reports(Protocol):
    """Writes user data of one market."""

    def executed(self, instrument: Instrument, execution: Execution) -> list[Message]:
        """The messages of one step, in the order in which the venue sends them."""
