"""What can be measured without a socket: the core, its clocks, a ring, and the loop over frames.

All of it on a thread that has taken the place of the hot thread.
"""

import threading
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numpy as np

from appliance.abi import control as c
from appliance.abi.journal import JOURNAL
from appliance.abi.limits import HISTOGRAM_BUCKETS
from appliance.abi.market import FrameSource, Market
from appliance.abi.telemetry import Stage
from appliance.abi.units import NS_PER_S
from appliance.cold import boot
from appliance.cold.bench import setting
from appliance.cold.bench.series import Series, counts_of, longest_of
from appliance.cold.placement import Placement
from appliance.cold.warm_up import warm_core, warm_up
from appliance.hot.bench import spans
from appliance.hot.frame_ring import push
from appliance.hot.ring import make_ring
from appliance.hot.strategy import slot

GAPS_S: Final = 0.25  # a round
BATCHES: Final = 2_000
FRAMES: Final = 3_000
_STAGES: Final = {
    "decode": (Stage.DECODE, "a bookTicker to a validated record"),
    "gate": (Stage.GATE, "an order through the risk gate"),
    "tick_to_trade": (Stage.TICK_TO_TRADE, "a frame taken up, to the bytes of its order"),
}


class Inside:
    """Made once; ``round`` as often as you like."""

    def __init__(self, placement: Placement, say: Callable[[str], None]) -> None:
        self._placement = placement
        strategy = setting.strategy()
        slot.bind(strategy.on_market)
        self._cycles = boot.calibrated()
        self.core, _ = warm_core(strategy, self._cycles, Market.SPOT)
        say("compiling or loading the loop")
        self._run: Callable[[Any], int] = boot.compile_loop(self.core, strategy)
        warm_up(self._run, strategy, self._cycles)
        setting.open_gate(self.core)
        boot.prefault(self.core)
        self._ring = make_ring(256, JOURNAL)
        self._rows = np.zeros((1, HISTOGRAM_BUCKETS), np.int64)
        self._scratch = np.zeros(2, np.int64)
        self._next, self._now_ns = 0, 1_700_000_000 * NS_PER_S
        self._push([setting.snapshot()], FrameSource.REST)
        self._push([setting.difference()], FrameSource.STREAM)
        self.series = {
            "hiccups": Series("hiccups", "a core that only reads its counter: what lies between"),
            "lost": Series("lost", "of each second, in gaps above 1 us"),
            "cycle_counter": Series("cycle_counter", "reading the cycle counter"),
            "wall_clock": Series("wall_clock", "reading the wall clock"),
            "ring_hop": Series("ring_hop", "a record into a ring and out of it"),
            **{name: Series(name, title) for name, (_, title) in _STAGES.items()},
        }

    def round(self) -> None:
        """One of each, on a thread in the loop's place. Raises what it died of."""
        failed: list[BaseException] = []

        def work() -> None:
            try:
                self._placement.take()
                self._measure()
            except BaseException as failure:
                failed.append(failure)

        thread = threading.Thread(target=work, name="hot", daemon=True)
        thread.start()
        thread.join()
        if failed:
            raise failed[0]

    def _measure(self) -> None:
        mult, shift = self._cycles
        span = int(GAPS_S * 1e9) * (1 << shift) // mult
        compiled: Any = spans
        self._take(
            "hiccups", lambda: compiled.gaps(self._rows, 0, span, self._scratch, mult, shift)
        )
        lost_ns = round(int(self._scratch[0]) / GAPS_S)
        self.series["lost"].add(counts_of([lost_ns]), lost_ns)
        for name, is_wall in (("cycle_counter", False), ("wall_clock", True)):
            arguments = (self._rows, 0, BATCHES, is_wall, self._scratch, mult, shift)
            self._take(name, partial(compiled.clock_cost, *arguments))
        self._take(
            "ring_hop",
            lambda: compiled.ring_hop(self._rows, 0, BATCHES, self._ring, mult, shift),
        )
        self._frames()

    def _take(self, name: str, measure: Callable[[], int]) -> None:
        self._rows[:] = 0
        longest_ns = int(measure())
        if name != "hiccups":
            longest_ns = longest_of(self._rows[0])
        self.series[name].add(self._rows[0], longest_ns)

    def _frames(self) -> None:
        """The loop over bookTickers, an order to each, on paper."""
        histograms = self.core.telemetry.histograms
        before = {stage: histograms[stage].copy() for stage, _ in _STAGES.values()}
        frames = list(setting.tickers(FRAMES, self._next))
        self._next += FRAMES
        self._push(frames, FrameSource.STREAM)
        for name, (stage, _) in _STAGES.items():
            counts = histograms[stage] - before[stage]
            self.series[name].add(counts, longest_of(counts))

    def _push(self, frames: list[bytes], source: FrameSource) -> None:
        core = self.core
        core.control[c.DRAIN] = core.control[c.LOCKSTEP] = 1
        core.control[c.COMMAND] = c.Command.RUN
        for frame in frames:
            data = np.frombuffer(frame, np.uint8)
            self._now_ns += 1_000  # by the market's clock they are apart
            push(core.ingress, data, 0, len(data), self._now_ns, 0, int(source), 0)
        if self._run(core) == c.Left.CLERK:
            raise RuntimeError("a frame of ours was not understood")
