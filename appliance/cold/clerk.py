"""The clerk: decides every frame that the compiled decoder is unsure of. Cold, exact, never wrong.

Rules of the venue: spot and USD-M market streams in the combined form ``{"stream":..,"data":..}``,
raw events, and REST depth snapshots. The compiled decoder must give the same verdict wherever it
gives one, so this module is its oracle too.

Questions are asked in this order, and the first one that finds something ends the matter. Only
"accepted or not" and the values are a contract; the reason of a frame with several faults is not.

1. length; JSON as simdjson reads it: UTF-8 (a byte-order mark in front is allowed), no lone
   surrogates, integers within [-2**63, 2**64), finite floats, fewer than 1,024 nested values
2. envelope: duplicate ``stream``/``data``, their types; arrays are OTHER
3. event: a duplicate of any key in ``frame_event.EVENT_KEYS``, then the type of ``e``
4. kind; a frame of no interest ends here as OTHER, whatever else is in it
5. ``st``: type, then another product family is OTHER
6. symbol; a stranger ends here, whatever its values
7. values: for each kind in the order of its function below
"""

import re
from collections.abc import Sequence
from typing import Final

from appliance.abi.market import Fault, Kind, Market, symbol_words
from appliance.abi.units import NO_ID
from appliance.cold.canonical import compose
from appliance.cold.frame_event import FrameEvent, Unusable, event_of, short, wrong_type
from appliance.cold.verdict import NO_INSTRUMENT, Listing, Verdict, accepted, refused

DETAIL_CHARACTERS_MAX: Final = 160
FAMILY_OURS: Final = 1  # ``st`` of USD-M; 2 is the other futures family

_PARTIAL_PART: Final = re.compile(r"depth(?:5|10|20)(?:@.*)?", re.DOTALL)
_SNAPSHOT_KEYS: Final = frozenset(("lastUpdateId", "bids", "asks"))
_TICKER_KEYS: Final = frozenset(("u", "b", "B", "a", "A", "s"))
_KIND_OF_E: Final = {
    "bookTicker": Kind.TICKER,
    "trade": Kind.TRADE,
    "aggTrade": Kind.AGG_TRADE,
}


class Clerk:
    """Decides frames and rewrites them. Holds no state between frames; any cold thread may call.

    ``instruments`` in the order of their numbers. ValueError for a grid that is not positive, and
    for symbols that a frame could not name without ambiguity.
    """

    def __init__(self, instruments: Sequence[tuple[str, Market, int, int]]) -> None:
        self.listings = [Listing(*row) for row in instruments]
        self._by_symbol: dict[str, int] = {}
        self._by_stream: dict[str, int] = {}
        for n, listing in enumerate(self.listings):
            symbol_words(listing.symbol)  # refuses what does not fit a record
            if min(listing.price_grid_e8, listing.quantity_grid_e8) < 1:
                raise ValueError(f"{listing.symbol!r}: a grid must be positive")
            names = {listing.symbol, listing.symbol.lower()}
            if any("@" in name or name.startswith("!") for name in names):
                raise ValueError(f"{listing.symbol!r} cannot stand in the name of a stream")
            if not names.isdisjoint(self._by_stream):
                raise ValueError(f"{listing.symbol!r} is already there")
            self._by_symbol[listing.symbol] = n
            self._by_stream.update(dict.fromkeys(names, n))

    def decide(self, frame: bytes, *, instrument_hint: int = NO_INSTRUMENT) -> Verdict:
        """What ``frame`` is, and what it says. Never raises for the content of a frame.

        ``instrument_hint``: the instrument's number where the carrier knows it (a REST reply does
        not name its symbol); used for SNAPSHOT only.
        """
        try:
            event = event_of(frame)
            kind = Kind.OTHER if event is None else _kind(event)
            if event is None or kind is Kind.OTHER or not _our_family(event):
                return accepted(Kind.OTHER, NO_INSTRUMENT)
            instrument = self._instrument(event, kind, instrument_hint)
            if instrument == NO_INSTRUMENT:
                return accepted(Kind.STRANGER, NO_INSTRUMENT)
            return _read(event, kind, instrument, self.listings[instrument])
        except Unusable as why:
            return refused(why.fault, why.detail[:DETAIL_CHARACTERS_MAX])

    def _instrument(self, event: FrameEvent, kind: Kind, hint: int) -> int:
        if kind is Kind.SNAPSHOT:
            return hint if 0 <= hint < len(self.listings) else NO_INSTRUMENT
        by_stream = None
        if event.stream is not None and not event.stream.startswith("!"):
            name, at, _ = event.stream.partition("@")
            by_stream = self._by_stream.get(name, NO_INSTRUMENT) if at else None
        if kind is Kind.PARTIAL and event.bare:
            return NO_INSTRUMENT if by_stream is None else by_stream
        symbol = event.text("s")
        by_symbol = self._by_symbol.get(symbol, NO_INSTRUMENT)
        if by_stream is not None and by_stream != by_symbol:
            detail = f"symbol {short(symbol)} in stream {short(event.stream)}"
            raise Unusable(Fault.UNKNOWN_SYMBOL, detail)
        return by_symbol

    def canonical(self, verdict: Verdict) -> bytes:
        """The frame of ``verdict`` in plain form, see ``canonical.compose``."""
        known = verdict.instrument != NO_INSTRUMENT
        return compose(verdict, self.listings[verdict.instrument] if known else None)


