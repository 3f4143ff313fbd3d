"""Files of history: appliance.cold.backtest.npz, appliance.cold.backtest.npz_files,
appliance.cold.backtest.tardis, appliance.cold.backtest.history, appliance.cold.backtest.wanted."""

import gzip
import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from appliance.abi.history import AT_EXCHANGE, AT_LOCAL, BUY, LAST, SELL, WHAT_MASK, What
from appliance.abi.market import Market
from appliance.abi.units import E8
from appliance.cold import instrument_table
from appliance.cold.backtest.history import InMemory, Rows, empty_rows, whole_messages
from appliance.cold.backtest.npz import EVENT, blocks_of, events_of, rows_of
from appliance.cold.backtest.npz_files import EventFiles
from appliance.cold.backtest.tardis import TardisFiles, entries_of
from appliance.cold.backtest.wanted import Wanted
from appliance.cold.errors import ApplianceError

TICK_E8, LOT_E8 = E8 // 10, E8 // 1000
BOOK_HEADER = "exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount\n"
TRADE_HEADER = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n"


def silent(_done: int, _of: int) -> None:
    """No progress bar."""


def random_rows(seed: int, count: int = 5000) -> Rows:
    rng = np.random.default_rng(seed)
    rows = empty_rows(count)
    kinds = np.array([What.DEPTH, What.TRADE, What.SNAPSHOT, What.CLEAR])
    rows["kind"] = rng.choice(kinds, count) | rng.choice([BUY, SELL], count)
    rows["kind"] |= rng.choice([AT_LOCAL, AT_EXCHANGE, AT_LOCAL | AT_EXCHANGE], count)
    rows["local_ns"] = np.sort(rng.integers(10**18, 10**18 + count // 3, count))
    rows["exchange_ns"] = rows["local_ns"] - 5
    rows["ticks"], rows["lots"] = rng.integers(1, 10**7, count), rng.integers(0, 10**6, count)
    rows["id"] = -1
    return rows


@pytest.mark.parametrize("seed", range(3))
def test_there_and_back_again(seed: int) -> None:
    rows = random_rows(seed)
    assert (rows_of(events_of(rows, TICK_E8, LOT_E8), TICK_E8, LOT_E8) == rows).all()


def test_what_they_have_no_event_for_stays_behind() -> None:
    rows = random_rows(1, 10)
    rows["kind"][3], rows["kind"][7] = What.TICKER | AT_LOCAL | BUY, AT_LOCAL
    assert len(events_of(rows, TICK_E8, LOT_E8)) == 8
    events = events_of(random_rows(1, 10), TICK_E8, LOT_E8)
    events["ev"][2] = 10 | 1 << 31  # an order of its own: not a level
    assert rows_of(events, TICK_E8, LOT_E8)["kind"][2] == 0
    events["px"][4] += 0.05
    with pytest.raises(ApplianceError, match=r"row 4: the price .* is no multiple of 0\.1"):
        rows_of(events, TICK_E8, LOT_E8)


@pytest.mark.parametrize("seed", range(4))
def test_no_message_reaches_across_two_blocks(seed: int) -> None:
    rows, rng = random_rows(seed, 900), random.Random(seed)
    whole = np.concatenate(list(whole_messages([rows.copy()])))
    cuts = [0, *sorted(rng.randrange(900) for _ in range(20)), 900]
    pieces = list(whole_messages(rows[a:b].copy() for a, b in pairwise(cuts)))
    assert (np.concatenate(pieces) == whole).all()
    here = whole[whole["kind"] & AT_LOCAL != 0]
    assert here["kind"][-1] & LAST


def test_npz_in_pieces_days_in_a_row(tmp_path: Path) -> None:
    rows = random_rows(2)
    days = [tmp_path / f"btcusdt_{day}.npz" for day in (1, 2)]
    for path, part in zip(days, (rows[:3000], rows[3000:]), strict=True):
        np.savez_compressed(path, data=events_of(part, TICK_E8, LOT_E8))
    assert [len(block) for block in blocks_of(days[0], 1024)] == [1024, 1024, 952]
    files = EventFiles(Wanted(tuple(days)))
    (learnt,) = files.learn(silent)
    assert (learnt.symbol, learnt.frames_n, learnt.market) == ("BTCUSDT", 5000, Market.USDM)
    assert learnt.price_grid_e8 % TICK_E8 == 0 == learnt.quantity_grid_e8 % LOT_E8
    instruments = instrument_table.build([learnt], None)
    (source,) = files.sources(instruments)
    assert isinstance(source, InMemory)
    read = source.rows
    read["kind"] &= ~np.int64(LAST)
    assert (read == rows).all()
    with pytest.raises(ApplianceError, match=r"btcusdt_1\.npz: begins before the file in front"):
        files = EventFiles(Wanted(tuple(reversed(days))))
        files.sources(instrument_table.build(files.learn(silent), None))


def test_npz_files_that_are_none(tmp_path: Path) -> None:
    good = tmp_path / "good.npz"
    np.savez(good, data=np.zeros(1000, EVENT))
    cut = tmp_path / "cut.npz"
    cut.write_bytes(good.read_bytes()[:5000])
    np.savez(tmp_path / "fields.npz", data=np.zeros(3))
    np.savez(tmp_path / "name.npz", other=np.zeros(3))
    for name, said in (
        ("cut.npz", "not an .npz"),
        ("fields.npz", "other fields"),
        ("name.npz", "no array 'data'"),
        ("none.npz", "No such file"),
    ):
        with pytest.raises(ApplianceError, match=said):
            list(blocks_of(tmp_path / name))


def tardis(tmp_path: Path) -> tuple[Path, Path]:
    book, trades = tmp_path / "book.csv.gz", tmp_path / "trades.csv"
    levels = [
        "1000,2000,true,bid,100.5,2",
        "1000,2000,true,ask,101,3",
        "5000,6000,false,bid,100.5,0",
        "4000,7000,false,ask,101.5,0.25",  # overtaken on its way
        "9000,9500,true,bid,99,1",
    ]
    text = BOOK_HEADER + "".join(f"binance-futures,BTCUSDT,{line}\n" for line in levels)
    book.write_bytes(gzip.compress(text.encode()))
    told = ["6500,6900,17,sell,100.5,0.75", "8000,8100,18,buy,101,1"]
    trades.write_text(TRADE_HEADER + "".join(f"binance-futures,BTCUSDT,{x}\n" for x in told))
    return book, trades


def test_tardis_books_and_trades(tmp_path: Path) -> None:
    files = TardisFiles(Wanted(tardis(tmp_path)))
    (learnt,) = files.learn(silent)
    assert (learnt.price_grid_e8, learnt.quantity_grid_e8) == (E8 // 2, E8 // 4)
    instruments = instrument_table.build([learnt], None)
    (source,) = files.sources(instruments)
    rows = np.concatenate(list(source.blocks()))
    here: list[tuple[Any, ...]] = [
        (int(r["kind"]) & WHAT_MASK, int(r["local_ns"]) // 1000, int(r["ticks"]), int(r["lots"]))
        for r in rows[rows["kind"] & AT_LOCAL != 0]
    ]
    assert here == [
        (What.CLEAR, 2000, 0, 0),
        (What.SNAPSHOT, 2000, 201, 8),
        (What.SNAPSHOT, 2000, 202, 12),
        (What.DEPTH, 6000, 201, 0),
        (What.TRADE, 6900, 201, 3),
        (What.DEPTH, 7000, 203, 1),
        (What.TRADE, 8100, 202, 4),
        (What.CLEAR, 9500, 0, 0),
        (What.SNAPSHOT, 9500, 198, 4),
    ]
    there = rows[rows["kind"] & AT_EXCHANGE != 0]
    assert (there["exchange_ns"] // 1000).tolist() == [
        *(1000, 1000, 1000, 4000, 5000, 6500, 8000, 9000, 9000)
    ]
    sold = rows[(rows["kind"] & WHAT_MASK == What.TRADE)]
    assert (sold["kind"] & (BUY | SELL)).tolist() == [SELL, BUY]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it has no symbol, timestamp"),
        ("a,b\n", "it has no symbol"),
        (BOOK_HEADER.replace("is_snapshot,", ""), "neither is_snapshot"),
        (BOOK_HEADER + "x,BTC,1,2,true,bid,abc,1\n", r"x\.csv:2: 'x,BTC,1,2,true,bid,abc,1' is no"),
        (BOOK_HEADER + "x,BTC,1,2,true,bid,1\n", "is no row"),
        (BOOK_HEADER + "x,BTC,1,2,true,bid,-1,1\n", "is no row"),
        (BOOK_HEADER + "x,BTC,1,2,true,middle,1,1\n", "is no row"),
        (BOOK_HEADER + "x,BTC,1,2,true,bid,nan,1\n", "is no row"),
    ],
)
def test_tardis_files_that_are_none(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text(text)
    with pytest.raises(ApplianceError, match=said):
        list(entries_of(path))
    with pytest.raises(ApplianceError, match="No such file"):
        list(entries_of(tmp_path / "y.csv"))
