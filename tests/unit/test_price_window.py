"""The collar's window (appliance.hot.price_window), against a list of all touches there were."""

import numpy as np
import pytest

from appliance.abi.gate import PRICE_WINDOW, REFERENCE
from appliance.abi.layout import records
from appliance.hot.jit import hot
from appliance.hot.price_window import note_middle

WINDOW_NS = 8_000
PART_NS = 1_000


@hot
def note(windows, references, middle2, now_ns, window_ns):
    note_middle(windows[0], references[0], middle2, now_ns, window_ns)


def within(touches: list[tuple[int, int]], since_ns: int) -> list[int]:
    """Middles of the touches since then, and of the one that stood at that moment."""
    before = [middle for at_ns, middle in touches if at_ns < since_ns][-1:]
    return before + [middle for at_ns, middle in touches if at_ns >= since_ns]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("mean_ns", [30, 700, 1_500, 20_000])
def test_random_touches(seed: int, mean_ns: int) -> None:
    """All of the last seven eighths are seen, and nothing from before the last eight."""
    rng = np.random.default_rng(seed)
    windows, references = records(1, PRICE_WINDOW), records(1, REFERENCE)
    touches: list[tuple[int, int]] = []
    now_ns = 10**18
    for _ in range(300):
        now_ns += int(rng.integers(0, 2 * mean_ns))
        middle2 = int(rng.integers(10_000, 20_000))
        touches.append((now_ns, middle2))
        note(windows, references, middle2, now_ns, WINDOW_NS)
        low, high = references[0].window_low2_ticks, references[0].window_high2_ticks
        sure = within(touches, now_ns - WINDOW_NS + PART_NS)
        most = within(touches, now_ns - WINDOW_NS - PART_NS)
        assert min(most) <= low <= min(sure)
        assert max(sure) <= high <= max(most)


def test_the_first_touch_is_the_whole_window() -> None:
    windows, references = records(1, PRICE_WINDOW), records(1, REFERENCE)
    note(windows, references, 500, 10**18, WINDOW_NS)
    assert (references[0].window_low2_ticks, references[0].window_high2_ticks) == (500, 500)


def test_a_part_ends_when_it_is_a_part_old() -> None:
    windows, references = records(1, PRICE_WINDOW), records(1, REFERENCE)
    note(windows, references, 400, 10**18, WINDOW_NS)
    begun_n = int(windows[0].part_n)
    note(windows, references, 500, 10**18 + PART_NS - 1, WINDOW_NS)
    assert windows[0].part_n == begun_n
    note(windows, references, 500, 10**18 + PART_NS, WINDOW_NS)
    assert (windows[0].part_n, windows[0].part_ns) == (begun_n + 1, 10**18 + PART_NS)


def test_a_long_silence_leaves_the_price_that_stood() -> None:
    windows, references = records(1, PRICE_WINDOW), records(1, REFERENCE)
    for middle2, at_ns in ((500, 0), (900, 10), (700, 20)):
        note(windows, references, middle2, 10**18 + at_ns, WINDOW_NS)
    note(windows, references, 600, 10**18 + 10**9, WINDOW_NS)
    assert (references[0].window_low2_ticks, references[0].window_high2_ticks) == (600, 700)


@pytest.mark.parametrize("window_ns", [-1, 0, 7, -(2**63)])
def test_no_window_is_no_reference(window_ns: int) -> None:
    windows, references = records(1, PRICE_WINDOW), records(1, REFERENCE)
    note(windows, references, 500, 10**18, window_ns)
    assert references[0].window_low2_ticks == 0


def test_a_step_back_of_the_clock_is_taken_as_now() -> None:
    windows, references = records(1, PRICE_WINDOW), records(1, REFERENCE)
    note(windows, references, 500, 10**18, WINDOW_NS)
    note(windows, references, 400, 10**18 - 10**6, WINDOW_NS)
    assert (references[0].window_low2_ticks, references[0].window_high2_ticks) == (400, 500)
