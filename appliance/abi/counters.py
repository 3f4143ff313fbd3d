"""Every counter of the appliance, in one table: id, unit, and a sentence each.

Counters only grow within an epoch. The hot loop adds; everybody else reads. In shared memory a
counter is the first int64 of a 128-byte row (``counters[id, 0]``), so two never share a line.
"""

from enum import IntEnum, unique
from typing import Final

from appliance.abi.market import Fault
from appliance.abi.refusal import Reject


@unique
class Counter(IntEnum):
    FRAMES = 0
    FRAME_BYTES = 1
    DECODED_DEPTH = 2
    DECODED_PARTIAL = 3
    DECODED_TICKER = 4
    DECODED_TRADE = 5
    DECODED_AGG_TRADE = 6
    DECODED_SNAPSHOT = 7
    DECODED_OTHER = 8
    UNDECIDED = 9
    QUARANTINED = 10
    CLERK_FULL = 11
    STRANGERS = 12
    LEVELS_APPLIED = 16
    LEVELS_PRUNED = 17
    GAPS = 18
    RESYNCS = 19
    SNAPSHOTS_REFUSED = 20
    DIFFS_IGNORED = 21
    DIFFS_BUFFERED = 22
    DIFFS_DROPPED = 23
    CROSSED = 24
    SILENCES = 25
    PARITY_COMPARED = 26
    PARITY_MISMATCHED = 27
    PARITY_DROPPED = 28
    MARKET_RECORDS = 32
    MARKET_MISSED = 33
    STRATEGY_CALLS = 34
    INTENTS = 35
    INTENTS_DROPPED = 36
    GATE_PASSED = 37
    GATE_REFUSED = 38
    ORDERS_SENT = 39
    CANCELS_SENT = 40
    ORDER_BYTES = 41
    EGRESS_FULL = 42
    REPORTS = 43
    REPORTS_ILLEGAL = 44
    REPORTS_STRAY = 45
    FILLS = 46
    ORDERS_FILLED = 47
    ORDERS_CANCELED = 48
    ORDERS_REJECTED = 49
    ORDERS_EXPIRED = 50
    PASSES = 56
    PASSES_WITH_WORK = 57
    CLOCK_STEPS_BACK = 58
    EVENTS = 59
    BACKED_UP = 60
    UNANSWERED = 61
    DESK_LOST = 62
    TRADES_REPEATED = 63
    RECEIVES_FULL = 64
    BACKLOG = 65
    ACKS = 66
    CONFLATED = 67
    TRADES_SHED = 68


# Refusals by reason and quarantined frames by fault stand behind the table above.
REJECT_BASE: Final = 128  # + Reject
FAULT_BASE: Final = 192  # + Fault

