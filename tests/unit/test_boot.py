"""A core before its loop runs: closed, faulted in, and able to be put back as it was."""

import gc

import numpy as np
import pytest

from appliance.abi import control as c
from appliance.abi.market import BookState
from appliance.abi.trading_state import TradingState
from appliance.abi.units import UNSET
from appliance.cold import boot
from tests.strategies.cores import small_core


def test_a_new_core_is_closed() -> None:
    core = small_core(("BTCUSDT", "ETHUSDT"))
    assert core.control[c.COMMAND] == c.Command.STOP
    assert core.gate.account[0].trading_state == TradingState.HALTED
    assert (core.gate.limits["position_max_lots"] == UNSET).all()
    assert [head.state for head in core.books.heads] == [BookState.EMPTY] * 2
    assert core.latest["touch_id"].tolist() == [-1, -1]
    assert core.latest["instrument"].tolist() == [0, 1]


def test_faulting_in_changes_nothing() -> None:
    core = small_core()
    core.control[c.NOW_NS] = 77
    core.ingress.data[:] = 5
    boot.prefault(core)
    assert core.control[c.NOW_NS] == 77
    assert (core.ingress.data == 5).all()


def test_a_checkpoint_brings_back_all_but_telemetry_and_frames() -> None:
    core = small_core()
    core.control[c.COMMAND] = c.Command.RUN
    restore = boot.Checkpoint(core).restore
    before = core.books.heads.tobytes()
    core.books.heads[0].state = BookState.LIVE
    core.gate.positions[0].position_lots = 12
    core.intents.words[0] = 3
    core.control[c.NOW_NS] = 10**18
    core.control[c.COMMAND] = c.Command.STOP
    core.telemetry.counters[0, 0] = 9
    restore()
    assert core.books.heads.tobytes() == before
    assert core.gate.positions[0].position_lots == core.intents.words[0] == 0
    assert core.control[c.NOW_NS] == 0
    assert core.control[c.COMMAND] == c.Command.STOP  # the rest of control is the run's
    assert core.telemetry.counters[0, 0] == 9


def test_the_cycle_counter_is_calibrated() -> None:
    mult, shift = boot.calibrated()
    assert mult >= 0 and 0 <= shift < 63


def test_no_collection_after_the_freeze() -> None:
    frozen = gc.get_freeze_count()
    try:
        boot.freeze()
        assert not gc.isenabled()
        assert gc.get_freeze_count() > frozen
    finally:
        gc.unfreeze()
        gc.enable()


@pytest.mark.parametrize("value", [(), (np.zeros(0),), 5])
def test_faulting_in_nothing(value: object) -> None:
    boot.prefault(value)
