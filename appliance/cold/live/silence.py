"""How long a connection may say nothing, and which book says nothing on one that lives."""

from typing import Any, Final

from appliance.abi.link import LinkRole
from appliance.abi.market import BookState, Market
from appliance.abi.units import NS_PER_S

# The venue pings: spot every 20 s, USD-M every 3 min (binance-protocol 1). More than two are lost.
PINGS_LOST_S: Final = {Market.SPOT: 60.0, Market.USDM: 420.0}
NO_TRADES_S: Final = 300.0  # that nobody trades is no fault


def limit_s(role: LinkRole, market: Market, books_s: float) -> float:
    """For a connection of ``role``; ``books_s`` is the configured one."""
    if role == LinkRole.BOOKS:
        return books_s
    return NO_TRADES_S if role == LinkRole.TRADES else PINGS_LOST_S[market]


def is_book_silent(books: Any, silence_s: float, now_ns: int) -> bool:
    """Whether a book needs an event to be (again) LIVE, and none came for ``silence_s``.

    One that buffers differences hears them; it waits for a snapshot.
    """
    for head, pending in zip(books.heads, books.pending, strict=True):
        needs_event = head.state != BookState.LIVE and pending.head == pending.tail
        if needs_event and now_ns - head.since_ns > silence_s * NS_PER_S:
            return True
    return False
