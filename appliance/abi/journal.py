"""The order journal: a ring of records in a file, written before what it tells of happens.

::

    <name>.journal, mode 0600, locked (flock) by the one process that writes
           0 +------------------+  written once, when the file is made
             | MARK ..          |  this layout, how many records, who owns it
         256 +------------------+  written by the loop
             | HEAD             |  sequence of the last record (release)
         384 +------------------+  written by the archive
             | ARCHIVED         |  up to this sequence all is in the archive, and on its disk
        4096 +------------------+
             | JOURNAL[n]       |  sequence s stands at s % n; sequences begin at 1

    <name>-YYYYMMDD.archive      the same records in their order, one file a UTC day, behind a
                                 header of one record's size: MARK, LAYOUT, RECORD_BYTES, SALT

A record is complete when its check is right: CRC32C (RFC 3720, B.4) over its first CHECKED_WORDS
words, begun with the file's SALT, so that what another file left on the disk is never ours. The
check is written last. On x86-64 stores become visible in their order: after ``kill -9`` at most
the record behind HEAD is torn, and what it would have told of has not happened.
"""

import zlib
from enum import IntEnum, unique
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from appliance.abi.layout import slot_dtype
from appliance.abi.limits import INSTRUMENTS_MAX, JOURNAL_RECORDS
from appliance.abi.trading import Report

MARKED: Final = 0x4C4F4E45_4A4F5552

# Words of the header
MARK: Final = 0
LAYOUT: Final = 1  # layout_id()
RECORD_BYTES: Final = 2
SALT: Final = 3
CAPACITY: Final = 4  # records
KEEPING: Final = 5  # Keeping
MADE_NS: Final = 6
OWNER_PID: Final = 7
HEAD: Final = 32
OVERFLOWED: Final = 33  # records that found no room
OVERFLOWED_TOLD: Final = 34  # of those, the ones that halted the appliance already
ARCHIVED: Final = 48
HEADER_WORDS: Final = 512
HEADER_BYTES: Final = HEADER_WORDS * 8

RECORD_WORDS: Final = 16
CHECKED_WORDS: Final = 14
CHECK: Final = 15  # word of a record

JOURNAL_SUFFIX: Final = ".journal"
ARCHIVE_SUFFIX: Final = ".archive"


@unique
class Keeping(IntEnum):
    """What becomes of records when the ring has gone round. Zeros: of a ring that nobody made."""

    NOTHING = 0  # it takes no record
    ARCHIVE = 1  # what is not archived is never overwritten: the ring may be full
    OVERWRITE = 2  # replay and rehearsal: nobody reads it afterwards


@unique
class JournalKind(IntEnum):
    """What a record tells. What a process starts from is SESSION to DAY: it holds from DAY on."""

    SESSION = 1  # a process began: epoch; venue_id: pid; observed: 1 for live; limit: instruments;
    # quantity: venue time, ms, until which the account's trades were compared with ours; tag: which
    # venue, 0: our own
    SYMBOL = 2  # JOURNAL_SYMBOL: what an instrument's index means from here on
    POSITION = 3  # JOURNAL_POSITION: of this symbol, whatever was before
    DAY = 4  # JOURNAL_DAY: the day's figures begin, or go on
    INTENT = 5  # an order is about to be sent: exposure from here on (with an epoch: it is out)
    SENT = 6  # its bytes are with the kernel
    ACKNOWLEDGED = 7  # ACKNOWLEDGED + Report: what the venue said of an order;
    FILL = 8  # reason: the OrderState that followed, FREE if it had ended before
    CANCELED = 9
    REFUSED = 10
    EXPIRED = 11
    CANCEL_REFUSED = 12
    UNKNOWN = 13  # nobody knows what became of it: it stays exposure
    CANCEL_SENT = 14  # a cancel is about to be sent
    STATE = 15  # observed: TradingState; reason: Cause; limit: Reject; price, quantity: its values
    COMMAND = 16  # reason: Operation; observed: Result; limit: TradingState; order_key: uid;
    # venue_id: pid; price, quantity: which limit, and its value
    GATE_REFUSAL = 17  # reason: Reject; filled_lots: how many more like it came since the last
    LOST = 18  # a repair found this record damaged; the damaged bytes are kept beside the file


