"""Real recordings: the counts are facts of the data (reference/data.md), met exactly or not at all.

The reader below is the test's own: frames by the json module, prices and quantities as integers of
1e-8, so that nothing but the book is under test.
"""

import gzip
import json
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

import pytest

from appliance.abi.book import ASKS, BIDS
from appliance.abi.counters import Counter
from appliance.hot.jit import JIT_DISABLED
from tests.oracle.reference_book import Diff, Levels, ReferenceBook, Snapshot, Top
from tests.strategies.books import HotBook

Said = tuple[int, str, str, Any]  # (receive ns, symbol, depth / ticker / snapshot, what)

SPOT_2024 = "hftbacktest/examples/spot/btcusdt_20240808.gz"
USDM_2024 = "hftbacktest/examples/usdm/btcusdt_20240808.gz"
USDM_0404 = "hftbacktest/history/usdm/btcusdt_20230404.dat.gz"
USDM_0405 = "hftbacktest/history/usdm/btcusdt_20230405.dat.gz"
SPOT_0405 = "hftbacktest/history/spot/btcusdt_20230405.dat.gz"

FEW = 800 if JIT_DISABLED else 8_000

whole = pytest.mark.compiled


# --- reading -------------------------------------------------------------------------------------


def e8(text: str) -> int:
    units, _, decimals = text.partition(".")
    assert len(decimals) <= 8
    return int(units + decimals.ljust(8, "0"))


def levels(pairs: list[list[str]]) -> Levels:
    found = {e8(price): e8(quantity) for price, quantity in pairs}
    assert len(found) == len(pairs), "a price stands twice in one frame"
    return found


def said(receive_ns: int, symbol: str, body: dict[str, Any]) -> Said | None:
    """A frame without its envelope; None if the book has no interest in it."""
    if "lastUpdateId" in body:
        snapshot = Snapshot(body["lastUpdateId"], levels(body["bids"]), levels(body["asks"]))
        return receive_ns, symbol, "snapshot", snapshot
    kind = body.get("e", "bookTicker")
    if kind == "depthUpdate":
        ids = body["U"], body["u"], body.get("pu", -1)
        return receive_ns, body["s"], "depth", Diff(*ids, levels(body["b"]), levels(body["a"]))
    if kind == "bookTicker":
        top: Top = e8(body["b"]), e8(body["B"]), e8(body["a"]), e8(body["A"])
        return receive_ns, body["s"], "ticker", (body["u"], top)
    return None


def stamped_lines(path: Path) -> Iterator[Said]:
    """Lines of ``<receive stamp> <frame>``; the stamp is ns or us by its digits."""
    with gzip.open(path, "rt") as lines:
        for line in lines:
            stamp, frame = line.split(" ", 1)
            body = json.loads(frame)
            one = said(int(stamp.ljust(19, "0")), "BTCUSDT", body.get("data", body))
            if one is not None:
                yield one


def stream_and_snapshots(folder: Path, name: str) -> list[Said]:
    """A recording of several symbols whose snapshots stand in a file of their own."""
    found: list[Said | None] = []
    for line in (folder / f"{name}.ws.1.0").read_text().splitlines()[1:]:
        if line:
            stamp, frame = line.split(": ", 1)
            found.append(said(int(float(stamp) * 1e9), "", json.loads(frame)["data"]))
    for line in (folder / f"{name}.http.0.0").read_text().splitlines():
        if line:
            url, rest = line.split(" -> ", 1)
            stamp, body = rest.split(": ", 1)
            symbol = url.split("symbol=")[1].split("&")[0]
            found.append(said(int(float(stamp) * 1e9), symbol, json.loads(body)))
    return sorted((one for one in found if one is not None), key=lambda one: one[0])


# --- feeding -------------------------------------------------------------------------------------


def feed(book: HotBook, one: Said) -> int:
    receive_ns, _, kind, what = one
    if kind == "depth":
        return book.depth(what, receive_ns)
    if kind == "snapshot":
        return book.snapshot(what, receive_ns)
    return book.ticker(*what, receive_ns)


def feed_reference(book: ReferenceBook, one: Said) -> None:
    _, _, kind, what = one
    if kind == "ticker":
        book.ticker(*what)
    else:
        getattr(book, kind)(what)


def feed_all(book: HotBook, lines: Iterator[Said]) -> int:
    """Returns the most levels that a side held."""
    most = 0
    for one in lines:
        feed(book, one)
        most = max(most, int(book.head.bid_levels_n), int(book.head.ask_levels_n))
    return most


# --- tests ---------------------------------------------------------------------------------------


