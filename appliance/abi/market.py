"""Market data: what a frame says (DECODED), what a strategy sees (MARKET), an instrument."""

from enum import IntEnum, unique
from typing import Final

import numpy as np

from appliance.abi.layout import slot_dtype
from appliance.abi.limits import SYMBOL_WORDS, VIEW_LEVELS


@unique
class Market(IntEnum):
    """Which of the venue's markets an instrument trades on: their protocols differ."""

    UNKNOWN = 0
    SPOT = 1
    USDM = 2


@unique
class FrameSource(IntEnum):
    """Who put a frame into a frame ring."""

    STREAM = 0  # a WebSocket stream, or a recording of one
    REST = 1  # a snapshot that was asked for
    CLERK = 2  # rewritten by the cold decoder
    LINK = 3  # + LinkRole: a message that is not market data, for the cold side


@unique
class Kind(IntEnum):
    """What a frame is. UNDECIDED: the compiled decoder is out of its depth."""

    UNDECIDED = 0
    DEPTH = 1  # difference to the book
    PARTIAL = 2  # the best 5, 10 or 20 levels
    TICKER = 3  # bookTicker: the top of book
    TRADE = 4
    AGG_TRADE = 5
    SNAPSHOT = 6  # REST
    OTHER = 7  # sound, and of no interest
    STRANGER = 8  # sound, of a symbol that is not configured


@unique
class Fault(IntEnum):
    """Why a frame cannot be used. The clerk (pysimdjson) gives the verdict."""

    NONE = 0
    TOO_LONG = 1  # more than FRAME_BYTES_MAX
    NOT_JSON = 2
    NOT_AN_OBJECT = 3
    MISSING_KEY = 4
    DUPLICATE_KEY = 5
    WRONG_TYPE = 6  # a string where a number should be, or the reverse
    BAD_DECIMAL = 7  # not digits[.digits]
    OUT_OF_RANGE = 8  # more than an int64 of grid units, or a price of zero
    OFF_GRID = 9  # not a multiple of the tick or lot
    TOO_MANY_LEVELS = 10
    BAD_IDS = 11  # first id after last id, or a negative one
    UNKNOWN_SYMBOL = 12


@unique
class BookState(IntEnum):
    EMPTY = 0  # nothing arrived yet
    SYNCING = 1  # differences are buffered, a snapshot is awaited
    LIVE = 2
    STALE = 3  # was live; BookReason says what happened


@unique
class BookReason(IntEnum):
    NONE = 0
    GAP = 1  # the ids do not continue
    CROSSED = 2  # best bid at or above best ask
    SILENT = 3  # no event within the limit
    MISMATCH = 4  # another top of book than the venue's own at the same id
    RESET = 5  # reconnected, or asked to start again


@unique
class Event(IntEnum):
    """What made a market record."""

    DEPTH = 1
    TICKER = 2
    TRADE = 3
    STATE = 4  # the book changed its state
    TIMER = 5  # none: the strategy asked to be asked at such times


INSTRUMENT: Final[np.dtype[np.void]] = slot_dtype(
    [
        ("symbol", "<i8", (SYMBOL_WORDS,)),  # UTF-8, zero-filled
        ("market", "<i8"),
        ("tradable", "<i8"),  # 1: orders are accepted
        # the grid; a decimal text times 10**8 is exactly ticks x price_grid_e8. It may be finer
        # than what the venue takes in orders: books keep levels of before a tick was changed
        ("price_grid_e8", "<i8"),
        ("price_decimals", "<i8"),  # digits after the point in an order
        ("quantity_grid_e8", "<i8"),
        ("quantity_decimals", "<i8"),
        # the venue's filters; UNSET where it gave none
        ("price_min_ticks", "<i8"),
        ("price_max_ticks", "<i8"),
        ("quantity_min_lots", "<i8"),
        ("quantity_max_lots", "<i8"),
        ("notional_min_tick_lots", "<i8"),
        # an order's price and quantity are multiples of these; 1: every tick and lot.
        # UNSET or zero: nothing is
        ("price_step_ticks", "<i8"),
        ("quantity_step_lots", "<i8"),
    ]
)

DECODED: Final[np.dtype[np.void]] = slot_dtype(
    [
        ("kind", "<i8"),
        ("instrument", "<i8"),
        ("event_ns", "<i8"),  # E; NO_TIME where the frame has none
        ("trade_ns", "<i8"),  # T
        ("first_id", "<i8"),  # U
        ("last_id", "<i8"),  # u; lastUpdateId of a snapshot; a of an aggTrade, t of a trade
        ("previous_id", "<i8"),  # pu; NO_ID on spot
        ("bid_n", "<i8"),
        ("ask_n", "<i8"),
        ("bid_ticks", "<i8"),  # bookTicker; NO_PRICE: side empty
        ("bid_lots", "<i8"),
        ("ask_ticks", "<i8"),
        ("ask_lots", "<i8"),
        ("price_ticks", "<i8"),  # trade
        ("quantity_lots", "<i8"),
        ("buyer_is_maker", "<i8"),  # 1: the aggressor sold
        ("at_market", "<i8"),  # 0: not a market trade (insurance fund, ADL)
    ]
)

# Rows of the level scratch: levels[row, i] is level i of the frame
BID_TICKS: Final = 0
BID_LOTS: Final = 1
ASK_TICKS: Final = 2
ASK_LOTS: Final = 3
LEVEL_ROWS: Final = 4

MARKET: Final[np.dtype[np.void]] = slot_dtype(
    [
        ("sequence", "<i8"),  # of the ring slot: position + 1
        ("symbol", "<i8", (2,)),  # first 16 bytes, zero-filled
        ("instrument", "<i8"),
        ("exchange_ns", "<i8"),  # NO_TIME where the venue gave none
        ("receive_ns", "<i8"),
        ("event", "<i8"),
        ("book_state", "<i8"),
        ("book_id", "<i8"),  # last id applied
        ("touch_id", "<i8"),  # id of the touch: the fresher of book and bookTicker
        ("bid_ticks", "<i8"),  # the touch
        ("bid_lots", "<i8"),
        ("ask_ticks", "<i8"),
        ("ask_lots", "<i8"),
        ("trade_ticks", "<i8"),  # of a trade event, else 0
        ("trade_lots", "<i8"),
        ("buyer_is_maker", "<i8"),
        ("bid_n", "<i8"),  # levels below, 0..20
        ("ask_n", "<i8"),
        ("bids_ticks", "<i8", (VIEW_LEVELS,)),  # best first; zero behind bid_n
        ("bids_lots", "<i8", (VIEW_LEVELS,)),
        ("asks_ticks", "<i8", (VIEW_LEVELS,)),
        ("asks_lots", "<i8", (VIEW_LEVELS,)),
        ("start_cycles", "<i8"),  # CPU clock when its frame was taken up: tick-to-trade starts here
    ]
)


def symbol_words(
    symbol: str, words: int = SYMBOL_WORDS
) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """The UTF-8 bytes of ``symbol``, zero-filled, as ``words`` int64. ValueError if too long."""
    text = symbol.encode()
    if not text or len(text) > words * 8:
        raise ValueError(f"symbol {symbol!r} has {len(text)} bytes; 1 to {words * 8} are possible")
    return np.frombuffer(text.ljust(words * 8, b"\0"), "<i8").copy()


def symbol_text(words: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> str:
    """The symbol in a record's words (a cut character at the end is dropped)."""
    return np.asarray(words, "<i8").tobytes().rstrip(b"\0").decode(errors="ignore")
