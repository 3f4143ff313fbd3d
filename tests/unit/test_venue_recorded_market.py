"""Reading a recording for the venue: what counts, in which order, and where it cannot go on."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from appliance.abi.market import Market
from appliance.abi.trading import Side
from appliance.abi.units import NS_PER_MS
from appliance.cold.errors import ApplianceError
from appliance.cold.recording import SnapshotFile
from appliance.cold.venue.recorded_market import Change, Deal, read_markets
from tests.venue.tale import FAR, START_MS, Played, Tale

BUY, SELL = int(Side.BUY), int(Side.SELL)
BOTH = pytest.mark.parametrize("market", [Market.SPOT, Market.USDM])


def line_of(form: dict[str, Any], at_ms: int = 0) -> bytes:
    return b"%d %s\n" % (START_MS + at_ms, json.dumps(form).encode())


@BOTH
def test_market_symbol_grids_and_digits(tmp_path: Path, market: Market) -> None:
    path = Tale(market).begin({100: 5}, {101: 4}).trade(5, BUY, 101, 2).write(tmp_path / "a.gz")
    (found,) = read_markets([path])
    contract = found.contract
    assert (contract.market, contract.symbol) == (market, "BTCUSDT")
    assert (contract.price_grid_e8, contract.quantity_grid_e8) == (10**8, 10**5)
    assert contract.start_ticks == 101, "the first trade"
    digits = (8, 8) if market == Market.SPOT else (2, 3)
    assert (contract.price_digits, contract.quantity_digits) == digits
    assert found.gaps == 0
    assert [type(event) for event in found.events] == [Change, Change, Deal]
    assert found.events[2] == Deal((START_MS + 5) * NS_PER_MS, BUY, 101 * 10**8, 2 * 10**5)


def test_trades_come_before_the_difference_of_their_millisecond(tmp_path: Path) -> None:
    tale = Tale(Market.USDM).begin({100: 5}, {101: 4})
    tale.change(20, {99: 1}).trade(20, SELL, 100, 1).change(30).trade(25, SELL, 100, 2)
    (found,) = read_markets([tale.write(tmp_path / "a.gz")])
    order = [(type(e), e.at_ns // NS_PER_MS - START_MS) for e in found.events]
    assert order == [
        (Change, 0),
        (Change, 0),
        (Deal, 20),
        (Change, 20),
        (Deal, 25),
        (Change, 30),
    ]


@BOTH
def test_it_begins_with_the_snapshot_whenever_that_came(tmp_path: Path, market: Market) -> None:
    tale = Tale(market)
    tale.change(0, {90: 1}).trade(1, SELL, 90, 1).change(10, {91: 1}).change(20, {92: 1})
    tale.snapshot(1006, FAR | {95: 6, 91: 1}, {101: 4})  # right after the second difference
    played = Played(tale, tmp_path).until(10)
    assert played.bids == FAR | {95: 6, 91: 1, 92: 1} and played.prints == []
    assert played.floor.has_ended


def test_behind_a_gap_the_book_waits_for_a_snapshot(tmp_path: Path) -> None:
    tale = Tale(Market.SPOT).begin({100: 5}, {101: 4})
    tale.change(10, {99: 1}, lost=5).change(20, {98: 1}).change(30, {97: 1})
    tale.snapshot(1014, FAR | {96: 8}, {105: 2})  # within the difference of 30 ms
    played = Played(tale, tmp_path)
    assert played.until(29).bids == FAR | {100: 5}
    assert (played.until(30).bids, played.asks) == (FAR | {96: 8, 97: 1}, {105: 2})


def test_aggregates_where_there_are_no_trades(tmp_path: Path) -> None:
    tale = Tale(Market.SPOT).begin({100: 5}, {101: 4})
    form = {"e": "aggTrade", "E": START_MS + 9, "s": "BTCUSDT", "a": 1, "p": "101.0", "q": "0.002"}
    form |= {"f": 1, "l": 2, "T": START_MS + 9, "m": False, "M": True}
    whole = tale.write(tmp_path / "a.gz")
    plain = tmp_path / "plain"
    lines = gzip.decompress(whole.read_bytes())
    plain.write_bytes(lines + line_of({"stream": "btcusdt@aggTrade", "data": form}, 20))
    (found,) = read_markets([plain])
    assert found.events[-1] == Deal((START_MS + 9) * NS_PER_MS, BUY, 101 * 10**8, 2 * 10**5)
    with_trades = tale.trade(9, BUY, 101, 2).write(tmp_path / "b")
    with with_trades.open("ab") as file:
        file.write(line_of({"stream": "btcusdt@aggTrade", "data": form}, 20))
    assert sum(isinstance(e, Deal) for e in read_markets([with_trades])[0].events) == 1


def test_partial_books_and_broken_frames_are_left_out(tmp_path: Path) -> None:
    tale = Tale(Market.USDM).begin({100: 5}, {101: 4})
    good = tale.change(10, {99: 3}).write(tmp_path / "a").read_bytes()
    partial = {"e": "depthUpdate", "E": START_MS, "T": START_MS, "s": "BTCUSDT", "U": 1, "u": 9}
    partial |= {"pu": 0, "b": [["55.00", "1.000"]], "a": []}
    bad = [
        line_of({"stream": "btcusdt@depth5@100ms", "data": partial}, 30),
        line_of({"stream": "btcusdt@depth", "data": {"e": "depthUpdate"}}, 30),
        line_of({"stream": "btcusdt@trade", "data": {"e": "trade", "p": 1}}, 30),
        b"%d [1,2]\n" % (START_MS + 30),
        b"%d {no json\n" % (START_MS + 30),
    ]
    (tmp_path / "b").write_bytes(good + b"".join(bad))
    one, other = read_markets([tmp_path / "a"]), read_markets([tmp_path / "b"])
    assert one[0].events == other[0].events and one[0].contract == other[0].contract


def test_files_of_both_markets_in_any_order(tmp_path: Path) -> None:
    spot = Tale(Market.SPOT).begin({100: 5}, {101: 4}).write(tmp_path / "s")
    usdm = Tale(Market.USDM).begin({100: 5}, {101: 4})
    first = usdm.write(tmp_path / "u1")
    usdm.lines.clear()
    second = usdm.change(50, {99: 1}).write(tmp_path / "u2")
    found = {m.contract.market: m for m in read_markets([second, spot, first])}
    assert set(found) == {Market.SPOT, Market.USDM}
    assert [m.gaps for m in found.values()] == [0, 0]
    assert found[Market.USDM].last_ns == (START_MS + 50) * NS_PER_MS


def test_a_snapshot_of_its_own_file(tmp_path: Path) -> None:
    tale = Tale(Market.SPOT).change(0).change(10, {97: 1})
    path = tale.write(tmp_path / "a")
    with pytest.raises(ApplianceError, match=r"BTCUSDT has no snapshot .* --snapshot"):
        read_markets([path])
    alone = Tale(Market.SPOT).snapshot(1003, FAR | {96: 8}, {105: 2}).lines[0].frame
    (tmp_path / "snapshot.json").write_bytes(alone)
    file = SnapshotFile(tmp_path / "snapshot.json", "BTCUSDT")
    (found,) = read_markets([path], [file])
    assert [type(e) for e in found.events] == [Change, Change]
    assert read_markets([path], [SnapshotFile(file.path)])[0].events == found.events


def test_symbols_that_are_wanted(tmp_path: Path) -> None:
    path = Tale(Market.SPOT).begin({100: 5}, {101: 4}).write(tmp_path / "a")
    assert [m.contract.symbol for m in read_markets([path], (), ["BTCUSDT"])] == ["BTCUSDT"]
    with pytest.raises(ApplianceError, match="not in the recording: ETHUSDT"):
        read_markets([path], (), ["BTCUSDT", "ETHUSDT"])


def test_no_market_in_it(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(line_of({"stream": "btcusdt@kline_1m", "data": {"e": "kline"}}))
    with pytest.raises(ApplianceError, match="not in the recording: any market"):
        read_markets([tmp_path / "a"])
    with pytest.raises(ApplianceError, match="none"):
        read_markets([tmp_path / "none"])
