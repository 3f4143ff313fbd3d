"""Journal and venue before the loop starts (appliance.cold.live.recovery, comparison, cold.ledger).

The venue is a few rows in memory that obey; tests/e2e/test_recovery.py has the simulated one.
"""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from appliance.abi.journal import JournalKind
from appliance.abi.market import Market
from appliance.abi.trading import OrderState
from appliance.cold.errors import ApplianceError
from appliance.cold.journal_text import order_text
from appliance.cold.ledger import Symbol
from appliance.cold.live import comparison, recovery
from appliance.cold.live.comparison import NotReconciled
from appliance.cold.live.recovery import Recovery
from appliance.cold.run_journal import RunJournal
from tests.strategies.journals import COINS, EPOCH, NOW_NS, start, write
from tests.strategies.recovered import (
    KEY,
    NAME,
    SPOT,
    USDM,
    Venue,
    a_trade,
    an_order,
    held,
    opened,
    owes,
    recover,
)


@pytest.fixture
def journal(tmp_path: Path) -> Any:
    run = opened(tmp_path)
    start(run.journal)
    run.close()
    again = opened(tmp_path)
    again.ledger.checked_ms = NOW_NS // 10**6
    yield again
    again.close()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recovery, "CERTAIN_S", 0.6)


@pytest.mark.parametrize(
    ("status", "executed", "worth", "state", "lots"),
    [
        ("NEW", "0.00", "0", OrderState.CANCELED, 0),
        ("PARTIALLY_FILLED", "0.02", "0.02", OrderState.CANCELED, 2),
        ("FILLED", "0.05", "0.05", OrderState.FILLED, 5),
        ("EXPIRED", "0.01", "0.01", OrderState.EXPIRED, 1),
        ("REJECTED", "0.00", "0", OrderState.REJECTED, 0),
        ("CANCELED", "0.03", "0.03", OrderState.CANCELED, 3),
    ],
)
@pytest.mark.parametrize("market", [SPOT, USDM])
def test_each_end_of_an_order_is_learnt(
    journal: RunJournal,
    market: Market,
    status: str,
    executed: str,
    worth: str,
    state: OrderState,
    lots: int,
) -> None:
    order = owes(journal)
    venue = Venue()
    row = an_order(status, executed, worth)
    venue.orders[row["clientOrderId"]] = row
    venue.positions = [{"symbol": NAME, "positionAmt": executed, "entryPrice": "1"}]
    assert recover(journal, venue, market) == []
    assert journal.ledger.orders == {}
    assert (order.state, order.filled_lots, held(journal)) == (state, lots, lots)


def test_fills_that_the_journal_has_are_not_counted_again(journal: RunJournal) -> None:
    owes(journal, filled_lots=2, filled_tick_lots=200)
    venue = Venue()
    row = an_order("PARTIALLY_FILLED", "0.03", "0.03")
    venue.orders[row["clientOrderId"]] = row
    recover(journal, venue)
    assert held(journal) == 1


def test_an_order_that_never_came_is_believed_only_when_it_is_too_late(
    journal: RunJournal,
) -> None:
    order = owes(journal)
    venue = Venue()
    recover(journal, venue)
    asked_n = sum(method == "GET" and path == "/order" for method, path, _ in venue.calls)
    assert asked_n >= 2 and order.state == OrderState.REJECTED and held(journal) == 0


def test_an_order_that_comes_while_we_ask_is_found(journal: RunJournal) -> None:
    order = owes(journal)
    venue = Venue()
    venue.late = [an_order("FILLED", "0.05", "0.05")]
    recover(journal, venue)
    assert (order.state, held(journal)) == (OrderState.FILLED, 5)


def test_what_is_learnt_survives_a_kill(journal: RunJournal, tmp_path: Path) -> None:
    """Found out, written down, killed before the new session began: it is not asked for again."""
    write(journal.journal, 5, order_key=KEY, side=1, price_ticks=100, quantity_lots=5)
    journal.close()
    first = opened(tmp_path)
    venue = Venue()
    row = an_order("FILLED", "0.05", "0.05")
    venue.orders[row["clientOrderId"]] = row
    recover(first, venue)
    first.close()
    second = opened(tmp_path)
    assert second.ledger.orders == {} and second.ledger.holdings[NAME].position_lots == 5
    second.close()


