"""The states of the appliance, and what moved it from one to the next.

    STARTING ─► RECONCILING ─► ACTIVE ⇄ REDUCE_ONLY ─► HALTED

How far a start has come (its phase) and how much is allowed are two things, and the state is what
follows from both: what a limit or a person took away stays taken while the venue is asked. Only a
person gives it back.
"""

from enum import IntEnum, unique


@unique
class TradingState(IntEnum):
    """What the gate lets through. A record of zeros means HALTED."""

    HALTED = 0  # no order; what is open is being cancelled, if it was asked for
    REDUCE_ONLY = 1  # what cannot raise the position at its worst
    ACTIVE = 2  # what keeps within the limits
    STARTING = 3  # no order: not connected yet
    RECONCILING = 4  # no order: journal and venue are being compared


@unique
class Phase(IntEnum):
    """How far the start has come."""

    STARTING = 0
    RECONCILING = 1
    READY = 2


@unique
class Cause(IntEnum):
    """Who or what moved the appliance to its state."""

    NONE = 0
    START = 1
    RECONCILED = 2
    OPERATOR = 3
    LIMIT = 4  # reason: Reject, with the observed value and the limit
    GUARDIAN = 5
    MISMATCH = 6  # journal and venue differ, and nothing explains it
    OVERLOAD = 7  # our own latency is out of bounds
    CLOCK = 8
    FEED = 9
    JOURNAL = 10  # it is full: nothing more can be written down
    STOP = 11  # the run ends
