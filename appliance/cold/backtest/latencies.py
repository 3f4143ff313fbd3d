"""Order latencies from the command line: two spans, or a file of recorded orders, along which they
are interpolated or from which they are drawn."""

from pathlib import Path
from typing import Any, Final

import numpy as np

from appliance.abi.units import NS_PER_MS
from appliance.cold.errors import ApplianceError
from appliance.hot.backtest.latency import (
    ANSWERED,
    AT_EXCHANGE,
    DRAWN,
    SENT,
    Latency,
    make_latency,
)

MOST_MS: Final = 60_000.0
DRAWN_FROM: Final = "drawn:"


def constant(entry_ns: int, response_ns: int) -> Latency:
    """Every order takes so long there, and its answer so long back."""
    return make_latency(np.array([[1, 1 + entry_ns, 1 + entry_ns + response_ns]]))


def parse(text: str) -> tuple[Latency, str]:
    """``ENTRY,RESPONSE`` in ms, or the path of an .npz of recorded orders, perhaps behind
    "drawn:". And how to tell it."""
    if text.startswith(DRAWN_FROM):
        path = Path(text.removeprefix(DRAWN_FROM))
        orders = recorded(path)
        orders = orders[orders[:, AT_EXCHANGE] > 0]
        if not len(orders):
            raise ApplianceError(f"{path}: the venue got none of these orders")
        return make_latency(orders, DRAWN), f"drawn from {len(orders)} recorded orders of {path}"
    if Path(text).suffix == ".npz":
        orders = recorded(Path(text))
        return make_latency(orders), f"{len(orders)} recorded orders of {text}"
    try:
        entry_ms, response_ms = map(float, text.split(","))
        good = 0 <= entry_ms <= MOST_MS and 0 <= response_ms <= MOST_MS
    except ValueError:
        good = False
    if not good:
        raise ApplianceError(
            f"--latency {text}: give two spans in ms, as 5,5, or an .npz file, or drawn:FILE.npz"
        )
    latency = constant(round(entry_ms * NS_PER_MS), round(response_ms * NS_PER_MS))
    return latency, f"{entry_ms:g} ms to the venue, {response_ms:g} ms back"


def recorded(path: Path) -> Any:
    """int64[m, 3] of hftbacktest's order latency files (req_ts, exch_ts, resp_ts)."""
    try:
        with np.load(path) as file:
            data = file["data"]
        orders = np.stack([data["req_ts"], data["exch_ts"], data["resp_ts"]], axis=1)
    except (OSError, ValueError, KeyError, IndexError) as error:
        reason = getattr(error, "strerror", None) or "no array 'data' of req_ts, exch_ts, resp_ts"
        raise ApplianceError(f"{path}: {reason}") from None
    got = orders[:, AT_EXCHANGE] > 0  # 0: the venue never got it
    if not len(orders) or (np.diff(orders[:, SENT]) < 0).any():
        raise ApplianceError(f"{path}: no orders, or not in the order of their time")
    wrong = (orders[:, ANSWERED] < orders[:, SENT]) | (
        got
        & (
            (orders[:, AT_EXCHANGE] < orders[:, SENT])
            | (orders[:, ANSWERED] < orders[:, AT_EXCHANGE])
        )
    )
    if wrong.any():
        raise ApplianceError(f"{path}: order {int(np.flatnonzero(wrong)[0])} went back in time")
    return orders