# Unit and meaning of each.
COUNTER_TABLE: Final[dict[Counter, tuple[str, str]]] = {
    Counter.FRAMES: ("frames", "taken from the frame rings"),
    Counter.FRAME_BYTES: ("bytes", "of those frames"),
    Counter.DECODED_DEPTH: ("frames", "decoded as a difference to a book"),
    Counter.DECODED_PARTIAL: ("frames", "decoded as partial depth"),
    Counter.DECODED_TICKER: ("frames", "decoded as bookTicker"),
    Counter.DECODED_TRADE: ("frames", "decoded as trade"),
    Counter.DECODED_AGG_TRADE: ("frames", "decoded as aggTrade"),
    Counter.DECODED_SNAPSHOT: ("frames", "decoded as REST snapshot"),
    Counter.DECODED_OTHER: ("frames", "sound, and of no interest"),
    Counter.UNDECIDED: ("frames", "handed to the clerk: the compiled decoder was out of its depth"),
    Counter.QUARANTINED: ("frames", "undecodable, kept with their reason"),
    Counter.CLERK_FULL: ("frames", "lost because the clerk's ring was full"),
    Counter.STRANGERS: ("frames", "of symbols that are not configured"),
    Counter.LEVELS_APPLIED: ("levels", "written into books"),
    Counter.LEVELS_PRUNED: ("levels", "farthest from the touch, dropped because a book was full"),
    Counter.GAPS: ("gaps", "in the ids of a live book"),
    Counter.RESYNCS: ("resyncs", "of a book that was live before, by a new snapshot"),
    Counter.SNAPSHOTS_REFUSED: ("snapshots", "older than the first buffered difference"),
    Counter.DIFFS_IGNORED: ("differences", "older than the book"),
    Counter.DIFFS_BUFFERED: ("differences", "kept until a snapshot comes"),
    Counter.DIFFS_DROPPED: ("differences", "buffered, then dropped for want of room"),
    Counter.CROSSED: ("books", "found crossed"),
    Counter.SILENCES: ("books", "gone stale because nothing came"),
    Counter.PARITY_COMPARED: ("tops", "of book compared with a bookTicker of the same id"),
    Counter.PARITY_MISMATCHED: ("tops", "that differed"),
    Counter.PARITY_DROPPED: ("tops", "not compared for want of room"),
    Counter.MARKET_RECORDS: ("records", "published to the market ring"),
    Counter.MARKET_MISSED: ("records", "that the strategy was too slow for"),
    Counter.STRATEGY_CALLS: ("calls", "of the strategy"),
    Counter.INTENTS: ("intents", "of the strategy"),
    Counter.INTENTS_DROPPED: ("intents", "beyond what one call may ask for"),
    Counter.GATE_PASSED: ("orders", "that the gate let through"),
    Counter.GATE_REFUSED: ("orders", "that the gate refused"),
    Counter.ORDERS_SENT: ("orders", "sent"),
    Counter.CANCELS_SENT: ("cancels", "sent"),
    Counter.ORDER_BYTES: ("bytes", "of orders and cancels"),
    Counter.EGRESS_FULL: ("orders", "refused because the way out was full"),
    Counter.REPORTS: ("reports", "from the venue"),
    Counter.REPORTS_ILLEGAL: ("reports", "that the order's state does not allow"),
    Counter.REPORTS_STRAY: ("reports", "of orders that the table does not hold"),
    Counter.FILLS: ("fills", ""),
    Counter.ORDERS_FILLED: ("orders", "filled completely"),
    Counter.ORDERS_CANCELED: ("orders", "canceled"),
    Counter.ORDERS_REJECTED: ("orders", "rejected by the venue"),
    Counter.ORDERS_EXPIRED: ("orders", "expired"),
    Counter.PASSES: ("passes", "of the duty cycle"),
    Counter.PASSES_WITH_WORK: ("passes", "that found work"),
    Counter.CLOCK_STEPS_BACK: ("frames", "received before their predecessor"),
    Counter.EVENTS: ("events", "written to the event ring"),
    Counter.BACKED_UP: ("orders", "that the kernel took only in part: new ones waited"),
    Counter.UNANSWERED: ("orders", "and cancels that got no answer in time"),
    Counter.TRADES_REPEATED: ("trades", "told by a second connection, too, and ignored"),
    Counter.RECEIVES_FULL: ("receives", "that filled their buffer: the venue is ahead of the loop"),
    Counter.BACKLOG: ("messages", "that waited in a receive buffer behind another"),
    Counter.ACKS: ("messages", "about our orders, read in the loop"),
    Counter.CONFLATED: ("updates", "of a book not shown to the strategy: a fresher one waited"),
    Counter.TRADES_SHED: ("trades", "not shown to the strategy: the loop was far behind"),
    Counter.DESK_LOST: ("messages", "lost because the ring to the session was full"),
}

assert set(COUNTER_TABLE) == set(Counter)
assert max(Counter) < REJECT_BASE and REJECT_BASE + max(Reject) < FAULT_BASE
assert FAULT_BASE + max(Fault) < 256
