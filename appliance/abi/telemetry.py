"""The telemetry region: one file in shared memory, written by the appliance, read by anybody.

::

         0 +-----------------------+  written once, before anybody may read
           | HEADER (identity)     |  magic, version, sizes, sections, owner
      2048 +-----------------------+  own 128 bytes each from here
           | heartbeat             |  time and count, by the hot loop
      2176 | lifecycle             |  Lifecycle, by the cold side
      2304 | clock                 |  monotonic and wall time of one moment (sequence lock)
      2432 | ready                 |  stored LAST, with release: READY or not there yet
      4096 +-----------------------+
           | sections              |  see ``SECTIONS``; each starts on a page
           +-----------------------+

Single words (counters, buckets, ring occupancy) are aligned int64 stores and only grow or are
overwritten whole; they need no lock. Records of several words that must fit together (STATUS, the
clock) carry a sequence lock: an odd ``sequence`` means "being written". The writer never waits.
Whatever a reader of another version could misread goes into ``LAYOUT_HASH``; counters describe
themselves, so new ones do not change it.
"""

import hashlib
from enum import IntEnum, unique
from typing import Final, NamedTuple

from appliance.abi.counter_metadata import METADATA
from appliance.abi.event import EVENT
from appliance.abi.layout import slot_dtype
from appliance.abi.limits import (
    COUNTER_STRIDE_BYTES,
    COUNTERS_MAX,
    EVENT_RING_SLOTS,
    FALSE_SHARING_RANGE,
    HISTOGRAM_BUCKETS,
    INSTRUMENTS_MAX,
    STAGES_MAX,
    SYMBOL_WORDS,
)
from appliance.abi.ring_layout import RING_HEADER_BYTES

PAGE_BYTES: Final = 4096
HEADER_BYTES: Final = PAGE_BYTES
ENDIAN_MARK: Final = 0x0102_0304
READY: Final = 0x0079_6461_6552_4E4C  # "LNReady"; anything else: not there yet
RINGS_MAX: Final = 16
SECTIONS_MAX: Final = 16
REGION_DIRECTORY: Final = "/dev/shm"  # a disk behind the file would stall the writer
REGION_PREFIX: Final = "lonecore-"
REGION_SUFFIX: Final = ".telemetry"


@unique
class Stage(IntEnum):
    """What the latency histograms measure; a sentence each in STAGE_TABLE.

    FEED to GATEWAY are timed for one frame in 17 (hot/notes.py), the others always.
    """

    FEED = 0
    DECODE = 1
    BOOK = 2
    STRATEGY = 3
    GATE = 4
    GATEWAY = 5
    TICK_TO_TRADE = 6
    PASS = 7
    HICCUP = 8


STAGE_TABLE: Final[dict[Stage, str]] = {
    Stage.FEED: "taking a frame from its ring until it lies before the decoder",
    Stage.DECODE: "frame bytes to a validated record",
    Stage.BOOK: "that record into the book, and out to the market ring",
    Stage.STRATEGY: "one call of the strategy",
    Stage.GATE: "one order through the risk gate",
    Stage.GATEWAY: "a passed order to encoded bytes",
    Stage.TICK_TO_TRADE: "taking up the frame until the bytes of the order it caused are ready",
    Stage.PASS: "one pass of the duty cycle that found work",
    Stage.HICCUP: "one pass that found no work: what is more than a look was not ours",
}


@unique
class Lifecycle(IntEnum):
    """Where the process is between start and end. Word 0 of the lifecycle block."""

    STARTING = 0
    RUNNING = 1
    DRAINED = 2  # the input has ended and everything is processed; the process still stands
    CLEAN = 3  # ended in order
    FAILED = 4  # ended by an error


@unique
class Section(IntEnum):
    """Row of the header's section table."""

    METADATA = 0
    COUNTERS = 1
    HISTOGRAMS = 2
    STAGES = 3
    STATUS = 4
    RINGS = 5
    PROCESS = 6
    EVENTS = 7
    LIMITS = 8


