"""Recordings as rows (appliance.cold.backtest.frames, appliance.hot.backtest.rows_of_frames,
appliance.hot.book.all_levels) and their order (appliance.cold.backtest.order,
appliance.cold.backtest.history)."""

import json
from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from appliance.abi.history import AT_EXCHANGE, AT_LOCAL, BUY, HISTORY, LAST, WHAT_MASK, What
from appliance.abi.market import Market
from appliance.cold import grid, instrument_table
from appliance.cold.backtest.frames import RecordedHistory
from appliance.cold.backtest.history import Rows, empty_rows, mark_messages
from appliance.cold.backtest.order import WINDOW_NS, Sorter
from appliance.cold.line import Line
from appliance.cold.recording import Arena, arena_of
from appliance.cold.synthetic import Faults, generate, inject
from appliance.hot.jit import JIT_DISABLED

SECONDS = 3.0 if JIT_DISABLED else 20.0
Levels = dict[tuple[bool, int], int]


def rows_of(lines: list[Line], symbols: tuple[str, ...]) -> tuple[RecordedHistory, list[Rows]]:
    arenas: list[Arena] = [arena_of(lines[: len(lines) // 2]), arena_of(lines[len(lines) // 2 :])]
    instruments = instrument_table.build(grid.learn(arenas), None, list(symbols))
    history = RecordedHistory(instruments, arenas)
    return history, [np.concatenate(list(one.blocks())) for one in history.sources()]


def book_of(rows: Rows, mark: int) -> Levels:
    """The book that the rows of one side make, level by level."""
    book: Levels = {}
    for row in rows[rows["kind"] & mark != 0]:
        kind, side = int(row["kind"]) & WHAT_MASK, bool(int(row["kind"]) & BUY)
        if kind == What.CLEAR:
            book.clear()
        elif kind in (What.DEPTH, What.SNAPSHOT):
            book.pop((side, int(row["ticks"])), None)
            if row["lots"]:
                book[side, int(row["ticks"])] = int(row["lots"])
    return book


def told_book(history: RecordedHistory, lines: list[Line], symbol: str) -> Levels:
    """The same from the frames themselves: the first snapshot, and every difference behind it."""
    k = history.symbols.index(symbol)
    tick, lot = (int(history.records[k][n]) for n in ("price_grid_e8", "quantity_grid_e8"))
    told = [json.loads(line.frame) for line in lines]
    snapshot = next(one for one in told if "lastUpdateId" in one)
    changes = [(snapshot["bids"], snapshot["asks"])]
    for one in told:
        data: dict[str, Any] = one.get("data", {})
        if data.get("e") == "depthUpdate" and data["u"] > snapshot["lastUpdateId"]:
            changes.append((data["b"], data["a"]))
    book: Levels = {}
    for sides in changes:
        for side, levels in zip((True, False), sides, strict=True):
            for price, quantity in levels:
                ticks, lots = round(float(price) * 1e8) // tick, round(float(quantity) * 1e8) // lot
                book.pop((side, ticks), None)
                if lots:
                    book[side, ticks] = lots
    return book


@pytest.mark.parametrize("market", [Market.SPOT, Market.USDM])
def test_rows_make_the_book_that_the_frames_make(market: Market) -> None:
    lines = list(generate(3, SECONDS, symbols=("BTCUSDT",), market=market))
    history, (rows,) = rows_of(lines, ("BTCUSDT",))
    wanted = told_book(history, lines, "BTCUSDT")
    assert len(wanted) > 50
    assert book_of(rows, AT_LOCAL) == book_of(rows, AT_EXCHANGE) == wanted
    kinds = Counter(int(kind) & WHAT_MASK for kind in rows["kind"][rows["kind"] & AT_LOCAL != 0])
    frames = Counter(json.loads(one.frame).get("data", {}).get("e", "") for one in lines)
    assert kinds[What.TRADE] == frames["trade"] + frames["aggTrade"] > 0
    assert kinds[What.TICKER] > 0 and kinds[What.DEPTH] > 0
    check_order(rows)


def test_a_gap_clears_the_book_until_the_next_snapshot() -> None:
    lines = list(generate(5, SECONDS, symbols=("BTCUSDT",), market=Market.USDM))
    torn = list(inject(lines, Faults(dropped=(25,))))
    _, (rows,) = rows_of(torn, ("BTCUSDT",))
    clears = np.flatnonzero(rows["kind"] & WHAT_MASK == What.CLEAR)
    assert len(clears) >= 2, "when it became live, and when it was lost"
    check_order(rows)


def test_a_feed_that_falls_silent_is_not_believed_until_it_speaks_again() -> None:
    lines = list(generate(5, 6.0, symbols=("BTCUSDT",), market=Market.SPOT))
    first_ns = lines[0].receive_ns or 0
    torn = [one for one in lines if not 10**9 < (one.receive_ns or 0) - first_ns < 4 * 10**9]
    # something else goes on, so that time does
    ping = b'{"result":null,"id":%d}'
    torn += [Line(first_ns + k * 10**8, ping % k) for k in range(11, 40)]
    torn.sort(key=lambda one: one.receive_ns or 0)
    _, (rows,) = rows_of(torn, ("BTCUSDT",))
    silent = rows[rows["kind"] & WHAT_MASK == What.SILENCE]
    assert len(silent) == 1 and int(silent["kind"][0]) & LAST
    assert silent["local_ns"][0] - first_ns >= 1_500_000_000
    check_order(rows)


def test_every_instrument_hears_how_far_the_recording_was_read() -> None:
    """Two symbols, one of which falls silent: rows of nothing, and each row with its own."""
    symbols = ("BTCUSDT", "ETHUSDT")
    lines = list(generate(8, SECONDS, symbols=symbols, market=Market.SPOT))
    half = len(lines) // 2
    lines = lines[:half] + [one for one in lines[half:] if b"ETHUSDT" not in one.frame.upper()]
    _, (btc, eth) = rows_of(lines, symbols)
    end_ns = max(one.receive_ns or 0 for one in lines)
    assert btc["local_ns"][-1] == eth["local_ns"][-1] == end_ns
    assert eth["kind"][-1] == AT_LOCAL
    check_order(btc)
    check_order(eth)


def check_order(rows: Rows) -> None:
    for mark, name in ((AT_EXCHANGE, "exchange_ns"), (AT_LOCAL, "local_ns")):
        times = rows[name][rows["kind"] & mark != 0]
        assert (np.diff(times) >= 0).all(), name
    assert (rows["local_ns"] >= rows["exchange_ns"])[rows["kind"] & AT_LOCAL != 0].all()


@pytest.mark.parametrize("seed", range(8))
def test_overtaken_rows_are_split_and_nothing_is_lost(seed: int) -> None:
    """In pieces or at once: the same halves, each side in the order of its own time."""
    rng = np.random.default_rng(seed)
    n = 600
    rows = empty_rows(n)
    rows["exchange_ns"] = np.sort(rng.integers(0, 20 * 10**9, n)) + 10**12
    rows["local_ns"] = rows["exchange_ns"] + rng.integers(0, WINDOW_NS // 3, n)
    rows["kind"] = What.DEPTH | AT_EXCHANGE | AT_LOCAL | BUY
    rows["ticks"] = np.arange(n)
    rows = rows[np.argsort(rows["local_ns"], kind="stable")]
    sorter = Sorter()
    cuts = [0, *sorted(rng.integers(0, n, 5).tolist()), n]
    pieces = [sorter.take(rows[a:b]) for a, b in pairwise(cuts)]
    pieces.append(sorter.take(empty_rows(), is_last=True))
    ordered = np.concatenate(pieces)
    check_order(ordered)
    here = ordered[ordered["kind"] & AT_LOCAL != 0]
    assert (here["ticks"] == rows["ticks"]).all() and (here["local_ns"] == rows["local_ns"]).all()
    there = ordered[ordered["kind"] & AT_EXCHANGE != 0]
    assert (there["ticks"] == np.arange(n)).all(), "at the venue all happened in its order"
    assert (sorter.late_n, sorter.early_n, sorter.shift_ns) == (0, 0, 0)
    assert len(ordered) == n + sorter.split_n


def test_a_clock_that_is_behind_is_set_right_and_told() -> None:
    rows = empty_rows(4)
    rows["kind"] = What.TRADE | AT_EXCHANGE | AT_LOCAL
    rows["exchange_ns"] = [1000, 2000, 3000, 4000]
    rows["local_ns"] = [900, 1700, 3100, 3500]
    sorter = Sorter()
    ordered = sorter.take(rows, is_last=True)
    assert sorter.shift_ns == 500
    assert ordered["local_ns"].tolist() == [1400, 2200, 3600, 4000]


def test_what_happened_long_before_is_set_to_the_window_and_counted() -> None:
    rows = empty_rows(3)
    rows["kind"] = What.TRADE | AT_EXCHANGE | AT_LOCAL
    second = 10**9
    rows["exchange_ns"] = [1 * second, 9 * second, 2 * second]
    rows["local_ns"] = [2 * second, 10 * second, 13 * second]
    sorter = Sorter()
    ordered = np.concatenate(
        [sorter.take(rows[:2]), sorter.take(rows[2:]), sorter.take(rows[:0], is_last=True)]
    )
    check_order(ordered)
    assert len(ordered[ordered["kind"] & AT_EXCHANGE != 0]) == 3
    assert sorter.late_n + sorter.split_n >= 1


def test_where_messages_end() -> None:
    rows = empty_rows(7)
    rows["kind"] = [What.DEPTH, What.DEPTH, What.TRADE, What.TRADE, What.DEPTH, What.DEPTH, 0]
    rows["kind"] |= AT_LOCAL | AT_EXCHANGE
    rows["kind"][5] &= ~AT_LOCAL
    rows["local_ns"] = [1, 1, 1, 1, 1, 1, 2]
    mark_messages(rows)
    assert (rows["kind"] & LAST != 0).tolist() == [False, True, True, True, True, False, True]
    assert rows.dtype == HISTORY
