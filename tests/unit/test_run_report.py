"""The result as plain values and for people."""

import json
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from appliance.abi.counters import FAULT_BASE, REJECT_BASE, Counter
from appliance.abi.market import BookReason, BookState, Fault
from appliance.abi.refusal import Reject
from appliance.cold.purity import Purity
from appliance.cold.run_report import _decimal, as_dict, show
from tests.strategies.cores import small_core


@pytest.fixture
def session() -> Any:
    core = small_core(("BTCUSDT", "[red]X"))
    return SimpleNamespace(
        core=core,
        instruments=SimpleNamespace(records=core.gate.instruments, symbols=("BTCUSDT", "[red]X")),
        strategy=SimpleNamespace(name="mine", values={"a": 1}),
        loop=SimpleNamespace(busy_ns=2_000_000_000, purity=SimpleNamespace(total=Purity())),
        desk=SimpleNamespace(sent_back_n=5),
        start_s=1.23456,
        warm=True,
        notes=["[bold]a note"],
    )


def shown(result: dict[str, Any]) -> str:
    text = StringIO()
    show(result, Console(file=text, width=200))
    return text.getvalue()


def test_nothing_happened(session: Any) -> None:
    session.desk.sent_back_n = session.loop.busy_ns = 0
    result = as_dict(session)
    assert json.loads(json.dumps(result)) == result
    assert result["frames"] == result["orders"] == result["frames_per_s"] == 0
    assert result["rejects"] == result["quarantine"] == result["latency_ns"] == {}
    assert result["book"]["BTCUSDT"]["live_fraction"] == 0.0
    assert result["position"]["BTCUSDT"]["quantity"] == "0"
    assert result["pnl"]["BTCUSDT"]["total"] == "0"
    assert "decoded: nothing" in shown(result)


def test_counters(session: Any) -> None:
    counters = session.core.telemetry.counters
    counters[Counter.FRAMES, 0] = 105
    counters[Counter.ORDERS_SENT, 0] = 7
    counters[Counter.QUARANTINED, 0] = 3
    counters[FAULT_BASE + Fault.NOT_JSON, 0] = 3
    counters[REJECT_BASE + Reject.ORDER_RATE, 0] = 4
    result = as_dict(session)
    assert result["frames"] == 100  # those that the clerk sent back came twice
    assert result["frames_per_s"] == 50
    assert result["orders"] == 7
    assert result["quarantine"] == {"not_json": 3}
    assert result["rejects"] == {"order_rate": 4}
    assert (result["start"], result["start_s"]) == ("warm", 1.235)
    text = shown(result)
    assert "quarantined: 3 (3 not_json)" in text
    assert "7 orders" in text and "refused: 4 order_rate" in text


def test_a_position_is_exact(session: Any) -> None:
    """Bought 300 lots for 3 x 10**6 tick-lots: at 100.00; the mark is 101.00."""
    position = session.core.gate.positions[0]
    position.position_lots, position.cost_tick_lots = 300, 300 * 10_000
    position.mark_ticks, position.realised_tick_lots = 10_100, -1
    result = as_dict(session)
    assert result["position"]["BTCUSDT"]["quantity"] == "0.003"
    assert result["position"]["BTCUSDT"]["average_price"] == "100"
    assert result["pnl"]["BTCUSDT"]["unrealised"] == "0.003"
    assert result["pnl"]["BTCUSDT"]["realised"] == "-0.0000001"
    assert result["pnl"]["BTCUSDT"]["total"] == "0.0029999"


def test_a_book(session: Any) -> None:
    head = session.core.books.heads[0]
    head.state, head.reason = BookState.STALE, BookReason.GAP
    head.first_ns, head.last_ns, head.live_ns = 100, 300, 50
    head.compared_n, head.gaps_n = 12, 1
    result = as_dict(session)
    book = result["book"]["BTCUSDT"]
    assert (book["state"], book["reason"], book["live_fraction"]) == ("stale", "gap", 0.25)
    assert (book["compared"], book["gaps"], book["mismatched"], book["crossed"]) == (12, 1, 0, 0)
    text = shown(result)
    assert "stale (gap)" in text and "25.0 %" in text
    assert "[red]X" in text and "[bold]a note" in text  # text, never markup


def test_impurity_is_shown(session: Any) -> None:
    session.loop.purity.total.minor_faults = 3
    result = as_dict(session)
    assert result["purity"]["minor_faults"] == 3
    assert "while looping: minor_faults 3\n" in shown(result)


@pytest.mark.parametrize(
    ("units", "grids", "text"),
    [
        (0, (1,), "0"),
        (1, (1,), "0.00000001"),
        (-5, (10**6,), "-0.05"),
        (10**18, (10**8,), "1000000000000000000"),
        (7, (10**6, 10**3), "0.0000007"),
        (100, (10**8,), "100"),
    ],
)
def test_decimals_are_exact(units: int, grids: tuple[int, ...], text: str) -> None:
    assert _decimal(units, *grids) == text
