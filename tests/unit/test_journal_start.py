"""A loop goes on where the journal ended (appliance.cold.journal_start, run_journal)."""

import time
from pathlib import Path
from typing import Any

import pytest

from appliance.abi.journal import HEAD
from appliance.abi.market import Market
from appliance.abi.trading import OrderState
from appliance.cold.errors import ApplianceError
from appliance.cold.instrument_table import Instruments
from appliance.cold.journal_start import carried_day, on_grid
from appliance.cold.journal_state import replay
from appliance.cold.ledger import Day, Holding, JournalOrder, Ledger, Symbol
from appliance.cold.limits import demo_limits
from appliance.cold.run_journal import RunJournal
from appliance.hot.core import Core
from appliance.hot.position import apply_fill, pnl_tick_lots
from tests.strategies.cores import small_core
from tests.strategies.journals import in_order, write

VENUE = "https://venue.example"
DAY_NS = 86_400 * 10**9
COIN = Symbol("BTCUSDT", Market.SPOT, 10**6, 10**3)


def held(symbol: Symbol = COIN) -> Holding:
    return Holding(symbol, 5, 500, -20, -520, 1500, 10, 5, -20, 1, 3)


def core_of(*names: str) -> tuple[Core, Instruments]:
    core = small_core(names)
    demo_limits(core.gate.instruments, [100] * len(names)).write(core.gate)
    return core, Instruments(core.gate.instruments, names, (100,) * len(names), ())


def began(folder: Path, ledger: Ledger | None = None, *names: str) -> tuple[Any, Core, list[str]]:
    """A run of a journal that held ``ledger``; its core."""
    run = RunJournal(folder, "run", print, VENUE, 256)
    if ledger is not None:
        ledger.venue = run.ledger.venue
        run._reader.ledger = ledger
    core, instruments = core_of(*(names or ("BTCUSDT",)))
    core = core._replace(gateway=core.gateway._replace(journal=run.journal))
    return run, core, run.begin(core, instruments, 77, live=True)


def test_a_first_start_begins_at_nothing(tmp_path: Path) -> None:
    run, core, notes = began(tmp_path / "new" / "folder")
    assert notes == [f"{run.path}: a new journal"]
    assert run.path.parent.stat().st_mode & 0o777 == 0o700
    assert core.gate.positions[0].position_lots == core.gate.account[0].unvalued_n == 0
    run.close()


def test_positions_and_orders_go_on(tmp_path: Path) -> None:
    order = JournalOrder(9, 1 << 16, COIN, -1, 120, 4, 2, filled_lots=1, filled_tick_lots=120)
    ledger = Ledger(9, holdings={"BTCUSDT": held()}, orders={(9, 1 << 16): order})
    run, core, _ = began(tmp_path, ledger)
    position = core.gate.positions[0]
    lots = [int(position[f"{name}_lots"]) for name in ("position", "bought", "sold")]
    assert lots == [5, 10, 5]
    values = ("cost", "realised", "cash", "turnover", "trip_start")
    assert [int(position[f"{name}_tick_lots"]) for name in values] == [500, -20, -520, 1500, -20]
    assert position.losses_in_row_n == 1 and position.fills_n == 0
    run.close()
    again = RunJournal(tmp_path, "run", print, VENUE, 256)
    assert again.ledger.epoch == 77 and again.ledger.live
    assert again.ledger.holdings["BTCUSDT"] == held()
    kept = again.ledger.orders[9, 1 << 16]
    assert (kept.filled_lots, kept.state, kept.time_in_force) == (1, OrderState.UNKNOWN, 2)
    again.close()


def test_what_is_traded_after_a_restart_adds_up(tmp_path: Path) -> None:
    """The restored record obeys its invariant, and later fills keep it."""
    run, core, _ = began(tmp_path, Ledger(9, holdings={"BTCUSDT": held()}))
    positions = core.gate.positions
    assert apply_fill(positions, 0, -1, 130, 7) == 1
    positions.mark_ticks = 90
    position = positions[0]
    cash = int(position.cash_tick_lots) + int(position.position_lots) * 90
    assert pnl_tick_lots(positions, 0) == cash
    run.close()


def test_a_symbol_that_is_no_longer_traded_is_told_and_kept(tmp_path: Path) -> None:
    other = Symbol("OLDUSDT", 0, 10**6, 10**3)
    flat = Holding(Symbol("FLATUSDT", 0, 1, 1))
    ledger = Ledger(9, holdings={"OLDUSDT": held(other), "FLATUSDT": flat, "BTCUSDT": held()})
    run, core, notes = began(tmp_path, ledger, "BTCUSDT", "ETHUSDT")
    assert any("holds a position of 5 lots in OLDUSDT" in note for note in notes)
    assert [int(p.position_lots) for p in core.gate.positions] == [5, 0]
    run.close()
    again = RunJournal(tmp_path, "run", print, VENUE, 256)
    names = {name: h.position_lots for name, h in again.ledger.holdings.items()}
    assert names == {"BTCUSDT": 5, "ETHUSDT": 0, "OLDUSDT": 5}
    again.close()


def test_a_finer_grid_tells_the_same_position() -> None:
    fine = Symbol("BTCUSDT", Market.SPOT, 10**5, 10**2)
    made = on_grid(held(), fine)
    assert (made.position_lots, made.day_traded_lots) == (50, 30)
    assert (made.cost_tick_lots, made.cash_tick_lots) == (50_000, -52_000)
    assert made.losses_in_row_n == 1
    assert on_grid(made, COIN) == held()
    with pytest.raises(ApplianceError, match="cannot be told exactly"):
        on_grid(held(), Symbol("BTCUSDT", Market.SPOT, 10**6, 10**4))