# Written once, before ``ready``. Texts are UTF-8, zero-filled.
HEADER: Final = slot_dtype(
    [
        ("magic", "S8"),
        ("major", "<u2"),
        ("minor", "<u2"),
        ("endian_mark", "<u4"),
        ("crc", "<i8"),  # CRC-32 of the identity with this field zero
        ("total_bytes", "<i8"),
        ("layout_hash", "<i8"),
        ("section_n", "<i8"),
        ("sections", "<i8", (SECTIONS_MAX, 3)),  # offset, length_bytes, stride_bytes
        ("pid", "<i8"),
        ("start_clock_ticks", "<i8"),  # field 22 of /proc/PID/stat: pid alone is reused
        ("boot_id", "S40"),
        ("epoch", "<i8"),  # random; another one: another run, do not subtract across
        ("created_ns", "<i8"),  # Unix epoch
        ("name", "S64"),
        ("version", "S32"),  # of the distribution
        ("mode", "S32"),  # replay, paper, live, testnet: live without real money
        ("strategy", "S64"),
        # ns = cycles x cycles_mult >> cycles_shift; both 0: not calibrated
        ("cycles_mult", "<i8"),
        ("cycles_shift", "<i8"),
    ],
    itemsize=2048,
)

# The blocks behind the identity: offset in the region, words (int64) in the block.
HEARTBEAT_OFFSET: Final = 2048
LIFECYCLE_OFFSET: Final = 2176
CLOCK_OFFSET: Final = 2304
READY_OFFSET: Final = 2432
BLOCK_WORDS: Final = FALSE_SHARING_RANGE // 8

BEAT_NS: Final = 0  # of the latest beat, Unix epoch: the clock that compiled code reads
BEAT_N: Final = 1
LIFECYCLE_STATE: Final = 0
LIFECYCLE_NS: Final = 1  # of the last change, Unix epoch
CLOCK_SEQUENCE: Final = 0
CLOCK_MONOTONIC_NS: Final = 1
CLOCK_REALTIME_NS: Final = 2  # of the same moment

# Words of a counter row and of a stage row (one row is 128 bytes)
COUNTER_WORDS: Final = COUNTER_STRIDE_BYTES // 8
STAGE_WORDS: Final = FALSE_SHARING_RANGE // 8
STAGE_N: Final = 0
STAGE_SUM_NS: Final = 1
STAGE_MIN_NS: Final = 2  # INT64_MAX until the first value
STAGE_MAX_NS: Final = 3

# One an instrument; the first without a symbol ends them. Only between an odd and the next even
# ``sequence`` do the words change.
STATUS: Final = slot_dtype(
    [
        ("sequence", "<i8"),
        ("symbol", "<i8", (SYMBOL_WORDS,)),
        ("market", "<i8"),  # abi.market.Market
        ("price_grid_e8", "<i8"),
        ("price_decimals", "<i8"),
        ("quantity_grid_e8", "<i8"),
        ("quantity_decimals", "<i8"),
        ("book_state", "<i8"),
        ("book_reason", "<i8"),
        ("book_id", "<i8"),
        ("touch_id", "<i8"),
        ("book_ns", "<i8"),  # receive time of the last book event
        ("bid_ticks", "<i8"),  # the touch
        ("bid_lots", "<i8"),
        ("ask_ticks", "<i8"),
        ("ask_lots", "<i8"),
        ("bid_n", "<i8"),  # levels in the book
        ("ask_n", "<i8"),
        ("gaps_n", "<i8"),
        ("resyncs_n", "<i8"),
        ("crossed_n", "<i8"),
        ("compared_n", "<i8"),  # tops of book with the venue's own
        ("mismatched_n", "<i8"),
        ("position_lots", "<i8"),
        ("cost_tick_lots", "<i8"),
        ("realised_tick_lots", "<i8"),
        ("unrealised_tick_lots", "<i8"),
        ("mark_ticks", "<i8"),
        ("open_orders_n", "<i8"),
        ("open_buy_lots", "<i8"),
        ("open_sell_lots", "<i8"),
        ("fills_n", "<i8"),
        ("turnover_tick_lots", "<i8"),
        ("updated_ns", "<i8"),  # receive time of the frame that this state follows from
    ],
    itemsize=3 * FALSE_SHARING_RANGE,
)
STATUS_WORDS: Final = STATUS.itemsize // 8

# One a ring; every word stands for itself.
RING: Final = slot_dtype(
    [
        ("name", "<i8", (4,)),  # UTF-8, zero-filled; all zero: no ring in this row
        ("capacity", "<i8"),  # slots, or bytes of a frame ring
        ("used", "<i8"),
        ("high_water", "<i8"),
        ("missed", "<i8"),  # lost by a reader, or refused because it was full
    ],
    itemsize=FALSE_SHARING_RANGE,
)

