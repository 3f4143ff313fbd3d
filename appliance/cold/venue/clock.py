"""The venue's clock as clients see it: the true time, and what a fault adds to it."""

from appliance.abi.units import NS_PER_MS, NS_PER_US


class VenueClock:
    """``skew_ns`` spoils what is told to clients, never the order of events."""

    def __init__(self) -> None:
        self.skew_ns = 0

    def ns(self, true_ns: int) -> int:
        return true_ns + self.skew_ns

    def ms(self, true_ns: int) -> int:
        return (true_ns + self.skew_ns) // NS_PER_MS

    def us(self, true_ns: int) -> int:
        return (true_ns + self.skew_ns) // NS_PER_US
