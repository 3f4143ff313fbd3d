"""What the clerk says of a frame, and what it knows of an instrument."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from appliance.abi.market import DECODED, Fault, Kind, Market
from appliance.abi.units import NO_ID, NO_TIME

MS_BELOW: Final = 9 * 10**12  # a stamp below is in ms (until 2255)
US_BELOW: Final = 9 * 10**15  # below: in us; else in ns
NO_INSTRUMENT: Final = -1

Level = tuple[int, int]  # ticks, lots


class Listing(NamedTuple):
    """An instrument as the clerk needs it; its index in the list is the instrument's number."""

    symbol: str
    market: Market
    price_grid_e8: int
    quantity_grid_e8: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a frame is. ``UNDECIDED`` with a fault: it belongs into the quarantine.

    ``values`` has every field of ``DECODED`` by name, so it compares directly with a record of the
    compiled decoder. What the kind has no use for is zero, or NO_TIME, NO_ID, NO_INSTRUMENT.
    """

    kind: Kind
    fault: Fault
    detail: str  # text from outside may stand in it: escape before showing
    instrument: int
    values: dict[str, int]
    bids: list[Level]
    asks: list[Level]


def accepted(
    kind: Kind,
    instrument: int,
    sides: tuple[Sequence[Level], Sequence[Level]] = ((), ()),
    values: dict[str, int] | None = None,
) -> Verdict:
    """The verdict on a sound frame: ``sides`` are bids and asks, ``values`` fields of DECODED."""
    bids, asks = sides
    full = _blank(kind) | (values or {})
    full |= {"instrument": instrument, "bid_n": len(bids), "ask_n": len(asks)}
    return Verdict(kind, Fault.NONE, "", instrument, full, list(bids), list(asks))


def refused(fault: Fault, detail: str) -> Verdict:
    """The verdict on a frame that cannot be used."""
    return Verdict(Kind.UNDECIDED, fault, detail, NO_INSTRUMENT, _blank(Kind.UNDECIDED), [], [])


def _blank(kind: Kind) -> dict[str, int]:
    assert DECODED.names is not None
    return dict.fromkeys(DECODED.names, 0) | {
        "kind": int(kind),
        "instrument": NO_INSTRUMENT,
        "event_ns": NO_TIME,
        "trade_ns": NO_TIME,
        "previous_id": NO_ID,
    }
