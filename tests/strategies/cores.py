"""A core of one instrument with nothing compiled for it, and loops that are plain Python."""

from collections.abc import Callable

from appliance.abi import control as c
from appliance.abi.counters import Counter
from appliance.abi.layout import records
from appliance.abi.limits import FRAME_HEADER_BYTES
from appliance.abi.market import INSTRUMENT, Market, symbol_words
from appliance.cold.boot import make_core
from appliance.cold.strategy_loader import load_strategy
from appliance.hot.core import Core
from appliance.hot.frame_ring import length_at, peek, release
from appliance.hot.rings import make_rings
from appliance.hot.telemetry import make_telemetry


def small_core(symbols: tuple[str, ...] = ("BTCUSDT",), ring_bytes: int = 1 << 20) -> Core:
    rows = records(len(symbols), INSTRUMENT)
    for row, symbol in zip(rows, symbols, strict=True):
        row.symbol[:] = symbol_words(symbol)
        row.market = Market.SPOT
        row.tradable = row.price_step_ticks = row.quantity_step_lots = 1
        row.price_grid_e8, row.price_decimals = 10**6, 2
        row.quantity_grid_e8, row.quantity_decimals = 10**3, 5
    strategy = load_strategy("market_maker", {})
    return make_core(rows, symbols, strategy, make_telemetry(1), make_rings(ring_bytes), epoch=1)


def reader(taken: list[bytes]) -> Callable[[Core], int]:
    """A loop that only takes frames."""

    def run(core: Core) -> int:
        while core.control[c.COMMAND] == c.Command.RUN:
            offset = int(peek(core.ingress))
            if offset >= 0:
                start = offset + FRAME_HEADER_BYTES
                end = start + int(length_at(core.ingress, offset))
                taken.append(core.ingress.data[start:end].tobytes())
                release(core.ingress)
                core.telemetry.counters[Counter.FRAMES, 0] += 1
                core.telemetry.counters[Counter.MARKET_RECORDS, 0] += 1
            elif (
                core.control[c.DRAIN] and int(peek(core.ingress)) < 0
            ):  # the last came before DRAIN
                return int(c.Left.DRAINED)
        return int(c.Left.STOPPED)

    return run
