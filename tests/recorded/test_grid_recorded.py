"""Grids of real recordings, against every number of the files read by json and Decimal."""

import gzip
import json
from collections.abc import Iterator
from decimal import Decimal
from math import gcd
from pathlib import Path
from typing import Any

import pytest

from appliance.abi.market import Market, symbol_text
from appliance.cold.clerk import Clerk
from appliance.cold.exchange_info import load_exchange_info
from appliance.cold.grid import learn
from appliance.cold.instrument_table import Instruments, build
from appliance.cold.recording import Arena, load
from appliance.hot.order_text import make_templates

E8 = 10**8
SPOT = "examples/spot/btcusdt_20240808.gz"
USDM = "examples/usdm/btcusdt_20240808.gz"


def numbers(body: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(price or "", quantity or "") of everything that the decoder would decode."""
    if body.get("e") in (None, "depthUpdate", "bookTicker", "trade", "aggTrade"):
        for key in ("b", "a", "bids", "asks"):
            if isinstance(body.get(key), list):
                yield from ((price, quantity) for price, quantity in body[key])
            elif isinstance(body.get(key), str):
                yield body[key], body[key.upper()]
        if "p" in body:
            yield body["p"], body["q"]


def exact_e8(decimal: str) -> int:
    value = Decimal(decimal) * E8
    assert value == int(value)
    return int(value)


def cryptofeed(folder: Path, name: str) -> tuple[Arena, Instruments]:
    path = folder / "cryptofeed" / "sample_data" / name
    arena = load([f"{path}.ws.1.0"], [f"{path}.http.0.0"])
    return arena, build(learn([arena]), load_exchange_info(f"{path}.0"))


@pytest.mark.compiled
@pytest.mark.parametrize(
    ("name", "market", "tick", "lot", "first"),
    [
        # Three levels of the spot book are from the days of smaller lots.
        (SPOT, Market.SPOT, "0.01", "0.000001", "61837.63"),
        (USDM, Market.USDM, "0.1", "0.001", "61800.2"),
    ],
)
def test_grids_of_whole_sessions(
    shared_data: Path, name: str, market: Market, tick: str, lot: str, first: str
) -> None:
    path = shared_data / "hftbacktest" / name
    prices: set[str] = set()
    quantities: set[str] = set()
    with gzip.open(path, "rt") as lines:
        frames = 0
        for line in lines:
            body = json.loads(line.split(" ", 1)[1])
            for price, quantity in numbers(body.get("data", body)):
                prices.add(price)
                quantities.add(quantity)
            frames += 1
    (one,) = learn([load([path])])
    assert (one.symbol, one.market, one.frames_n) == ("BTCUSDT", market, frames)
    assert one.price_grid_e8 == gcd(*map(exact_e8, prices)) == exact_e8(tick)
    assert one.quantity_grid_e8 == gcd(*map(exact_e8, quantities)) == exact_e8(lot)
    assert one.first_price_e8 == exact_e8(first)
    made = build([one], None)
    assert made.notes == (f"grid learnt from the recording: BTCUSDT tick {tick}, lot {lot}",)


@pytest.mark.parametrize(
    ("name", "market", "symbols", "finer"),
    [
        (
            "BINANCE",
            Market.SPOT,
            {"NKNUSDT", "BLZETH", "LRCBTC", "RUNEEUR"},
            {"NKNUSDT": (10, 10)},
        ),
        (
            "BINANCE_FUTURES",
            Market.USDM,
            {"SUSHIUSDT", "AKROUSDT", "KEEPUSDT", "CTKUSDT"},
            {"CTKUSDT": (100, 1)},
        ),
    ],
)
def test_every_number_lies_on_the_built_grid(
    shared_data: Path,
    name: str,
    market: Market,
    symbols: set[str],
    finer: dict[str, tuple[int, int]],
) -> None:
    arena, made = cryptofeed(shared_data, name)
    assert set(made.symbols) == symbols
    assert (made.records["market"] == market).all() and (made.records["tradable"] == 1).all()
    at = {symbol: made.records[n] for n, symbol in enumerate(made.symbols)}
    off: set[str] = set()
    for n in range(len(arena)):
        whole = json.loads(arena.frame(n))
        body = whole.get("data", whole)
        symbol = body["s"] if "s" in body else arena.symbols[int(arena.hints[n])]
        record = at[symbol]
        for price, quantity in numbers(body):
            ticks, rest = divmod(exact_e8(price), int(record.price_grid_e8))
            lots, rest_lots = divmod(exact_e8(quantity), int(record.quantity_grid_e8))
            assert rest == rest_lots == 0, (symbol, price, quantity)
            if ticks % int(record.price_step_ticks) or lots % int(record.quantity_step_lots):
                off.add(symbol)
    assert off == set(finer)
    steps = {
        symbol: (int(record.price_step_ticks), int(record.quantity_step_lots))
        for symbol, record in at.items()
    }
    assert steps == dict.fromkeys(symbols, (1, 1)) | finer
    assert len(made.notes) == sum(step > 1 for pair in finer.values() for step in pair)


@pytest.mark.parametrize("name", ["BINANCE", "BINANCE_FUTURES"])
def test_orders_lie_on_the_venues_own_tick(shared_data: Path, name: str) -> None:
    _, made = cryptofeed(shared_data, name)
    path = shared_data / "cryptofeed" / "sample_data" / f"{name}.0"
    document = next(
        json.loads(line[line.index("{") :])
        for line in path.read_text().splitlines()
        if '"symbols"' in line
    )
    entries = {entry["symbol"]: entry for entry in document["symbols"]}
    for record in made.records:
        filters = {f["filterType"]: f for f in entries[symbol_text(record.symbol)]["filters"]}
        price, lot = filters["PRICE_FILTER"], filters["LOT_SIZE"]
        tick = Decimal(int(record.price_grid_e8)) / E8
        step = Decimal(int(record.quantity_grid_e8)) / E8
        assert int(record.price_step_ticks) * tick == Decimal(price["tickSize"])
        assert int(record.quantity_step_lots) * step == Decimal(lot["stepSize"])
        assert int(record.price_min_ticks) * tick == Decimal(price["minPrice"])
        assert int(record.price_max_ticks) * tick <= Decimal(price["maxPrice"])
        assert int(record.quantity_min_lots) * step == Decimal(lot["minQty"])
        assert int(record.quantity_max_lots) * step <= Decimal(lot["maxQty"])
        least = filters["MIN_NOTIONAL"]
        money = Decimal(least.get("minNotional", least.get("notional")))
        assert int(record.notional_min_tick_lots) * tick * step == money
    assert make_templates(made.records, 1).lengths.all()


@pytest.mark.parametrize("name", ["BINANCE", "BINANCE_FUTURES"])
def test_the_clerk_accepts_every_frame_on_the_built_grid(shared_data: Path, name: str) -> None:
    arena, made = cryptofeed(shared_data, name)
    rows = [
        (symbol, Market(int(r.market)), int(r.price_grid_e8), int(r.quantity_grid_e8))
        for symbol, r in zip(made.symbols, made.records, strict=True)
    ]
    clerk = Clerk(rows)
    for n in range(len(arena)):
        hint = int(arena.hints[n])
        place = -1 if hint < 0 else made.symbols.index(arena.symbols[hint])
        verdict = clerk.decide(arena.frame(n), instrument_hint=place)
        assert not verdict.fault, verdict.detail
