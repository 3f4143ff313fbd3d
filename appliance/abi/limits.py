"""Every bound of the appliance, and how they hang together (asserted below).

Nothing grows at run time: each ring, table and loop is sized by a name on this page.
"""

from typing import Final

CACHE_LINE: Final = 64
FALSE_SHARING_RANGE: Final = 128  # a line and the one that the prefetcher takes along

# --- instruments ---------------------------------------------------------------------------------
INSTRUMENTS_MAX: Final = 64
SYMBOL_BYTES_MAX: Final = 32  # UTF-8; some of the venue's symbols are Chinese
SYMBOL_WORDS: Final = SYMBOL_BYTES_MAX // 8
SYMBOL_SLOTS: Final = 512  # open-addressed; each instrument stands there in both cases
SYMBOL_TAG_BYTES: Final = 16  # as much of a symbol as a market record carries

# --- frames --------------------------------------------------------------------------------------
FRAME_BYTES_MAX: Final = 512 * 1024  # a 5,000-level snapshot is 360 kB; longer is refused
FRAME_HEADER_BYTES: Final = 64
FRAME_PADDING_BYTES: Final = 64  # readable behind every frame: vector loads overrun the end
FRAME_RING_BYTES: Final = 32 * 1024 * 1024
CLERK_RING_BYTES: Final = 4 * 1024 * 1024
DESK_RING_BYTES: Final = 4 * 1024 * 1024
CAPTURE_RING_BYTES: Final = 32 * 1024 * 1024  # seconds of a storm, half a minute of a busy day
LEVELS_PER_FRAME_MAX: Final = 8192  # a side; snapshots have 5,000
JSON_DEPTH_MAX: Final = 16  # of values that we skip; deeper goes to the clerk

# --- book ----------------------------------------------------------------------------------------
BOOK_LEVELS_MAX: Final = 8192  # a side; real books pass 5,000
LEAF_LEVELS: Final = 64
LEAF_MERGE_LEVELS: Final = 32  # neighbours that hold no more together become one
LEAVES_MAX: Final = 512
VIEW_LEVELS: Final = 20  # what a strategy sees of each side
PENDING_DIFFS_MAX: Final = 1024  # buffered while waiting for a snapshot
PENDING_LEVELS_MAX: Final = 65_536
PARITY_TOPS_MAX: Final = 1024  # unmatched tops of book, ours and the venue's

# --- decode templates ----------------------------------------------------------------------------
LEVEL_TEXT_MAX: Final = 64  # bytes of `["price","quantity"]` that a template covers
HEAD_BYTES_MAX: Final = 192  # of a frame before its first price
HEAD_FIELDS_MAX: Final = 8  # in there
HEAD_SLOTS: Final = 1024  # each stream of each instrument has one, mostly its own

# --- connections ---------------------------------------------------------------------------------
LINKS_MAX: Final = 8  # market data twice, orders and user data, and the successor of each
LINK_WRITE_BYTES: Final = 64 * 1024  # frames that the kernel did not take yet

# --- orders --------------------------------------------------------------------------------------
ORDERS_MAX: Final = 1024  # live at once
INTENTS_MAX: Final = 16  # of one strategy call
ORDER_RATE_MAX: Final = 1024  # orders in the rate window
WINDOW_PARTS: Final = 8  # of the window of the price collar
OPERATIONS_N: Final = 16  # that wait to be carried out
OPERATION_TEXT_BYTES: Final = 160  # of the reason that a person gives
BEATS_N: Final = 8  # processes whose hearts the gate may look at: the guardian's is the first
RECENT_ORDERS_N: Final = 16  # of an instrument, kept to recognise a repeated one
ORDER_TEXT_BYTES: Final = 512  # an encoded order
PARAMS_MAX: Final = 32  # of a strategy

# --- journal -------------------------------------------------------------------------------------
JOURNAL_RECORDS: Final = 1 << 18  # that may wait for the archive: 32 MiB
JOURNAL_RESERVE: Final = 16 * ORDERS_MAX  # of these, for what becomes of orders that are out

