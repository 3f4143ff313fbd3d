"""Every verdict has all fields of DECODED, and says "none" in the contract's own terms."""

from appliance.abi.market import DECODED, Fault, Kind
from appliance.abi.units import NO_ID, NO_TIME
from appliance.cold.verdict import NO_INSTRUMENT, accepted, refused


def test_values_are_the_fields_of_a_record() -> None:
    sound = accepted(Kind.DEPTH, 3, ([(1, 2)], []), {"last_id": 7})
    for verdict in (sound, refused(Fault.NOT_JSON, "x"), accepted(Kind.OTHER, NO_INSTRUMENT)):
        assert tuple(verdict.values) == DECODED.names
        assert verdict.values["kind"] == verdict.kind
        assert verdict.values["instrument"] == verdict.instrument
        assert verdict.values["previous_id"] == NO_ID
        assert verdict.values["event_ns"] == verdict.values["trade_ns"] == NO_TIME
    assert (sound.values["bid_n"], sound.values["ask_n"], sound.values["last_id"]) == (1, 0, 7)


def test_verdicts_share_nothing() -> None:
    first, second = accepted(Kind.OTHER, NO_INSTRUMENT), accepted(Kind.OTHER, NO_INSTRUMENT)
    first.bids.append((1, 1))
    first.values["last_id"] = 1
    assert second == accepted(Kind.OTHER, NO_INSTRUMENT)
