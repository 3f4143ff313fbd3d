"""Drives appliance.hot.decode from tests: one frame in a buffer of hostile bytes, one reading out.

``agree`` is the rule between the two decoders: what the compiled one takes, the clerk takes with
equal kind, instrument and values; UNDECIDED is always allowed.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from appliance.abi.layout import records
from appliance.abi.limits import FRAME_PADDING_BYTES, INSTRUMENTS_MAX
from appliance.abi.market import (
    ASK_LOTS,
    ASK_TICKS,
    BID_LOTS,
    BID_TICKS,
    DECODED,
    INSTRUMENT,
    Kind,
    Market,
)
from appliance.cold.clerk import Clerk
from appliance.cold.verdict import Verdict
from appliance.hot.decode.frame import Decoder, configure, decode, make_decoder
from tests.strategies.values import INSTRUMENTS

Row = tuple[str, Market, int, int]  # symbol, market, price grid, quantity grid

# What a reader that does not stop at the end would be glad to find there.
HOSTILE = [
    b"\0",
    b'"',
    b"]",
    b"}",
    b"0",
    b"5",
    b" ",
    b"\\",
    b"\xff",
    b'"}]}',
    b']]}}"',
    b',["1.5","2"]]}}',
    b'000000","0.00000000"]],"a":[]}}',
    b'{"stream":"btcusdt@depth","data":{"e":"depthUpdate","b":[["1.00","2"]],"a":[]}}',
]
HOSTILE_BYTES = 256  # on either side of a frame

_TIMES = ("event_ns", "trade_ns")
_BOOK = (*_TIMES, "first_id", "last_id", "previous_id", "bid_n", "ask_n")
_TRADE = (*_TIMES, "last_id", "price_ticks", "quantity_lots", "buyer_is_maker", "at_market")
# The fields of DECODED that a kind has; OTHER and STRANGER have none
FIELDS: dict[Kind, tuple[str, ...]] = {
    Kind.DEPTH: _BOOK,
    Kind.PARTIAL: _BOOK,
    Kind.SNAPSHOT: _BOOK,
    Kind.TICKER: (*_TIMES, "last_id", "bid_ticks", "bid_lots", "ask_ticks", "ask_lots"),
    Kind.TRADE: _TRADE,
    Kind.AGG_TRADE: _TRADE,
}
BOOKS = (Kind.DEPTH, Kind.PARTIAL, Kind.SNAPSHOT)


class Reading(NamedTuple):
    """What the compiled decoder said of a frame. ``values`` are those that its kind has."""

    kind: Kind
    instrument: int  # -1 where the kind has none
    values: dict[str, int]
    bids: list[tuple[int, int]]
    asks: list[tuple[int, int]]


UNDECIDED = Reading(Kind.UNDECIDED, -1, {}, [], [])


def new_decoder(rows: Sequence[Row] = tuple(INSTRUMENTS)) -> Decoder:
    """A decoder that has learnt nothing yet."""
    instruments = records(INSTRUMENTS_MAX, INSTRUMENT)
    for n, (_, market, price_grid_e8, quantity_grid_e8) in enumerate(rows):
        instruments[n].market = market
        instruments[n].price_grid_e8 = price_grid_e8
        instruments[n].quantity_grid_e8 = quantity_grid_e8
    decoder = make_decoder(instruments)
    for n, row in enumerate(rows):
        configure(decoder, row[0], n)
    return decoder


def placed(frame: bytes, behind: bytes = b"\0", before: bytes = b"\0") -> tuple[np.ndarray, int]:
    """(buffer, offset of the frame): ``before`` and ``behind`` are repeated around it."""
    head = (before * HOSTILE_BYTES)[: HOSTILE_BYTES - len(frame) % 64]
    tail = (behind * HOSTILE_BYTES)[: max(HOSTILE_BYTES, len(behind))]
    padding = bytes(FRAME_PADDING_BYTES)
    return np.frombuffer(head + frame + tail + padding, np.uint8).copy(), len(head)


def read(
    decoder: Decoder, frame: bytes, hint: int = -1, behind: bytes = b"\0", before: bytes = b"\0"
) -> Reading:
    text, at = placed(frame, behind, before)
    return reading_of(decoder, int(decode(decoder, text, at, len(frame), hint)))


def reading_of(decoder: Decoder, answer: int) -> Reading:
    """What lies in ``decoder`` after it gave ``answer``."""
    kind = Kind(answer)
    if kind not in FIELDS:
        return UNDECIDED._replace(kind=kind)
    decoded = decoder.decoded[0]
    assert set(FIELDS[kind]) <= set(DECODED.names or ())
    values = {name: int(decoded[name]) for name in FIELDS[kind]}
    assert int(decoded["kind"]) == kind
    bids, asks = [], []
    if kind in BOOKS:
        units = decoder.parts.levels.units
        bids = _levels(units, BID_TICKS, BID_LOTS, values["bid_n"])
        asks = _levels(units, ASK_TICKS, ASK_LOTS, values["ask_n"])
    return Reading(kind, int(decoded["instrument"]), values, bids, asks)


def _levels(units: np.ndarray, ticks: int, lots: int, count: int) -> list[tuple[int, int]]:
    return list(zip(units[ticks, :count].tolist(), units[lots, :count].tolist(), strict=True))


def carried(hint: int, rows_n: int = len(INSTRUMENTS)) -> int:
    """The hints that a carrier gives are configured instruments, or -1."""
    return hint if 0 <= hint < rows_n else -1


def expected(verdict: Verdict) -> Reading:
    """The clerk's verdict in the words of a Reading."""
    values = {name: verdict.values[name] for name in FIELDS.get(verdict.kind, ())}
    instrument = verdict.instrument if verdict.kind in FIELDS else -1
    return Reading(verdict.kind, instrument, values, verdict.bids, verdict.asks)


def agree(reading: Reading, clerk: Clerk, frame: bytes, hint: int = -1) -> Verdict:
    """AssertionError if the compiled decoder took a frame that the clerk reads otherwise."""
    verdict = clerk.decide(frame, instrument_hint=hint)
    if reading.kind is not Kind.UNDECIDED:
        assert reading == expected(verdict), (frame[:2000], hint, verdict.detail)
    return verdict
