"""The weight of a minute: told, on its way, and gone with the minute."""

import pytest

from appliance.abi.market import Market
from appliance.cold.live.weights import PUBLIC_SHARE, SIGNED_SHARE, Weights

MINUTE_S = 60.0 * 29_000_000


class Venue:
    """``now_s`` is its clock."""

    def __init__(self, market: Market = Market.SPOT) -> None:
        self.now_s = MINUTE_S + 10.0
        self.weights = Weights(market, lambda: self.now_s)
        self.weights.most = 1000

    def send(self, path: str, told: int | None) -> None:
        self.weights.end(path, self.weights.begin(path), told)

    def may_send(self, path: str = "/x", share: float = PUBLIC_SHARE) -> bool:
        return self.weights.wait_s(path, share) == 0


def test_answers_overtake_each_other() -> None:
    venue = Venue()
    for told in (500, 450, 510, 0):
        venue.send("/x", told)
    assert venue.weights.used == 510


def test_a_request_over_the_turn_of_the_minute_tells_of_neither() -> None:
    venue = Venue()
    begun = venue.weights.begin("/x")
    venue.now_s += 50.0
    venue.weights.end("/x", begun, 900)
    assert venue.weights.used == 0 and venue.may_send()
    venue.send("/x", 3)
    assert venue.weights.used == 3


def test_what_was_on_its_way_is_not_for_ever() -> None:
    venue = Venue()
    begun = [venue.weights.begin("/depth") for _ in range(12)]
    assert not venue.may_send() and venue.may_send(share=SIGNED_SHARE)
    venue.weights.end("/depth", begun.pop(), 50)
    assert not venue.may_send(), "50 told and 550 on their way"
    for one in begun:
        venue.weights.end("/depth", one, 50)
    assert venue.may_send()


def test_without_an_answer_it_counts_in_full() -> None:
    venue = Venue()
    for n in range(1, 13):
        venue.send("/depth", None)
        assert venue.weights.used == 50 * n
    assert not venue.may_send() and venue.weights.wait_s("/x", PUBLIC_SHARE) == pytest.approx(50)


@pytest.mark.parametrize(("market", "most_n"), [(Market.SPOT, 12), (Market.USDM, 30)])
def test_each_market_has_its_weights(market: Market, most_n: int) -> None:
    venue = Venue(market)
    n = 0
    while venue.may_send("/depth"):
        venue.weights.begin("/depth")
        n += 1
    assert n == most_n


def test_nothing_is_refused_while_the_limit_is_not_known() -> None:
    venue = Venue()
    venue.weights.most = 0
    venue.send("/x", 10**6)
    assert venue.may_send()
