"""Limits from evidence: appliance.cold.backtest.evidence and appliance.cold.backtest.derived_limits
on ledgers that were thought out by hand."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from appliance.abi.history import VENUE_LOG, Happened
from appliance.abi.layout import records
from appliance.abi.units import E8
from appliance.cold.backtest import evidence as counted
from appliance.cold.backtest.derived_limits import Basis, NoLimits, derived
from appliance.cold.backtest.evidence import evidence_of, max_safe_position
from appliance.cold.backtest.ledger import Holding, ledger_of
from appliance.cold.limits import parse_limits
from appliance.cold.risk_file import RiskFile
from tests.strategies.risk_text import risk_text
from tests.unit.test_backtest_results import CAPITAL_E8, FEES, MINUTE_NS, START_NS, run_of

FILLS = ((2, 1, 990, 300, 1), (5, -1, 1010, 100, 1), (9, -1, 1004, 200, 0))


def holding(lots: int, worst: int, *, over: bool = True) -> Holding:
    return Holding(0, 0, 1, lots, worst, worst, over)


@pytest.mark.parametrize(
    ("held", "wanted"),
    [
        ([], (0, 0)),
        ([holding(5, -10)], (5, 0)),
        ([holding(5, -11)], (0, 1)),
        ([holding(5, 3), holding(9, -11), holding(7, -10), holding(20, 50)], (7, 1)),
        ([holding(5, 3), holding(5, -11)], (0, 1)),
        ([holding(4, 3), holding(5, -11), holding(5, 0)], (4, 1)),
        ([holding(4, 3), holding(6, -20, over=False)], (4, 1)),
    ],
)
def test_the_largest_position_below_which_none_was_unsafe(
    held: list[Holding], wanted: tuple[int, int]
) -> None:
    assert max_safe_position(held, 10) == wanted


def basis_of(*fills: Any, given: RiskFile | None = None, loss: Fraction | None = None) -> Basis:
    noted, core = run_of(*fills)
    ledger = ledger_of(noted, core, FEES, CAPITAL_E8)
    safe_loss = Fraction(1, 100) if loss is None else loss
    found = evidence_of(noted, ledger, FEES, safe_loss)
    instruments = core.gate.instruments
    return Basis(("BTCUSDT",), instruments, found, CAPITAL_E8, safe_loss, given)


def test_what_is_counted() -> None:
    found = basis_of(*FILLS).evidence
    one = found.instruments[0]
    assert (one.safe_lots, one.held_most_lots, one.unsafe_n) == (300, 300, 0)
    assert one.day_most_lots == 600 and one.price_most_ticks == 1010
    assert found.fee_most == FEES.taker and found.fills_second_n == 1
    assert found.day_most_value_e8 == 10 * (990 * 300 + 1010 * 100 + 1004 * 200)
    # every trade at the taker's fee, and the position at the middle
    paid = sum(int(Fraction(ticks * lots * 10) * FEES.taker) for _, _, ticks, lots, _ in FILLS[:1])
    assert found.day_loss_e8 == max(0, -(300 * 10 * (2001 - 1980) // 2 - paid))


def test_a_loss_counts_from_the_days_start_and_from_the_peak() -> None:
    """Bought too dear by 100 ticks x 300 lots x 10, then sold better by 50."""
    found = basis_of((2, 1, 1100, 300, 1), (9, -1, 1050, 300, 1)).evidence
    paid = [int(Fraction(ticks * 300 * 10) * FEES.maker) for ticks in (1100, 1050)]
    deepest = 300 * 10 * (2200 - 2001) // 2 + paid[0]
    assert found.day_loss_e8 == found.drawdown_e8 == deepest
    assert found.instruments[0].losses_in_row_n == 1 and found.fee_most == FEES.maker


def test_orders_at_once_and_in_a_second() -> None:
    """Three orders, two of them open at the same time, one of those refused."""
    noted, core = run_of()
    log = records(6, VENUE_LOG)
    entries = (
        (Happened.PLACED, 1, 1, 0, 5),
        (Happened.PLACED, 2, -1, 3, 7),
        (Happened.CANCELED, 1, 1, 4, 9),
        (Happened.REFUSED, 3, 1, 900, 950),
        (Happened.CANCELED, 2, -1, 2000, 2010),
        (Happened.CANCEL_REJECTED, 2, -1, 2020, 2030),
    )
    for entry, (event, key, side, sent_ms, local_ms) in zip(log, entries, strict=True):
        entry.event, entry.order_key, entry.side = event, key, side
        entry.sent_ns, entry.local_ns = sent_ms * 10**6, local_ms * 10**6
        entry.quantity_lots, entry.price_ticks = 10 * key, 1000
    noted = replace(noted, log=log)
    found = evidence_of(noted, ledger_of(noted, core, FEES, CAPITAL_E8), FEES, Fraction(1, 100))
    one = found.instruments[0]
    assert (found.orders_second_n, found.messages_second_n) == (3, 4)
    assert (one.open_most_n, one.open_side_most_n, one.open_most_lots) == (2, 1, 50)
    assert one.order_most_lots == 30 and found.messages_per_fill == 6


def test_an_order_without_an_end_is_open_to_the_end() -> None:
    ends = counted._ends_ns(
        records(0, VENUE_LOG), np.zeros(2, VENUE_LOG).view(np.recarray), last_ns=77
    )
    assert ends.tolist() == [77, 77]


# ---- the file ----------------------------------------------------------------------------------


def test_the_file_is_taken_and_says_where_each_number_is_from() -> None:
    basis = basis_of(*FILLS)
    text = derived(basis)
    limits = parse_limits(text, basis.records)
    own = limits.instruments[0]
    assert own["position_max_lots"] == 300 and own["quantity_max_lots"] == 300
    assert own["day_quantity_max_lots"] == 1200 and own["fee_ppm"] == 700
    floor = CAPITAL_E8 // 1000
    assert limits.account["day_loss_max_e8"] == max(2 * basis.evidence.day_loss_e8, floor)
    assert limits.account["guardian_age_max_ns"] == 3 * 10**9
    assert limits.currency == "USDT" and "# twice the worst day's loss" in text
    numbers = [line for line in text.splitlines() if " = " in line]
    silent = [line for line in numbers if "#" not in line]
    assert all("window_ms" in line for line in silent), silent


def test_a_real_loss_gives_twice_as_much() -> None:
    basis = basis_of((2, 1, 1_100_000, 300, 1), (9, -1, 1000, 300, 1), loss=Fraction(1))
    limits = parse_limits(derived(basis), basis.records)
    loss_e8 = basis.evidence.day_loss_e8
    assert loss_e8 > CAPITAL_E8 // 500
    rounded = -(-2 * loss_e8 // 10**6) * 10**6
    assert limits.account["day_loss_max_e8"] == rounded == limits.account["drawdown_max_e8"]


def test_what_was_given_stands_unless_ours_is_narrower() -> None:
    given = RiskFile.parse(
        risk_text(position_max="0.002", day_loss_max="0.5", collar_pct="3", day_quantity_max="1")
    )
    basis = basis_of(*FILLS, given=given)
    text = derived(basis)
    shown = {
        line.split(" = ")[0]: line.split(" = ")[1].split("#")[0].strip().strip('"')
        for line in text.splitlines()
        if " = " in line
    }
    assert Decimal(shown["position_max"]) == Decimal("0.002"), "given, and narrower"
    assert Decimal(shown["day_loss_max"]) == Decimal("0.5")
    assert shown["collar_pct"] == "3" and shown["guardian_age_max_ms"] == "off"
    assert Decimal(shown["quantity_max"]) == Decimal("0.003"), "ours"
    parse_limits(text, basis.records)


def test_without_evidence_there_are_no_limits() -> None:
    with pytest.raises(NoLimits, match="not traded: BTCUSDT"):
        derived(basis_of())
    with pytest.raises(NoLimits, match="no position was safe"):
        derived(basis_of((2, 1, 1_100_000, 300, 1), loss=Fraction(1, 10**6)))
    with pytest.raises(NoLimits, match="one currency"):
        derived(replace(basis_of(*FILLS), symbols=("BTCXYZ",)))


def test_swings_are_within_two_minutes() -> None:
    noted, core = run_of(*FILLS)
    noted.samples.bid_ticks[30:] = 1100
    noted.samples.ask_ticks[30:] = 1101
    ledger = ledger_of(noted, core, FEES, CAPITAL_E8)
    one = evidence_of(noted, ledger, FEES, Fraction(1, 100)).instruments[0]
    assert one.swing_pct == pytest.approx((2201 / 2001 - 1) * 100)
    assert START_NS % MINUTE_NS == 0 and E8 == 10**8
