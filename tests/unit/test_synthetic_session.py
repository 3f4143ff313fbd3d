"""The made-up venue: its frames are sound, in order, and tell the truth about its books."""

import hashlib
import itertools
import json
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from appliance.abi.market import Market
from appliance.cold.errors import ApplianceError
from appliance.cold.recording import Line, encode_line, read, write
from appliance.cold.synthetic import START_NS, generate, session

SYMBOLS = ("BTCUSDT", "DOGEUSDT")
BOTH = pytest.mark.parametrize("market", [Market.SPOT, Market.USDM])


def made(market: Market, seed: int = 7, seconds: float = 6, **more: Any) -> list[Line]:
    return list(generate(seed, seconds, symbols=SYMBOLS, market=market, **more))


def digest(lines: list[Line]) -> str:
    return hashlib.sha256(b"".join(map(encode_line, lines))).hexdigest()


def events(lines: list[Line], stream: str) -> list[dict[str, Any]]:
    found = []
    for line in lines:
        if not line.is_rest:
            document = json.loads(line.frame)
            if document["stream"].partition("@")[2] == stream:
                assert document["stream"].partition("@")[0] == document["data"]["s"].lower()
                found.append(document["data"])
    return found


@BOTH
def test_same_seed_same_bytes(market: Market) -> None:
    assert digest(made(market, 3, 2)) == digest(made(market, 3, 2))
    assert digest(made(market, 3, 2)) != digest(made(market, 4, 2))
    longer = made(market, 3, 3)
    shorter = made(market, 3, 2)
    early = [line for line in shorter if line.receive_ns < START_NS + 2 * 10**9]
    assert longer[: len(early)] == early


def test_the_bytes_are_the_same_everywhere() -> None:
    """Change these only together with the generator."""
    assert [digest(made(market, 42, 3))[:16] for market in (Market.SPOT, Market.USDM)] == [
        "f2fc3ea552af724e",
        "746400772689aaa1",
    ]


@BOTH
def test_order_of_receipt(market: Market) -> None:
    lines = made(market)
    stamps = [line.receive_ns for line in lines]
    assert stamps == sorted(stamps)
    last: dict[str, int] = defaultdict(int)
    for line in lines:
        if line.is_rest:
            continue
        document = json.loads(line.frame)
        data = document["data"]
        key = data["u"] if "u" in data else data.get("t", data.get("a"))
        assert key > last[document["stream"]]
        last[document["stream"]] = key
        if "E" in data:
            assert data["E"] * 10**6 <= line.receive_ns < data["E"] * 10**6 + 200 * 10**6
            assert data.get("T", 0) <= data["E"]


