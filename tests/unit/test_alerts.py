"""Limits that are nearly used up (appliance.cold.live.alerts): what the gate would refuse next."""

from typing import Any

import pytest

from appliance.abi.risk_limits import OFF
from appliance.cold.live import alerts
from appliance.cold.live.alerts import Alerts, Use, uses
from appliance.hot.gate import Gate
from tests.oracle.healthy_gate import NOW_NS, healthy_gate, put

SYMBOLS = ("AUSDT", "BUSDT")


def use_of(gate: Gate, name: str) -> Use | None:
    return next((use for use in uses(gate, SYMBOLS, NOW_NS) if use.name == name), None)


@pytest.mark.parametrize(
    ("name", "group", "fields", "used"),
    [
        ("open_orders_max", "account", {"open_orders_n": 6}, 6),
        ("gross_max", "account", {"gross_e8": 7}, 7),
        ("net_max", "account", {"long_e8": -7, "short_e8": 9}, 9),
        ("day_value_max", "account", {"turnover_e8": 9, "day_turnover_e8": 4, "open_e8": 2}, 7),
        ("day_loss_max", "account", {"day_profit_e8": 5, "profit_e8": -3}, 8),
        ("drawdown_max", "account", {"profit_peak_e8": 5, "profit_e8": -3}, 8),
        ("rejects_in_row_max", "account", {"rejects_in_row_n": 2}, 2),
        ("clock_offset_max_ms", "account", {"clock_offset_most_ns": 1_800}, 1_800),
        ("venue_day_max", "account", {"venue_day_orders_n": 900}, 900),
        ("BUSDT position_max", "positions", {"position_lots": 5, "open_buy_lots": 3}, 8),
        ("BUSDT position_max", "positions", {"position_lots": -5, "open_sell_lots": 3}, 8),
        ("BUSDT open_orders_max", "positions", {"open_buy_orders_n": 1}, 1),
        ("BUSDT open_orders_side_max", "positions", {"open_sell_orders_n": 2}, 2),
        ("BUSDT open_notional_max", "positions", {"open_notional_tick_lots": 77}, 77),
        ("BUSDT day_quantity_max", "positions", {"bought_lots": 4, "sold_lots": 3}, 7),
        ("BUSDT losses_in_row_max", "positions", {"losses_in_row_n": 1}, 1),
    ],
)
def test_what_is_used(name: str, group: str, fields: dict[str, int], used: int) -> None:
    gate = healthy_gate()
    put(gate, group, **fields)
    use = use_of(gate, name)
    assert use is not None and use.used == used and use.limit > 0


@pytest.mark.parametrize(
    ("name", "times", "window"),
    [
        ("order_rate_max", "rate_ns", 1_000),
        ("venue_rate_max", "rate_ns", 10_000),
        ("message_rate_max", "message_ns", 1_000),
        ("runaway_max", "runaway_ns", 1_000),
    ],
)
def test_what_was_sent_within_a_window(name: str, times: str, window: int) -> None:
    gate = healthy_gate()
    ring: Any = getattr(gate, times)
    ring[:4] = (NOW_NS, NOW_NS - window + 1, NOW_NS - window, NOW_NS - 2 * window)
    use = use_of(gate, name)
    assert use is not None and use.used == 2


def test_before_the_first_frame_nothing_was_sent() -> None:
    """The loop's clock stands at 0 then, and the rings of times are full of zeros."""
    gate = healthy_gate()
    for ring in (gate.rate_ns, gate.message_ns, gate.runaway_ns):
        ring[:] = 0
    for now_ns in (0, 1, 500):
        used = {use.name: use.used for use in uses(gate, SYMBOLS, now_ns)}
        assert used["order_rate_max"] == used["message_rate_max"] == used["runaway_max"] == 0


def test_messages_to_a_fill_and_leverage() -> None:
    gate = healthy_gate()
    put(gate, "account", messages_n=500, fills_n=0)
    use = use_of(gate, "messages_per_fill_max")
    assert use is not None and use.used == 0
    put(gate, "account", messages_n=600, fills_n=70)
    assert use_of(gate, "messages_per_fill_max") == Use("messages_per_fill_max", 600, 700)
    put(gate, "account", funds_known=1, funds_e8=1_000, profit_e8=-400, gross_e8=900)
    assert use_of(gate, "leverage_max") == Use("leverage_max", 900, 1_800)
    put(gate, "account", funds_known=0)
    assert use_of(gate, "leverage_max") is None


def test_what_is_off_or_unset_is_not_used() -> None:
    gate = healthy_gate()
    put(gate, "account_limits", gross_max_e8=OFF, day_loss_max_e8=0)
    assert use_of(gate, "gross_max") is None and use_of(gate, "day_loss_max") is None


def test_it_says_so_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerts, "EVERY_S", 0.0)
    gate, said = healthy_gate(), []
    watch = Alerts(gate, SYMBOLS, 80, said.append)
    for rejects_n in (0, 2, 3, 3, 2, 1, 3):
        put(gate, "account", rejects_in_row_n=rejects_n)
        watch.look(NOW_NS)
    assert said == ["limit rejects_in_row_max: 100% used (3 of 3)"]
    assert watch.alerts_n == 2 and watch.standing == {"rejects_in_row_max"}
    monkeypatch.setattr(alerts, "AGAIN_S", 0.0)
    for rejects_n in (1, 3):
        put(gate, "account", rejects_in_row_n=rejects_n)
        watch.look(NOW_NS)
    assert len(said) == 2


def test_on_the_edge_it_does_not_chatter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerts, "EVERY_S", 0.0)
    gate, said = healthy_gate(), []
    put(gate, "account_limits", gross_max_e8=100)
    watch = Alerts(gate, SYMBOLS, 80, said.append)
    for used in (80, 79, 80, 73, 80):
        put(gate, "account", gross_e8=used)
        watch.look(NOW_NS)
    assert len(said) == 1


def test_it_looks_once_a_second() -> None:
    gate, said = healthy_gate(), []
    watch = Alerts(gate, SYMBOLS, 80, said.append)
    watch.look(NOW_NS)
    put(gate, "account", rejects_in_row_n=3)
    watch.look(NOW_NS)
    assert said == []


def test_every_use_is_told_at_each_look() -> None:
    gate = healthy_gate()
    put(gate, "account", open_orders_n=6)
    told: list[list[tuple[str, int, int]]] = []
    made = Alerts(gate, SYMBOLS, 80, print)
    made.tell = told.append
    made.look(NOW_NS)
    made.look(NOW_NS)  # too soon for another
    assert len(told) == 1 and ("open_orders_max", 6, 8) in told[0]
