"""Real recordings as the venue's market: book and trades against the test's own reading of them."""

import gzip
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from appliance.abi.market import Market
from appliance.abi.trading import Side
from appliance.cold.recording import SnapshotFile
from appliance.cold.venue.listed import Recording, recorded
from appliance.cold.venue.recorded_market import read_markets
from tests.venue.tale import Played

SESSIONS = {
    "examples/spot/btcusdt_20240808.gz": (Market.SPOT, 3449),  # differences that count
    "history/usdm/btcusdt_20230404.dat.gz": (Market.USDM, 4322),
}


def e8(text: str) -> int:
    whole, _, part = text.partition(".")
    return int(whole + part.ljust(8, "0"))


def read(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]:
    """Snapshot, differences that it does not hold yet, trades; as they stand there."""
    snapshot: dict[str, Any] = {}
    depth, trades = [], []
    with gzip.open(path) as file:
        for line in file:
            form = json.loads(line.partition(b" ")[2])
            data = form.get("data", form)
            if "lastUpdateId" in data:
                snapshot = data
            elif data.get("e") == "depthUpdate":
                depth.append(data)
            elif data.get("e") == "trade":
                trades.append(data)
    keep = "pu" in depth[0]
    last_id = snapshot["lastUpdateId"]
    return snapshot, [d for d in depth if d["u"] > last_id or (keep and d["u"] == last_id)], trades


@pytest.mark.parametrize("name", SESSIONS)
def test_book_and_trades(shared_data: Path, name: str) -> None:
    path = shared_data / "hftbacktest" / name
    market, count = SESSIONS[name]
    snapshot, depth, trades = read(path)
    assert len(depth) == count
    played = Played.of(recorded(Recording([path]), seed=1)[market], market)
    contract = played.instrument.contract
    grid, lot = contract.price_grid_e8, contract.quantity_grid_e8
    sides = {
        key: {e8(p): e8(q) for p, q in snapshot[name]}
        for key, name in (("b", "bids"), ("a", "asks"))
    }
    begin_ms = depth[0].get("T", depth[0]["E"])
    for number, (data, following) in enumerate(pairwise([*depth, {"E": 1 << 60}])):
        for key, sizes in sides.items():
            for price, quantity in data[key]:
                sizes[e8(price)] = e8(quantity)
        now_ms = data.get("T", data["E"])
        if following.get("T", following["E"]) == now_ms:
            continue
        played.until(now_ms - begin_ms)  # in small steps: a long one would be a sleep
        if number % 100 and number < count - 9:
            continue
        engine = played.instrument.engine
        for key, half, best_first in (("b", engine.bids, True), ("a", engine.asks, False)):
            shown = [(p * grid, q * lot) for p, q in half.depth(1 << 30)]
            wanted = sorted(((p, q) for p, q in sides[key].items() if q), reverse=best_first)
            assert shown == wanted, f"difference {number}, side {key}"
    played.until(now_ms - begin_ms + 1000)
    assert played.floor.has_ended
    told = [
        (Side.SELL if t["m"] else Side.BUY, e8(t["p"]), e8(t["q"]))
        for t in sorted(trades, key=lambda t: int(t["T"]))
        if t["T"] >= begin_ms
    ]
    prints = [(s, p * grid, q * lot) for s, p, q in played.prints]
    assert len(told) > 1000 and prints == told


def test_symbols_with_late_snapshots(shared_data: Path) -> None:
    folder = shared_data / "cryptofeed" / "sample_data"
    for name, market in (("BINANCE", Market.SPOT), ("BINANCE_FUTURES", Market.USDM)):
        files = [folder / f"{name}.ws.1.0"], [SnapshotFile(folder / f"{name}.http.0.0")]
        markets = read_markets(*files)
        assert {m.contract.market for m in markets} == {market}
        assert (len(markets), [m.gaps for m in markets]) == (4, [0] * 4)
        dropped = {"BINANCE": [1, 1, 2, 1], "BINANCE_FUTURES": [3, 1, 3, 5]}[name]
        depth: dict[str, int] = {}
        for line in (folder / f"{name}.ws.1.0").read_text().splitlines():
            if '"depthUpdate"' in line:
                symbol = json.loads(line.partition(": ")[2])["data"]["s"]
                depth[symbol] = depth.get(symbol, 0) + 1
        got = {m.contract.symbol: sum(hasattr(e, "whole") for e in m.events) - 1 for m in markets}
        wanted = {s: n - drop for (s, n), drop in zip(depth.items(), dropped, strict=True)}
        assert sum(got.values()) == sum(wanted.values())
