"""The strategy's own clock (appliance.hot.timer), and what it is shown (appliance.hot.view)."""

import numpy as np
import pytest

from appliance.abi.control import NOW_NS, TIMER_DUE_NS, TIMER_NS
from appliance.abi.market import MARKET, BookState, Event
from appliance.hot.broadcast import read
from appliance.hot.core import Core
from appliance.hot.jit import hot
from appliance.hot.timer import fire_timer
from tests.strategies.cores import small_core

PERIOD_NS = 1000


@hot
def fire(core, now_ns, is_live):
    return fire_timer(core, now_ns, is_live)


@pytest.fixture
def core() -> Core:
    core = small_core(("BTCUSDT", "ETHUSDT"))
    core.control[TIMER_NS] = PERIOD_NS
    core.latest["book_state"] = [BookState.LIVE, BookState.STALE]
    return core


def shown(core: Core) -> list[tuple[int, int, int]]:
    found, slot = [], np.zeros(1, MARKET).view(np.recarray)
    while read(core.market, core.cursor, slot):
        found.append((int(slot[0].event), int(slot[0].instrument), int(slot[0].receive_ns)))
    return found


def test_every_multiple_that_is_over_before_the_frame(core: Core) -> None:
    """A replay makes up for each, one after the other, and the frame of that moment comes first."""
    assert not fire(core, 10_500, False) and core.control[TIMER_DUE_NS] == 11_000
    assert not fire(core, 11_000, False)
    fired = [bool(fire(core, 13_500, False)) for _ in range(5)]
    assert fired == [True, True, True, False, False]
    assert shown(core) == [(Event.TIMER, 0, due_ns) for due_ns in (11_000, 12_000, 13_000)]
    assert core.control[NOW_NS] == 13_000


def test_live_nothing_is_made_up_for(core: Core) -> None:
    fire(core, 10_500, True)
    assert fire(core, 19_700, True) and not fire(core, 19_900, True)
    assert shown(core) == [(Event.TIMER, 0, 19_000)]
    assert core.control[TIMER_DUE_NS] == 20_000


def test_without_a_timer_there_is_none(core: Core) -> None:
    core.control[TIMER_NS] = 0
    assert not fire(core, 10**9, False) and shown(core) == []
