"""What the fields of an event amount to: its kind, whose it is, its values.

Keys of the events: the venue's web-socket-streams.md (spot) and its USD-M market streams.
"""

from typing import Final

import numpy as np

from appliance.abi.market import Kind
from appliance.abi.units import NO_ID, NO_TIME, NS_PER_MS, NS_PER_US
from appliance.hot.decode import fields as f
from appliance.hot.decode.envelope import (
    DEPTH_STREAM,
    NO_NAME,
    NO_STREAM,
    PARTIAL_STREAM,
    UNSURE,
)
from appliance.hot.decode.event import read_late_levels
from appliance.hot.decode.fields import (
    AT_INSTRUMENT,
    LEVELS_INSTRUMENT,
    STREAM_FORM,
    STREAM_INSTRUMENT,
    is_integer,
)
from appliance.hot.decode.grid import units_at
from appliance.hot.decode.scan import text_word
from appliance.hot.decode.symbols import NOBODY
from appliance.hot.decode.vector import word_at
from appliance.hot.jit import hot_inline

_MS_BELOW: Final = 9_000_000_000_000
_US_BELOW: Final = 9_000_000_000_000_000

_DEPTHUPD: Final = text_word(b"depthUpd")
_ATE: Final = text_word(b"ate")
_BOOKTICK: Final = text_word(b"bookTick")
_ER: Final = text_word(b"er")
_AGGTRADE: Final = text_word(b"aggTrade")
_TRADE: Final = text_word(b"trade")
_MARKET: Final = text_word(b"MARKET")
_MASK_2: Final = (1 << 16) - 1
_MASK_3: Final = (1 << 24) - 1
_MASK_4: Final = (1 << 32) - 1
_MASK_5: Final = (1 << 40) - 1
_MASK_6: Final = (1 << 48) - 1


@hot_inline
def _event_kind(fields, text, form):
    """Kind by the event's name, else by its keys; UNDECIDED: a name with escapes."""
    what = fields.what
    if what[f.EVENT] == f.ABSENT:
        if what[f.LAST_UPDATE_ID] and what[f.BIDS] and what[f.ASKS]:
            if form == NO_STREAM:
                return np.int64(Kind.SNAPSHOT)
            return np.int64(Kind.PARTIAL if form == PARTIAL_STREAM else Kind.OTHER)
        if (
            what[f.LAST_ID]
            and what[f.SYMBOL]
            and what[f.BID]
            and what[f.BID_QUANTITY]
            and what[f.ASK]
            and what[f.ASK_QUANTITY]
        ):
            return np.int64(Kind.TICKER)
        return np.int64(Kind.OTHER)
    if what[f.EVENT] != f.STRING:
        return np.int64(Kind.UNDECIDED)
    at = fields.value[f.EVENT]
    length = fields.extent[f.EVENT]
    word = word_at(text, at)
    if length == 11 and word == _DEPTHUPD and word_at(text, at + 8) & _MASK_3 == _ATE:
        if form == NO_STREAM or form == DEPTH_STREAM:
            return np.int64(Kind.DEPTH)
        return np.int64(Kind.PARTIAL if form == PARTIAL_STREAM else Kind.OTHER)
    if length == 10 and word == _BOOKTICK and word_at(text, at + 8) & _MASK_2 == _ER:
        return np.int64(Kind.TICKER)
    if length == 8 and word == _AGGTRADE:
        return np.int64(Kind.AGG_TRADE)
    if length == 5 and word & _MASK_5 == _TRADE:
        return np.int64(Kind.TRADE)
    return np.int64(Kind.OTHER)


@hot_inline
def _instrument(fields, kind, hint, stream_instrument):
    """Whose event this is: NOBODY, or UNSURE where the clerk must say."""
    if kind == Kind.SNAPSHOT:
        return hint
    what = fields.what[f.SYMBOL]
    if kind == Kind.PARTIAL and fields.what[f.EVENT] == f.ABSENT:
        return stream_instrument
    if what != f.STRING and what != f.ESCAPED:
        return np.int64(UNSURE)
    instrument = fields.scan[AT_INSTRUMENT]
    if stream_instrument != NO_NAME and stream_instrument != instrument:
        return np.int64(UNSURE)
    return instrument


@hot_inline
def interpret(decoder, text, end, hint):
    """What the fields amount to: the event's kind, its instrument, its values."""
    fields = decoder.parts.fields
    form = fields.scan[STREAM_FORM]
    stream_instrument = fields.scan[STREAM_INSTRUMENT]
    kind = _event_kind(fields, text, form)
    if kind == Kind.UNDECIDED or stream_instrument == UNSURE:
        return np.int64(Kind.UNDECIDED)
    if kind == Kind.OTHER:
        return kind
    if fields.what[f.FAMILY] != f.ABSENT:
        if fields.what[f.FAMILY] != f.INTEGER:
            return np.int64(Kind.UNDECIDED)
        if fields.value[f.FAMILY] != 1:  # another family of products on the same stream
            return np.int64(Kind.OTHER)
    instrument = _instrument(fields, kind, hint, stream_instrument)
    if instrument == UNSURE:
        return np.int64(Kind.UNDECIDED)
    if instrument < 0:
        return np.int64(Kind.STRANGER)
    # Levels met before the symbol was, on the grid of somebody else: rare, and for the clerk.
    levels_of = fields.scan[LEVELS_INSTRUMENT]
    if levels_of != NOBODY and levels_of != instrument:
        return np.int64(Kind.UNDECIDED)
    fields.scan[AT_INSTRUMENT] = instrument
    good = False
    if kind == Kind.TICKER:
        good = _ticker(decoder, text, instrument)
    elif kind == Kind.TRADE or kind == Kind.AGG_TRADE:
        good = _trade(decoder, text, instrument, kind)
    else:
        good = _depth(decoder, text, end, kind)
    if not good:
        return np.int64(Kind.UNDECIDED)
    decoded = decoder.decoded[0]
    decoded.kind = kind
    decoded.instrument = instrument
    return kind


