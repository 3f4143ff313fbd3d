"""Orders of one account that meet: each mode of self-trade prevention, seen by Binance's clients.

What must come of each mode stands in the venue's documents (selfTradePreventionMode,
binance-protocol 3): the incoming order's mode decides, and EXPIRED_IN_MATCH is how it is told.
"""

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from binance_common.errors import BadRequestError

from appliance.abi.market import Market
from appliance.cold.venue.server import VenueSettings
from tests.venue import sdk
from tests.venue.running_venue import RunningVenue

pytestmark = sdk.OLD_AIOHTTP
SYMBOL = "BTCUSDT"
SMALL = Decimal("0.004")
# whose order ends in the match: maker's, taker's
ENDED = {
    "EXPIRE_MAKER": (True, False),
    "EXPIRE_TAKER": (False, True),
    "EXPIRE_BOTH": (True, True),
    "DECREMENT": (True, False),  # the smaller one, which is the maker's
    "NONE": (False, False),
}
ATTEMPTS = 20


class Met(NamedTuple):
    """How both orders are found afterwards."""

    maker: Any
    taker: Any


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningVenue]:
    """A venue where next to nothing happens by itself."""
    folder = tmp_path_factory.mktemp("keys")
    with RunningVenue(VenueSettings(keys_dir=folder, actions_per_s=1)) as running:
        yield running


def _best_ask(client: Any, market: Market) -> str:
    book = client.order_book if market == Market.USDM else client.depth
    return str(book(SYMBOL, limit=5).data().asks[0][0])


def meet(client: Any, market: Market, mode: str | None) -> Met:
    """A small order rests at the touch; a large one sweeps through it, and does not rest."""
    query = client.query_order if market == Market.USDM else client.get_order
    asked = {"symbol": SYMBOL, "type": "LIMIT"}
    chosen = {"self_trade_prevention_mode": mode} if mode else {}
    for _ in range(ATTEMPTS):
        price = _best_ask(client, market)
        maker = client.new_order(
            **asked, side="SELL", price=price, quantity=str(SMALL), time_in_force="GTC"
        ).data()
        taker = client.new_order(
            **asked, **chosen, side="BUY", price=price, quantity="6", time_in_force="IOC"
        ).data()
        met = Met(
            query(SYMBOL, order_id=maker.order_id).data(),
            query(SYMBOL, order_id=taker.order_id).data(),
        )
        if mode == "NONE" or not Decimal(met.maker.executed_qty):
            return met
        # else the crowd was quicker
    raise AssertionError("the crowd was always quicker")


@pytest.mark.parametrize(
    ("market", "mode"),
    [(Market.SPOT, mode) for mode in (*ENDED, None)]
    + [(Market.USDM, mode) for mode in (*ENDED, None) if mode != "DECREMENT"],
)
def test_modes(quiet: RunningVenue, market: Market, mode: str | None) -> None:
    client = sdk.rest(quiet, market, quiet.new_keys(market))
    maker, taker = meet(client, market, mode)
    maker_ends, taker_ends = ENDED[mode or "EXPIRE_MAKER"]
    if mode == "NONE":
        assert maker.status == "FILLED"
    else:
        assert maker.status == ("EXPIRED_IN_MATCH" if maker_ends else "NEW")
    assert taker.status == ("EXPIRED_IN_MATCH" if taker_ends else "EXPIRED")
    if market == Market.SPOT:
        lost = maker.prevented_quantity, taker.prevented_quantity
        expected = {
            "EXPIRE_MAKER": (SMALL, None),
            "EXPIRE_TAKER": (None, 6 - Decimal(taker.executed_qty)),
            "EXPIRE_BOTH": (SMALL, 6 - Decimal(taker.executed_qty)),
            "DECREMENT": (SMALL, SMALL),
            "NONE": (None, None),
        }[mode or "EXPIRE_MAKER"]
        assert tuple(text and Decimal(text) for text in lost) == expected


def test_spot_tells_of_what_was_prevented(quiet: RunningVenue) -> None:
    """Each of the two orders, what it lost, and to which other."""
    keys = quiet.new_keys(Market.SPOT)
    rest = sdk.rest(quiet, Market.SPOT, keys)

    async def body() -> tuple[Met, list[Any]]:
        told: list[Any] = []
        async with sdk.api(quiet, Market.SPOT, keys) as api:
            (await api.user_data_stream_subscribe_signature()).stream.on("message", told.append)
            met = await asyncio.to_thread(meet, rest, Market.SPOT, "DECREMENT")
            await sdk.arrived(
                lambda: any(
                    getattr(sdk.event(m), "i", 0) == met.taker.order_id
                    and sdk.event(m).X == "EXPIRED"
                    for m in told
                ),
                "the end of the taker",
            )
            return met, [sdk.event(m) for m in told if sdk.kind_of(m) == "ExecutionReport"]

    met, reports = asyncio.run(body())
    prevented = {report.i: report for report in reports if report.x == "TRADE_PREVENTION"}
    maker, taker = prevented[met.maker.order_id], prevented[met.taker.order_id]
    assert maker.X == "EXPIRED_IN_MATCH" and taker.X in ("NEW", "PARTIALLY_FILLED")
    for report, other in ((maker, taker), (taker, maker)):
        assert (report.U, report.Cs) == (other.i, SYMBOL) and report.v
        assert Decimal(report.A) == Decimal(report.B) == SMALL
        assert report.pL == met.maker.price


@pytest.mark.parametrize("market", [Market.SPOT, Market.USDM])
def test_nothing_stays_locked(quiet: RunningVenue, market: Market) -> None:
    client = sdk.rest(quiet, market, quiet.new_keys(market))
    meet(client, market, "EXPIRE_BOTH")
    if market == Market.SPOT:
        assert {Decimal(b.locked) for b in client.get_account().data().balances} == {0}
    else:
        account = client.account_information_v3().data()
        assert Decimal(account.total_open_order_initial_margin) == 0


@pytest.mark.parametrize(
    ("market", "mode", "code"),
    [
        (Market.SPOT, "TRANSFER", -1013),
        (Market.SPOT, "WHATEVER", -1013),
        (Market.USDM, "DECREMENT", -1130),
        (Market.USDM, "WHATEVER", -1130),
    ],
)
def test_modes_that_are_not_there(
    quiet: RunningVenue, market: Market, mode: str, code: int
) -> None:
    client = sdk.rest(quiet, market, quiet.new_keys(market))
    with pytest.raises(BadRequestError) as refused:
        client.new_order(
            symbol=SYMBOL,
            side="BUY",
            type="LIMIT",
            time_in_force="GTC",
            price="60000",
            quantity="0.01",
            self_trade_prevention_mode=mode,
        )
    assert refused.value.args[0] == code
