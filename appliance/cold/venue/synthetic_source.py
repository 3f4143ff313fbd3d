"""Made-up flow as the source that moves an instrument's market."""

from appliance.cold.synthetic.flow import Flow


class SyntheticSource:
    """Acts at the flow's own random times. The same seed acts the same, whatever the clock."""

    def __init__(self, flow: Flow, start_ns: int) -> None:
        self._flow = flow
        self.next_ns = start_ns + flow.gap_ns()

    def act(self) -> int:
        """One arrival; the side that took liquidity, or 0."""
        taker = self._flow.step()
        self.next_ns += self._flow.gap_ns()
        return taker

    def resume(self, now_ns: int) -> None:
        """What was missed stays missed."""
        self.next_ns = now_ns