@hot_inline
def _times(decoder):
    """E and T in ns; False: not integers. What is absent is NO_TIME."""
    fields = decoder.parts.fields
    decoded = decoder.decoded[0]
    event_ns = _time_ns(fields, f.EVENT_TIME)
    trade_ns = _time_ns(fields, f.TRADE_TIME)
    decoded.event_ns = event_ns
    decoded.trade_ns = trade_ns
    return event_ns >= 0 and trade_ns >= 0


@hot_inline
def _time_ns(fields, field):
    if fields.what[field] == f.ABSENT:
        return np.int64(NO_TIME)
    if fields.what[field] != f.INTEGER:
        return np.int64(-1)
    value = fields.value[field]
    if value < 0:
        return np.int64(-1)
    if value < _MS_BELOW:
        return value * NS_PER_MS
    if value < _US_BELOW:
        return value * NS_PER_US
    return value


@hot_inline
def _depth(decoder, text, end, kind):
    """Differences, partial depth and snapshots."""
    parts = decoder.parts
    fields = parts.fields
    decoded = decoder.decoded[0]
    if not _times(decoder):
        return False
    bare = fields.what[f.EVENT] == f.ABSENT
    bid = f.BIDS if bare else f.BID
    ask = f.ASKS if bare else f.ASK
    last = f.LAST_UPDATE_ID if bare else f.LAST_ID
    if not is_integer(fields, last):
        return False
    decoded.last_id = fields.value[last]
    decoded.first_id = decoded.last_id
    decoded.previous_id = NO_ID
    if not bare:
        if not is_integer(fields, f.FIRST_ID) or fields.what[f.EVENT_TIME] == f.ABSENT:
            return False
        decoded.first_id = fields.value[f.FIRST_ID]
        if decoded.first_id > decoded.last_id:
            return False
        if fields.what[f.PREVIOUS_ID] != f.ABSENT:
            previous = fields.value[f.PREVIOUS_ID]
            if fields.what[f.PREVIOUS_ID] != f.INTEGER or previous < NO_ID:
                return False
            decoded.previous_id = previous
    if not read_late_levels(parts, bid, text, end) or not read_late_levels(parts, ask, text, end):
        return False
    decoded.bid_n = fields.extent[bid]
    decoded.ask_n = fields.extent[ask]
    return True


@hot_inline
def _decimal_field(fields, field, text, grid_e8):
    """Units of a string field, or -1."""
    if fields.what[field] != f.STRING:
        return np.int64(-1)
    units, length = units_at(text, fields.value[field], grid_e8)
    if length != fields.extent[field]:
        return np.int64(-1)
    return units


@hot_inline
def _ticker(decoder, text, instrument):
    fields = decoder.parts.fields
    decoded = decoder.decoded[0]
    grid = decoder.parts.instruments[instrument]
    if not _times(decoder) or not is_integer(fields, f.LAST_ID):
        return False
    decoded.last_id = fields.value[f.LAST_ID]
    decoded.first_id = 0
    decoded.previous_id = NO_ID
    decoded.bid_ticks = _decimal_field(fields, f.BID, text, grid.price_grid_e8)
    decoded.bid_lots = _decimal_field(fields, f.BID_QUANTITY, text, grid.quantity_grid_e8)
    decoded.ask_ticks = _decimal_field(fields, f.ASK, text, grid.price_grid_e8)
    decoded.ask_lots = _decimal_field(fields, f.ASK_QUANTITY, text, grid.quantity_grid_e8)
    if decoded.bid_ticks < 0 or decoded.bid_lots < 0:
        return False
    if decoded.ask_ticks < 0 or decoded.ask_lots < 0:
        return False
    # An empty side is 0 at 0; a quantity at no price is nonsense.
    if decoded.bid_ticks == 0 and decoded.bid_lots != 0:
        return False
    return not (decoded.ask_ticks == 0 and decoded.ask_lots != 0)


@hot_inline
def _trade(decoder, text, instrument, kind):
    fields = decoder.parts.fields
    decoded = decoder.decoded[0]
    grid = decoder.parts.instruments[instrument]
    number = f.ASK if kind == Kind.AGG_TRADE else f.TRADE_ID  # a of aggTrade, t of trade
    if not _times(decoder) or not is_integer(fields, number):
        return False
    if fields.what[f.EVENT_TIME] == f.ABSENT or fields.what[f.TRADE_TIME] == f.ABSENT:
        return False
    if fields.what[f.MAKER] != f.BOOLEAN:
        return False
    decoded.at_market = 1
    if fields.what[f.TRADE_TYPE] != f.ABSENT:
        if fields.what[f.TRADE_TYPE] != f.STRING:
            return False
        word = word_at(text, fields.value[f.TRADE_TYPE]) & _MASK_6
        if fields.extent[f.TRADE_TYPE] != 6 or word != _MARKET:
            decoded.at_market = 0
    decoded.last_id = fields.value[number]
    decoded.first_id = 0
    decoded.previous_id = NO_ID
    decoded.price_ticks = _decimal_field(fields, f.PRICE, text, grid.price_grid_e8)
    decoded.quantity_lots = _decimal_field(fields, f.QUANTITY, text, grid.quantity_grid_e8)
    decoded.buyer_is_maker = fields.value[f.MAKER]
    floor = decoded.at_market
    return decoded.price_ticks >= floor and decoded.quantity_lots >= floor
