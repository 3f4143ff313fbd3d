"""Each check of appliance.hot.gate_checks: at its limit an order passes, one past it does not.

Every number is worked out by hand; the reference gate is not used.
"""

import pytest

from appliance.abi.gate import EXPOSURE_LOTS_MAX, GATE_PRICE_TICKS_MAX
from appliance.abi.market import BookState
from appliance.abi.refusal import Reject
from appliance.abi.trading_state import TradingState
from appliance.abi.units import INT64_MAX, UNSET
from tests.oracle.healthy_gate import (
    BUY,
    INT64_MIN,
    NOW_NS,
    SELL,
    healthy_gate,
    passes,
    put,
    refused,
    rich,
)


@pytest.mark.parametrize("state", [0, 3, -1, INT64_MAX, INT64_MIN])
def test_halted_or_an_unknown_state(state: int) -> None:
    gate = healthy_gate()
    put(gate, "account", trading_state=state)
    refused(gate, Reject.HALTED, state, TradingState.ACTIVE)


@pytest.mark.parametrize("instrument", [-1, 2, 64, INT64_MAX, INT64_MIN])
def test_an_index_out_of_range(instrument: int) -> None:
    refused(healthy_gate(), Reject.UNKNOWN_INSTRUMENT, instrument, 2, instrument=instrument)


@pytest.mark.parametrize("market", [0, 3, -1])
def test_an_instrument_of_no_known_market(market: int) -> None:
    gate = healthy_gate()
    put(gate, "instruments", market=market)
    refused(gate, Reject.UNKNOWN_INSTRUMENT, 1, 2)


def test_an_instrument_without_a_symbol() -> None:
    gate = healthy_gate()
    gate.instruments[1].symbol[:] = 0
    refused(gate, Reject.UNKNOWN_INSTRUMENT, 1, 2)


@pytest.mark.parametrize("tradable", [0, 2, -1])
def test_not_tradable(tradable: int) -> None:
    gate = healthy_gate()
    put(gate, "instruments", tradable=tradable)
    refused(gate, Reject.NOT_TRADABLE, tradable, 1)


@pytest.mark.parametrize("side", [0, 2, -2, INT64_MAX, INT64_MIN])
def test_unknown_side(side: int) -> None:
    refused(healthy_gate(), Reject.BAD_SIDE, side, 0, side=side)


@pytest.mark.parametrize("kind", [-1, 3, INT64_MAX])
def test_unknown_time_in_force(kind: int) -> None:
    refused(healthy_gate(), Reject.BAD_TYPE, kind, 2, time_in_force=kind)


@pytest.mark.parametrize(
    ("group", "name"),
    [
        ("positions", "open_buy_lots"),
        ("positions", "open_sell_lots"),
        ("positions", "open_buy_orders_n"),
        ("positions", "open_sell_orders_n"),
        ("positions", "open_notional_tick_lots"),
        ("account", "open_orders_n"),
        ("account", "orders_sent_n"),
    ],
)
def test_impossible_counts(group: str, name: str) -> None:
    for value, bound in (
        (-1, 0),
        (INT64_MIN, 0),
        (EXPOSURE_LOTS_MAX + 1, EXPOSURE_LOTS_MAX),
        (INT64_MAX, EXPOSURE_LOTS_MAX),
    ):
        gate = healthy_gate()
        put(gate, group, **{name: value})
        refused(gate, Reject.OVERFLOW, value, bound)


def test_a_number_at_its_bound_is_not_the_one_that_is_named() -> None:
    gate = healthy_gate()
    put(gate, "positions", open_buy_lots=EXPOSURE_LOTS_MAX, open_sell_lots=-1)
    for lots in (EXPOSURE_LOTS_MAX, -EXPOSURE_LOTS_MAX - 1):
        put(gate, "positions", position_lots=lots)
        refused(gate, Reject.OVERFLOW, -1, 0)


def test_positions_and_quantities_beyond_arithmetic() -> None:
    for value, bound in (
        (EXPOSURE_LOTS_MAX + 1, EXPOSURE_LOTS_MAX),
        (INT64_MAX, EXPOSURE_LOTS_MAX),
        (-EXPOSURE_LOTS_MAX - 2, -EXPOSURE_LOTS_MAX - 1),
        (INT64_MIN, -EXPOSURE_LOTS_MAX - 1),
    ):
        gate = healthy_gate()
        put(gate, "positions", position_lots=value)
        refused(gate, Reject.OVERFLOW, value, bound)
    for value in (EXPOSURE_LOTS_MAX + 1, INT64_MAX):
        refused(healthy_gate(), Reject.OVERFLOW, value, EXPOSURE_LOTS_MAX, quantity_lots=value)


