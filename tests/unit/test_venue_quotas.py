"""Counters against the limits of binance-protocol 3 and 5, on a clock that the test turns."""

import pytest

from appliance.abi.market import Market
from appliance.cold.venue.quotas import Quotas
from appliance.cold.venue.refusal import Refused

S = 1_000_000_000
DAY = 20_000 * 86_400 * S  # a day begins


def refusal(quotas: Quotas, weight: int, now_ns: int) -> Refused:
    with pytest.raises(Refused) as refused:
        quotas.charge("a", weight, now_ns)
    return refused.value


def test_weight_fills_a_minute_and_the_next_is_empty() -> None:
    quotas = Quotas(Market.SPOT)
    now_ns = DAY + 42 * S
    for _ in range(24):
        quotas.charge("a", 250, now_ns)
    assert quotas.headers("a", 0, now_ns) == {"X-MBX-USED-WEIGHT-1M": "6000"}
    refused = refusal(quotas, 1, now_ns)
    assert (refused.code, refused.status) == (-1003, 429)
    assert "6000 request weight per 1 MINUTE" in refused.message
    assert refused.retry_after_s == 18  # until the full minute
    assert refused.data == {"serverTime": now_ns // 10**6, "retryAfter": (DAY + 60 * S) // 10**6}
    quotas.charge("b", 1, now_ns)  # another address has its own
    quotas.charge("a", 1, DAY + 60 * S)
    assert quotas.headers("a", 0, DAY + 60 * S) == {"X-MBX-USED-WEIGHT-1M": "1"}


def test_whoever_goes_on_after_429_is_banned() -> None:
    quotas = Quotas(Market.USDM, ban_s=120)
    quotas.charge("a", 2400, DAY)
    statuses = [refusal(quotas, 1, DAY).status for _ in range(12)]
    assert statuses == [429] * 10 + [418] * 2
    banned = refusal(quotas, 1, DAY + 119 * S)  # in a new minute: banned all the same
    assert (banned.code, banned.status, banned.retry_after_s) == (-1003, 418, 1)
    assert f"IP banned until {(DAY + 120 * S) // 10**6}" in banned.message
    quotas.charge("a", 1, DAY + 120 * S)


def test_a_refund_takes_the_weight_back() -> None:
    quotas = Quotas(Market.SPOT)
    quotas.charge("a", 1, DAY)
    quotas.refund("a", 1, DAY)
    assert quotas.headers("a", 0, DAY) == {"X-MBX-USED-WEIGHT-1M": "0"}
    quotas.refund("a", 1, DAY)
    assert quotas.headers("a", 0, DAY) == {"X-MBX-USED-WEIGHT-1M": "0"}


def test_orders_count_by_account_in_windows_aligned_to_the_clock() -> None:
    quotas = Quotas(Market.SPOT)
    for _ in range(50):
        quotas.charge_order(1, DAY + 9 * S)
    with pytest.raises(Refused) as refused:
        quotas.charge_order(1, DAY + 9 * S)
    assert (refused.value.code, refused.value.status) == (-1015, 429)
    assert refused.value.retry_after_s == 1
    quotas.charge_order(2, DAY + 9 * S)
    quotas.charge_order(1, DAY + 10 * S)
    headers = quotas.headers("a", 1, DAY + 10 * S)
    assert headers["X-MBX-ORDER-COUNT-10S"] == "1"
    assert headers["X-MBX-ORDER-COUNT-1D"] == "51"


def test_a_fill_takes_an_order_out_of_the_count() -> None:
    quotas = Quotas(Market.SPOT)
    quotas.charge_order(1, DAY)
    quotas.charge_order(1, DAY)
    quotas.filled(1)
    quotas.filled(9)  # somebody who has not ordered
    assert quotas.headers("a", 1, DAY)["X-MBX-ORDER-COUNT-10S"] == "1"


def test_listed_as_the_api_replies() -> None:
    quotas = Quotas(Market.USDM, factor=2)
    quotas.charge("a", 5, DAY)
    quotas.charge_order(1, DAY)
    listed = quotas.listed("a", 1, DAY)
    assert listed == [
        {
            "rateLimitType": kind,
            "interval": interval,
            "intervalNum": number,
            "limit": limit,
            "count": count,
        }
        for kind, interval, number, limit, count in (
            ("ORDERS", "MINUTE", 1, 2400, 1),
            ("ORDERS", "SECOND", 10, 600, 1),
            ("REQUEST_WEIGHT", "MINUTE", 1, 4800, 5),
        )
    ]
    assert [entry["rateLimitType"] for entry in quotas.listed("a", 0, DAY)] == ["REQUEST_WEIGHT"]


def test_raw_requests_run_out_too() -> None:
    """Spot: 300,000 requests in five minutes, whatever they weigh."""
    quotas = Quotas(Market.SPOT)
    raw = next(w for w in quotas.of_address("a", DAY) if w.kind == "RAW_REQUESTS")
    assert raw.limit == 300_000
    raw.count = 300_000
    refused = refusal(quotas, 0, DAY)
    assert (refused.status, refused.retry_after_s) == (429, 300)
    assert "300000 requests per 5 MINUTE" in refused.message
