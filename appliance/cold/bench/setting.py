"""A core in which every order passes the gate, and the frames that it is given."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from appliance.abi import control as c
from appliance.abi.limits import ORDERS_MAX
from appliance.abi.market import Market
from appliance.abi.trading_state import TradingState
from appliance.cold.bench.strategy import STRATEGY
from appliance.cold.strategy_loader import Strategy, load_strategy
from appliance.cold.synthetic.frames import FrameWriter, enveloped
from appliance.cold.synthetic.symbols import contracts
from appliance.cold.synthetic.tape import Touch
from appliance.cold.warm_up import SYMBOL
from appliance.hot.core import Core

FOREVER_NS: Final = 1 << 60
FIRST_ID: Final = 1_000
TICKERS_FROM: Final = 1 << 40  # ids of bookTickers: later than any of the book
FIRST_TICKS: Final = 6_100_000


def strategy() -> Strategy:
    return load_strategy(str(STRATEGY), {})


def open_gate(core: Core) -> None:
    """Every order passes; the account has no end of anything."""
    gate = core.gate
    gate.account_limits["order_rate_window_ns"] = gate.limits["order_rate_window_ns"] = 1
    gate.account_limits["message_rate_window_ns"] = gate.limits["repeat_window_ns"] = 1
    gate.limits["open_notional_max_tick_lots"] = FOREVER_NS
    gate.limits["position_max_lots"] = 1 << 50
    gate.limits["book_age_max_ns"] = gate.limits["reference_age_max_ns"] = FOREVER_NS
    for limits in (gate.limits, gate.account_limits):
        limits["open_orders_max"] = ORDERS_MAX
    gate.limits["open_orders_side_max"] = ORDERS_MAX
    gate.account[0].trading_state = TradingState.ACTIVE
    core.control[c.SILENCE_MAX_NS] = FOREVER_NS


def snapshot() -> bytes:
    """A book of twenty levels a side around FIRST_TICKS."""
    bids = ",".join(f'["{_price(FIRST_TICKS - 1 - n)}","1.00000000"]' for n in range(20))
    asks = ",".join(f'["{_price(FIRST_TICKS + 9000 + n)}","1.00000000"]' for n in range(20))
    return f'{{"lastUpdateId":{FIRST_ID},"bids":[{bids}],"asks":[{asks}]}}'.encode()


def difference() -> bytes:
    """The first one: the book is live from it on."""
    body = (
        f'{{"e":"depthUpdate","E":1700000000000,"s":"{SYMBOL}","U":{FIRST_ID + 1},'
        f'"u":{FIRST_ID + 1},"b":[["{_price(FIRST_TICKS - 1)}","2.00000000"]],"a":[]}}'
    )
    return enveloped(f"{SYMBOL.lower()}@depth@100ms", body.encode())


def tickers(count: int, first: int) -> Iterator[bytes]:
    """``count`` bookTickers from the ``first`` of all on; the n-th bids FIRST_TICKS + n."""
    (contract,) = contracts((SYMBOL,), Market.SPOT)
    writer = FrameWriter(contract)
    lots = 1000
    for n in range(count):
        bid, ask = (FIRST_TICKS + n, lots), (FIRST_TICKS + 9000, lots)
        touch = Touch(0, TICKERS_FROM + first + n, bid, ask)
        yield enveloped(f"{SYMBOL.lower()}@bookTicker", writer.ticker(0, 0, touch))


def _price(ticks: int) -> str:
    return f"{ticks // 100}.{ticks % 100:02d}000000"


def packed(frames: list[bytes]) -> tuple[Any, Any, Any]:
    """(bytes, starts, lengths) of frames one after the other."""
    lengths = np.array([len(frame) for frame in frames], np.int64)
    starts = np.concatenate(([0], np.cumsum(lengths)[:-1])).astype(np.int64)
    return np.frombuffer(b"".join(frames), np.uint8).copy(), starts, lengths
