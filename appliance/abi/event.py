"""What happened, one record each, in the event ring of the telemetry region."""

from enum import IntEnum, unique
from typing import Final

from appliance.abi.layout import slot_dtype
from appliance.abi.limits import FALSE_SHARING_RANGE


@unique
class EventKind(IntEnum):
    """What an EVENT tells, and what its ``reason``, ``observed`` and ``limit`` mean then."""

    FILL = 1  # observed: the order's filled lots so far
    SENT = 2
    CANCEL_SENT = 3
    REFUSED = 4  # reason: Reject, with the observed value and the limit
    BOOK_STATE = 5  # reason: BookReason; observed: BookState
    QUARANTINED = 6  # reason: Fault; observed: length in bytes
    ORDER_ENDED = 7  # reason: Report (canceled, rejected, expired)
    TRADING_STATE = 8  # reason: Cause; observed: TradingState; limit: Reject, if a limit moved it


EVENT: Final = slot_dtype(
    [
        ("sequence", "<i8"),  # of the ring slot: position + 1
        ("kind", "<i8"),  # EventKind
        ("instrument", "<i8"),  # -1: none
        ("symbol", "<i8", (2,)),  # first 16 bytes, zero-filled
        ("exchange_ns", "<i8"),
        ("receive_ns", "<i8"),
        ("latency_ns", "<i8"),  # frame taken up to this event
        ("price_ticks", "<i8"),
        ("quantity_lots", "<i8"),
        ("side", "<i8"),
        ("order_key", "<i8"),
        ("reason", "<i8"),
        ("observed", "<i8"),
        ("limit", "<i8"),
    ],
    itemsize=FALSE_SHARING_RANGE,
)