def _kind(event: FrameEvent) -> Kind:
    """By event type and stream; by the keys alone where there is no event type."""
    part = event.stream_part()
    is_partial = part is not None and _PARTIAL_PART.fullmatch(part) is not None
    if not event.bare:
        e = event.text("e")
        if e != "depthUpdate":
            return _KIND_OF_E.get(e, Kind.OTHER)
        if is_partial:
            return Kind.PARTIAL
        is_diff = part is None or part == "depth" or part.startswith("depth@")
        return Kind.DEPTH if is_diff else Kind.OTHER
    if event.keys >= _SNAPSHOT_KEYS:
        if part is None:
            return Kind.SNAPSHOT
        return Kind.PARTIAL if is_partial else Kind.OTHER
    return Kind.TICKER if event.keys >= _TICKER_KEYS else Kind.OTHER


def _our_family(event: FrameEvent) -> bool:
    if "st" not in event.keys:
        return True
    family = event.value("st")
    if type(family) is not int:
        raise wrong_type("st", family, "an integer")
    return family == FAMILY_OURS


def _read(event: FrameEvent, kind: Kind, instrument: int, listing: Listing) -> Verdict:
    if kind is Kind.TICKER:
        return _read_ticker(event, instrument, listing)
    if kind in (Kind.TRADE, Kind.AGG_TRADE):
        return _read_trade(event, kind, instrument, listing)
    if event.bare:
        return _read_bare_depth(event, kind, instrument, listing)
    first_id, last_id = event.integer("U"), event.integer("u")
    if first_id > last_id:
        raise Unusable(Fault.BAD_IDS, f"U {first_id} after u {last_id}")
    values = {
        "event_ns": event.time_ns("E", required=True),
        "trade_ns": event.time_ns("T", required=False),
        "first_id": first_id,
        "last_id": last_id,
        "previous_id": event.integer("pu", low=NO_ID) if "pu" in event.keys else NO_ID,
    }
    sides = event.levels("b", listing), event.levels("a", listing)
    return accepted(kind, instrument, sides, values)


def _read_bare_depth(event: FrameEvent, kind: Kind, instrument: int, listing: Listing) -> Verdict:
    last_id = event.integer("lastUpdateId")
    values = {
        "event_ns": event.time_ns("E", required=False),
        "trade_ns": event.time_ns("T", required=False),
        "first_id": last_id,
        "last_id": last_id,
    }
    sides = event.levels("bids", listing), event.levels("asks", listing)
    return accepted(kind, instrument, sides, values)


def _read_ticker(event: FrameEvent, instrument: int, listing: Listing) -> Verdict:
    values = {
        "event_ns": event.time_ns("E", required=False),
        "trade_ns": event.time_ns("T", required=False),
        "last_id": event.integer("u"),
    }
    for side, price, quantity in (("bid", "b", "B"), ("ask", "a", "A")):
        ticks = event.units(price, listing.price_grid_e8)
        lots = event.units(quantity, listing.quantity_grid_e8)
        if ticks == 0 and lots != 0:
            raise Unusable(Fault.OUT_OF_RANGE, f"{price} is zero, {quantity} is not")
        values |= {f"{side}_ticks": ticks, f"{side}_lots": lots}
    return accepted(Kind.TICKER, instrument, values=values)


def _read_trade(event: FrameEvent, kind: Kind, instrument: int, listing: Listing) -> Verdict:
    at_market = int("X" not in event.keys or event.text("X") == "MARKET")
    ticks = event.units("p", listing.price_grid_e8)
    lots = event.units("q", listing.quantity_grid_e8)
    if at_market and min(ticks, lots) < 1:
        raise Unusable(Fault.OUT_OF_RANGE, "a market trade of nothing, or at zero")
    values = {
        "event_ns": event.time_ns("E", required=True),
        "trade_ns": event.time_ns("T", required=True),
        "last_id": event.integer("a" if kind is Kind.AGG_TRADE else "t"),
        "price_ticks": ticks,
        "quantity_lots": lots,
        "buyer_is_maker": event.flag("m"),
        "at_market": at_market,
    }
    return accepted(kind, instrument, values=values)
