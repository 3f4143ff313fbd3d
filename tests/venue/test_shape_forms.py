"""User data and exchangeInfo have the shape of what was recorded, key by key.

Keys that came or went since a recording are named here, with what binance-protocol says of them.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.abi.market import Market
from appliance.abi.trading import Side
from appliance.cold.synthetic.listing import exchange_info
from tests.venue.bench import Bench
from tests.venue.shape import Shape, shape_of, without

BUY, SELL = int(Side.BUY), int(Side.SELL)
PRICE = 600_000
Form = dict[str, Any]


def loose(shape: Shape) -> Shape:
    """Without the number of decimals, which differs between symbols."""
    return {path: frozenset(k.partition(".")[0] for k in kinds) for path, kinds in shape.items()}


def recorded(data: Path, fits: Callable[[Form], bool]) -> Form:
    """The one message of 2026 that fits."""
    rows = (data / "wire_2026/frames.jsonl").read_text().splitlines()
    found = [form for row in rows if fits(form := json.loads(row)["msg"])]
    assert len(found) == 1
    return found[0]


def said(bench: Bench, kind: str) -> str:
    """The latest message of this kind."""
    return next(json.dumps(form) for _, form in reversed(bench.said) if form["e"] == kind)


def test_a_fill_on_spot(shared_data: Path) -> None:
    bench = Bench(Market.SPOT)
    bench.place(BUY, PRICE, 10, post_only=True)
    bench.crowd(SELL, PRICE, 10, rests=False)
    row = recorded(shared_data, lambda form: "subscriptionId" in form)
    ours, theirs = shape_of([said(bench, "executionReport")]), shape_of([json.dumps(row["event"])])
    assert list(ours) == list(theirs)
    assert ours == theirs


def filled_usdm() -> Bench:
    """A market order that took what there was."""
    bench = Bench(Market.USDM)
    bench.crowd(SELL, PRICE, 5)
    bench.crowd(SELL, PRICE + 1, 5)
    bench.place(BUY, 0, 10)
    return bench


@pytest.mark.parametrize(
    ("kind", "additions"),
    [
        ("ORDER_TRADE_UPDATE", {".o.er"}),  # expiry reason: named since, the row is of 2024
        ("TRADE_LITE", set()),
        ("ACCOUNT_UPDATE", set()),
    ],
)
def test_a_fill_on_usdm(shared_data: Path, kind: str, additions: set[str]) -> None:
    row = recorded(shared_data, lambda form: form.get("e") == kind)
    ours = without(loose(shape_of([said(filled_usdm(), kind)])), additions)
    theirs = loose(shape_of([json.dumps(row)]))
    assert list(ours) == list(theirs)
    assert ours == theirs


SINCE_SPOT = {  # the recording is of 2021
    *("otoAllowed", "opoAllowed", "allowTrailingStop", "cancelReplaceAllowed", "amendAllowed"),
    *("pegInstructionsAllowed", "permissionSets"),
    *("defaultSelfTradePreventionMode", "allowedSelfTradePreventionModes"),
}
SINCE_USDM = {"maxMoveOrderLimit", "permissionSets"}
GONE_USDM = {"settlePlan"}  # not in the frames of today
# Filters of 2021 that the venue's symbols do not have: it knows no stops and no icebergs, and a
# filter is there only where it is enforced.
NOT_HERE = {
    Market.SPOT: {"PERCENT_PRICE", "MIN_NOTIONAL", "ICEBERG_PARTS", "MAX_NUM_ALGO_ORDERS"},
    Market.USDM: {"MAX_NUM_ALGO_ORDERS"},
}
NEW_FILTERS = {
    Market.SPOT: {"PERCENT_PRICE_BY_SIDE", "NOTIONAL"},  # in their place [filters.md]
    Market.USDM: set[str](),
}
INFO = {
    Market.SPOT: "cryptofeed/sample_data/BINANCE.0",
    Market.USDM: "cryptofeed/sample_data/BINANCE_FUTURES.0",
}
BOTH = pytest.mark.parametrize("market", [Market.SPOT, Market.USDM])


def theirs_of(data: Path, market: Market) -> Form:
    head = (data / INFO[market]).read_text().splitlines()[0]
    form: Form = json.loads(head[head.index("{") :])
    return form


def kinds_of(entries: list[Form]) -> Shape:
    return loose(shape_of(map(json.dumps, entries)))


@BOTH
def test_exchange_info_as_a_whole(shared_data: Path, market: Market) -> None:
    theirs, ours = theirs_of(shared_data, market), exchange_info(["BTCUSDT", "ETHUSDT"], market)
    assert list(ours) == list(theirs)
    for form in (theirs, ours):
        del form["symbols"], form["serverTime"]
    assert kinds_of(ours.get("assets", [{}])) == kinds_of(theirs.get("assets", [{}]))
    assert kinds_of(ours["rateLimits"]) == kinds_of(theirs["rateLimits"])
    kinds = {limit["rateLimitType"] for limit in theirs["rateLimits"]}
    assert {limit["rateLimitType"] for limit in ours["rateLimits"]} == kinds


@BOTH
def test_exchange_info_of_a_symbol(shared_data: Path, market: Market) -> None:
    ours = exchange_info(["BTCUSDT", "ETHUSDT"], market)["symbols"]
    names = {entry["symbol"] for entry in ours}
    theirs = [e for e in theirs_of(shared_data, market)["symbols"] if e["symbol"] in names]
    assert len(theirs) == len(ours)
    since = SINCE_USDM if market == Market.USDM else SINCE_SPOT
    gone = GONE_USDM if market == Market.USDM else set()
    assert set(ours[0]) - set(theirs[0]) == since
    assert set(theirs[0]) - set(ours[0]) == gone
    common = [key for key in theirs[0] if key not in gone]
    assert set(common) == set(ours[0]) - since
    for entry in (*ours, *theirs):
        for key in (*since, *gone, "filters", "underlyingSubType", "permissions"):
            entry.pop(key, None)
    assert kinds_of(ours) == kinds_of(theirs)


@BOTH
def test_filters(shared_data: Path, market: Market) -> None:
    """The keys of each filter, the form of their numbers, and which filters there are."""

    def by_type(entries: list[Form]) -> dict[str, Form]:
        (entry,) = (entry for entry in entries if entry["symbol"] == "BTCUSDT")
        return {item["filterType"]: item for item in entry["filters"]}

    ours = by_type(exchange_info(["BTCUSDT"], market)["symbols"])
    theirs = by_type(theirs_of(shared_data, market)["symbols"])
    assert set(theirs) - set(ours) == NOT_HERE[market]
    assert set(ours) - set(theirs) == NEW_FILTERS[market]
    for name in set(ours) & set(theirs):
        one, other = (shape_of([json.dumps(item)]) for item in (ours[name], theirs[name]))
        assert list(one) == list(other)
        if market == Market.SPOT:
            assert one == other  # eight decimals, whatever the symbol
        else:
            assert loose(one) == loose(other)