JOURNAL: Final[np.dtype[np.void]] = slot_dtype(
    [
        ("sequence", "<i8"),
        ("time_ns", "<i8"),  # the loop's: receive time of what caused it
        ("kind", "<i4"),  # JournalKind
        ("side", "<i4"),
        ("instrument", "<i4"),  # index, as the SYMBOL records of its session say; -1: none
        ("reason", "<i4"),
        ("order_key", "<i8"),
        ("epoch", "<i8"),  # of the session that sent the order; 0: this one
        ("price_ticks", "<i8"),
        ("quantity_lots", "<i8"),
        ("filled_lots", "<i8"),  # of the order in all
        ("filled_tick_lots", "<i8"),
        ("venue_id", "<i8"),
        ("observed", "<i8"),
        ("limit", "<i8"),
        ("tag", "<i8"),  # of an intent: the strategy's own
        ("touched", "<i8"),  # not part of the record: written to keep the page in memory
        ("check", "<i8"),
    ]
)
# The same words for what is kept of a symbol, a position and a day.
JOURNAL_SYMBOL: Final[np.dtype[np.void]] = slot_dtype(
    [
        ("sequence", "<i8"),
        ("time_ns", "<i8"),
        ("kind", "<i4"),
        ("market", "<i4"),
        ("instrument", "<i4"),
        ("reason", "<i4"),
        ("price_grid_e8", "<i8"),
        ("quantity_grid_e8", "<i8"),
        ("symbol", "u1", (32,)),  # UTF-8
    ],
    itemsize=RECORD_WORDS * 8,
)
JOURNAL_POSITION: Final[np.dtype[np.void]] = slot_dtype(
    [
        ("sequence", "<i8"),
        ("time_ns", "<i8"),
        ("kind", "<i4"),
        ("side", "<i4"),
        ("instrument", "<i4"),
        ("reason", "<i4"),
        ("position_lots", "<i8"),
        ("cost_tick_lots", "<i8"),
        ("realised_tick_lots", "<i8"),
        ("cash_tick_lots", "<i8"),
        ("turnover_tick_lots", "<i8"),
        ("bought_lots", "<i8"),
        ("sold_lots", "<i8"),
        ("trip_start_tick_lots", "<i8"),
        ("losses_in_row_n", "<i8"),
        ("day_traded_lots", "<i8"),  # bought + sold when the day began
    ],
    itemsize=RECORD_WORDS * 8,
)
JOURNAL_DAY: Final[np.dtype[np.void]] = slot_dtype(
    [
        ("sequence", "<i8"),
        ("time_ns", "<i8"),
        ("kind", "<i4"),
        ("side", "<i4"),
        ("instrument", "<i4"),
        ("reason", "<i4"),
        ("day_ends_ns", "<i8"),
        ("epoch", "<i8"),  # 0: of this session
        ("venue_day_ends_ns", "<i8"),
        ("messages_n", "<i8"),  # today so far
        ("fills_n", "<i8"),
        ("venue_orders_n", "<i8"),
        ("day_turnover_e8", "<i8"),  # the account's sums when the day began
        ("day_profit_e8", "<i8"),
        ("profit_peak_e8", "<i8"),
    ],
    itemsize=RECORD_WORDS * 8,
)
_LAYOUTS: Final = (JOURNAL, JOURNAL_SYMBOL, JOURNAL_POSITION, JOURNAL_DAY)

assert all(layout.itemsize == RECORD_WORDS * 8 for layout in _LAYOUTS)
assert JOURNAL.fields is not None and JOURNAL.fields["check"][1] == CHECK * 8
assert JournalKind.UNKNOWN == JournalKind.ACKNOWLEDGED + Report.UNKNOWN
assert JOURNAL_RECORDS & (JOURNAL_RECORDS - 1) == 0


class Journal(NamedTuple):
    """A journal as its writer sees it."""

    words: "np.ndarray[tuple[int], np.dtype[np.int64]]"  # header, then the records
    refusals: "np.ndarray[tuple[int, int], np.dtype[np.int64]]"  # [INSTRUMENTS_MAX, 3]: the last
    # one of an instrument that was written: reason, time, and how many like it came since


def layout_id() -> int:
    """Of the records above and what their kinds mean: another version has another."""
    kinds = [(kind.name, kind.value) for kind in JournalKind]
    return zlib.crc32(repr(([layout.descr for layout in _LAYOUTS], kinds)).encode())


def archive_paths(journal: Path) -> list[Path]:
    """All files of the archive of the journal at this path, oldest first."""
    stem = journal.name.removesuffix(JOURNAL_SUFFIX)
    return sorted(journal.parent.glob(f"{stem}-{'[0-9]' * 8}{ARCHIVE_SUFFIX}"))


def journal_bytes(records_n: int) -> int:
    """Size of a file of so many records."""
    return HEADER_BYTES + records_n * RECORD_WORDS * 8


def prepare_header(
    words: "np.ndarray[tuple[int], np.dtype[np.int64]]", records_n: int, keeping: Keeping, salt: int
) -> None:
    """Make zeroed words a journal without a record. MARK comes last: a half-made file has none."""
    words[LAYOUT], words[RECORD_BYTES] = layout_id(), RECORD_WORDS * 8
    words[CAPACITY], words[KEEPING], words[SALT] = records_n, keeping, salt
    words[MARK] = MARKED


def make_journal(records_n: int) -> Journal:
    """One in ordinary memory that overwrites its oldest records: for a loop nobody recovers."""
    words = np.zeros(HEADER_WORDS + records_n * RECORD_WORDS, np.int64)
    prepare_header(words, records_n, Keeping.OVERWRITE, 1)
    return journal_of(words)


def journal_of(words: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> Journal:
    """The writer's view of a journal's words."""
    return Journal(words, np.zeros((INSTRUMENTS_MAX, 3), np.int64))
