"""The control region: a mailbox through which people and other processes tell a running loop.

::

    lonecore-<name>.control, in /dev/shm, mode 0600: who may write it may halt and re-arm
      words        POSTED  how many operations were ever posted       commands, under a lock
                   TAKEN   how many of them the loop has answered     loop
                   BEATS   when each watching process was alive last  the guardian, the sidecar
      operations   OPERATION, the n-th at n % OPERATIONS_N

A command locks the file (flock), fills the next record, then raises POSTED, and reads the record
again when TAKEN has passed it. On x86-64 stores become visible in the order in which they are made,
so NumPy will do; the loop reads with load_acquire and answers with store_release. The lock is for
commands among themselves. The loop never waits.
"""

from enum import IntEnum, unique
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from appliance.abi.layout import Buffer, records_in, slot_dtype
from appliance.abi.limits import BEATS_N, OPERATION_TEXT_BYTES, OPERATIONS_N
from appliance.abi.telemetry import REGION_PREFIX

CONTROL_SUFFIX: Final = ".control"
MARK: Final = 0x4C4F4E45_43545232  # of this layout: another one has another

# Words, each that is written by somebody else on lines of its own.
MARKED: Final = 0
POSTED: Final = 16
TAKEN: Final = 32
BEATS: Final = 48
WORDS_N: Final = 64
CONTROL_BYTES: Final = 8192


@unique
class Operation(IntEnum):
    HALT = 1  # no new order
    HALT_AND_CANCEL = 2  # nor an old one
    REDUCE = 3  # only what brings positions nearer to zero
    RESUME = 4  # whatever the limits allow
    LIMIT_SHOW = 5  # answers with the value of a limit
    LIMIT_SET = 6  # from the next order on
    GUARD = 9  # the guardian saw no heartbeat: no new order, nor an old one
    LOWER = 11  # no more than a state, for a cause that the session saw
    MISMATCH = 10  # we and the venue differ, and nothing explains it
    READY = 8  # journal and venue agree: what the limits allow may begin
    STOP = 7  # HALT, because the run ends: what is open is cancelled by whoever ends it


@unique
class Result(IntEnum):
    NONE = 0  # not answered yet
    DONE = 1
    UNCHANGED = 2  # it was so already, or worse
    UNKNOWN = 3  # no such operation, limit or instrument
    REFUSED = 4  # a value that would limit nothing


OPERATION: Final[np.dtype[np.void]] = slot_dtype(
    [
        ("operation", "<i8"),
        ("pid", "<i8"),
        ("uid", "<i8"),
        ("posted_ns", "<i8"),
        ("limit", "<i8"),  # risk_limits.Limit
        ("instrument", "<i8"),  # its own limit; -1: the account's
        ("value", "<i8"),  # to set; after the answer: what holds. Of LOWER: TradingState
        # of LOWER: what was seen, and its bound; ``limit`` is the Cause
        ("observed", "<i8"),
        ("bound", "<i8"),
        # the answer
        ("result", "<i8"),
        ("before_state", "<i8"),  # TradingState
        ("after_state", "<i8"),
        ("open_orders_n", "<i8"),  # when it was answered
        ("answered_ns", "<i8"),
        ("text", "u1", (OPERATION_TEXT_BYTES,)),  # the reason that a person gave, UTF-8
    ]
)
_OPERATIONS_OFFSET: Final = WORDS_N * 8
assert _OPERATIONS_OFFSET + OPERATIONS_N * OPERATION.itemsize <= CONTROL_BYTES
assert BEATS + BEATS_N <= WORDS_N


class Mailbox(NamedTuple):
    words: "np.ndarray[tuple[int], np.dtype[np.int64]]"  # int64[WORDS_N]
    operations: "np.recarray[tuple[int], np.dtype[np.void]]"  # OPERATION[OPERATIONS_N]


def mailbox_in(buffer: Buffer) -> Mailbox:
    """The mailbox in the CONTROL_BYTES of a region."""
    words = np.frombuffer(buffer, np.int64, WORDS_N)
    return Mailbox(words, records_in(buffer, OPERATION, OPERATIONS_N, _OPERATIONS_OFFSET))


def control_path(telemetry_path: Path) -> Path:
    """The control region that belongs to a telemetry region."""
    name = telemetry_path.name.removeprefix(REGION_PREFIX).rpartition(".")[0]
    return telemetry_path.parent / f"{REGION_PREFIX}{name}{CONTROL_SUFFIX}"
