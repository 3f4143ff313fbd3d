"""appliance.hot.decode on what the venue really sent: every frame taken, the values right."""

import gzip
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from math import gcd
from pathlib import Path

import numpy as np
import pytest

from appliance.abi.limits import FRAME_PADDING_BYTES
from appliance.abi.market import (
    ASK_LOTS,
    ASK_TICKS,
    BID_LOTS,
    BID_TICKS,
    DECODED,
    Fault,
    Kind,
    Market,
)
from appliance.cold.clerk import Clerk
from appliance.hot.decode.frame import decode
from tests.strategies.hot_decoder import Row, agree, expected, new_decoder, read, reading_of

pytestmark = pytest.mark.compiled

# A lot of spot BTCUSDT is 0.00001, but old orders off that grid still rest far from the touch.
LOT_E8 = 1_000
SPOT_BTCUSDT: Row = ("BTCUSDT", Market.SPOT, 1_000_000, 100)
USDM_BTCUSDT: Row = ("BTCUSDT", Market.USDM, 10_000_000, 100_000)
CLERK_EVERY = 50  # frames

RECORDINGS = {  # depth, bookTicker, trade, other, snapshot, level changes
    "examples/spot/btcusdt_20240808.gz": (SPOT_BTCUSDT, (3_451, 28_040, 9_757, 0, 1), 124_090),
    "examples/usdm/btcusdt_20240808.gz": (USDM_BTCUSDT, (6_551, 66_089, 21_313, 0, 1), 443_521),
    "history/usdm/btcusdt_20230404.dat.gz": (USDM_BTCUSDT, (4_322, 6_765, 2_197, 99, 1), 66_278),
    "history/usdm/btcusdt_20230405.dat.gz": (
        USDM_BTCUSDT,
        (11_788, 37_440, 10_738, 415, 0),
        256_404,
    ),
    "history/spot/btcusdt_20230405.dat.gz": (SPOT_BTCUSDT, (3_929, 8_015, 3_144, 0, 0), 32_024),
}
KINDS = (Kind.DEPTH, Kind.TICKER, Kind.TRADE, Kind.OTHER, Kind.SNAPSHOT)

# The independent reading: patterns of the venue's one and only spelling
_NUMBER = re.compile(rb'"(lastUpdateId|pu|[EuUtT])": ?(\d+)')
_DECIMALS = re.compile(rb'"(\d+)\.?(\d*)", ?"(\d+)\.?(\d*)"')
_NAMES = {"last_id": b"u", "first_id": b"U", "previous_id": b"pu"}


@cache
def _e8(whole: bytes, part: bytes) -> int:
    return int(whole + part.ljust(8, b"0"))


def _check_by_pattern(frame: bytes, row: Row, kind: Kind, decoded: dict[str, int]) -> int:
    """Ids, stamps and the number of levels, without reading JSON; the number of levels."""
    numbers = {key: int(digits) for key, digits in _NUMBER.findall(frame)}
    if kind is Kind.TRADE:
        assert decoded["last_id"] == numbers[b"t"]
        assert decoded["buyer_is_maker"] == (b'"m":true' in frame)
    elif kind is Kind.SNAPSHOT:
        assert decoded["last_id"] == decoded["first_id"] == numbers[b"lastUpdateId"]
    else:
        for name, key in _NAMES.items():
            if kind is Kind.DEPTH or name == "last_id":
                assert decoded[name] == numbers.get(key, -1)
    if b"E" in numbers:
        assert decoded["event_ns"] == numbers[b"E"] * 10**6
    if b"T" in numbers:
        assert decoded["trade_ns"] == numbers[b"T"] * 10**6
    if kind not in (Kind.DEPTH, Kind.SNAPSHOT):
        return 0
    levels_n = frame.count(b"[") - 2
    assert decoded["bid_n"] + decoded["ask_n"] == levels_n
    return levels_n


def _frames(path: Path) -> Iterator[bytes]:
    with gzip.open(path) as lines:
        for line in lines:
            yield line.rstrip(b"\n").partition(b" ")[2]


