"""The venue's time, and the time of its made-up market."""

from appliance.cold.synthetic.flow import Flow
from appliance.cold.venue.clock import VenueClock
from appliance.cold.venue.synthetic_source import SyntheticSource


class Steps:
    """Stands for a flow: gaps of 5 ns, takers in turn."""

    def __init__(self) -> None:
        self.steps = 0

    def gap_ns(self) -> int:
        return 5

    def step(self) -> int:
        self.steps += 1
        return self.steps


def source(start_ns: int) -> SyntheticSource:
    flow: Flow = Steps()  # type: ignore[assignment]
    return SyntheticSource(flow, start_ns)


def test_a_wrong_clock_is_wrong_in_every_unit() -> None:
    clock = VenueClock()
    true_ns = 1_723_075_200_123_456_789
    assert (clock.ns(true_ns), clock.us(true_ns), clock.ms(true_ns)) == (
        1_723_075_200_123_456_789,
        1_723_075_200_123_456,
        1_723_075_200_123,
    )
    clock.skew_ns = -2_000_000_000
    assert (clock.ns(true_ns), clock.us(true_ns), clock.ms(true_ns)) == (
        1_723_075_198_123_456_789,
        1_723_075_198_123_456,
        1_723_075_198_123,
    )


def test_arrivals_come_at_the_flows_times_whatever_the_clock() -> None:
    one = source(100)
    assert one.next_ns == 105
    assert (one.act(), one.next_ns) == (1, 110)
    assert (one.act(), one.next_ns) == (2, 115)


def test_what_was_missed_stays_missed() -> None:
    one = source(100)
    one.resume(1_000)
    assert one.next_ns == 1_000
    assert (one.act(), one.next_ns) == (1, 1_005)