# --- rings (slots) -------------------------------------------------------------------------------
MARKET_RING_SLOTS: Final = 128
REQUEST_RING_SLOTS: Final = 64
REPORT_RING_SLOTS: Final = 4096
EGRESS_RING_SLOTS: Final = 64
EVENT_RING_SLOTS: Final = 16_384
QUARANTINE_SLOTS: Final = 256
QUARANTINE_TEXT_BYTES: Final = 960

# --- telemetry -----------------------------------------------------------------------------------
COUNTERS_MAX: Final = 256
COUNTER_STRIDE_BYTES: Final = 128
STAGES_MAX: Final = 16
HISTOGRAM_SUB_BUCKETS: Final = 256  # 2 significant digits: an error of 1/128 at most
HISTOGRAM_BUCKETS: Final = 3_840  # up to 2**36 ns: 68 s
METADATA_BYTES: Final = 512


def _power_of_two(n: int) -> bool:
    return n > 0 and n & (n - 1) == 0


assert _power_of_two(SYMBOL_SLOTS) and SYMBOL_SLOTS >= 4 * 2 * INSTRUMENTS_MAX
assert SYMBOL_BYTES_MAX % 8 == 0 and SYMBOL_TAG_BYTES <= SYMBOL_BYTES_MAX
assert _power_of_two(FRAME_RING_BYTES) and FRAME_RING_BYTES >= 8 * FRAME_BYTES_MAX
assert _power_of_two(CLERK_RING_BYTES) and CLERK_RING_BYTES >= 4 * FRAME_BYTES_MAX
assert _power_of_two(CAPTURE_RING_BYTES) and CAPTURE_RING_BYTES >= 8 * FRAME_BYTES_MAX
assert _power_of_two(DESK_RING_BYTES) and DESK_RING_BYTES >= 4 * FRAME_BYTES_MAX
assert FRAME_HEADER_BYTES == CACHE_LINE == FRAME_PADDING_BYTES
assert LEVELS_PER_FRAME_MAX <= BOOK_LEVELS_MAX <= LEAVES_MAX * LEAF_LEVELS
# Neighbouring leaves together hold more than LEAF_MERGE_LEVELS, so the leaves suffice:
assert 2 * (BOOK_LEVELS_MAX + 1) // (LEAF_MERGE_LEVELS + 1) + 2 <= LEAVES_MAX
assert LEAF_MERGE_LEVELS <= LEAF_LEVELS // 2 and LEAF_LEVELS % 2 == 0
assert VIEW_LEVELS <= LEAF_LEVELS
assert HEAD_BYTES_MAX % LEVEL_TEXT_MAX == 0 and HEAD_SLOTS >= 8 * INSTRUMENTS_MAX
assert LEVELS_PER_FRAME_MAX * 2 <= PENDING_LEVELS_MAX
assert all(
    _power_of_two(n)
    for n in (
        MARKET_RING_SLOTS,
        REQUEST_RING_SLOTS,
        REPORT_RING_SLOTS,
        EGRESS_RING_SLOTS,
        EVENT_RING_SLOTS,
        QUARANTINE_SLOTS,
        ORDERS_MAX,
        ORDER_RATE_MAX,
        WINDOW_PARTS,
        OPERATIONS_N,
        RECENT_ORDERS_N,
        PENDING_DIFFS_MAX,
        PENDING_LEVELS_MAX,
        PARITY_TOPS_MAX,
        HEAD_SLOTS,
        JOURNAL_RECORDS,
    )
)
assert JOURNAL_RECORDS >= 4 * JOURNAL_RESERVE
assert REPORT_RING_SLOTS >= 2 * ORDERS_MAX  # every live order may be filled and cancelled at once
assert REQUEST_RING_SLOTS >= INTENTS_MAX and EGRESS_RING_SLOTS >= INTENTS_MAX