def test_the_largest_sums_do_not_wrap() -> None:
    gate = rich(healthy_gate())
    most = EXPOSURE_LOTS_MAX
    put(gate, "limits", position_max_lots=INT64_MAX, quantity_max_lots=INT64_MAX)
    put(gate, "limits", notional_max_tick_lots=INT64_MAX, open_notional_max_tick_lots=2 * most)
    put(gate, "positions", position_lots=most, open_buy_lots=most, open_notional_tick_lots=most)
    put(gate, "references", bid_ticks=1, ask_ticks=2)
    put(gate, "limits", collar_ppm=1_000_000)
    # Everything but its value in money is within its bounds.
    refused(gate, Reject.VALUE_UNKNOWN, -1, 0, quantity_lots=most, price_ticks=1)
    put(gate, "limits", position_max_lots=3 * most - 1)
    refused(gate, Reject.POSITION, 3 * most, 3 * most - 1, quantity_lots=most, price_ticks=1)
    put(gate, "limits", position_max_lots=3 * most, open_notional_max_tick_lots=2 * most - 1)
    order = {"quantity_lots": most, "price_ticks": 1}
    refused(gate, Reject.OPEN_NOTIONAL, 2 * most, 2 * most - 1, **order)
    put(gate, "limits", position_max_lots=3 * most - 1)
    put(gate, "positions", position_lots=-most - 1, open_sell_lots=most)
    order = {"side": SELL, "quantity_lots": most, "price_ticks": 1}
    refused(gate, Reject.POSITION, -3 * most - 1, 3 * most - 1, **order)


@pytest.mark.parametrize("now_ns", [0, -1, INT64_MIN])
def test_no_time(now_ns: int) -> None:
    refused(healthy_gate(), Reject.CLOCK, now_ns, 1, now_ns=now_ns)


def test_the_first_nanosecond_is_a_time() -> None:
    gate = healthy_gate()
    put(gate, "references", book_ns=1, touch_ns=1, event_ns=1)
    gate.beats[0] = 1
    put(gate, "account", clock_seen_ns=1)
    passes(gate, now_ns=1)


@pytest.mark.parametrize("state", [s for s in range(-1, 5) if s != BookState.LIVE])
def test_book_not_live(state: int) -> None:
    gate = healthy_gate()
    put(gate, "references", book_state=state)
    refused(gate, Reject.BOOK_NOT_LIVE, state, BookState.LIVE)


@pytest.mark.parametrize(
    ("name", "age_max_ns", "reason"),
    [("book_ns", 1_500, Reject.BOOK_OLD), ("touch_ns", 1_200, Reject.REFERENCE_OLD)],
)
def test_age(name: str, age_max_ns: int, reason: Reject) -> None:
    gate = healthy_gate()
    for stamp in (NOW_NS, NOW_NS - age_max_ns):
        put(gate, "references", **{name: stamp})
        passes(gate)
    put(gate, "references", **{name: NOW_NS - age_max_ns - 1})
    refused(gate, reason, age_max_ns + 1, age_max_ns)
    for stamp in (NOW_NS + 1, INT64_MAX, 0, -1, INT64_MIN):
        put(gate, "references", **{name: stamp})
        refused(gate, Reject.CLOCK, stamp, NOW_NS)


@pytest.mark.parametrize(
    ("bid", "ask_ticks"),
    [(0, 10_001), (9_999, 0), (0, 0), (-1, 10_001), (10_001, 10_001), (10_001, 9_999)],
)
def test_no_reference(bid: int, ask_ticks: int) -> None:
    gate = healthy_gate()
    put(gate, "references", bid_ticks=bid, ask_ticks=ask_ticks)
    refused(gate, Reject.REFERENCE_MISSING, bid, ask_ticks)


def test_a_reference_beyond_arithmetic() -> None:
    most = GATE_PRICE_TICKS_MAX
    gate = rich(healthy_gate())
    put(gate, "limits", notional_max_tick_lots=INT64_MAX, open_notional_max_tick_lots=INT64_MAX)
    put(gate, "references", bid_ticks=most - 1, ask_ticks=most)
    passes(gate, price_ticks=most, quantity_lots=1)
    refused(gate, Reject.OVERFLOW, most + 1, most, price_ticks=most + 1, quantity_lots=1)
    put(gate, "references", ask_ticks=most + 1)
    refused(gate, Reject.OVERFLOW, most + 1, most, price_ticks=most, quantity_lots=1)


@pytest.mark.parametrize("price", [0, -1, INT64_MIN])
def test_price_below_one_tick(price: int) -> None:
    refused(healthy_gate(), Reject.PRICE_RANGE, price, 1, price_ticks=price)


