"""A run's telemetry, written by hand: what the tests of the sidecar read."""

from pathlib import Path

from appliance.abi.counters import Counter
from appliance.abi.event import EventKind
from appliance.abi.layout import records
from appliance.abi.market import INSTRUMENT, Market, symbol_words
from appliance.abi.telemetry import Lifecycle, Stage
from appliance.cold.telemetry_region import TelemetryRegion
from appliance.hot import telemetry as hot_telemetry
from appliance.hot.jit import hot

NOW_NS = 1_700_000_000_000_000_000


@hot
def stage(t, number, value_ns, times):
    for _ in range(times):
        hot_telemetry.stage(t, number, value_ns)


@hot
def event(t, kind, instrument, receive_ns, order_key, observed):
    slot = t.events.slots[hot_telemetry.event_begin(t, kind, instrument)]
    slot.receive_ns = receive_ns
    slot.order_key = order_key
    slot.reason = 0
    slot.observed = observed
    hot_telemetry.event_commit(t)


@hot
def beat(t, now_ns):
    hot_telemetry.beat(t, now_ns)


class Run:
    """A run named ``name`` in ``folder``; what it counted is kept beside it as the truth."""

    def __init__(
        self,
        folder: Path,
        name: str = "live",
        *,
        symbols: tuple[str, ...] = (),
        strategy: str = "s",
    ) -> None:
        self.region = TelemetryRegion.create(name, mode="live", strategy=strategy, directory=folder)
        rows = records(len(symbols), INSTRUMENT)
        for row, symbol in zip(rows, symbols, strict=True):
            row.symbol[:] = symbol_words(symbol)
            row.market = Market.SPOT
            row.price_grid_e8, row.quantity_grid_e8 = 10**6, 10**3
        self.region.set_instruments(rows)
        self.region.set_rings([("frames", 1024)])
        self.region.set_lifecycle(Lifecycle.RUNNING)
        self.beat()

    @property
    def path(self) -> Path:
        return self.region.path

    def beat(self, now_ns: int = NOW_NS) -> None:
        beat(self.region.telemetry, now_ns)

    def count(self, counter: Counter, n: int) -> None:
        self.region.telemetry.counters[counter, 0] += n

    def stage(self, number: Stage, value_ns: int, times: int = 1) -> None:
        stage(self.region.telemetry, number, value_ns, times)

    def event(
        self,
        order_key: int,
        receive_ns: int = NOW_NS,
        kind: int = EventKind.FILL,
        observed: int = 0,
    ) -> None:
        event(self.region.telemetry, kind, -1, receive_ns, order_key, observed)

    def end(self, state: Lifecycle = Lifecycle.CLEAN) -> None:
        self.region.close(state)
