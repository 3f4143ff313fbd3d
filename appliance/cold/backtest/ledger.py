"""The account of a backtest: money from the venue's log, in integers to the end.

The account is the venue's: a fill counts from the moment at which it happened there. A position is
worth what the middle of the touch says, an instrument without a touch what it was worth before.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from appliance.abi.history import Happened
from appliance.abi.units import E8
from appliance.cold.backtest.engine import Noted
from appliance.hot.core import Core


@dataclass(frozen=True)
class Fees:
    """Of the value of a trade; a negative maker fee is a rebate."""

    maker: Fraction
    taker: Fraction


@dataclass(frozen=True)
class Fills:
    """Of one instrument, in the order in which they happened. Money: int, times 10**8."""

    records: Any  # VENUE_LOG
    values_e8: Any  # object[n] of int
    fees_e8: Any  # object[n] of int


@dataclass(frozen=True)
class Holding:
    """A position from flat to flat, or through it: what is called a round trip when it is over."""

    instrument: int
    start_ns: int
    end_ns: int
    most_lots: int  # the largest it was, without its sign
    profit_e8: int  # fees paid
    worst_e8: int  # its profit at the worst of its sampling moments, and at its end
    is_over: bool


@dataclass(frozen=True)
class Ledger:
    """The account at each moment of the sampling grid, and at the end. Money: int, times 10**8."""

    capital_e8: int
    times_ns: Any  # int64[m]
    equity_e8: Any  # object[m] of int: capital, realised and unrealised, fees paid
    profit_e8: Any  # object[n, m]: of each instrument, fees paid
    position_lots: Any  # int64[n, m]
    middles2_ticks: Any  # int64[n, m]: twice the middle of the touch; 0: none yet
    fills: tuple[Fills, ...]
    holdings: tuple[Holding, ...]


def money_e8(tick_lots: Any, instrument: Any) -> Any:
    """Exact where the grids allow, else rounded down; object arrays of int."""
    grid_e16 = int(instrument["price_grid_e8"]) * int(instrument["quantity_grid_e8"])
    return np.asarray(tick_lots, object) * grid_e16 // E8


def _nearest(amount: Fraction) -> int:
    return int((2 * amount.numerator + amount.denominator) // (2 * amount.denominator))


def ledger_of(noted: Noted, core: Core, fees: Fees, capital_e8: int) -> Ledger:
    """The account over time, of a run that has ended."""
    n = len(core.gate.instruments)
    times = np.unique(np.append(noted.samples.time_ns, noted.last_ns)).astype(np.int64)
    m = len(times)
    profit = np.zeros((n, m), object)
    positions, middles2 = np.zeros((n, m), np.int64), np.zeros((n, m), np.int64)
    all_fills = []
    holdings: list[Holding] = []
    for i in range(n):
        instrument = core.gate.instruments[i]
        fills = fills_of(noted, i, instrument, fees)
        all_fills.append(fills)
        mine = fills.records
        until = np.searchsorted(mine.exchange_ns, times, side="right")
        signed = mine.side * mine.quantity_lots
        positions[i] = np.concatenate(([0], np.cumsum(signed)))[until]
        cash = np.concatenate(([0], np.cumsum(-signed.astype(object) * mine.price_ticks)))[until]
        paid = np.concatenate(([0], np.cumsum(fills.fees_e8)))[until]
        middles2[i] = _middles2(noted, i, times, core)
        worth2 = positions[i].astype(object) * middles2[i].astype(object) + 2 * cash
        profit[i] = money_e8(worth2, instrument) // 2 - paid
        holdings += _holdings(i, fills, instrument, times, profit[i])
    equity = capital_e8 + profit.sum(axis=0)
    return Ledger(
        capital_e8, times, equity, profit, positions, middles2, tuple(all_fills), tuple(holdings)
    )


def fills_of(noted: Noted, i: int, instrument: Any, fees: Fees) -> Fills:
    """Fees are to the nearest 10**-8 of the quote asset, each."""
    mine = noted.log[(noted.log.event == Happened.FILL) & (noted.log.instrument == i)]
    mine = mine[np.argsort(mine.exchange_ns, kind="stable")]
    values = money_e8(mine.price_ticks.astype(object) * mine.quantity_lots, instrument)
    paid = [
        _nearest(value * (fees.maker if is_maker else fees.taker))
        for value, is_maker in zip(values, mine.maker, strict=True)
    ]
    return Fills(mine, values, np.array(paid, object))


def _middles2(noted: Noted, i: int, times: Any, core: Core) -> Any:
    """Twice the middle of instrument ``i`` at each time: the last that there was; 0 before."""
    mine = noted.samples[noted.samples.instrument == i]
    there = (mine.bid_ticks > 0) & (mine.ask_ticks > 0)
    known_at = mine.time_ns[there]
    known = np.concatenate(([0], (mine.bid_ticks + mine.ask_ticks)[there]))
    middles = known[np.searchsorted(known_at, times, side="right")]
    if len(times) and noted.last_ns == times[-1]:
        bid, ask = int(core.latest[i].bid_ticks), int(core.latest[i].ask_ticks)
        if bid > 0 and ask > 0:
            middles[-1] = bid + ask
    return middles


def _holdings(i: int, fills: Fills, instrument: Any, times: Any, profit_e8: Any) -> list[Holding]:
    """Of instrument ``i``; the last one may not be over: it is worth what it is at the end."""
    made: list[Holding] = []
    held, cash, fee, most, start_ns, before_e8 = 0, 0, 0, 0, 0, 0

    def add(end_ns: int, own_e8: int, *, is_over: bool) -> None:
        first, last = np.searchsorted(times, (start_ns, end_ns))
        worst = min([int(one) - before_e8 for one in profit_e8[first:last]] + [own_e8])
        made.append(Holding(i, start_ns, end_ns, most, own_e8, worst, is_over))

    for fill, fee_e8 in zip(fills.records, fills.fees_e8, strict=True):
        signed = int(fill.side) * int(fill.quantity_lots)
        ticks, now_ns = int(fill.price_ticks), int(fill.exchange_ns)
        if held and held * (held + signed) <= 0:  # closed, or turned
            fee_closing = int(fee_e8) * abs(held) // abs(signed)
            own_e8 = int(money_e8(cash + held * ticks, instrument)) - fee - fee_closing
            add(now_ns, own_e8, is_over=True)
            before_e8 += own_e8
            held += signed
            cash, fee, most = -held * ticks, int(fee_e8) - fee_closing, abs(held)
            start_ns = now_ns
        else:
            if not held:
                start_ns, cash, fee, most = now_ns, 0, 0, 0
            held += signed
            cash -= signed * ticks
            fee += int(fee_e8)
            most = max(most, abs(held))
    if held:
        add(int(times[-1]), int(profit_e8[-1]) - before_e8, is_over=False)
    return made
