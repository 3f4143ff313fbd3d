"""The thread and its feeds, over a loop that is plain Python."""

import os
import threading

import numpy as np
import pytest

from appliance.abi import control as c
from appliance.cold.clerk import Clerk
from appliance.cold.clerk_desk import ClerkDesk
from appliance.cold.line import Line
from appliance.cold.loop import Feed, HotLoop, repeated, run_flat_out, run_in_time
from appliance.cold.placement import Placement
from appliance.cold.quarantine import Quarantine
from appliance.cold.recording import arena_of
from appliance.hot.core import Core
from tests.strategies.cores import reader, small_core

FRAMES = [b'{"number":%d}' % number for number in range(50)]


def feed(core: Core, frames: list[bytes] = FRAMES, step_ns: int = 1_000_000) -> Feed:
    arena = arena_of(Line(10**18 + step_ns * n, frame) for n, frame in enumerate(frames))
    return Feed(core, arena, np.full(len(arena), -1, np.int64))


def loop(core: Core, taken: list[bytes]) -> HotLoop:
    made = HotLoop(core, reader(taken), ClerkDesk(core, Clerk([]), Quarantine()))
    made.prepare(lambda: None)
    return made


@pytest.mark.skipif(os.geteuid() != 0, reason="needs the right to real-time priorities")
def test_it_takes_its_place_when_it_has_rehearsed() -> None:
    """What a rehearsal starts would inherit the place, and wait behind it for ever."""
    core = max(os.sched_getaffinity(0))
    seen: list[tuple[set[int], int]] = []

    def look() -> None:
        seen.append((os.sched_getaffinity(0), os.sched_getscheduler(0)))

    def rehearse() -> None:
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()

    def run(_: Core) -> int:
        look()
        return c.Left.STOPPED

    made = HotLoop(small_core(), run, ClerkDesk(small_core(), Clerk([]), Quarantine()))
    made.prepare(rehearse, Placement(core, fifo_priority=1))
    made.abandon()
    everywhere, there = (os.sched_getaffinity(0), os.SCHED_OTHER), ({core}, os.SCHED_FIFO)
    assert seen[:2] == [everywhere, there]


def test_what_is_due() -> None:
    one = feed(small_core(), step_ns=10)
    assert one.due_n(10**18 - 1) == 0
    assert one.due_n(10**18) == 1
    assert one.due_n(10**18 + 25) == 3
    one.next = 2
    assert one.due_n(10**18 + 25) == 1
    assert one.due_n(10**19 // 2) == one.left_n == len(FRAMES) - 2


def test_push_stops_where_the_ring_is_full() -> None:
    frames = [b"x" * 300] * 50
    one = feed(small_core(ring_bytes=4096), frames)
    pushed = one.push(50)
    assert 0 < pushed < 50
    assert one.left_n == 50 - pushed
    assert one.push(50) == 0 == one.push(0)


def test_flat_out_takes_all_in_order() -> None:
    core, taken, seen = small_core(ring_bytes=4096), [], []
    made = loop(core, taken)
    run_flat_out(made, [feed(core), feed(core, [b"last"])], lambda: seen.append(1), 0.01)
    assert taken == [*FRAMES, b"last"]
    assert not made.running and made.left == c.Left.DRAINED
    assert seen and made.busy_ns > 0


def test_flat_out_of_nothing() -> None:
    core, taken = small_core(), []
    made = loop(core, taken)
    run_flat_out(made, [], lambda: None)
    assert made.running and not taken
    made.abandon()
    assert not made.running


def test_in_time_takes_all_in_order() -> None:
    core, taken = small_core(), []
    run_in_time(loop(core, taken), [feed(core)], 10.0, lambda: None, 0.01)
    assert taken == FRAMES


def test_again_and_again_from_the_same_state() -> None:
    one = feed(small_core())
    happened: list[str] = []
    for again in repeated(one, 3, lambda: happened.append("restored")):
        assert again is one and again.next == 0
        again.next = 7
        happened.append("fed")
    assert happened == ["fed", "restored", "fed", "restored", "fed"]


def test_what_the_rehearsal_dies_of_is_told() -> None:
    core = small_core()
    made = HotLoop(core, reader([]), ClerkDesk(core, Clerk([]), Quarantine()))
    with pytest.raises(ZeroDivisionError):
        made.prepare(lambda: 1 // 0)
    assert not made.running


def test_what_the_loop_dies_of_is_told() -> None:
    core = small_core()

    def run(core: Core) -> int:
        if core.control[c.COMMAND] == c.Command.RUN:
            raise ZeroDivisionError
        return int(c.Left.STOPPED)

    made = HotLoop(core, run, ClerkDesk(core, Clerk([]), Quarantine()))
    made.prepare(lambda: None)
    with pytest.raises(ZeroDivisionError):
        run_flat_out(made, [feed(core)], lambda: None, 0.01)
    assert not made.running


def test_whoever_watches_may_stop_it() -> None:
    core, taken = small_core(), []
    made = loop(core, taken)

    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_in_time(made, [feed(core, step_ns=10**9)], 1.0, interrupted, 0.0)
    assert not made.running
    assert len(taken) < len(FRAMES)
