"""What a backtest amounted to: money from the venue's log, integers to the end; then the figures.

The account is the venue's: a fill counts from the moment at which it happened there. A position is
worth what the middle of the touch says, an instrument without a touch what it was worth before.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import numpy as np

from appliance.abi.counters import REJECT_BASE, Counter
from appliance.abi.history import Happened
from appliance.abi.refusal import Reject
from appliance.abi.units import E8, NS_PER_S
from appliance.cold.backtest import metrics
from appliance.cold.backtest.engine import Noted
from appliance.hot.core import Core

HOUR_NS: Final = 3600 * NS_PER_S


@dataclass(frozen=True)
class Fees:
    """Of the value of a trade; a negative maker fee is a rebate."""

    maker: Fraction
    taker: Fraction


@dataclass(frozen=True)
class Ledger:
    """The account at each moment of the sampling grid, and at the end. Money: int, times 10**8."""

    times_ns: Any  # int64[m]
    equity_e8: Any  # object[m] of int: capital, realised and unrealised, fees paid
    profit_e8: Any  # object[n, m]: of each instrument, fees paid
    position_lots: Any  # int64[n, m]


def _money_e8(tick_lots: Any, instrument: Any) -> Any:
    """Exact where the grids allow, else rounded down; object arrays of int."""
    grid_e16 = int(instrument["price_grid_e8"]) * int(instrument["quantity_grid_e8"])
    return np.asarray(tick_lots, object) * grid_e16 // E8


def fees_e8(fills: Any, instrument: Any, fees: Fees) -> Any:
    """Of each fill, to the nearest 10**-8 of the quote asset; object array of int."""
    values = _money_e8(fills.price_ticks.astype(object) * fills.quantity_lots, instrument)
    maker, taker = fees.maker, fees.taker
    paid = [
        _nearest(value * (maker if is_maker else taker))
        for value, is_maker in zip(values, fills.maker, strict=True)
    ]
    return np.array(paid, object)


def _nearest(amount: Fraction) -> int:
    return int((2 * amount.numerator + amount.denominator) // (2 * amount.denominator))


def ledger_of(noted: Noted, core: Core, fees: Fees, capital_e8: int) -> Ledger:
    """The account over time, of a run that has ended."""
    n = len(core.gate.instruments)
    times = np.unique(np.append(noted.samples.time_ns, noted.last_ns)).astype(np.int64)
    m = len(times)
    profit = np.zeros((n, m), object)
    positions = np.zeros((n, m), np.int64)
    fills = noted.log[noted.log.event == Happened.FILL]
    for i in range(n):
        instrument = core.gate.instruments[i]
        mine = fills[fills.instrument == i]
        mine = mine[np.argsort(mine.exchange_ns, kind="stable")]
        until = np.searchsorted(mine.exchange_ns, times, side="right")
        signed = mine.side * mine.quantity_lots
        held = np.concatenate(([0], np.cumsum(signed)))[until]
        cash = np.concatenate(([0], np.cumsum(-signed.astype(object) * mine.price_ticks)))[until]
        paid = np.concatenate(([0], np.cumsum(fees_e8(mine, instrument, fees))))[until]
        middles2 = _middles2(noted, i, times, core)
        worth2 = held.astype(object) * middles2 + 2 * cash
        profit[i] = _money_e8(worth2, instrument) // 2 - paid
        positions[i] = held
    return Ledger(times, capital_e8 + profit.sum(axis=0), profit, positions)


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
    return middles.astype(object)


def results_of(
    noted: Noted,
    core: Core,
    symbols: tuple[str, ...],
    ledger: Ledger,
    fees: Fees,
    capital_e8: int,
    sample_ns: int,
) -> dict[str, Any]:
    """Plain values for JSON; what is not defined is None."""
    grid = ledger.equity_e8[:-1] if len(ledger.times_ns) > 1 else ledger.equity_e8
    curve = np.concatenate(([capital_e8], grid)).astype(np.float64)
    whole = np.concatenate(([capital_e8], ledger.equity_e8)).astype(np.float64)
    periods = metrics.YEAR_S * NS_PER_S / sample_ns
    returns = metrics.returns_of(curve)
    counters = core.telemetry.counters[:, 0]
    log = noted.log
    fills = log[log.event == Happened.FILL]
    placed = log[log.event == Happened.PLACED]
    trips = round_trips_e8(noted, core, fees)
    makers = fills[fills.maker != 0]
    values = {
        "total_return": metrics.total_return(whole),
        "sharpe_ratio": metrics.sharpe_ratio(returns, periods),
        "max_drawdown": metrics.max_drawdown(whole),
        "win_rate": float(np.mean([one > 0 for one in trips])) if trips else np.nan,
        "sortino_ratio": metrics.sortino_ratio(returns, periods),
        "calmar_ratio": metrics.calmar_ratio(curve, periods),
    }
    return {
        **{name: _defined(value) for name, value in values.items()},
        "capital": capital_e8 / E8,
        "profit": int(ledger.equity_e8[-1] - capital_e8) / E8,
        "fees": sum(int(sum(_fees_of(noted, core, i, fees))) for i in range(len(symbols))) / E8,
        "turnover": sum(_turnover_e8(fills, core, i) for i in range(len(symbols))) / E8,
        "orders": int(counters[Counter.ORDERS_SENT]),
        "cancels": int(counters[Counter.CANCELS_SENT]),
        "fills": len(fills),
        "round_trips": len(trips),
        "fill_ratio": _share(len(np.unique(fills.order_key)), int(counters[Counter.ORDERS_SENT])),
        "maker_share": _share(len(makers), len(fills)),
        "queue_wait_ms": _defined(float(makers.rested_ns.mean()) / 1e6 if len(makers) else np.nan),
        "rested": len(placed),
        "refusals": {
            reason.name.lower(): int(counters[REJECT_BASE + reason])
            for reason in Reject
            if counters[REJECT_BASE + reason]
        },
        "by_symbol": {
            symbol: {
                "profit": int(ledger.profit_e8[i][-1]) / E8,
                "position_lots": int(ledger.position_lots[i][-1]),
            }
            for i, symbol in enumerate(symbols)
        },
        "by_hour": by_hour(ledger, capital_e8),
        "rows": noted.rows_n,
        "first_ns": noted.first_ns,
        "last_ns": noted.last_ns,
        "samples": len(returns),
        "sample_s": sample_ns / NS_PER_S,
    }


def _fees_of(noted: Noted, core: Core, i: int, fees: Fees) -> Any:
    log = noted.log
    mine = log[(log.event == Happened.FILL) & (log.instrument == i)]
    return fees_e8(mine, core.gate.instruments[i], fees)


def _turnover_e8(fills: Any, core: Core, i: int) -> int:
    mine = fills[fills.instrument == i]
    values = mine.price_ticks.astype(object) * mine.quantity_lots
    return int(sum(_money_e8(values, core.gate.instruments[i]))) if len(mine) else 0


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _defined(value: float) -> float | None:
    return value if np.isfinite(value) else None


def by_hour(ledger: Ledger, capital_e8: int) -> Mapping[str, float]:
    """Profit of each hour UTC that the run touched, by its start."""
    hours: dict[str, float] = {}
    before = capital_e8
    for hour in np.unique(ledger.times_ns // HOUR_NS):
        last = int(np.flatnonzero(ledger.times_ns // HOUR_NS == hour)[-1])
        name = str(np.datetime64(int(hour) * 3600, "s")) + "Z"
        hours[name] = int(ledger.equity_e8[last] - before) / E8
        before = ledger.equity_e8[last]
    return hours


def round_trips_e8(noted: Noted, core: Core, fees: Fees) -> list[int]:
    """Profit of each round trip, fees paid: from flat to flat, or through it, per instrument."""
    trips: list[int] = []
    fills = noted.log[noted.log.event == Happened.FILL]
    for i in range(len(core.gate.instruments)):
        mine = fills[fills.instrument == i]
        mine = mine[np.argsort(mine.exchange_ns, kind="stable")]
        instrument = core.gate.instruments[i]
        paid = fees_e8(mine, instrument, fees)
        held, cash, fee = 0, 0, 0
        for fill, fee_e8 in zip(mine, paid, strict=True):
            signed = int(fill.side) * int(fill.quantity_lots)
            ticks = int(fill.price_ticks)
            if held and held * (held + signed) <= 0:  # closed, or turned
                closing = -held
                fee_closing = int(fee_e8) * abs(closing) // abs(signed)
                cash -= closing * ticks
                trips.append(int(_money_e8(cash, instrument)) - fee - fee_closing)
                held += signed
                cash, fee = -held * ticks, int(fee_e8) - fee_closing
            else:
                held += signed
                cash -= signed * ticks
                fee += int(fee_e8)
    return trips
