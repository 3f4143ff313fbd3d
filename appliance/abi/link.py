"""A link: one connection to the venue, made by the cold side, used by the loop, closed by the cold.

::

    FREE ──cold──► OFFERED ──loop──► OPEN ──loop──► ENDED ──cold──► FREE

The socket, its TLS and its buffers belong to the loop while the link is OPEN, and to the cold side
otherwise. Who moves the state on writes it last (release); who waits for it reads it first.
"""

from enum import IntEnum, unique
from typing import Final

import numpy as np

from appliance.abi.layout import slot_dtype


@unique
class LinkState(IntEnum):
    FREE = 0
    OFFERED = 1
    OPEN = 2
    ENDED = 3


@unique
class LinkRole(IntEnum):
    """What comes in on a link. ORDERS takes orders out, too."""

    BOOKS = 0  # market data that books are made of
    TRADES = 1  # market data besides, where the venue has a connection of its own for it
    ORDERS = 2  # replies to orders; on spot the user data as well
    USER = 3  # user data, where it has a connection of its own


@unique
class Lag(IntEnum):
    """How far the loop is behind with what a link has received."""

    NONE = 0
    BEHIND = 1  # of a book's updates, the strategy sees the last
    FAR_BEHIND = 2  # and no trades


@unique
class LinkEnd(IntEnum):
    """Why the loop let go of a link; ``detail`` beside it."""

    NONE = 0
    RETIRED = 1  # the cold side asked for it
    CLOSED = 2  # the venue ended the connection without a close frame
    CLOSE_FRAME = 3  # detail: the close code, 0 if there was none
    SOCKET = 4  # detail: errno
    TLS = 5  # a forged record, an alert
    PROTOCOL = 6  # an illegal frame; detail: websocket_reader's reason
    BACKED_UP = 7  # the kernel took nothing while we had to answer
    DESK_FULL = 8  # the cold side did not take what it must not miss


LINK: Final[np.dtype[np.void]] = slot_dtype(
    [
        # written by the cold side while it owns the link
        ("role", "<i8"),
        ("socket", "<i8"),  # file descriptor
        ("is_tls", "<i8"),
        ("has_user_data", "<i8"),  # 1: it tells of our orders
        # written by the loop
        ("end", "<i8"),  # LinkEnd
        ("detail", "<i8"),
        ("opened_ns", "<i8"),
        ("received_ns", "<i8"),  # wall clock of the last bytes
        ("received_cycles", "<i8"),  # the same by the processor's clock
        ("has_more", "<i8"),  # 1: more had come than was taken then
        ("received_bytes", "<i8"),
        ("sent_bytes", "<i8"),
        ("messages_n", "<i8"),
        ("pings_n", "<i8"),
        ("backed_up_n", "<i8"),  # sends that the kernel took only in part
    ]
)