@BOTH
def test_rebuilt_book_is_the_engines_own(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    """Snapshot and differences give the book that the engine had, at each difference."""
    truth: dict[tuple[str, int], tuple[dict[int, int], dict[int, int]]] = {}
    flush = session._Feed._flush

    def watched(feed: Any, now_ns: int) -> None:
        flush(feed, now_ns)
        engine = feed._flow.engine
        key = (feed._contract.symbol, feed._tape.last_id)
        truth[key] = dict(engine.bids.depth(9999)), dict(engine.asks.depth(9999))

    monkeypatch.setattr(session._Feed, "_flush", watched)
    lines = made(market)
    grids = {c.symbol: c for c in session.contracts(SYMBOLS, market)}
    snapshots = {line.symbol: json.loads(line.frame) for line in lines if line.is_rest}
    assert set(snapshots) == set(SYMBOLS)
    checked = 0
    for symbol, snapshot in snapshots.items():
        contract = grids[symbol]

        def units(level: list[str], contract: Any = contract) -> tuple[int, int]:
            price, quantity = (Decimal(text) * 10**8 for text in level)
            assert price % contract.price_grid_e8 == quantity % contract.quantity_grid_e8 == 0
            return int(price // contract.price_grid_e8), int(quantity // contract.quantity_grid_e8)

        book = [dict(map(units, snapshot[key])) for key in ("bids", "asks")]
        book_id = snapshot["lastUpdateId"]
        live = False
        for event in events(lines, "depth@100ms"):
            if event["s"] != symbol or event["u"] <= book_id:
                continue
            if market == Market.SPOT:
                assert event["U"] == book_id + 1 or (not live and event["U"] <= book_id + 1)
            else:
                assert event["pu"] == book_id or (not live and event["pu"] <= book_id)
            live = True
            book_id = event["u"]
            assert event["b"] or event["a"]
            for half, key in zip(book, ("b", "a"), strict=True):
                for price, lots in map(units, event[key]):
                    half.pop(price, None)
                    if lots:
                        half[price] = lots
            assert tuple(book) == truth[symbol, book_id]
            assert max(book[0]) < min(book[1])
            checked += 1
    assert checked > 80


@BOTH
def test_bookticker_agrees_at_the_same_id(market: Market) -> None:
    """The parity that every book builder is held to; equal ids must be frequent."""
    lines = made(market, 11, 10, snapshot_at_s=(0.0,))
    compared = 0
    for symbol in SYMBOLS:
        tickers = {e["u"]: e for e in events(lines, "bookTicker") if e["s"] == symbol}
        snapshot = next(json.loads(x.frame) for x in lines if x.is_rest and x.symbol == symbol)
        book = [dict(snapshot[key]) for key in ("bids", "asks")]
        for event in events(lines, "depth@100ms"):
            if event["s"] != symbol:
                continue
            for half, key in zip(book, ("b", "a"), strict=True):
                for price, quantity in event[key]:
                    half.pop(price, None)
                    if Decimal(quantity):
                        half[price] = quantity
            ticker = tickers.get(event["u"])
            if ticker is not None:
                bid, ask = max(book[0], key=Decimal), min(book[1], key=Decimal)
                touch = (bid, book[0][bid], ask, book[1][ask])
                assert touch == tuple(ticker[key] for key in "bBaA")
                compared += 1
    assert compared > 40


@BOTH
def test_trades(market: Market) -> None:
    lines = made(market, 7, 8, streams=("trade", "aggTrade"))
    for symbol in SYMBOLS:
        trades = {e["t"]: e for e in events(lines, "trade") if e["s"] == symbol}
        groups = [e for e in events(lines, "aggTrade") if e["s"] == symbol]
        assert sorted(trades) == list(range(min(trades), max(trades) + 1))
        assert [g["f"] for g in groups[1:]] == [g["l"] + 1 for g in groups[:-1]]
        assert any(g["l"] > g["f"] for g in groups)
        for group in groups:
            parts = [trades[i] for i in range(group["f"], group["l"] + 1)]
            assert sum(Decimal(t["q"]) for t in parts) == Decimal(group["q"])
            assert {(t["p"], t["m"]) for t in parts} == {(group["p"], group["m"])}
        assert {t["m"] for t in trades.values()} == {True, False}


@BOTH
@pytest.mark.parametrize("frames_per_s", [200, 800])
def test_rate_and_liveliness(market: Market, frames_per_s: int) -> None:
    lines = list(generate(5, 20, market=market, frames_per_s=frames_per_s))
    assert 0.5 * frames_per_s * 20 < len(lines) < 2 * frames_per_s * 20
    prices = {event["b"] for event in events(lines, "bookTicker")}
    assert len(prices) > 20


def test_endless_sessions_go_on() -> None:
    lines = itertools.islice(generate(1, None), 20_000)
    assert sum(1 for _ in lines) == 20_000


def test_written_and_read(tmp_path: Path) -> None:
    lines = made(Market.SPOT, 7, 1)
    write(tmp_path / "session.gz", lines)
    assert list(read(tmp_path / "session.gz")) == lines


def test_names_that_are_no_symbols() -> None:
    for symbols in ((), ("btcusdt",), ("A", "A"), ("A&B",), ("X" * 40,), ('A"',)):
        with pytest.raises(ApplianceError, match="symbol"):
            next(generate(1, 1, symbols=symbols))
    assert next(generate(1, 1, symbols=("币安人生USDT",))).frame
