"""Words between the cold side and the running loop, and why the loop came back.

One array of int64; the cold side writes the first line, the loop the second.
"""

from enum import IntEnum, unique
from typing import Final

# Written by the cold side
COMMAND: Final = 0  # Command
DRAIN: Final = 1  # 1: no more input will come; leave when all is done
LOCKSTEP: Final = 2  # 1: leave whenever a frame needs the clerk, so that order is kept (replay)
SILENCE_MAX_NS: Final = 3  # a book without an event for longer is stale
CYCLES_MULT: Final = 4  # ns = cycles x mult >> shift
CYCLES_SHIFT: Final = 5
PAPER: Final = 6  # Matching: who matches our orders
ANSWER_MAX_NS: Final = 8  # an order or cancel without an answer for longer is UNKNOWN; 0: never
FRAMES_MAX: Final = 7  # leave when so many frames were taken; 0: no bound
BEHIND_NS: Final = 9  # a message that waited for longer finds the loop behind
EVENTS_WANTED: Final = 10  # bits by Event: the strategy is asked
LEVELS_WANTED: Final = 11  # 1: the strategy looks at more than the touch
TIMER_NS: Final = 12  # the strategy's timer; 0: it has none

# Written by the loop
NOW_NS: Final = 16  # the market's time: receive time of the latest frame
STATUS_NEXT: Final = 17  # instrument whose status record is written next
FRAMES_DONE: Final = 18
WAITS_FOR_CLERK: Final = 19  # 1: a frame was handed over in lockstep
ORDERS_DIGEST: Final = 20  # of the bytes of every order and cancel (paper)
FILLS_DIGEST: Final = 21  # of every fill: order, price, quantity
SILENCE_DUE_NS: Final = 22  # market time of the next look for silent books
UNSHOWN_N: Final = 23  # messages since the strategy saw a record, while the loop is behind
TIMER_DUE_NS: Final = 24  # of the strategy; 0: no frame yet
CONTROL_WORDS: Final = 32


@unique
class Command(IntEnum):
    STOP = 0  # zeros: a loop that nobody started does not run
    RUN = 1


@unique
class Matching(IntEnum):
    VENUE = 0
    PAPER = 1  # the paper venue inside the loop
    HISTORY = 2  # the simulated venue of a backtest


@unique
class Left(IntEnum):
    """Why the loop returned."""

    STOPPED = 0
    DRAINED = 1
    CLERK = 2  # a frame waits for the clerk
    ENOUGH = 3  # FRAMES_MAX frames are done