@whole
@pytest.mark.parametrize(
    ("market", "files", "old", "applied", "compared", "most"),
    [
        ("spot", [SPOT_2024], 2, 3_449, 564, 2_412),
        ("usdm", [USDM_2024], 4, 6_547, 629, 5_170),
        ("usdm", [USDM_0404], 0, 4_322, 310, 2_324),
        ("usdm", [USDM_0404, USDM_0405], 0, 16_110, 1_565, 5_397),
    ],
    ids=["spot 20240808", "usdm 20240808", "usdm 20230404", "usdm 20230404 + 20230405"],
)
def test_every_top_agrees_with_the_venue(
    shared_data: Path,
    market: str,
    files: list[str],
    old: int,
    applied: int,
    compared: int,
    most: int,
) -> None:
    book = HotBook(market)
    lines = chain.from_iterable(stamped_lines(shared_data / name) for name in files)
    assert feed_all(book, lines) == most
    head = book.head
    assert (book.state, book.reason) == ("LIVE", "NONE")
    assert (head.ignored_n, head.applied_n) == (old, applied)
    assert (head.compared_n, head.mismatched_n) == (compared, 0)
    assert book.counter(Counter.PARITY_COMPARED) == compared
    assert (head.gaps_n, head.crossed_n, head.lives_n, head.resyncs_n) == (0, 0, 1, 0)
    assert not any(
        book.counter(c)
        for c in (
            Counter.PARITY_MISMATCHED,
            Counter.PARITY_DROPPED,
            Counter.CROSSED,
            Counter.GAPS,
            Counter.DIFFS_DROPPED,
            Counter.SNAPSHOTS_REFUSED,
            Counter.LEVELS_PRUNED,
        )
    )
    assert 0.99 * (head.last_ns - head.first_ns) < head.live_ns < head.last_ns - head.first_ns


@pytest.mark.parametrize("name", [SPOT_0405, USDM_0405])
def test_without_a_snapshot_no_book_is_ever_live(shared_data: Path, name: str) -> None:
    book = HotBook("spot" if "/spot/" in name else "usdm")
    depth_n = 0
    for one in islice(stamped_lines(shared_data / name), FEW if JIT_DISABLED else None):
        feed(book, one)
        depth_n += one[2] == "depth"
        assert book.state in ("EMPTY", "SYNCING")
        assert book.top() == (0, 0, 0, 0)
    head = book.head
    assert (head.applied_n, head.compared_n, head.live_ns) == (0, 0, 0)
    assert head.buffered_n == depth_n
    if not JIT_DISABLED:
        assert head.dropped_n == book.counter(Counter.DIFFS_DROPPED) > 0


@pytest.mark.parametrize("name", [SPOT_2024, USDM_2024, USDM_0404])
def test_one_line_less_is_one_gap(shared_data: Path, name: str) -> None:
    book = HotBook("spot" if "/spot/" in name else "usdm")
    lines = islice(stamped_lines(shared_data / name), FEW)
    missing = 20 if JIT_DISABLED else 200
    seen = gap_at = 0
    for one in lines:
        if one[2] == "depth":
            seen += 1
            if seen == missing:
                assert book.state == "LIVE"
                continue
        feed(book, one)
        if seen > missing:
            gap_at = gap_at or seen
            assert (book.state, book.reason, book.head.gaps_n) == ("STALE", "GAP", 1)
            assert book.top() == (0, 0, 0, 0)
    assert gap_at == missing + 1
    assert book.counter(Counter.GAPS) == 1
    assert book.head.mismatched_n == 0
    assert book.head.buffered_n >= seen - missing


@pytest.mark.parametrize("name", [SPOT_2024, USDM_2024, USDM_0404])
def test_every_level_agrees_with_the_slow_book(shared_data: Path, name: str) -> None:
    market = "spot" if "/spot/" in name else "usdm"
    book, slow = HotBook(market), ReferenceBook(market)
    for n, one in enumerate(islice(stamped_lines(shared_data / name), FEW)):
        feed(book, one)
        feed_reference(slow, one)
        assert (book.state, book.head.compared_n) == (slow.state, slow.tops.compared)
        if n % 500 == 0 and slow.state == "LIVE":
            assert (book.held(BIDS), book.held(ASKS)) == (slow.bids, slow.asks)
    assert slow.state == "LIVE"
    assert slow.tops.compared > 0
    assert (book.held(BIDS), book.held(ASKS)) == (slow.bids, slow.asks)


@pytest.mark.parametrize(
    ("name", "market", "dropped"),
    [
        ("BINANCE", "spot", {"NKNUSDT": 1, "BLZETH": 1, "LRCBTC": 2, "RUNEEUR": 1}),
        ("BINANCE_FUTURES", "usdm", {"SUSHIUSDT": 3, "AKROUSDT": 1, "KEEPUSDT": 3, "CTKUSDT": 5}),
    ],
)
def test_late_snapshots_of_four_symbols(
    shared_data: Path, name: str, market: str, dropped: dict[str, int]
) -> None:
    lines = stream_and_snapshots(shared_data / "cryptofeed" / "sample_data", name)
    first = HotBook(market, len(dropped))
    books = {symbol: HotBook(market, 1) for symbol in dropped}
    for i, symbol in enumerate(dropped):  # all in one memory, as in the loop
        first.books.heads[i].market = first.head.market
        books[symbol].books, books[symbol].i = first.books, i
    slow = {symbol: ReferenceBook(market) for symbol in dropped}
    for one in lines:
        feed(books[one[1]], one)
        feed_reference(slow[one[1]], one)
    for symbol, book in books.items():
        head, expected = book.head, slow[symbol]
        assert (book.state, expected.state) == ("LIVE", "LIVE"), symbol
        assert (head.gaps_n, head.crossed_n, head.mismatched_n) == (0, 0, 0), symbol
        assert (head.snapshots_refused_n, head.lives_n) == (0, 1), symbol
        assert head.ignored_n == dropped[symbol], symbol
        assert head.compared_n == expected.tops.compared, symbol
        assert (book.held(BIDS), book.held(ASKS)) == (expected.bids, expected.asks), symbol
