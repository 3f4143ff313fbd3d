"""The venue's own paths: who may use them, and what they refuse."""

import pytest

from appliance.abi.market import Market
from appliance.cold.venue import admin
from appliance.cold.venue.faults import FaultBox, Faults
from appliance.cold.venue.floor import Floor
from appliance.cold.venue.refusal import Refused


@pytest.mark.parametrize(
    ("address", "local"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("192.0.2.1", False),
        ("0.0.0.0", False),
        ("::", False),
        ("localhost", False),  # a name is no address: who asks is known by address only
        ("", False),
        (None, False),
    ],
)
def test_only_this_machine(address: str | None, local: bool) -> None:
    assert admin.on_loopback(address) is local


def test_faults_are_changed_one_by_one_and_clocks_follow() -> None:
    floors, box = [Floor(Market.SPOT, []), Floor(Market.USDM, [])], FaultBox(Faults())
    on = admin.change_faults(floors, box, '{"drop": 0.25}')
    assert on["drop"] == 0.25
    on = admin.change_faults(floors, box, '{"clock_ms": -1500}')
    assert (on["drop"], on["clock_ms"]) == (0.25, -1500)
    assert [floor.clock.skew_ns for floor in floors] == [-1_500_000_000] * 2
    assert admin.change_faults(floors, box, "") == on


@pytest.mark.parametrize(
    "text", ["{", "[]", "7", '{"shake": 1}', '{"drop": 2}', '{"drop": "much"}', '{"drop": null}']
)
def test_what_is_no_fault_changes_nothing(text: str) -> None:
    box = FaultBox(Faults())
    before = box.faults
    with pytest.raises(Refused):
        admin.change_faults([], box, text)
    assert box.faults == before


def test_state_names_every_account() -> None:
    floors = [Floor(Market.SPOT, []), Floor(Market.USDM, [])]
    for floor in floors:
        floor.open_account("demo")
    told = admin.state(floors, 5)
    assert set(told) == {"spot", "usdm"}
    nothing = {"openOrders": [], "trades": [], "tradesTotal": 0, "traded": {}, "balances": {}}
    assert told["spot"]["accounts"]["demo"] == nothing
    assert told["usdm"]["accounts"]["demo"]["positions"] == {}
    assert told["usdm"]["books"] == {}
