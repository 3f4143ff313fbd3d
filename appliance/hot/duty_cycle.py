"""ONE PASS of the appliance, in the order of the data. Read this first.

    frame ring ─► decode ─► book ─► market ring ─► strategy ─► RISK GATE ─► gateway ─► egress ring
       feed.py    decode/   book/                  strategy/    gate.py     gateway.py

``run`` repeats it on the hot thread until the control word says stop; ``run_live`` does the same
with the venue's sockets at both ends (sockets.py, egress.py), whose receive and send are the only
system calls. Each agent's ``poll`` does one piece of work and says how much it did; only when
nobody had any does the loop pause. There is no lock or allocation in here; what it writes is in
shared memory for others to read, and is written when the orders have left (notes.py).
"""

from typing import Final

import numpy as np

from appliance.abi.control import (
    COMMAND,
    CYCLES_MULT,
    CYCLES_SHIFT,
    DRAIN,
    FRAMES_DONE,
    FRAMES_MAX,
    PAPER,
    WAITS_FOR_CLERK,
    Command,
    Left,
)
from appliance.abi.counters import Counter
from appliance.abi.limits import INSTRUMENTS_MAX
from appliance.abi.telemetry import Stage
from appliance.hot.atomics import load_acquire
from appliance.hot.capture import keep_remembered
from appliance.hot.cpu import cycles, cycles_to_ns, pause, realtime_ns
from appliance.hot.egress import poll_egress
from appliance.hot.feed import poll_feed
from appliance.hot.frame_ring import peek
from appliance.hot.halt import poll_halt
from appliance.hot.jit import hot, hot_part
from appliance.hot.notes import note_span, tell_notes
from appliance.hot.operator import poll_operator
from appliance.hot.reporter import report_one
from appliance.hot.session import poll_timers, settle_links
from appliance.hot.sockets import poll_live_feed
from appliance.hot.telemetry import beat, stage
from appliance.hot.trader import poll_trader, poll_venue

# A busy loop still reports once in so many passes.
REPORT_EVERY_PASSES: Final = 256
# An idle loop does so once in so many pauses.
REPORT_EVERY_IDLE: Final = 4096
# A pass over sockets that finds nothing is a handful of system calls.
REPORT_EVERY_LIVE: Final = 1024


# No record waits while the next frame is taken: strategy and gate see the same moment.
RECORDS_PER_PASS: Final = INSTRUMENTS_MAX + 1


@hot_part
def duty_cycle(core):
    """One pass: market data, strategy, gate, gateway, acknowledgements. The work done."""
    start = cycles()
    work = poll_feed(core)
    work += poll_operator(core)
    for _ in range(RECORDS_PER_PASS):  # one, but for the silent books that a frame reveals
        done = poll_trader(core)
        done += poll_halt(core)  # as many as the ring takes: until none is left
        tell_notes(core)
        done += poll_venue(core)
        if done == 0:
            break
        work += done
    time_pass(core, work, start)
    return work


@hot_part
def live_cycle(core, links):
    """The same on the sockets of the venue: what is decided goes out before anything is told."""
    start = cycles()
    work = poll_live_feed(core, links)
    settle_links(core, links)
    work += poll_operator(core)
    for _ in range(RECORDS_PER_PASS):
        done = poll_trader(core)
        done += poll_halt(core)
        if core.control[PAPER] == 0:
            done += poll_egress(core, links)
        tell_notes(core)
        done += poll_venue(core)
        if done == 0:
            break
        work += done
    keep_remembered(links.capture, links.read_data)
    time_pass(core, work, start)
    return work


@hot_part
def time_pass(core, work, start):
    """A pass that found work is counted and timed."""
    if work != 0:
        core.telemetry.counters[Counter.PASSES_WITH_WORK, 0] += 1
        note_span(core.notes, Stage.PASS, cycles() - start)
        tell_notes(core)


@hot_part
def note_hiccup(core, span_cycles):
    """How long an idle pass took, at once: nothing waits for it."""
    control = core.control
    span_ns = cycles_to_ns(span_cycles, control[CYCLES_MULT], control[CYCLES_SHIFT])
    stage(core.telemetry, Stage.HICCUP, span_ns)


@hot_part
def housekeeping(core):
    """Telemetry, one instrument a turn."""
    report_one(core)
    beat(core.telemetry, realtime_ns(core.time_spec))


@hot
def run(core):
    """The loop. Returns why it left (abi.control.Left)."""
    control = core.control
    counters = core.telemetry.counters
    passes = np.int64(0)
    idle = np.int64(0)
    while load_acquire(control, COMMAND) == Command.RUN:
        work = duty_cycle(core)
        passes += 1
        counters[Counter.PASSES, 0] += 1
        if work != 0:
            idle = np.int64(0)
        else:
            idle += 1
            pause()
        if passes & (REPORT_EVERY_PASSES - 1) == 0 or idle & (REPORT_EVERY_IDLE - 1) == 1:
            housekeeping(core)
        if control[WAITS_FOR_CLERK] != 0:
            control[WAITS_FOR_CLERK] = 0
            return np.int64(Left.CLERK)
        if control[FRAMES_MAX] != 0 and control[FRAMES_DONE] >= control[FRAMES_MAX]:
            return np.int64(Left.ENOUGH)
        if work == 0 and load_acquire(control, DRAIN) != 0:
            # DRAINED: the cold side published its last frame before it set DRAIN
            if peek(core.ingress) < 0 and peek(core.from_clerk) < 0:
                return np.int64(Left.DRAINED)
    return np.int64(Left.STOPPED)


@hot
def run_live(core, links):
    """The loop over sockets. Leaves when it is told to (Left.STOPPED)."""
    control = core.control
    counters = core.telemetry.counters
    since = np.int64(0)  # passes without a report
    idle = np.int64(0)
    before = cycles()
    while load_acquire(control, COMMAND) == Command.RUN:
        if live_cycle(core, links) != 0:
            idle = np.int64(0)
        else:
            idle += 1
            if idle > 1:
                note_hiccup(core, cycles() - before)
        before = cycles()
        since += 1
        counters[Counter.PASSES, 0] += 1
        # Just after work it delays nobody: the next frame is hardly there yet.
        if idle == 1 or since >= REPORT_EVERY_LIVE:
            since = np.int64(0)
            housekeeping(core)
            poll_timers(core, links)
            before = cycles()
    return np.int64(Left.STOPPED)
