"""The clerk on what the venue really sent: no fault, and the same as a second reading."""

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.abi.market import Fault, Kind, Market
from appliance.abi.units import E8
from appliance.cold.clerk import Clerk
from tests.oracle.reference_decode import reference_decode

# Price and quantity grids of the time, as far as these recordings need them.
SPOT_BTCUSDT = ("BTCUSDT", Market.SPOT, 1_000_000, 1_000)
USDM_BTCUSDT = ("BTCUSDT", Market.USDM, 1_000_000, 10_000)
EVERY_FRAME = (
    20  # one frame in so many is compared; big ones too, as 20 and the stream's pattern drift
)

RECORDINGS = [
    ("hftbacktest/examples/spot/btcusdt_20240808.gz", SPOT_BTCUSDT, 41_249),
    ("hftbacktest/examples/usdm/btcusdt_20240808.gz", USDM_BTCUSDT, 93_954),
    ("hftbacktest/history/usdm/btcusdt_20230404.dat.gz", USDM_BTCUSDT, 13_384),
    ("hftbacktest/history/usdm/btcusdt_20230405.dat.gz", USDM_BTCUSDT, 60_381),
    ("hftbacktest/history/spot/btcusdt_20230405.dat.gz", SPOT_BTCUSDT, 15_088),
]
CRYPTOFEED = {
    "BINANCE": (Market.SPOT, ["NKNUSDT", "BLZETH", "LRCBTC", "RUNEEUR"]),
    "BINANCE_FUTURES": (Market.USDM, ["SUSHIUSDT", "AKROUSDT", "KEEPUSDT", "CTKUSDT"]),
}


def check(clerk: Clerk, frame: bytes, hint: int = -1) -> Kind:
    """The verdict has no fault, equals the second reading, and survives being rewritten."""
    verdict = clerk.decide(frame, instrument_hint=hint)
    rows = [tuple(row) for row in clerk.listings]
    reading = reference_decode(frame, rows, hint)
    assert verdict.fault is Fault.NONE, (verdict.detail, frame[:200])
    assert (verdict.kind, verdict.values) == (reading.kind, reading.values), frame[:200]
    assert (verdict.bids, verdict.asks) == (reading.bids, reading.asks), frame[:200]
    again = clerk.canonical(verdict)
    assert clerk.decide(again, instrument_hint=verdict.instrument) == verdict, frame[:200]
    return verdict.kind


@pytest.mark.parametrize(("name", "listing", "lines_n"), RECORDINGS)
def test_hftbacktest(
    shared_data: Path, name: str, listing: tuple[str, Market, int, int], lines_n: int
) -> None:
    clerk = Clerk([listing])
    kinds: Counter[Kind] = Counter()
    n = -1
    with gzip.open(shared_data / name) as lines:
        for n, line in enumerate(lines):
            frame = line.rstrip(b"\n").partition(b" ")[2]
            is_snapshot = b"lastUpdateId" in frame[:100]
            if n % EVERY_FRAME == 0 or is_snapshot:
                kinds[check(clerk, frame, 0 if is_snapshot else -1)] += 1
    assert n + 1 == lines_n
    assert kinds[Kind.STRANGER] == 0
    assert min(kinds[kind] for kind in (Kind.DEPTH, Kind.TICKER, Kind.TRADE)) > 0
    assert kinds[Kind.SNAPSHOT] == (0 if "20230405" in name else 1)


def _cryptofeed(folder: Path, name: str, symbols: list[str]) -> Iterator[tuple[bytes, int]]:
    """Frames of the streams, and the snapshots with the number of their symbol."""
    for line in (folder / f"{name}.ws.1.0").read_bytes().splitlines()[1:]:
        if line:
            yield line.partition(b": ")[2], -1
    for line in (folder / f"{name}.http.0.0").read_text().splitlines():
        if line:
            url, _, body = line.partition(" -> ")
            hint = next(n for n, symbol in enumerate(symbols) if f"symbol={symbol}&" in url)
            yield body.partition(": ")[2].encode(), hint