def test_a_venue_that_fails_for_a_while(
    journal: RunJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def at_once(_seconds: float) -> None:
        return None

    monkeypatch.setattr("appliance.cold.live.rest_client.asyncio.sleep", at_once)
    venue = Venue()
    venue.failures = recovery.TRIES - 1
    assert recover(journal, venue) == []
    venue.failures = 1_000
    with pytest.raises(ApplianceError, match="cannot compare the journal with the venue"):
        recover(journal, venue)


def test_an_answer_that_is_nonsense(journal: RunJournal) -> None:
    owes(journal)
    venue = Venue()
    venue.orders[order_text(EPOCH, KEY)] = {"status": "NEW"}
    with pytest.raises(ApplianceError, match="not what it should be"):
        recover(journal, venue)


def test_a_foreign_order_is_cancelled_or_a_reason_not_to_start(journal: RunJournal) -> None:
    venue = Venue()
    venue.open = [an_order("NEW", "0.00") | {"clientOrderId": "by-hand", "orderId": 5}]
    with pytest.raises(NotReconciled, match=r"order by-hand, BUY 0\.05 is open and not ours"):
        recover(journal, venue, takes=False)
    assert len(venue.open) == 1
    (line,) = recover(journal, venue)
    assert "by-hand" in line and venue.open == []


def test_foreign_trades_are_counted_once_or_a_reason_not_to_start(
    journal: RunJournal, tmp_path: Path
) -> None:
    venue = Venue()
    venue.trades = [a_trade(1, 900), a_trade(2, 901, "0.04", 20), a_trade(0, 899, after_ms=0)]
    with pytest.raises(NotReconciled, match=r"trade 1, BUY 0\.01 at 1 is not ours"):
        recover(journal, venue, takes=False)
    lines = recover(journal, venue)
    assert len(lines) == 2 and held(journal) == 5, "the third is older than the last comparison"
    assert recover(journal, venue) == [] and held(journal) == 5


def test_a_foreign_fill_that_the_loop_heard_of_is_not_counted_again(journal: RunJournal) -> None:
    """In part: of three trades of one order the loop heard of the first, and half of the second."""
    journal.write(JournalKind.FILL, 0, side=1, order_key=-1, quantity_lots=2, venue_id=900)
    assert held(journal) == 2
    venue = Venue()
    venue.trades = [a_trade(1, 900), a_trade(2, 900, "0.02", 20), a_trade(3, 900, "0.04", 30)]
    assert len(recover(journal, venue)) == 2
    assert held(journal) == 7


def test_a_kill_after_foreign_trades_were_counted(journal: RunJournal, tmp_path: Path) -> None:
    venue = Venue()
    venue.trades = [a_trade(1, 900), a_trade(2, 901, "0.04", 20)]
    recover(journal, venue)
    journal.close()
    again = opened(tmp_path)
    again.ledger.checked_ms = NOW_NS // 10**6
    assert recover(again, venue) == [] and held(again) == 5
    again.close()


def test_our_own_trades_are_no_news(journal: RunJournal) -> None:
    owes(journal)
    venue = Venue()
    row = an_order("FILLED", "0.05", "0.05")
    venue.orders[row["clientOrderId"]] = row
    venue.trades = [a_trade(1, 77, "0.02"), a_trade(2, 77, "0.03")]
    assert recover(journal, venue) == [] and held(journal) == 5


def test_trades_that_the_order_does_not_tell_of(journal: RunJournal) -> None:
    owes(journal)
    venue = Venue()
    row = an_order("FILLED", "0.05", "0.05")
    venue.orders[row["clientOrderId"]] = row
    venue.trades = [a_trade(1, 77, "0.02"), a_trade(2, 77, "0.04")]
    with pytest.raises(NotReconciled, match="has traded 6 lots of it, the journal tells of 5"):
        recover(journal, venue)


def test_many_trades_over_many_days(journal: RunJournal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "PAGE", 3)
    venue = Venue()
    day = comparison.DAY_MS
    times = [1, 1, 2, 2, 7, day, day + 1, 3 * day, 3 * day + 5]
    venue.trades = [a_trade(n, 900 + n, after_ms=ms) for n, ms in enumerate(times)]
    venue.now_ms += 4 * day
    assert len(recover(journal, venue)) == len(times)
    assert held(journal) == len(times)
    venue.trades = [a_trade(100 + n, 800, after_ms=4 * day + 60_001) for n in range(4)]
    venue.now_ms += day
    with pytest.raises(ApplianceError, match="more than 3 trades within a millisecond"):
        recover(journal, venue)


@pytest.mark.parametrize("amount", ["0.00", "0.03", "-0.03"])
def test_usdm_positions_must_agree(journal: RunJournal, amount: str) -> None:
    owes(journal)
    venue = Venue()
    row = an_order("FILLED", "0.02", "0.02")
    venue.orders[row["clientOrderId"]] = row
    venue.positions = [{"symbol": NAME, "positionAmt": amount, "entryPrice": "1"}]
    with pytest.raises(NotReconciled, match=f"{NAME}: the journal holds 0.02, the venue {amount}"):
        recover(journal, venue, USDM)


def test_a_first_start_takes_over_what_is_held(tmp_path: Path) -> None:
    first = opened(tmp_path / "other")
    venue = Venue()
    venue.positions = [{"symbol": NAME, "positionAmt": "-0.03", "entryPrice": "1.234567"}]
    (line,) = recover(first, venue, USDM)
    assert "-3 lots" in line
    holding = first.ledger.holdings[NAME]
    assert (holding.position_lots, holding.cost_tick_lots) == (-3, -3 * 123)
    assert first.ledger.checked_ms == venue.now_ms
    assert not any(path == "/userTrades" for _, path, _ in venue.calls)
    first.close()


def test_a_symbol_that_is_new_to_the_journal(journal: RunJournal) -> None:
    venue = Venue()
    made = Recovery(
        venue,  # type: ignore[arg-type]
        USDM,
        [*COINS, Symbol("NEWUSDT", USDM, 10**6, 10**6)],
        journal,
        print,
        takes_foreign=True,
    )
    venue.positions = [{"symbol": "NEWUSDT", "positionAmt": "0.07", "entryPrice": "2"}]
    asyncio.run(made.run())
    assert journal.ledger.holdings["NEWUSDT"].position_lots == 7
