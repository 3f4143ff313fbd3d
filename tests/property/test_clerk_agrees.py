"""The clerk against a second reading of the rules, on frames of every kind and every fault."""

from hypothesis import given, settings

from appliance.abi.market import Fault, Kind
from appliance.cold.clerk import Clerk
from appliance.cold.verdict import Verdict
from tests.oracle.reference_decode import reference_decode
from tests.strategies.frames import INSTRUMENTS, Frame, broken_frames, valid_frames

CLERK = Clerk(INSTRUMENTS)
EXAMPLES = settings().max_examples  # of the profile


def _agree(frame: Frame) -> Verdict:
    verdict = CLERK.decide(frame.data, instrument_hint=frame.hint)
    reading = reference_decode(frame.data, INSTRUMENTS, frame.hint)
    assert (verdict.kind, verdict.values) == (reading.kind, reading.values), reading.why
    assert (verdict.bids, verdict.asks) == (reading.bids, reading.asks)
    assert (verdict.fault is Fault.NONE) == (reading.why == "")
    assert (verdict.kind is Kind.UNDECIDED) == (verdict.fault is not Fault.NONE)
    if verdict.fault is Fault.NONE:
        again = CLERK.canonical(verdict)
        assert CLERK.decide(again, instrument_hint=verdict.instrument) == verdict
    return verdict


@settings(max_examples=4 * EXAMPLES)
@given(valid_frames())
def test_valid_frames_are_read_alike(frame: Frame) -> None:
    assert _agree(frame).fault is Fault.NONE


@settings(max_examples=6 * EXAMPLES)
@given(broken_frames())
def test_broken_frames_are_read_alike(frame: Frame) -> None:
    _agree(frame)