def _sums(units: np.ndarray, bid_n: int, ask_n: int) -> tuple[int, int]:
    """All prices and all quantities of both sides."""
    return (
        int(units[BID_TICKS, :bid_n].sum() + units[ASK_TICKS, :ask_n].sum()),
        int(units[BID_LOTS, :bid_n].sum() + units[ASK_LOTS, :ask_n].sum()),
    )


@pytest.mark.parametrize("name", RECORDINGS)
def test_every_frame_of_a_session(shared_data: Path, name: str) -> None:
    row, counts, levels_n = RECORDINGS[name]
    frames = list(_frames(shared_data / "hftbacktest" / name))
    text = np.frombuffer(b"".join(frames) + bytes(FRAME_PADDING_BYTES), np.uint8).copy()
    decoder, clerk = new_decoder([row]), Clerk([row])
    units, decoded = decoder.parts.levels.units, decoder.decoded
    assert DECODED.names is not None
    kinds: Counter[Kind] = Counter()
    levels_seen = at = 0
    for n, frame in enumerate(frames):
        hint = 0 if frame[:20].find(b"lastUpdateId") > 0 else -1
        kind = Kind(int(decode(decoder, text, at, len(frame), hint)))
        at += len(frame)
        kinds[kind] += 1
        assert kind is not Kind.UNDECIDED, frame[:500]
        if n % CLERK_EVERY == 0 or hint == 0:
            agree(reading_of(decoder, kind), clerk, frame, hint)
        if kind is Kind.OTHER:
            continue
        values = dict(zip(DECODED.names, decoded[0].item(), strict=False))
        count = _check_by_pattern(frame, row, kind, values)
        levels_seen += count if kind is Kind.DEPTH else 0
        if count and n % 5 == 0:
            found = [(_e8(*m[:2]), _e8(*m[2:])) for m in _DECIMALS.findall(frame)]
            prices, sizes = (sum(column) for column in zip(*found, strict=True))
            ticks, lots = _sums(units, values["bid_n"], values["ask_n"])
            assert (ticks * row[2], lots * row[3]) == (prices, sizes)
    assert tuple(kinds[kind] for kind in KINDS) == counts
    assert kinds.total() == sum(counts)
    assert levels_seen == levels_n


def _step(amounts: set[tuple[bytes, bytes]]) -> int:
    return gcd(*(_e8(*amount) for amount in amounts))


def test_the_grids_are_those_of_the_recordings(shared_data: Path) -> None:
    """The greatest step that all prices, and all quantities, are multiples of."""
    for name in ("examples/usdm/btcusdt_20240808.gz", "history/spot/btcusdt_20230405.dat.gz"):
        row = RECORDINGS[name][0]
        prices: set[tuple[bytes, bytes]] = set()
        sizes: set[tuple[bytes, bytes]] = set()
        for n, frame in enumerate(_frames(shared_data / "hftbacktest" / name)):
            if b'"depthUpdate"' in frame and (row == SPOT_BTCUSDT or n % 5 == 0):
                for one, two, three, four in _DECIMALS.findall(frame):
                    prices.add((one, two))
                    sizes.add((three, four))
        assert (_step(prices), _step(sizes)) == (row[2], row[3])


@pytest.mark.parametrize(
    ("name", "refused_n"),
    [("examples/spot/btcusdt_20240808.gz", 3), ("history/spot/btcusdt_20230405.dat.gz", 15)],
)
def test_levels_off_the_lot_are_refused_by_both(
    shared_data: Path, name: str, refused_n: int
) -> None:
    row = (*SPOT_BTCUSDT[:3], LOT_E8)
    decoder, clerk = new_decoder([row]), Clerk([row])
    refused = 0
    for frame in _frames(shared_data / "hftbacktest" / name):
        if b'"depthUpdate"' in frame:
            reading = read(decoder, frame)
            if reading.kind is Kind.UNDECIDED:
                refused += 1
                assert clerk.decide(frame).fault is Fault.OFF_GRID
    assert refused == refused_n


# --- other sources -------------------------------------------------------------------------------

