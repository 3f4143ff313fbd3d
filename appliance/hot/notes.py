"""What telemetry will be told of a pass: noted while orders are on their way, written afterwards.

A note is two words into memory that is in the cache; a histogram or an event is lines that are not.
A look at the clock costs no less: the stages inside a frame are timed once in TIMED_EVERY frames,
the way of an order and a pass always.
"""

from typing import Final, NamedTuple

import numpy as np

from appliance.abi.control import CYCLES_MULT, CYCLES_SHIFT
from appliance.abi.counters import Counter
from appliance.abi.event import EventKind
from appliance.abi.limits import INTENTS_MAX
from appliance.hot.cpu import cycles, cycles_to_ns
from appliance.hot.jit import hot, hot_inline
from appliance.hot.orders import key_of
from appliance.hot.telemetry import event_begin, event_commit, stage

# Of one market record: the stages of its frame, the strategy's, and three an intent
SPANS_MAX: Final = 4 * INTENTS_MAX
# A prime: no rhythm of a feed keeps one kind of frame out of sight.
TIMED_EVERY: Final = 17

# Words of Notes.words
_SPANS_N: Final = 0
_SENT_N: Final = 1
_IS_TIMED: Final = 2
_UNTIL_TIMED: Final = 3  # frames


class Notes(NamedTuple):
    spans: np.ndarray  # int64[SPANS_MAX, 2]: Stage, cycles
    sent: np.ndarray  # int64[INTENTS_MAX, 2]: slot of an order, cycles from its frame to its bytes
    words: np.ndarray  # int64[8]


def make_notes() -> Notes:
    return Notes(
        np.zeros((SPANS_MAX, 2), np.int64),
        np.zeros((INTENTS_MAX, 2), np.int64),
        np.zeros(8, np.int64),
    )


@hot_inline
def begin_frame(notes):
    """A frame is taken up: whether its stages are timed is settled here."""
    words = notes.words
    words[_IS_TIMED] = 0
    words[_UNTIL_TIMED] -= 1
    if words[_UNTIL_TIMED] < 0:
        words[_UNTIL_TIMED] = TIMED_EVERY - 1
        words[_IS_TIMED] = 1


@hot_inline
def stage_begins(notes):
    """Now, in cycles, for ``stage_over``. 0: this frame is not timed."""
    began = np.int64(0)
    if notes.words[_IS_TIMED] != 0:
        began = cycles()
    return began


@hot_inline
def stage_over(notes, which, began_cycles):
    """Stage ``which`` of the frame is over, if it is timed. Now, when the next one begins."""
    now = np.int64(0)
    if notes.words[_IS_TIMED] != 0:
        now = cycles()
        note_span(notes, which, now - began_cycles)
    return now


@hot_inline
def note_span(notes, which, span_cycles):
    """``which`` (Stage) took so long."""
    n = notes.words[_SPANS_N]
    if n < SPANS_MAX:  # always: see tell_notes
        notes.spans[n, 0] = which
        notes.spans[n, 1] = span_cycles
        notes.words[_SPANS_N] = n + 1


@hot_inline
def note_order(notes, slot, span_cycles):
    """The order in ``slot`` went out, so long after its frame came."""
    n = notes.words[_SENT_N]
    if n < INTENTS_MAX:
        notes.sent[n, 0] = slot
        notes.sent[n, 1] = span_cycles
        notes.words[_SENT_N] = n + 1


@hot_inline
def tell_notes(core):
    """Writes what was noted since the last time. After each market record, before any report."""
    words = core.notes.words
    if words[_SPANS_N] != 0:
        control = core.control
        mult, shift = control[CYCLES_MULT], control[CYCLES_SHIFT]
        _tell(core.notes, core.telemetry, core.seen, core.gateway.orders, mult, shift)


@hot
def _tell(notes, telemetry, seen, orders, mult, shift):
    for n in range(notes.words[_SPANS_N]):
        stage(telemetry, notes.spans[n, 0], cycles_to_ns(notes.spans[n, 1], mult, shift))
    notes.words[_SPANS_N] = 0
    for n in range(notes.words[_SENT_N]):
        latency_ns = cycles_to_ns(notes.sent[n, 1], mult, shift)
        _tell_sent(telemetry, seen[0], orders, notes.sent[n, 0], latency_ns)
    notes.words[_SENT_N] = 0


@hot
def _tell_sent(telemetry, view, orders, slot, latency_ns):
    telemetry.counters[Counter.EVENTS, 0] += 1
    event = telemetry.events.slots[event_begin(telemetry, EventKind.SENT, view.instrument)]
    order = orders.table[slot]
    event.receive_ns = view.receive_ns
    event.exchange_ns = view.exchange_ns
    event.latency_ns = latency_ns
    event.price_ticks = order.price_ticks
    event.quantity_lots = order.quantity_lots
    event.side = order.side
    event.order_key = key_of(orders, slot)
    event_commit(telemetry)