@pytest.mark.parametrize("name", CRYPTOFEED)
def test_cryptofeed(shared_data: Path, name: str) -> None:
    market, symbols = CRYPTOFEED[name]
    clerk = Clerk([(symbol, market, 1, 1) for symbol in symbols])
    frames = _cryptofeed(shared_data / "cryptofeed" / "sample_data", name, symbols)
    spot = {Kind.DEPTH: 177, Kind.TICKER: 84, Kind.AGG_TRADE: 2, Kind.OTHER: 2}
    usdm = {Kind.DEPTH: 764, Kind.TICKER: 613, Kind.AGG_TRADE: 91, Kind.OTHER: 67}
    kinds = Counter(check(clerk, frame, hint) for frame, hint in frames)
    assert kinds == (spot if market is Market.SPOT else usdm) | {Kind.SNAPSHOT: 4}


@pytest.mark.parametrize(
    ("name", "detail"),
    [
        ("BINANCE", "quantity of bids[387] is 11979.30000000, the grid 1"),
        ("BINANCE_FUTURES", "price of bids[370] is 0.50579, the grid 0.001"),
    ],
)
def test_old_orders_may_rest_off_the_grid_of_today(
    shared_data: Path, name: str, detail: str
) -> None:
    """Two of eight snapshots hold levels, far from the touch, that are off exchangeInfo's grid.

    That grid is for new orders. The clerk says so, and whoever sets up the instruments has to
    choose a grid for the book that holds them all.
    """
    folder = shared_data / "cryptofeed" / "sample_data"
    market, symbols = CRYPTOFEED[name]
    rows = [(symbol, market, *_grids(folder / f"{name}.0", symbol)) for symbol in symbols]
    clerk = Clerk(rows)
    off_grid = []
    for frame, hint in _cryptofeed(folder, name, symbols):
        verdict = clerk.decide(frame, instrument_hint=hint)
        if verdict.fault is not Fault.NONE:
            assert reference_decode(frame, rows, hint).why == "off the grid"
            off_grid.append((verdict.fault, verdict.detail))
    assert off_grid == [(Fault.OFF_GRID, detail)]


def _grids(exchange_info: Path, symbol: str) -> tuple[int, int]:
    """Price and quantity grid as the venue's own exchangeInfo gives them."""
    text = exchange_info.read_text().splitlines()[0]
    info = json.loads(text[text.index("{") :])
    (listing,) = (entry for entry in info["symbols"] if entry["symbol"] == symbol)
    filters = {entry["filterType"]: entry for entry in listing["filters"]}
    tick, step = filters["PRICE_FILTER"]["tickSize"], filters["LOT_SIZE"]["stepSize"]
    return tuple(round(float(size) * E8) for size in (tick, step))  # type: ignore[return-value]


def _lone_frames(folder: Path) -> Iterator[bytes]:
    yield from (folder / "crypto-msg-parser" / "binance_raw.jsonl").read_bytes().splitlines()
    for line in (folder / "wire_2026" / "frames.jsonl").read_text().splitlines():
        frame = json.loads(line)["msg"]
        yield json.dumps(frame).encode()
        yield json.dumps(frame.get("data", frame), separators=(",", ":")).encode()


def test_frames_of_many_sources(shared_data: Path) -> None:
    """Several products and years, every symbol in them configured with the finest grid."""
    frames = list(_lone_frames(shared_data))
    symbols = {symbol for frame in frames for symbol in _symbols(json.loads(frame))}
    clerk = Clerk([(symbol, Market.USDM, 1, 1) for symbol in sorted(symbols)])
    kinds = Counter(check(clerk, frame, hint=0) for frame in frames)
    strangers = Counter(
        check(Clerk([SPOT_BTCUSDT]), frame) for frame in frames if b"BTCUSDT" not in frame
    )
    assert kinds[Kind.STRANGER] == 0
    for kind in set(Kind) - {Kind.UNDECIDED, Kind.STRANGER}:
        assert kinds[kind] > 0, kind.name
    assert set(strangers) == {Kind.STRANGER, Kind.OTHER}


def _symbols(document: object) -> Iterator[str]:
    if not isinstance(document, dict):
        return
    data = document.get("data", document)
    if isinstance(data, dict) and isinstance(data.get("s"), str):
        yield data["s"]
    elif isinstance(data, dict) and "@" in document.get("stream", ""):
        yield document["stream"].partition("@")[0].upper()
