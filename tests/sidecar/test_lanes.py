"""What is still to be sent (sidecar.lanes)."""

import json

from sidecar.lanes import Lanes
from sidecar.stream import Position


def test_lanes() -> None:
    one = Lanes(Position(1, 32))
    one.jump(Position(1, 32))
    assert one.stretches == [] and one.oldest == Position(1, 32)
    one.jump(Position(2, 50))
    one.jump(Position(3, 50))  # nothing was sent in between: one stretch
    assert one.stretches == [(Position(1, 32), Position(3, 50))] and one.live == Position(3, 50)
    one.sent(Position(3, 70), live=True)
    one.jump(Position(4, 40))
    assert len(one.stretches) == 2 and one.oldest == Position(1, 32)
    assert Lanes.of(json.loads(json.dumps(one.told()))).told() == one.told()
    one.sent(Position(2, 99), live=False)
    assert one.oldest == Position(2, 99)
    one.sent(Position(3, 50), live=False)
    one.sent(Position(4, 40), live=False)
    assert one.stretches == [] and one.oldest == one.live
