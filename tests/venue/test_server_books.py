"""A book kept by the documents' own rules, snapshot and differences, is the venue's at every id.

The client below is as plain as the rules of binance-protocol 2 and 5, in the texts that were sent.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest

from appliance.abi.market import Market
from tests.venue.conftest import OpenVenue
from tests.venue.raw_client import RawClient
from tests.venue.running_venue import RunningVenue
from tests.venue.signed import ORDER_PATHS, ask, limit_order

Side = list[list[str]]
ENOUGH = 15  # ids at which venue and client could be compared
STREAMS = pytest.mark.parametrize(
    ("market", "cadence"),
    [
        (Market.SPOT, "@100ms"),
        (Market.SPOT, ""),
        (Market.USDM, "@0ms"),
        (Market.USDM, "@100ms"),
        (Market.USDM, ""),
        (Market.USDM, "@500ms"),
    ],
)


class PlainBook:
    """One symbol. ``seen``: every state of the book by its id."""

    def __init__(self, market: Market, snapshot: dict[str, Any]) -> None:
        self.usdm = market == Market.USDM
        self.last_id = snapshot["lastUpdateId"]
        self.sides = {"b": self._levels(snapshot["bids"]), "a": self._levels(snapshot["asks"])}
        self.synced = False
        self.seen: dict[int, tuple[Side, Side]] = {}

    def take(self, event: dict[str, Any]) -> None:
        """Apply one event; the rules' own assertions."""
        first, last = event["U"], event["u"]
        if not self.synced:
            if last < self.last_id if self.usdm else last <= self.last_id:
                return
            if self.usdm:
                assert event["pu"] <= self.last_id <= last
            else:
                assert first <= self.last_id + 1 <= last
            self.synced = True
        elif self.usdm:
            assert event["pu"] == self.last_id
        else:
            assert first == self.last_id + 1
        for key, levels in self.sides.items():
            for price, quantity in event[key]:
                if Decimal(quantity):
                    levels[price] = quantity
                else:
                    levels.pop(price, None)
        self.last_id = last
        self.seen[last] = self.shown()

    def shown(self) -> tuple[Side, Side]:
        bids, asks = self.sides["b"], self.sides["a"]
        return (
            [[p, bids[p]] for p in sorted(bids, key=Decimal, reverse=True)],
            [[p, asks[p]] for p in sorted(asks, key=Decimal)],
        )

    @staticmethod
    def _levels(rows: Side) -> dict[str, str]:
        return dict(map(tuple, rows))  # type: ignore[arg-type]


def snapshot_of(venue: RunningVenue, market: Market) -> dict[str, Any]:
    path, limit = ("/api/v3", 5000) if market == Market.SPOT else ("/fapi/v1", 1000)
    form: dict[str, Any] = ask(venue, "GET", f"{path}/depth", symbol="BTCUSDT", limit=limit).form
    return form


def truth(venue: RunningVenue, market: Market) -> tuple[int, tuple[Side, Side]]:
    book = venue.get("/venue/state")[market.name.lower()]["books"]["BTCUSDT"]
    return book["lastUpdateId"], (book["bids"], book["asks"])


@contextmanager
def reading(venue: RunningVenue, market: Market, *names: str) -> Iterator[RawClient]:
    path = "" if market == Market.SPOT else "/public"
    streams = "/".join(f"btcusdt@{name}" for name in names)
    with RawClient(venue, f"{path}/stream?streams={streams}") as client:
        yield client


@STREAMS
def test_the_book_is_the_venues_throughout(
    open_venue: OpenVenue, market: Market, cadence: str
) -> None:
    """With a client's own orders in it, which come, are filled and go."""
    slow = cadence in ("", "@500ms")
    venue = open_venue(symbols=["BTCUSDT"], actions_per_s=2 if slow else 20)
    keys = venue.new_keys(market)
    order = limit_order(venue, market)
    with reading(venue, market, f"depth{cadence}") as client:
        early = client.message()["data"]
        book = PlainBook(market, snapshot_of(venue, market))
        book.take(early)
        true: dict[int, tuple[Side, Side]] = {}
        compared: set[int] = set()
        for number in range(400):
            changed = {"price": order["price"]} if number % 3 else {"timeInForce": "IOC"}
            if number % 4 == 0:
                ask(venue, "POST", ORDER_PATHS[market], keys=keys, **order | changed)
            true.update([truth(venue, market)])
            book.take(client.message()["data"])
            for same in true.keys() & book.seen.keys() - compared:
                assert book.seen[same] == true[same], f"at {same}"
                compared.add(same)
            if len(compared) >= (3 if slow else ENOUGH):
                break
        assert len(compared) >= (3 if slow else ENOUGH)


@pytest.mark.parametrize("market", [Market.SPOT, Market.USDM])
def test_what_shares_an_id_shows_the_same_touch(open_venue: OpenVenue, market: Market) -> None:
    """bookTicker, partial depth and difference of one id, whichever comes first."""
    venue = open_venue(symbols=["BTCUSDT"], actions_per_s=20)
    spot = market == Market.SPOT
    names = "depth@100ms", "depth5@100ms", "depth20@100ms", "bookTicker"
    with reading(venue, market, *names) as client:
        early = client.until(lambda m: m["stream"].endswith("depth@100ms"))["data"]
        book = PlainBook(market, snapshot_of(venue, market))
        book.take(early)
        touches: dict[int, list[Side]] = {}
        partial: dict[int, dict[int, tuple[Side, Side]]] = {5: {}, 20: {}}
        done = {"touch": 0, 5: 0, 20: 0}
        while min(done.values()) < ENOUGH:
            message = client.message()
            name, data = message["stream"].partition("@")[2], message["data"]
            if name == "bookTicker":
                touches[data["u"]] = [[[data["b"], data["B"]]], [[data["a"], data["A"]]]]
            elif name == "depth@100ms":
                book.take(data)
            else:
                levels_n = int(name.removeprefix("depth").partition("@")[0])
                bids, asks = (data["bids"], data["asks"]) if spot else (data["b"], data["a"])
                partial[levels_n][data["lastUpdateId"] if spot else data["u"]] = bids, asks
            for number in touches.keys() & book.seen.keys():
                assert touches.pop(number) == [side[:1] for side in book.seen[number]]
                done["touch"] += 1
            for levels_n, found in partial.items():
                for number in found.keys() & book.seen.keys():
                    wanted = tuple(side[:levels_n] for side in book.seen[number])
                    assert found.pop(number) == wanted
                    done[levels_n] += 1
