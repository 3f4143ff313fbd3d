"""The made-up venue writes as the real one does."""

import json
from typing import Any

import pytest

from appliance.abi.market import Market
from appliance.cold.recording import Line
from appliance.cold.synthetic import contracts, generate
from appliance.cold.synthetic.frames import FrameWriter, enveloped
from appliance.cold.synthetic.tape import Difference

SYMBOLS = ("BTCUSDT", "DOGEUSDT")
BOTH = pytest.mark.parametrize("market", [Market.SPOT, Market.USDM])


def made(market: Market, seed: int = 7, seconds: float = 6, **more: Any) -> list[Line]:
    return list(generate(seed, seconds, symbols=SYMBOLS, market=market, **more))


def events(lines: list[Line], stream: str) -> list[dict[str, Any]]:
    found = []
    for line in lines:
        if not line.is_rest:
            document = json.loads(line.frame)
            if document["stream"].partition("@")[2] == stream:
                assert document["stream"].partition("@")[0] == document["data"]["s"].lower()
                found.append(document["data"])
    return found


def test_keys_stand_as_the_venue_has_them() -> None:
    keys = {
        (Market.SPOT, "depth@100ms"): "e E s U u b a",
        (Market.SPOT, "bookTicker"): "u s b B a A",
        (Market.SPOT, "trade"): "e E s t p q T m M",
        (Market.SPOT, "aggTrade"): "e E s a p q f l T m M",
        (Market.USDM, "depth@100ms"): "e E T s U u pu b a",
        (Market.USDM, "bookTicker"): "e u s b B a A T E",
        (Market.USDM, "trade"): "e E T s t p q X m",
        (Market.USDM, "aggTrade"): "e E a s p q f l T m",
    }
    for market in (Market.SPOT, Market.USDM):
        streams = ("depth", "bookTicker", "trade", "aggTrade")
        lines = made(market, 7, 2, streams=streams)
        for (wanted, stream), order in keys.items():
            if wanted == market:
                got = {" ".join(event) for event in events(lines, stream)}
                assert got == {order}, stream
    newer = events(made(Market.USDM, 7, 1, extended=True), "bookTicker")
    assert {" ".join(event) for event in newer} == {"e u s ps b B a A T E st"}
    newer = events(made(Market.USDM, 7, 1, extended=True), "aggTrade")
    assert {" ".join(event) for event in newer} == {"e E a s p q nq f l T m st"}


def test_frames_to_the_byte() -> None:
    spot = FrameWriter(contracts(["BTCUSDT"], Market.SPOT)[0])
    difference = Difference(0, (8, 9, 7), [(6183763, 3234), (6183761, 0)], [])
    assert enveloped("btcusdt@depth@100ms", spot.depth(5, 4, difference)) == (
        b'{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":5,"s":"BTCUSDT","U":8,'
        b'"u":9,"b":[["61837.63000000","0.03234000"],["61837.61000000","0.00000000"]],"a":[]}}'
    )
    usdm = FrameWriter(contracts(["BTCUSDT"], Market.USDM)[0])
    difference = Difference(0, (8, 9, 7), [(618002, 32), (618001, 0)], [(618003, 1)])
    assert usdm.depth(5, 4, difference) == (
        b'{"e":"depthUpdate","E":5,"T":4,"s":"BTCUSDT",'
        b'"U":8,"u":9,"pu":7,"b":[["61800.10","0.000"],["61800.20","0.032"]],'
        b'"a":[["61800.30","0.001"]]}'
    )
    assert usdm.snapshot(5, 4, 9, [(618002, 32)], []) == (
        b'{"lastUpdateId":9,"E":5,"T":4,"bids":[["61800.20","0.032"]],"asks":[]}'
    )
    assert spot.snapshot(5, 4, 9, [], [(6183764, 1)]) == (
        b'{"lastUpdateId":9,"bids":[],"asks":[["61837.64000000","0.00001000"]]}'
    )
