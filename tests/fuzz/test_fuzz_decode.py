"""A short campaign of spoilt frames against appliance.hot.decode (LONECORE_FUZZ_N: a long one)."""

from appliance.abi.market import Kind
from appliance.cold.clerk import Clerk
from tests.conftest import JIT_DISABLED
from tests.fuzz.fuzz_decode import FRAMES_N, SEED, run, shapes
from tests.strategies.frames import INSTRUMENTS
from tests.strategies.hot_decoder import agree, new_decoder, read


def test_shapes_are_sound_and_taken() -> None:
    """Else the campaign would start from nothing."""
    clerk = Clerk(INSTRUMENTS)
    decoder = new_decoder()
    kinds = set()
    for frame in shapes():
        reading = read(decoder, frame, 0)
        assert agree(reading, clerk, frame, 0).kind is reading.kind is not Kind.UNDECIDED, frame
        kinds.add(reading.kind)
    assert kinds == set(Kind) - {Kind.UNDECIDED}


def test_spoilt_frames() -> None:
    campaign = run(FRAMES_N // 10 if JIT_DISABLED else FRAMES_N, SEED, shapes())
    assert not campaign.failures, "\n".join(campaign.lines())
    assert campaign.taken.total() == campaign.sound.total() > 0
    if campaign.taken.total() >= 3000:
        assert all(campaign.taken[kind] > 0 for kind in Kind), campaign.taken