def test_sums_of_the_account_are_those_of_before(tmp_path: Path) -> None:
    """What is held counts as unvalued until it has a price; the profit is the last one told."""
    ledger = Ledger(9, holdings={"BTCUSDT": held()}, profit_e8=-4_000, profit_known=True)
    ledger.day = Day(ends_ns=time.time_ns() + 10**12, profit_e8=-1_000, profit_peak_e8=700)
    run, core, _ = began(tmp_path, ledger)
    account, value = core.gate.account[0], core.gate.valuations[0]
    assert (account.unvalued_n, value.unvalued) == (1, 1)
    assert account.profit_e8 == value.profit_e8 == -4_000
    assert (account.day_profit_e8, account.profit_peak_e8) == (-1_000, 700)
    multiple = value.value_multiple / value.value_divisor
    assert account.turnover_e8 == -(-1500 * multiple // 1) and account.cash_e8 < -520 * multiple
    run.close()


def test_the_day_goes_on_or_is_over() -> None:
    day = Day(100, 50, 7, 3, 6, 11, -5, 9)
    ledger = Ledger(day=day)
    assert carried_day(ledger, 49) == day
    same = carried_day(ledger, 50)
    assert (same.venue_orders_n, same.venue_ends_ns, same.messages_n) == (0, 0, 7)
    assert carried_day(ledger, 100) == Day(profit_peak_e8=9)
    assert ledger.day == Day(100, 50, 7, 3, 6, 11, -5, 9)


def test_counts_of_the_day_go_on(tmp_path: Path) -> None:
    ends_ns = time.time_ns() + DAY_NS
    ledger = Ledger(9, day=Day(ends_ns, ends_ns, 7, 3, 6))
    run, core, _ = began(tmp_path, ledger)
    account = core.gate.account[0]
    assert account.messages_n - account.day_messages_n == 7
    assert account.fills_n - account.day_fills_n == 3
    assert (account.venue_day_orders_n, account.day_ends_ns) == (6, ends_ns)
    run.close()
    again = RunJournal(tmp_path, "run", print, VENUE, 256)
    kept = again.ledger.day
    assert (kept.messages_n, kept.fills_n, kept.venue_orders_n) == (7, 3, 6)
    again.close()


def test_a_start_that_was_killed_in_the_middle_changes_nothing(tmp_path: Path) -> None:
    run, core, _ = began(tmp_path, Ledger(9, holdings={"BTCUSDT": held()}))
    words = core.gateway.journal.words
    first = int(words[HEAD])
    run.close()
    run, core, _ = began(tmp_path, Ledger(9, holdings={"BTCUSDT": Holding(COIN, 99)}))
    words = core.gateway.journal.words
    last = int(words[HEAD])
    for count in range(first, last + 1):
        ledger = replay(in_order(words, count))
        assert ledger.holdings["BTCUSDT"].position_lots == (5 if count < last else 99)
    run.close()


@pytest.mark.parametrize("kind", [0, 77])
def test_a_journal_that_contradicts_itself_is_refused(tmp_path: Path, kind: int) -> None:
    run, core, _ = began(tmp_path)
    write(core.gateway.journal, kind)
    run.close()
    with pytest.raises(ApplianceError, match="has kind"):
        RunJournal(tmp_path, "run", print, VENUE, 256)


def test_an_end_of_an_order_that_none_tells_of_is_refused(tmp_path: Path) -> None:
    run, core, _ = began(tmp_path)
    write(core.gateway.journal, 9, order_key=5)
    run.close()
    with pytest.raises(ApplianceError, match="of an order that none tells of"):
        RunJournal(tmp_path, "run", print, VENUE, 256)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ApplianceError, match=r"journal\.folder"):
        RunJournal(tmp_path / "file" / "inside", "run", print)


@pytest.mark.parametrize(
    ("before", "after", "was"),
    [
        ("", VENUE, "fills on paper"),
        (VENUE, "", "a venue at another address"),
        (VENUE, "https://test.venue.example", "a venue at another address"),
    ],
)
def test_a_journal_is_of_one_venue(tmp_path: Path, before: str, after: str, was: str) -> None:
    """Positions on paper must never become real ones."""
    core, instruments = core_of("BTCUSDT")
    run = RunJournal(tmp_path, "run", print, before, 256)
    core = core._replace(gateway=core.gateway._replace(journal=run.journal))
    run.begin(core, instruments, 77, live=bool(before))
    run.close()
    with pytest.raises(ApplianceError, match=f"is the journal of {was}"):
        RunJournal(tmp_path, "run", print, after, 256)
    RunJournal(tmp_path, "run", print, before, 256).close()


def test_orders_on_paper_go_with_the_process(tmp_path: Path) -> None:
    order = JournalOrder(9, 1 << 16, COIN, -1, 120, 4, 2, filled_lots=1, filled_tick_lots=120)
    ledger = Ledger(9, holdings={"BTCUSDT": held()}, orders={(9, 1 << 16): order})
    ledger.symbols = {0: COIN}
    core, instruments = core_of("BTCUSDT")
    run = RunJournal(tmp_path, "run", print, "", 256)
    run._reader.ledger = ledger
    core = core._replace(gateway=core.gateway._replace(journal=run.journal))
    run.begin(core, instruments, 77, live=False)
    run.close()
    again = RunJournal(tmp_path, "run", print, "", 256)
    assert again.ledger.orders == {} and again.ledger.holdings["BTCUSDT"] == held()
    again.close()
