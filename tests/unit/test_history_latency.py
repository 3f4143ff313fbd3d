"""Latencies of simulated orders, and messages on their way (appliance.hot.backtest.latency,
appliance.hot.backtest.flights, appliance.cold.backtest.latencies)."""

from pathlib import Path

import numpy as np
import pytest

from appliance.abi.trading import REPORT
from appliance.cold.backtest.latencies import constant, parse
from appliance.cold.errors import ApplianceError
from appliance.hot.backtest.flights import flying_n, landed, make_flights, next_arrival, take_off
from appliance.hot.backtest.latency import DRAWN, LOST, entry_ns, make_latency, response_ns

ORDERS = np.array([[1000, 1100, 1300], [2000, 2300, 2400], [3000, 0, 3900], [4000, 4100, 4200]])


@pytest.mark.parametrize(
    ("now", "entry"),
    [(0, 100), (1000, 100), (1500, 200), (1999, 299), (4000, 100), (9000, 100)],
)
def test_the_way_there_lies_between_the_recorded_ones(now: int, entry: int) -> None:
    assert entry_ns(make_latency(ORDERS), now) == entry


@pytest.mark.parametrize(("now", "told_after"), [(2000, 400), (2500, 650), (3000, 900)])
def test_an_order_that_the_venue_did_not_get(now: int, told_after: int) -> None:
    assert entry_ns(make_latency(ORDERS), now) == LOST - told_after


@pytest.mark.parametrize(("now", "response"), [(0, 200), (1100, 200), (1700, 150), (2300, 100)])
def test_the_way_back(now: int, response: int) -> None:
    assert response_ns(make_latency(ORDERS[:2]), now) == response


@pytest.mark.parametrize(("now", "response"), [(2300, 100), (3200, 100), (4100, 100), (1100, 200)])
def test_the_way_back_goes_by_the_orders_that_the_venue_got(now: int, response: int) -> None:
    assert response_ns(make_latency(ORDERS), now) == response


def test_where_the_venue_got_none() -> None:
    latency = make_latency(np.array([[1000, 0, 1400]]))
    assert (entry_ns(latency, 5), response_ns(latency, 5)) == (LOST - 400, 0)


def test_constant_and_drawn() -> None:
    latency = constant(5, 7)
    assert {int(entry_ns(latency, t)) for t in (0, 1, 10**18)} == {5}
    assert {int(response_ns(latency, t)) for t in (0, 6, 10**18)} == {7}
    orders = np.array([[0, k, 3 * k] for k in range(1, 101)])
    drawn = [
        [int(entry_ns(latency, 0)) for _ in range(4000)]
        for latency in (make_latency(orders, DRAWN, seed) for seed in (1, 1, 2))
    ]
    assert drawn[0] == drawn[1] != drawn[2]
    assert set(drawn[0]) == set(range(1, 101))
    assert np.mean(drawn[0]) == pytest.approx(50.5, abs=2)


def test_messages_arrive_in_the_order_of_their_time_and_none_overtakes_its_own_kind() -> None:
    flights = make_flights(8, REPORT, 2)
    for n, (instrument, arrival) in enumerate([(0, 50), (1, 20), (0, 30), (1, 60), (0, 55)]):
        at = take_off(flights, instrument, arrival)
        flights.messages[at].order_key = n
    found = []
    while (at := int(next_arrival(flights, 10**6))) >= 0:
        found.append((int(flights.messages[at].order_key), int(flights.arrivals_ns[at])))
        landed(flights)
    # 2 waits for 0, which is of the same instrument
    assert found == [(1, 20), (0, 50), (2, 50), (4, 55), (3, 60)]
    assert int(flying_n(flights)) == 0 and int(next_arrival(flights, 10**9)) == -1


def test_what_the_command_line_may_say(tmp_path: Path) -> None:
    latency, told = parse("2.5,4")
    assert (entry_ns(latency, 9), response_ns(latency, 9)) == (2_500_000, 4_000_000)
    assert told == "2.5 ms to the venue, 4 ms back"
    file = tmp_path / "orders.npz"
    dtype = [("req_ts", "i8"), ("exch_ts", "i8"), ("resp_ts", "i8"), ("_padding", "i8")]
    np.savez(file, data=np.array([(*row, 0) for row in ORDERS.tolist()], dtype))
    latency, told = parse(str(file))
    assert entry_ns(latency, 1500) == 200 and told.startswith("4 recorded orders")
    latency, told = parse(f"drawn:{file}")
    assert {int(entry_ns(latency, 0)) for _ in range(200)} == {100, 300}, "none that was lost"
    assert told.startswith("drawn from 3 recorded orders")
    np.savez(file, data=np.array([(5, 0, 9, 0)], dtype))
    with pytest.raises(ApplianceError, match="got none of these orders"):
        parse(f"drawn:{file}")
    np.savez(file, data=np.array([(5, 4, 9, 0)], dtype))
    with pytest.raises(ApplianceError, match="order 0 went back in time"):
        parse(str(file))
    for wrong in ("5", "a,b", "-1,2", "nan,1", "1,2,3", str(tmp_path / "none.npz")):
        with pytest.raises(ApplianceError, match=r"--latency|none\.npz"):
            parse(wrong)
