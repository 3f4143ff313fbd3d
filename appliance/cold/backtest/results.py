"""What a backtest amounted to, as plain values; formulas of the ratios: metrics.py."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from appliance.abi.counters import REJECT_BASE, Counter
from appliance.abi.history import Happened
from appliance.abi.refusal import Reject
from appliance.abi.units import E8, NS_PER_S
from appliance.cold.backtest import metrics
from appliance.cold.backtest.engine import Noted
from appliance.cold.backtest.ledger import Ledger
from appliance.hot.core import Core

HOUR_NS: Final = 3600 * NS_PER_S
DAY_NS: Final = 24 * HOUR_NS
# Of what others traded: beyond this share our trades would have moved the market that we assume.
PARTICIPATION_MOST: Final = 0.01


def curve_of(noted: Noted, ledger: Ledger) -> Any:
    """Capital, then the equity at each sampling moment that is not within a gap; float64."""
    times, equity = ledger.times_ns, ledger.equity_e8
    if len(times) > 1:  # the end of the run is no moment of the grid
        times, equity = times[:-1], equity[:-1]
    seen = np.ones(len(times), bool)
    for gap in noted.gaps:
        first, last = np.searchsorted(times, (int(gap.start_ns), int(gap.end_ns)))
        seen[first + 1 : last] = False
    return np.concatenate(([ledger.capital_e8], equity[seen])).astype(np.float64)


def results_of(
    noted: Noted, core: Core, symbols: tuple[str, ...], ledger: Ledger, sample_ns: int
) -> dict[str, Any]:
    """Plain values for JSON; what is not defined is None."""
    curve = curve_of(noted, ledger)
    whole = np.concatenate(([ledger.capital_e8], ledger.equity_e8)).astype(np.float64)
    periods = metrics.YEAR_S * NS_PER_S / sample_ns
    returns = metrics.returns_of(curve)
    counters = core.telemetry.counters[:, 0]
    fills = noted.log[noted.log.event == Happened.FILL]
    over = [one for one in ledger.holdings if one.is_over]
    makers = fills[fills.maker != 0]
    sent_n = int(counters[Counter.ORDERS_SENT])
    values = {
        "total_return": metrics.total_return(whole),
        "sharpe_ratio": metrics.sharpe_ratio(returns, periods),
        "max_drawdown": metrics.max_drawdown(whole),
        "win_rate": float(np.mean([one.profit_e8 > 0 for one in over])) if over else np.nan,
        "sortino_ratio": metrics.sortino_ratio(returns, periods),
        "calmar_ratio": metrics.calmar_ratio(curve, periods),
    }
    return {
        **{name: _defined(value) for name, value in values.items()},
        "capital": ledger.capital_e8 / E8,
        "profit": int(ledger.equity_e8[-1] - ledger.capital_e8) / E8,
        "fees": sum(int(sum(one.fees_e8)) for one in ledger.fills) / E8,
        **_volume(noted, core, ledger),
        "orders": sent_n,
        "cancels": int(counters[Counter.CANCELS_SENT]),
        "fills": len(fills),
        "round_trips": len(over),
        "fill_ratio": _share(len(np.unique(fills.order_key)), sent_n),
        "maker_share": _share(len(makers), len(fills)),
        "queue_wait_ms": _defined(float(makers.rested_ns.mean()) / 1e6 if len(makers) else np.nan),
        "rested": int((noted.log.event == Happened.PLACED).sum()),
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
        "by_hour": by_hour(ledger),
        "rows": noted.rows_n,
        "first_ns": noted.first_ns,
        "last_ns": noted.last_ns,
        **_time(noted),
        "samples": len(returns),
        "sample_s": sample_ns / NS_PER_S,
    }


def _volume(noted: Noted, core: Core, ledger: Ledger) -> dict[str, float | None]:
    """What we traded, and how much capital the market would have had room for.

    capacity = capital x PARTICIPATION_MOST / (turnover / market's volume), of the instrument in
    which our share is largest.
    """
    turnover = market = 0.0
    shares = []
    for instrument, fills, tick_lots in zip(
        core.gate.instruments, ledger.fills, noted.traded_tick_lots, strict=True
    ):
        own = int(sum(fills.values_e8)) / E8
        grid_e16 = int(instrument["price_grid_e8"]) * int(instrument["quantity_grid_e8"])
        others = tick_lots * grid_e16 / (E8 * E8)
        turnover, market = turnover + own, market + others
        if own:
            shares.append(own / others if others else np.inf)
    share = max(shares, default=np.nan)
    capacity = ledger.capital_e8 / E8 * PARTICIPATION_MOST / share
    return {
        "turnover": turnover,
        "market_volume": market,
        "participation": _defined(share),
        "capacity": _defined(capacity),
    }


def _time(noted: Noted) -> dict[str, Any]:
    """``days``: 24 hours each, in which something was heard of the market."""
    lengths_ns = noted.gaps.end_ns - noted.gaps.start_ns
    in_gaps_ns = int(lengths_ns.sum())
    return {
        "days": (noted.last_ns - noted.first_ns - in_gaps_ns) / DAY_NS,
        "gaps": len(noted.gaps),
        "gaps_s": in_gaps_ns / NS_PER_S,
    }


def remarks_of(noted: Noted, ledger: Ledger, symbols: tuple[str, ...]) -> list[str]:
    """What the figures rest on that a user should know, a line each."""
    told = []
    if len(noted.gaps):
        longest_s = int((noted.gaps.end_ns - noted.gaps.start_ns).max()) / NS_PER_S
        told.append(
            f"nothing was heard {len(noted.gaps)} times, {longest_s:,.0f} s the longest:"
            " positions and orders were carried across, and no return was counted within"
        )
    for i, symbol in enumerate(symbols):
        mine = noted.samples[noted.samples.instrument == i]
        crossed = (mine.bid_ticks > 0) & (mine.ask_ticks > 0) & (mine.bid_ticks >= mine.ask_ticks)
        if crossed.any():
            told.append(
                f"{symbol}: the touch was crossed at {crossed.sum()} of {len(mine)} samples"
            )
        if not noted.traded_tick_lots[i]:
            told.append(
                f"{symbol}: no trades of the market: an order that rests is filled only when the"
                " other side's price comes to its own"
            )
        if held := int(ledger.position_lots[i][-1]):
            told.append(f"{symbol}: {held:+,} lots are held at the end, valued at the middle")
    return told


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _defined(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def by_hour(ledger: Ledger) -> Mapping[str, float]:
    """Profit of each hour UTC that the run touched, by its start."""
    hours: dict[str, float] = {}
    before = ledger.capital_e8
    numbers = ledger.times_ns // HOUR_NS
    firsts = np.flatnonzero(np.diff(numbers, prepend=numbers[0] - 1))
    for first, last in zip(firsts, [*firsts[1:], len(numbers)], strict=True):
        start = np.datetime64(int(numbers[first]) * HOUR_NS // NS_PER_S, "s")
        hours[f"{start}Z"] = int(ledger.equity_e8[last - 1] - before) / E8
        before = ledger.equity_e8[last - 1]
    return hours
