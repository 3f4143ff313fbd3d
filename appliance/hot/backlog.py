"""What is left out while the loop is behind, so that it decides on the freshest book, not the next.

The loop is behind with a message that has another one after it, if it waited in its buffer for
BEHIND_NS or came in a receive that could not take all there was. What is worth least goes first:

1. telemetry waits for a pass without work (duty_cycle.py);
2. of a book's updates the strategy sees the last (BEHIND, counted as CONFLATED);
3. trades are not shown to it (FAR_BEHIND, counted as TRADES_SHED).

Never left out: the book itself, a change of its state, what the gate knows of the market, the
venue's word on our orders, a cancel. However long it lasts, the strategy sees all books once in
``UNSHOWN_MAX`` messages. In a replay nothing waits, so nothing is left out.
"""

from typing import Final

import numpy as np

from appliance.abi.control import BEHIND_NS, CYCLES_MULT, CYCLES_SHIFT, UNSHOWN_N
from appliance.abi.counters import Counter
from appliance.abi.link import Lag
from appliance.hot.cpu import cycles, cycles_to_ns, realtime_ns
from appliance.hot.jit import hot_part
from appliance.hot.view import show
from appliance.hot.wire.links import has_more, reader_of
from appliance.hot.wire.websocket_reader import has_frame

FAR_TIMES: Final = 10  # far behind: so many times as long
UNSHOWN_MAX: Final = 32


@hot_part
def note_receive(core, links, k, got):
    """Link ``k`` received ``got`` bytes."""
    record = links.records[k]
    record.received_ns = realtime_ns(core.time_spec)
    record.received_cycles = cycles()
    record.has_more = np.int64(has_more(links, k, got))
    if record.has_more != 0:
        core.telemetry.counters[Counter.RECEIVES_FULL, 0] += 1


@hot_part
def lag_of(core, links, k, now_cycles):
    """Lag of the message that link ``k`` has read."""
    control = core.control
    record = links.records[k]
    span = now_cycles - record.received_cycles
    waited_ns = cycles_to_ns(span, control[CYCLES_MULT], control[CYCLES_SHIFT])
    lag = np.int64(Lag.NONE)
    if waited_ns >= control[BEHIND_NS] or record.has_more != 0:
        if control[UNSHOWN_N] < UNSHOWN_MAX and has_frame(reader_of(links, k)):
            lag = np.int64(Lag.BEHIND)
            if waited_ns >= FAR_TIMES * control[BEHIND_NS] or record.has_more != 0:
                lag = np.int64(Lag.FAR_BEHIND)
    return lag


@hot_part
def catch_up(core, lag):
    """After a message, or a look that found none: shows what was held back, unless behind."""
    control = core.control
    if lag != Lag.NONE:
        control[UNSHOWN_N] += 1
    elif control[UNSHOWN_N] != 0:
        control[UNSHOWN_N] = 0
        for i in range(core.unshown.shape[0]):
            if core.unshown[i] != 0:
                show(core, i)
