"""Decode of a 20 + 20 level depth frame, validated, against pysimdjson only parsing its bytes.

Both sides in turns in one process; pysimdjson reuses one parser, which is its fastest use, and
builds no Python value of the document. Ours ends with every level as integers on the grid.
"""

import time

import numpy as np
import pytest
import simdjson

from appliance.abi.layout import records
from appliance.abi.market import INSTRUMENT, Kind
from appliance.hot.decode.frame import configure, decode, make_decoder
from appliance.hot.jit import hot
from benchmarks import frames

GRIDS = {"spot": (10**6, 10**5), "usdm": (10**7, 10**5)}
TURNS = 21
FRAMES_A_TURN = 20_000


@hot
def decode_many(decoder, text, length, count):
    kinds = 0
    for _ in range(count):
        kinds += decode(decoder, text, 0, length, -1)
    return kinds


def prepared(market: str, frame: bytes):
    instruments = records(1, INSTRUMENT)
    instruments[0].price_grid_e8, instruments[0].quantity_grid_e8 = GRIDS[market]
    decoder = make_decoder(instruments)
    configure(decoder, "BTCUSDT", 0)
    text = np.zeros(len(frame) + 64, np.uint8)
    text[: len(frame)] = np.frombuffer(frame, np.uint8)
    return decoder, text


@pytest.mark.parametrize("market", ["spot", "usdm"])
@pytest.mark.parametrize("shape", ["depth_20", "partial_20"])
def test_decode_against_parse(benchmark, judge, measuring, market, shape):
    frame = getattr(frames, shape)(market)
    decoder, text = prepared(market, frame)
    kind = Kind.DEPTH if shape == "depth_20" else Kind.PARTIAL
    assert decode_many(decoder, text, len(frame), 1) == kind
    assert (decoder.decoded[0].bid_n, decoder.decoded[0].ask_n) == (20, 20)
    parser = simdjson.Parser()
    count = FRAMES_A_TURN if measuring else 1

    def parse() -> float:
        started = time.perf_counter_ns()
        for _ in range(count):
            parser.parse(frame)
        return (time.perf_counter_ns() - started) / count

    def ours() -> float:
        started = time.perf_counter_ns()
        decode_many(decoder, text, len(frame), count)
        return (time.perf_counter_ns() - started) / count

    pairs = [(ours(), parse()) for _ in range(TURNS if measuring else 1)]
    ratio = float(np.median([a / b for a, b in pairs]))
    benchmark.extra_info["pysimdjson_ns"] = float(np.median([b for _, b in pairs]))
    benchmark.extra_info["ours_ns"] = float(np.median([a for a, _ in pairs]))
    benchmark.extra_info["ratio"] = ratio
    benchmark.pedantic(decode_many, args=(decoder, text, len(frame), count), rounds=5)
    judge(f"decode {market} {shape} / pysimdjson parse", ratio, at_most=0.35)