CRYPTOFEED = {
    "BINANCE": (Market.SPOT, ["NKNUSDT", "BLZETH", "LRCBTC", "RUNEEUR"], 265 + 4),
    "BINANCE_FUTURES": (Market.USDM, ["SUSHIUSDT", "AKROUSDT", "KEEPUSDT", "CTKUSDT"], 1535 + 4),
}


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


def _grids(frames: Iterable[tuple[bytes, int]], symbols: list[str]) -> list[tuple[int, int]]:
    """Of each symbol the greatest price and quantity step that all its amounts lie on."""
    grids = [(0, 0) for _ in symbols]
    for frame, hint in frames:
        document = json.loads(frame)
        event = document.get("data", document)
        if hint < 0 and (event.get("s") not in symbols or event.get("e") == "kline"):
            continue
        n = hint if hint >= 0 else symbols.index(event["s"])
        pairs = [(event.get("p"), event.get("q"))]
        for price, quantity in (("b", "B"), ("a", "A"), ("bids", ""), ("asks", "")):
            side = event.get(price)
            pairs += side if isinstance(side, list) else [(side, event.get(quantity))]
        for pair in pairs:
            if all(isinstance(text, str) for text in pair):
                found = (_e8(*text.encode().partition(b".")[::2]) for text in pair)
                grids[n] = tuple(map(gcd, grids[n], found))  # type: ignore[assignment]
    return grids


@pytest.mark.parametrize("name", CRYPTOFEED)
def test_four_symbols_on_grids_of_their_own(shared_data: Path, name: str) -> None:
    market, symbols, frames_n = CRYPTOFEED[name]
    folder = shared_data / "cryptofeed" / "sample_data"
    frames = list(_cryptofeed(folder, name, symbols))
    rows = [
        (symbol, market, *grid)
        for symbol, grid in zip(symbols, _grids(frames, symbols), strict=True)
    ]
    decoder, clerk = new_decoder(rows), Clerk(rows)
    kinds: Counter[Kind] = Counter()
    for frame, hint in frames:
        reading = read(decoder, frame, hint)
        assert reading == expected(clerk.decide(frame, instrument_hint=hint)), frame[:300]
        kinds[reading.kind] += 1
    assert len(frames) == kinds.total() == frames_n
    assert kinds[Kind.UNDECIDED] == kinds[Kind.STRANGER] == 0
    assert kinds[Kind.SNAPSHOT] == 4


def _lone_frames(folder: Path) -> Iterator[bytes]:
    yield from (folder / "crypto-msg-parser" / "binance_raw.jsonl").read_bytes().splitlines()
    for line in (folder / "wire_2026" / "frames.jsonl").read_text().splitlines():
        frame = json.loads(line)["msg"]
        for document in (frame, frame.get("data", frame)):
            yield json.dumps(document).encode()
            yield json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def _symbols(document: object) -> Iterator[str]:
    if not isinstance(document, dict):
        return
    data = document.get("data", document)
    if isinstance(data, dict) and isinstance(data.get("s"), str):
        yield data["s"]
    elif isinstance(data, dict) and "@" in document.get("stream", ""):
        yield document["stream"].partition("@")[0].upper()


def test_frames_of_many_sources(shared_data: Path) -> None:
    """Whatever the clerk accepts is taken: the venue's own spelling, and with spaces."""
    frames = list(_lone_frames(shared_data))
    symbols = sorted({symbol for frame in frames for symbol in _symbols(json.loads(frame))})
    rows = [(symbol, Market.USDM, 1, 1) for symbol in symbols]
    for listed in (rows, rows[:1]):
        decoder, clerk = new_decoder(listed), Clerk(listed)
        kinds: Counter[Kind] = Counter()
        for frame in frames:
            reading = read(decoder, frame, 0)
            verdict = agree(reading, clerk, frame, 0)
            assert verdict.fault is Fault.NONE
            assert reading.kind is verdict.kind, frame
            kinds[reading.kind] += 1
        assert kinds[Kind.OTHER] > 0 and kinds[Kind.SNAPSHOT] > 0
