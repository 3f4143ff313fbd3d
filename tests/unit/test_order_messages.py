"""What the venue says of orders, in its documents' words, and what we make of it."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.abi.market import Market
from appliance.abi.trading import Report, Side
from appliance.cold.live.order_messages import Grid, OrderMessages, Said
from tests.strategies.order_forms import (
    CANCEL_ID,
    E_MS,
    EPOCH,
    KEY,
    ORDER_ID,
    execution_report,
    queried,
    trade_update,
)

FOREIGN = -1
NOW_NS = 77
GRIDS = {
    "ETHBTC": (1, Grid(price_e8=10, quantity_e8=10_000_000)),  # 0.0000001 and 0.1
    "BTCUSDT": (2, Grid(price_e8=10_000_000, quantity_e8=100_000)),  # 0.1 and 0.001
}
SPOT = OrderMessages(Market.SPOT, EPOCH, GRIDS)
USDM = OrderMessages(Market.USDM, EPOCH, GRIDS)


def fill(**changed):
    return execution_report(
        x="TRADE", X="PARTIALLY_FILLED", l="0.3", L="0.1026441", z="0.5", Z="0.05132205", t=77
    ) | dict(changed)


# ---- spot --------------------------------------------------------------------------------------


def test_a_new_order() -> None:
    said = SPOT.execution_report(execution_report())
    assert said == Said(
        Report.ACCEPTED,
        KEY,
        instrument=1,
        side=Side.BUY,
        tells_total=1,
        venue_ns=E_MS * 1_000_000,
        venue_id=4293153,
    )


def test_a_fill_tells_itself_and_all_before_it() -> None:
    said = SPOT.execution_report(fill(S="SELL", m=True))
    assert said is not None
    assert (said.report, said.order_key, said.side) == (Report.FILL, KEY, Side.SELL)
    assert (said.price_ticks, said.quantity_lots) == (1_026_441, 3)
    assert (said.tells_total, said.filled_lots) == (1, 5)
    assert said.filled_tick_lots == 5 * 1_026_441
    assert (said.maker, said.trade_id) == (1, 77)


@pytest.mark.parametrize(
    ("kind", "status", "report"),
    [
        ("NEW", "NEW", Report.ACCEPTED),
        ("NEW", "PENDING_NEW", Report.ACCEPTED),
        ("REJECTED", "REJECTED", Report.REJECTED),
        ("EXPIRED", "EXPIRED", Report.EXPIRED),
        ("EXPIRED", "EXPIRED_IN_MATCH", Report.EXPIRED),
        ("TRADE_PREVENTION", "EXPIRED_IN_MATCH", Report.EXPIRED),
        ("CANCELED", "CANCELED", Report.CANCELED),
    ],
)
def test_every_execution_type_of_spot(kind: str, status: str, report: Report) -> None:
    said = SPOT.execution_report(execution_report(x=kind, X=status, z="0.2", Z="0.02052882"))
    assert said is not None
    assert (said.report, said.filled_lots, said.filled_tick_lots) == (report, 2, 2 * 1_026_441)
    assert (said.price_ticks, said.quantity_lots) == (0, 0)


@pytest.mark.parametrize(
    ("kind", "status"), [("REPLACED", "NEW"), ("TRADE_PREVENTION", "NEW"), ("SOMETHING", "NEW")]
)
def test_what_changes_no_order_is_no_report(kind: str, status: str) -> None:
    assert SPOT.execution_report(execution_report(x=kind, X=status)) is None


def test_on_a_cancel_the_order_is_the_original_id() -> None:
    said = SPOT.execution_report(
        execution_report(x="CANCELED", X="CANCELED", c=CANCEL_ID, C=ORDER_ID)
    )
    assert said is not None and said.order_key == KEY
    said = SPOT.execution_report(
        execution_report(x="CANCELED", X="CANCELED", c="by-hand", C=ORDER_ID)
    )
    assert said is not None and said.order_key == KEY


@pytest.mark.parametrize(
    "client_id",
    [
        "web_3f1a",
        "",
        "lc-0000002b-000000000007-0003",  # another session
        "lc-0000002A-000000000007-0003",
        "lc-0000002a-000000000007-0003x",
        "lc-0000002a-000000000007-003",
        " lc-0000002a-000000000007-0003",
        "lc-0000002a-000000000007-0003\n",
        "lq-0000002a-000000000007-0003",
        "lc-0000002a-ffffffffffff-0003",  # beyond what a key holds
        None,
        5,
    ],
)
def test_orders_that_this_session_did_not_send_are_foreign(client_id: object) -> None:
    assert SPOT.key_of(client_id) == ("", FOREIGN)
    said = SPOT.execution_report(fill(c=client_id))
    assert said is not None and said.order_key == FOREIGN and said.quantity_lots == 3


@given(st.integers(0, (1 << 47) - 1), st.integers(0, 0xFFFF), st.sampled_from("cx"))
def test_ids_carry_the_key(generation: int, slot: int, letter: str) -> None:
    client_id = f"l{letter}-{EPOCH:08x}-{generation:012x}-{slot:04x}"
    assert SPOT.key_of(client_id) == (letter, generation << 16 | slot)


def test_a_symbol_that_is_not_traded_here_is_no_report() -> None:
    assert SPOT.execution_report(execution_report(s="LTCBTC")) is None
    assert USDM.order_trade_update(trade_update(s="LTCUSDT")) is None
    assert SPOT.order_status(queried(symbol="LTCBTC"), KEY, NOW_NS) is None


def test_unknown_fields_change_nothing() -> None:
    more = {"uS": True, "gP": "PRIMARY_PEG", "zz": [1, {"x": None}], "": 5}
    assert SPOT.execution_report(fill() | more) == SPOT.execution_report(fill())
    event = trade_update(x="TRADE", l="0.002", L="64000.2", z="0.002", t=5)
    wider = event | {"new": 1, "o": event["o"] | more}
    assert USDM.order_trade_update(wider) == USDM.order_trade_update(event)


@pytest.mark.parametrize("key", ["s", "S", "x", "X", "i", "z", "Z", "l", "L", "t", "m", "E"])
def test_a_needed_field_that_is_missing_is_an_error(key: str) -> None:
    event = fill(x="TRADE_PREVENTION", X="EXPIRED_IN_MATCH") if key == "X" else fill()
    del event[key]
    with pytest.raises(KeyError):
        SPOT.execution_report(event)


@pytest.mark.parametrize(
    "changed",
    [
        {"z": "0.55"},  # between two lots
        {"L": "0.10264415"},  # between two ticks
        {"l": "1/3"},
        {"z": "1e999999999"},
        {"z": "9" * 500},
        {"z": "NaN"},
        {"z": " 0.5"},
        {"z": ""},
        {"i": "x"},
    ],
)
def test_numbers_that_are_none_are_an_error(changed: dict[str, str]) -> None:
    with pytest.raises(ValueError):
        SPOT.execution_report(fill(**changed))


@pytest.mark.parametrize("changed", [{"z": 0.5}, {"L": None}, {"i": None}, {"z": ["0.5"]}])
def test_values_of_another_kind_are_an_error(changed: dict[str, object]) -> None:
    with pytest.raises(TypeError):
        SPOT.execution_report(fill(**changed))


@given(
    st.integers(1, 10**9),
    st.integers(1, 10**9),
    st.integers(-(10**12), 10**12),
    st.integers(0, 8),
)
def test_units_are_exact_or_refused(price_e8: int, lot_e8: int, units: int, zeros: int) -> None:
    grid = Grid(price_e8, lot_e8)
    for of, step_e8 in ((grid.ticks, price_e8), (grid.lots, lot_e8)):
        e8 = units * step_e8
        text = f"{'-' if e8 < 0 else ''}{abs(e8) // 10**8}.{abs(e8) % 10**8:08d}" + "0" * zeros
        assert of(text) == units
        if step_e8 > 1:
            with pytest.raises(ValueError):
                of(f"{text[: text.index('.') + 9]}5")
    exact = Fraction(units, 10**8) / (Fraction(price_e8, 10**8) * Fraction(lot_e8, 10**8))
    text = f"{'-' if units < 0 else ''}{abs(units) // 10**8}.{abs(units) % 10**8:08d}"
    assert grid.value(text) == (exact if exact.denominator == 1 else 0)


# ---- USD-M -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "report"),
    [
        ("NEW", Report.ACCEPTED),
        ("AMENDMENT", Report.ACCEPTED),
        ("CANCELED", Report.CANCELED),
        ("EXPIRED", Report.EXPIRED),
        ("TRADE", Report.FILL),
        ("CALCULATED", Report.FILL),
    ],
)
def test_every_execution_type_of_usdm(kind: str, report: Report) -> None:
    event = trade_update(x=kind, l="0.002", L="64000.2", z="0.003", t=5, m=True)
    said = USDM.order_trade_update(event)
    assert said is not None
    assert (said.report, said.order_key, said.instrument) == (report, KEY, 2)
    assert (said.side, said.venue_ns, said.venue_id) == (Side.SELL, E_MS * 1_000_000, 8886774)
    assert (said.tells_total, said.filled_lots, said.filled_tick_lots) == (1, 3, 0)
    filled = (640_002, 2) if report == Report.FILL else (0, 0)
    assert (said.price_ticks, said.quantity_lots) == filled


def test_orders_of_the_venue_itself_are_foreign_fills() -> None:
    for client_id in ("autoclose-1723161255208", "adl_autoclose", "settlement_autoclose-77"):
        said = USDM.order_trade_update(
            trade_update(c=client_id, x="CALCULATED", l="0.002", L="64000.2", z="0.002", t=5)
        )
        assert said is not None
        assert (said.order_key, said.report, said.quantity_lots) == (FOREIGN, Report.FILL, 2)


def test_an_unknown_execution_type_of_usdm_is_no_report() -> None:
    assert USDM.order_trade_update(trade_update(x="SOMETHING")) is None


# ---- answers to queries ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "report"),
    [
        ("NEW", Report.ACCEPTED),
        ("PENDING_NEW", Report.ACCEPTED),
        ("PARTIALLY_FILLED", Report.ACCEPTED),
        ("CANCELED", Report.CANCELED),
        ("REJECTED", Report.REJECTED),
        ("EXPIRED", Report.EXPIRED),
        ("EXPIRED_IN_MATCH", Report.EXPIRED),
    ],
)
@pytest.mark.parametrize("market", [SPOT, USDM])
def test_a_queried_order_tells_its_state_and_its_total(market, status, report) -> None:
    worth = "cummulativeQuoteQty" if market is SPOT else "cumQuote"
    order = queried(status=status, executedQty="0.4") | {worth: "0.04105764"}
    said = market.order_status(order, KEY, NOW_NS)
    assert (said.report, said.order_key, said.instrument) == (report, KEY, 1)
    assert (said.tells_total, said.filled_lots, said.filled_tick_lots) == (1, 4, 4 * 1_026_441)
    assert (said.side, said.venue_id, said.venue_ns) == (Side.BUY, 4293153, NOW_NS)


def test_a_queried_order_that_is_filled_is_a_fill_of_all_of_it() -> None:
    order = queried(status="FILLED", executedQty="1.0", cummulativeQuoteQty="0.10264410")
    said = SPOT.order_status(order, KEY, NOW_NS)
    assert said is not None and said.report == Report.FILL
    assert (said.filled_lots, said.filled_tick_lots) == (10, 10_264_410)
    assert (said.quantity_lots, said.price_ticks) == (10, 1_026_441)


def test_a_state_that_nobody_knows_is_no_answer() -> None:
    assert SPOT.order_status(queried(status="PENDING_CANCEL"), KEY, NOW_NS) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=6,
)
JUNK = (ValueError, KeyError, TypeError, AttributeError, ArithmeticError)


@given(st.data())
def test_whatever_stands_in_a_message_it_is_a_report_or_an_error(data: st.DataObject) -> None:
    """A report never tells more than one message could: what was not spoilt is what it was."""
    event = fill()
    spoilt = data.draw(st.dictionaries(st.sampled_from(sorted(event)), JSON, max_size=3))
    try:
        said = SPOT.execution_report(event | spoilt)
    except JUNK:
        return
    if said is None:
        assert spoilt.keys() & {"x", "X", "s"}
    else:
        assert "z" in spoilt or said.filled_lots == 5
        assert spoilt.keys() & {"c", "C"} or said.order_key == KEY