# One a limit that accumulates, written by the cold side once a second; rows keep their name.
LIMIT_USE: Final = slot_dtype(
    [
        ("name", "<i8", (8,)),  # UTF-8, zero-filled; all zero: no limit in this row
        ("used", "<i8"),
        ("limit", "<i8"),  # 0: off, or not set
    ],
    itemsize=FALSE_SHARING_RANGE,
)
LIMIT_NAME_WORDS: Final = 8
LIMIT_ROWS_MAX: Final = 16 + 6 * INSTRUMENTS_MAX

PROCESS: Final = slot_dtype(
    [
        ("trading_state", "<i8"),  # abi.trading_state.TradingState
        ("now_ns", "<i8"),  # the market's time, Unix epoch: of the latest frame
        ("speed_milli", "<i8"),  # 1000: as recorded; 0: as fast as possible
        ("frames_total_n", "<i8"),  # what there is to do; 0: nobody knows
        ("frames_done_n", "<i8"),
        ("started_ns", "<i8"),  # when the loop began, Unix epoch
        ("state_cause", "<i8"),  # abi.trading_state.Cause of the trading state
        ("state_reason", "<i8"),  # abi.refusal.Reject, where a limit moved it
        ("state_observed", "<i8"),
        ("state_limit", "<i8"),
        ("state_ns", "<i8"),  # since when
    ],
    itemsize=FALSE_SHARING_RANGE,
)


class SectionPlace(NamedTuple):
    """Where a section lies in the region."""

    offset: int
    length_bytes: int
    stride_bytes: int


def _places() -> dict[Section, SectionPlace]:
    shapes = {  # length, stride
        Section.METADATA: (COUNTERS_MAX * METADATA.itemsize, METADATA.itemsize),
        Section.COUNTERS: (COUNTERS_MAX * COUNTER_STRIDE_BYTES, COUNTER_STRIDE_BYTES),
        Section.HISTOGRAMS: (STAGES_MAX * HISTOGRAM_BUCKETS * 8, HISTOGRAM_BUCKETS * 8),
        Section.STAGES: (STAGES_MAX * STAGE_WORDS * 8, STAGE_WORDS * 8),
        Section.STATUS: (INSTRUMENTS_MAX * STATUS.itemsize, STATUS.itemsize),
        Section.RINGS: (RINGS_MAX * RING.itemsize, RING.itemsize),
        Section.PROCESS: (PROCESS.itemsize, PROCESS.itemsize),
        Section.LIMITS: (LIMIT_ROWS_MAX * LIMIT_USE.itemsize, LIMIT_USE.itemsize),
        Section.EVENTS: (RING_HEADER_BYTES + EVENT_RING_SLOTS * EVENT.itemsize, EVENT.itemsize),
    }
    places, offset = {}, HEADER_BYTES
    for section, (length_bytes, stride_bytes) in shapes.items():
        places[section] = SectionPlace(offset, length_bytes, stride_bytes)
        offset += -(-length_bytes // PAGE_BYTES) * PAGE_BYTES
    return places


SECTIONS: Final = _places()
REGION_BYTES: Final = (
    -(-(SECTIONS[Section.EVENTS].offset + SECTIONS[Section.EVENTS].length_bytes) // PAGE_BYTES)
    * PAGE_BYTES
)


def _layout_hash() -> int:
    text = [repr(sorted(SECTIONS.items())), repr([(s.name, int(s)) for s in Stage])]
    for dtype in (HEADER, METADATA, STATUS, RING, PROCESS, EVENT, LIMIT_USE):
        fields = dtype.fields
        assert fields is not None
        text.append(repr([(name, str(fields[name][0]), fields[name][1]) for name in fields]))
        text.append(str(dtype.itemsize))
    digest = hashlib.sha256("\n".join(text).encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1  # 63 bits: stays a positive int64


LAYOUT_HASH: Final = _layout_hash()


assert set(STAGE_TABLE) == set(Stage) and max(Stage) < STAGES_MAX
assert max(Section) < SECTIONS_MAX
assert HEADER.itemsize == HEARTBEAT_OFFSET
assert READY_OFFSET + FALSE_SHARING_RANGE <= HEADER_BYTES
assert COUNTER_STRIDE_BYTES == FALSE_SHARING_RANGE