def test_the_venues_price_range() -> None:
    gate = healthy_gate()
    put(gate, "instruments", price_min_ticks=9_990, price_max_ticks=10_010)
    for price in (9_990, 10_010):
        passes(gate, price_ticks=price)
    refused(gate, Reject.PRICE_RANGE, 9_989, 9_990, price_ticks=9_989)
    refused(gate, Reject.PRICE_RANGE, 10_011, 10_010, price_ticks=10_011)
    put(gate, "instruments", price_max_ticks=0)
    refused(gate, Reject.PRICE_RANGE, 10_000, 0)
    put(gate, "instruments", price_max_ticks=UNSET)
    refused(gate, Reject.OVERFLOW, INT64_MAX, GATE_PRICE_TICKS_MAX, price_ticks=INT64_MAX)


@pytest.mark.parametrize("quantity", [0, -1, INT64_MIN])
def test_quantity_below_one_lot(quantity: int) -> None:
    refused(healthy_gate(), Reject.QUANTITY_MIN, quantity, 1, quantity_lots=quantity)


def test_quantity_limits() -> None:
    gate = healthy_gate()
    put(gate, "limits", notional_max_tick_lots=INT64_MAX)
    passes(gate, quantity_lots=500)
    refused(gate, Reject.QUANTITY_MAX, 501, 500, quantity_lots=501)
    put(gate, "instruments", quantity_min_lots=7, quantity_max_lots=400)
    for quantity in (7, 400):
        passes(gate, quantity_lots=quantity)
    refused(gate, Reject.QUANTITY_MIN, 6, 7, quantity_lots=6)
    refused(gate, Reject.QUANTITY_MAX, 401, 400, quantity_lots=401)


def test_notional_limits() -> None:
    gate = healthy_gate()
    passes(gate, quantity_lots=400)  # x 10,000 = 4,000,000
    refused(gate, Reject.NOTIONAL_MAX, 4_000_400, 4_000_000, quantity_lots=400, price_ticks=10_001)
    put(gate, "instruments", notional_min_tick_lots=100_000)
    passes(gate, quantity_lots=10)
    refused(gate, Reject.NOTIONAL_MIN, 99_990, 100_000, quantity_lots=10, price_ticks=9_999)


def test_a_notional_beyond_what_adds_up() -> None:
    gate = healthy_gate()
    put(gate, "limits", quantity_max_lots=INT64_MAX, notional_max_tick_lots=INT64_MAX)
    put(gate, "limits", position_max_lots=INT64_MAX, open_notional_max_tick_lots=INT64_MAX)
    most = EXPOSURE_LOTS_MAX // 10_000
    refused(gate, Reject.VALUE_UNKNOWN, -1, 0, quantity_lots=most)
    refused(gate, Reject.OVERFLOW, 10_000, 9_999, quantity_lots=most + 1)
    # 2**32 x 2**32 is zero in 64 bits.
    put(gate, "references", bid_ticks=2**32 - 1, ask_ticks=2**32 + 1)
    order = {"price_ticks": 2**32, "quantity_lots": 2**32}
    refused(gate, Reject.OVERFLOW, 2**32, 2**29 - 1, **order)


@pytest.mark.parametrize("side", [BUY, SELL])
def test_the_collar_in_both_directions(side: int) -> None:
    """1 % around 10,000, then around 10,000.5: an odd middle is not rounded."""
    gate = healthy_gate()
    for price in (9_900, 10_100):
        passes(gate, side=side, price_ticks=price)
    for price in (9_899, 10_101):
        refused(gate, Reject.PRICE_COLLAR, 10_100, 10_000, side=side, price_ticks=price)
    put(gate, "references", ask_ticks=10_002)
    for price in (9_901, 10_100):
        passes(gate, side=side, price_ticks=price)
    # 100.5 ticks are 10,049.497 ppm: observed is rounded up
    for price in (9_900, 10_101):
        refused(gate, Reject.PRICE_COLLAR, 10_050, 10_000, side=side, price_ticks=price)


def test_the_narrowest_excess_shows_above_the_limit() -> None:
    gate = rich(healthy_gate())
    put(gate, "references", bid_ticks=3_000_000_000, ask_ticks=3_000_000_001)
    put(gate, "limits", notional_max_tick_lots=INT64_MAX, open_notional_max_tick_lots=INT64_MAX)
    passes(gate, price_ticks=3_030_000_000, quantity_lots=1)
    refused(gate, Reject.PRICE_COLLAR, 10_001, 10_000, price_ticks=3_030_000_001, quantity_lots=1)
