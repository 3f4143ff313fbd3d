"""One frame of the venue to one DECODED record: the compiled decoder's front door.

It finds values by key, in any order and spacing, tolerates keys it does not know, and takes a frame
only if it is certain of every byte; otherwise it answers UNDECIDED and the clerk (pysimdjson,
appliance/cold/clerk.py) decides. Whatever it takes, the clerk takes with equal values: the rules
stand there, the tests hold the two against each other.

Protocol: ../binance spot ``web-socket-streams.md`` and the USD-M market streams.
"""

from typing import NamedTuple

import numpy as np

from appliance.abi.layout import records
from appliance.abi.limits import FRAME_BYTES_MAX
from appliance.abi.market import DECODED, LEVEL_ROWS, Kind
from appliance.hot.decode.envelope import (
    NO_STREAM,
    UNSURE,
    enter_envelope,
    leave_envelope,
)
from appliance.hot.decode.event import Parts, forget_fields, scan_event
from appliance.hot.decode.fields import (
    AT_INSTRUMENT,
    BRACKETS_N,
    CURSOR,
    LEARNS_HEAD,
    LEVELS_INSTRUMENT,
    STREAM_FORM,
    STREAM_INSTRUMENT,
    make_fields,
)
from appliance.hot.decode.head import FRAME_BYTES_MIN, forget_heads, make_heads, read_head
from appliance.hot.decode.interpret import interpret
from appliance.hot.decode.levels import index_frame, make_levels, set_grid
from appliance.hot.decode.scan import (
    CLOSE_OBJECT,
    OPEN_ARRAY,
    OPEN_OBJECT,
    is_utf8,
    skip_space,
    skip_value,
)
from appliance.hot.decode.symbols import NOBODY, add_symbol, make_symbols
from appliance.hot.decode.vector import bare, byte_at
from appliance.hot.jit import hot, hot_inline, out_of_line


class Decoder(NamedTuple):
    parts: Parts
    decoded: np.ndarray  # DECODED, one record: the result


def make_decoder(instruments: "np.recarray[tuple[int], np.dtype[np.void]]") -> Decoder:
    """For INSTRUMENT records; call configure for each that is in use."""
    parts = Parts(make_fields(), make_symbols(), make_heads(), make_levels(LEVEL_ROWS), instruments)
    return Decoder(parts, records(1, DECODED))


def configure(decoder: Decoder, symbol: str, instrument: int) -> None:
    """Cold: decode ``symbol`` on the grid of its INSTRUMENT record."""
    add_symbol(decoder.parts.symbols, symbol, instrument)
    forget_heads(decoder.parts.heads)
    record = decoder.parts.instruments[instrument]
    set_grid(
        decoder.parts.levels, instrument, int(record.price_grid_e8), int(record.quantity_grid_e8)
    )


@hot_inline
def decode(decoder, text, at, length, hint):
    """Decodes the frame of ``length`` bytes at ``at``: its Kind, the values in decoder.decoded.

    ``hint`` is the instrument of a REST snapshot, which does not name its symbol, or -1. Levels are
    in decoder.parts.levels.units. At least FRAME_PADDING_BYTES must be readable behind the frame.
    """
    if length <= 0 or length > FRAME_BYTES_MAX:
        return np.int64(Kind.UNDECIDED)
    end = at + length
    parts = decoder.parts
    if hint >= parts.instruments.shape[0]:
        hint = np.int64(NOBODY)
    brackets_n, ascii_only = index_frame(bare(text), at, end, bare(parts.levels.brackets))
    if brackets_n < 0 or (not ascii_only and not is_utf8(text, at, end)):
        return np.int64(Kind.UNDECIDED)
    scan = parts.fields.scan
    scan[CURSOR] = 0
    scan[BRACKETS_N] = brackets_n
    scan[LEVELS_INSTRUMENT] = NOBODY
    forget_fields(parts.fields)
    after = np.int64(-1)
    key = read_head(parts.heads, parts.fields, text, at, end)
    if key < 0:
        key, after = _begin(parts.fields, parts.symbols, text, at, end, hint)
        if key < 0:
            return after
    behind = scan_event(parts, text, at, key, end)
    if behind < 0 or not _ends(scan, text, behind, after, end):
        return np.int64(Kind.UNDECIDED)
    return interpret(decoder, text, end, hint)


@hot
def _begin(fields, symbols, text, at, end, hint):
    """(offset of the event's first key, offset behind the whole frame or -1 if still to be seen).

    Or (-1, Kind) where that is all to be said of the frame.
    """
    out_of_line()
    undecided = np.int64(-1), np.int64(Kind.UNDECIDED)
    scan = fields.scan
    event_at, after = enter_envelope(scan, symbols, text, at, end)
    if event_at < 0:
        return undecided
    named = scan[STREAM_INSTRUMENT]
    c = byte_at(text, event_at)
    key = skip_space(text, event_at + 1, end)
    if c == OPEN_ARRAY or (c == OPEN_OBJECT and byte_at(text, key) == CLOSE_OBJECT):
        behind = skip_value(text, event_at, end)
        if named == UNSURE or behind < 0 or not _ends(scan, text, behind, after, end):
            return undecided
        return np.int64(-1), np.int64(Kind.OTHER)
    if c != OPEN_OBJECT:
        return undecided
    scan[AT_INSTRUMENT] = named if named >= 0 else hint
    scan[LEARNS_HEAD] = np.int64(named >= 0 and after < 0 and end - at >= FRAME_BYTES_MIN)
    return key, after


@hot_inline
def _ends(scan, text, behind, after, end):
    """Whether the frame ends as it should: ``behind`` the event, and ``after`` it if not -1."""
    if after < 0:
        after = behind if scan[STREAM_FORM] == NO_STREAM else leave_envelope(text, behind, end)
    return 0 <= after <= end and skip_space(text, after, end) == end
