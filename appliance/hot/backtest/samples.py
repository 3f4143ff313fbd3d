"""What a backtest notes down as it goes: the touch now and then, refusals of the gate, gaps.

The cold side takes it away whenever there is no more room (simulation.Back.TAKE).
"""

from typing import Final

from appliance.abi.counters import REJECT_BASE
from appliance.abi.units import NO_PRICE
from appliance.hot.backtest.depth import NOBODY
from appliance.hot.jit import hot

SAMPLES_SIZE: Final = 1 << 14
REFUSALS_SIZE: Final = 1 << 12
GAPS_SIZE: Final = 1 << 10

# Words of Simulation.words, also of what is not noted down.
NEEDS: Final = 0  # instrument whose rows are used up
SAMPLE_NS: Final = 1
SAMPLE_DUE_NS: Final = 2
SAMPLES_N: Final = 3
STEPS_N: Final = 4
REFUSALS_N: Final = 5
GAPS_N: Final = 6
MESSAGE_NS: Final = 7  # when the last one came in; 0: none yet
PAUSE_NS: Final = 8  # before the first step behind it, the cold side has something to do
WORDS_N: Final = 16


@hot
def sample_touches(depth, samples, words, until_ns):
    """The touch of every instrument at each moment of the sampling grid until then."""
    instruments_n = depth.sides.shape[0] // 2
    while words[SAMPLE_DUE_NS] < until_ns:
        if words[SAMPLES_N] + instruments_n > samples.shape[0]:
            return False
        for i in range(instruments_n):
            sample = samples[words[SAMPLES_N]]
            sample.time_ns = words[SAMPLE_DUE_NS]
            sample.instrument = i
            bid, ask = depth.sides[2 * i].best, depth.sides[2 * i + 1].best
            sample.bid_ticks = bid if bid != NOBODY else NO_PRICE
            sample.ask_ticks = -ask if ask != NOBODY else NO_PRICE
            words[SAMPLES_N] += 1
        words[SAMPLE_DUE_NS] += words[SAMPLE_NS]
    return True


@hot
def note_refusals(counters, refused, refusals, words):
    """Those of the gate since the last time, as of the sampling moment that is due."""
    if words[REFUSALS_N] + refused.shape[0] > refusals.shape[0]:
        return False
    for reason in range(refused.shape[0]):
        count_n = counters[REJECT_BASE + reason, 0] - refused[reason]
        if count_n != 0:
            refusal = refusals[words[REFUSALS_N]]
            refusal.time_ns = words[SAMPLE_DUE_NS]
            refusal.reason = reason
            refusal.count_n = count_n
            refused[reason] += count_n
            words[REFUSALS_N] += 1
    return True


@hot
def note_gap(gaps, words, now_ns):
    """Nothing came in since the last message."""
    if words[MESSAGE_NS] != 0:
        gaps[words[GAPS_N]].start_ns = words[MESSAGE_NS]
        gaps[words[GAPS_N]].end_ns = now_ns
        words[GAPS_N] += 1
