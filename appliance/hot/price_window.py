"""Where the market was not long ago: the least and the greatest middle of the collar's window.

The window is WINDOW_PARTS parts long, the present one included, so it reaches back for seven to
eight eighths of its length. Middles are doubled (bid + ask), to stay whole.
"""

from typing import Final

from appliance.abi.limits import WINDOW_PARTS
from appliance.hot.jit import hot, hot_inline

_MASK: Final = WINDOW_PARTS - 1
_PART_SHIFT: Final = WINDOW_PARTS.bit_length() - 1


@hot_inline
def note_middle(window, reference, middle2_ticks, now_ns, window_ns):
    """A touch was seen (both sides of it present), by the agent that writes REFERENCE."""
    part_ns = window_ns >> _PART_SHIFT
    if part_ns > 0:  # else nobody set a window, and the gate refuses
        if window.part_ns == 0 or now_ns - window.part_ns >= part_ns:
            _next_part(window, middle2_ticks, now_ns, part_ns)
            _whole_window(window, reference)
        k = window.part_n & _MASK
        window.last2_ticks = middle2_ticks
        if middle2_ticks < window.low2_ticks[k]:
            window.low2_ticks[k] = middle2_ticks
            reference.window_low2_ticks = min(reference.window_low2_ticks, middle2_ticks)
        if middle2_ticks > window.high2_ticks[k]:
            window.high2_ticks[k] = middle2_ticks
            reference.window_high2_ticks = max(reference.window_high2_ticks, middle2_ticks)


@hot
def _next_part(window, middle2_ticks, now_ns, part_ns):
    """The present part is over. In parts without a touch the market stood where it was."""
    steps = WINDOW_PARTS
    before2_ticks = middle2_ticks
    if window.part_ns != 0:
        steps = min((now_ns - window.part_ns) // part_ns, WINDOW_PARTS)
        before2_ticks = window.last2_ticks
        window.part_ns += (now_ns - window.part_ns) // part_ns * part_ns
    else:
        window.part_ns = now_ns
    for _ in range(steps):
        window.part_n += 1
        k = window.part_n & _MASK
        window.low2_ticks[k] = before2_ticks
        window.high2_ticks[k] = before2_ticks


@hot
def _whole_window(window, reference):
    low2_ticks = window.low2_ticks[0]
    high2_ticks = window.high2_ticks[0]
    for k in range(1, WINDOW_PARTS):
        low2_ticks = min(low2_ticks, window.low2_ticks[k])
        high2_ticks = max(high2_ticks, window.high2_ticks[k])
    reference.window_low2_ticks = low2_ticks
    reference.window_high2_ticks = high2_ticks
