"""Reading every recording: counts and times against an independent reading of the same bytes."""

import gzip
import json
from decimal import Decimal
from pathlib import Path

import pytest

from appliance.abi.market import Market
from appliance.abi.units import UNSET
from appliance.cold.errors import ApplianceError
from appliance.cold.exchange_info import load_exchange_info
from appliance.cold.recording import ReadReport, load, load_chunks, read

SESSIONS = {  # frames, snapshots, first and last stamp in ns
    "examples/spot/btcusdt_20240808.gz": (41_249, 1),
    "examples/usdm/btcusdt_20240808.gz": (93_954, 1),
    "history/usdm/btcusdt_20230404.dat.gz": (13_384, 1),
    "history/usdm/btcusdt_20230405.dat.gz": (60_381, 0),
    "history/spot/btcusdt_20230405.dat.gz": (15_088, 0),
}


@pytest.mark.parametrize("name", SESSIONS)
def test_sessions(shared_data: Path, name: str) -> None:
    path = shared_data / "hftbacktest" / name
    arena = load([path])
    frames, snapshots = SESSIONS[name]
    assert len(arena) == frames
    assert int(arena.is_rest.sum()) == snapshots
    assert arena.report.as_dict()["broken"] == {}
    with gzip.open(path) as file:
        for index, line in enumerate(file):
            stamp, _, frame = line.rstrip(b"\n").partition(b" ")
            scale = 1 if len(stamp) == 19 else 1000
            assert int(arena.receive_ns[index]) == int(stamp) * scale
            if index % 97 == 0 or arena.is_rest[index]:
                assert arena.frame(index) == frame


def test_seamless_days_and_chunks(shared_data: Path) -> None:
    days = [shared_data / f"hftbacktest/history/usdm/btcusdt_2023040{n}.dat.gz" for n in (4, 5)]
    report = ReadReport()
    count = sum(map(len, load_chunks(days, (), 4 << 20, report=report)))
    assert count == report.frames == 13_384 + 60_381
    with pytest.raises(ApplianceError, match="begins before"):
        load(days[::-1])


@pytest.mark.parametrize(
    ("name", "frames", "symbols"),
    [
        ("BINANCE", 265, ["NKNUSDT", "BLZETH", "LRCBTC", "RUNEEUR"]),
        ("BINANCE_FUTURES", 1535, ["SUSHIUSDT", "AKROUSDT", "KEEPUSDT", "CTKUSDT"]),
    ],
)
def test_samples_with_late_snapshots(
    shared_data: Path, name: str, frames: int, symbols: list[str]
) -> None:
    folder = shared_data / "cryptofeed" / "sample_data"
    arena = load([folder / f"{name}.ws.1.0"], [str(folder / f"{name}.http.0.0")])
    assert len(arena) == frames + 4
    assert len(arena.report.connections) == 1
    assert [arena.symbols[i] for i in arena.hints if i >= 0] == symbols
    assert int(arena.is_rest.sum()) == 4
    texts = []
    for part in (".ws.1.0", ".http.0.0"):
        for line in (folder / f"{name}{part}").read_text().splitlines():
            head, found, _ = line.partition(": {")
            if found:
                texts.append(head.split(" ")[-1])
    assert sorted(int(Decimal(text) * 10**9) for text in texts) == arena.receive_ns.tolist()
    with pytest.raises(ApplianceError, match="holds no frame"):
        load([folder / f"{name}.0"])


def test_messages_without_stamps(shared_data: Path) -> None:
    path = shared_data / "crypto-msg-parser" / "binance_raw.jsonl"
    lines = list(read(path))
    assert [line.frame for line in lines] == path.read_bytes().splitlines()
    assert {line.receive_ns for line in lines} == {None}
    assert sum(line.is_rest for line in lines) == 5


@pytest.mark.parametrize(
    ("name", "market", "count", "key"),
    [
        ("BINANCE.0", Market.SPOT, 1695, "minNotional"),
        ("BINANCE_FUTURES.0", Market.USDM, 122, "notional"),
    ],
)
def test_exchange_info_of_every_symbol(
    shared_data: Path, name: str, market: Market, count: int, key: str
) -> None:
    path = shared_data / "cryptofeed" / "sample_data" / name
    info = load_exchange_info(path)
    assert (info.market, len(info.rules), dict(info.refused)) == (market, count, {})
    with path.open() as file:
        document = json.loads(file.readline().partition(": ")[2])
    precision_differs = 0
    for entry in document["symbols"]:
        rules = info.rules[entry["symbol"]]
        filters = {item["filterType"]: item for item in entry["filters"]}
        price, lot = filters["PRICE_FILTER"], filters["LOT_SIZE"]
        for text, value in (
            (price["tickSize"], rules.price_grid_e8),
            (price["minPrice"], rules.price_min_e8),
            (price["maxPrice"], rules.price_max_e8),
            (lot["stepSize"], rules.quantity_grid_e8),
            (lot["minQty"], rules.quantity_min_e8),
            (lot["maxQty"], rules.quantity_max_e8),
            (filters["MIN_NOTIONAL"][key], rules.notional_min_e8),
        ):
            assert (value if value != UNSET else 0) == int(Decimal(text) * 10**8)
        for text, decimals in (
            (price["tickSize"], rules.price_decimals),
            (lot["stepSize"], rules.quantity_decimals),
        ):
            exponent = Decimal(text).normalize().as_tuple().exponent
            assert decimals == max(0, -int(exponent))
        may = entry["status"] == "TRADING" and entry.get("isSpotTradingAllowed", True)
        assert rules.tradable == may
        precision_differs += entry.get("pricePrecision", rules.price_decimals) != (
            rules.price_decimals
        )
    assert precision_differs == (29 if market == Market.USDM else 0)
