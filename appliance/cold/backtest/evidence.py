"""What a backtest shows of how much a strategy needs, and how much of it was safe.

Everything here is counted from the log of the venue and the ledger; limits.py makes limits of it.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import numpy as np

from appliance.abi.history import Happened
from appliance.abi.units import NS_PER_S
from appliance.cold.backtest.engine import Noted
from appliance.cold.backtest.ledger import Fees, Holding, Ledger

DAY_NS: Final = 24 * 3600 * NS_PER_S
FEE_LEAST: Final = Fraction(1, 10**6)  # a limit is above zero
_CANCELS: Final = (Happened.CANCELED, Happened.CANCEL_REJECTED)
_ENDS: Final = tuple(set(Happened) - {Happened.PLACED, Happened.CANCEL_REJECTED})


@dataclass(frozen=True)
class InstrumentEvidence:
    """Of one instrument. Lots and ticks are the records'."""

    safe_lots: int  # max_safe_position; 0: none was
    held_most_lots: int
    unsafe_n: int  # holdings that lost more than was allowed
    order_most_lots: int
    price_most_ticks: int
    open_most_n: int
    open_side_most_n: int
    open_most_lots: int
    day_most_lots: int
    losses_in_row_n: int
    swing_pct: float  # the furthest that the middle went within a minute, as sampled


@dataclass(frozen=True)
class Evidence:
    """Of the account, and of each instrument."""

    instruments: tuple[InstrumentEvidence, ...]
    orders_second_n: int  # the most in any second
    messages_second_n: int
    fills_second_n: int
    open_most_n: int
    messages_per_fill: float
    day_most_value_e8: int
    fee_most: Fraction  # of a trade's value, that any paid
    day_loss_e8: int  # how far the equity was below its day's first value, as the gate counts
    drawdown_e8: int  # from a peak, likewise


def max_safe_position(holdings: list[Holding], loss_most_e8: int) -> tuple[int, int]:
    """(lots, how many holdings were not safe).

    A holding was safe if it never showed a loss above ``loss_most_e8``, at its sampling moments
    and at its end. The position is the size of the largest one below which none was unsafe.
    """
    unsafe = [one.most_lots for one in holdings if one.worst_e8 < -loss_most_e8]
    least = min(unsafe, default=None)
    safe = [one.most_lots for one in holdings if least is None or one.most_lots < least]
    return max(safe, default=0), len(unsafe)


def evidence_of(noted: Noted, ledger: Ledger, fees: Fees, safe_loss: Fraction) -> Evidence:
    """``safe_loss``: of the capital; what a holding may lose and be called safe."""
    log = noted.log
    is_cancel = np.isin(log.event, _CANCELS)
    orders, cancels = _first_of_each(log[~is_cancel]), log[is_cancel]
    fills = log[log.event == Happened.FILL]
    ends_ns = _ends_ns(log, orders, noted.last_ns)
    loss_most_e8 = int(ledger.capital_e8 * safe_loss)
    sent = np.sort(np.concatenate((orders.sent_ns, cancels.sent_ns)))
    days = ledger.times_ns // DAY_NS
    paid = [fees.maker if is_maker else fees.taker for is_maker in set(fills.maker.tolist())]
    fee_most = max(FEE_LEAST, *paid) if paid else FEE_LEAST
    equity = _as_the_gate_counts(ledger, fee_most)
    return Evidence(
        tuple(
            _instrument(i, ledger, loss_most_e8, orders, ends_ns) for i in range(len(ledger.fills))
        ),
        _most_within(np.sort(orders.sent_ns), NS_PER_S),
        _most_within(sent, NS_PER_S),
        _most_within(np.sort(fills.local_ns), NS_PER_S),
        _most_at_once(orders.sent_ns, ends_ns, np.ones(len(orders), np.int64)),
        len(sent) / max(1, len(fills)),
        _day_most([one.records for one in ledger.fills], [one.values_e8 for one in ledger.fills]),
        fee_most,
        _deepest(ledger.capital_e8, equity, days),
        _deepest(ledger.capital_e8, equity, np.zeros(len(days), np.int64), from_peak=True),
    )


def _instrument(
    i: int, ledger: Ledger, loss_most_e8: int, orders: Any, ends_ns: Any
) -> InstrumentEvidence:
    holdings = [one for one in ledger.holdings if one.instrument == i]
    safe_lots, unsafe_n = max_safe_position(holdings, loss_most_e8)
    mine = orders.instrument == i
    own, until = orders[mine], ends_ns[mine]
    fills = ledger.fills[i]
    ones = np.ones(len(own), np.int64)
    sides = [
        _most_at_once(own.sent_ns[own.side == side], until[own.side == side], ones)
        for side in (1, -1)
    ]
    return InstrumentEvidence(
        safe_lots=safe_lots,
        held_most_lots=max((one.most_lots for one in holdings), default=0),
        unsafe_n=unsafe_n,
        order_most_lots=int(own.quantity_lots.max(initial=0)),
        price_most_ticks=int(
            max(own.price_ticks.max(initial=0), -(-ledger.middles2_ticks[i].max() // 2))
        ),
        open_most_n=_most_at_once(own.sent_ns, until, ones),
        open_side_most_n=max(sides),
        open_most_lots=_most_at_once(own.sent_ns, until, own.quantity_lots),
        day_most_lots=_day_most([fills.records], [fills.records.quantity_lots]),
        losses_in_row_n=_losses_in_row(holdings),
        swing_pct=_swing_pct(ledger, i),
    )


def _first_of_each(entries: Any) -> Any:
    """The first entry of each order, in their order."""
    _, firsts = np.unique(entries.order_key, return_index=True)
    return entries[np.sort(firsts)]


def _ends_ns(log: Any, orders: Any, last_ns: int) -> Any:
    """When we knew that each order was over; ``last_ns``: it was not."""
    ends = log[np.isin(log.event, _ENDS)][::-1]  # of partial fills the last one counts
    keys, at = np.unique(ends.order_key, return_index=True)
    if not len(keys):
        return np.full(len(orders), last_ns, np.int64)
    places = np.minimum(np.searchsorted(keys, orders.order_key), len(keys) - 1)
    known = keys[places] == orders.order_key
    return np.where(known, ends.local_ns[at[places]], last_ns).astype(np.int64)


def _most_within(times_ns: Any, window_ns: int) -> int:
    """The most of ``times_ns``, which rise, in any window of that length."""
    if not len(times_ns):
        return 0
    firsts = np.searchsorted(times_ns, times_ns - window_ns, side="right")
    return int((np.arange(len(times_ns)) - firsts).max()) + 1


def _most_at_once(starts_ns: Any, ends_ns: Any, amounts: Any) -> int:
    """The largest sum of the amounts whose spans share a moment."""
    amounts = amounts[: len(starts_ns)]
    times = np.concatenate((starts_ns, ends_ns))
    changes = np.concatenate((amounts, -amounts))
    in_order = np.lexsort((-changes, times))  # what begins as another ends overlaps it
    return int(np.cumsum(changes[in_order]).max(initial=0))


def _day_most(records: list[Any], amounts: list[Any]) -> int:
    """The largest sum of the amounts of one UTC day."""
    sums: dict[int, int] = {}
    for fills, each in zip(records, amounts, strict=True):
        for day, amount in zip((fills.exchange_ns // DAY_NS).tolist(), each, strict=True):
            sums[day] = sums.get(day, 0) + int(amount)
    return max(sums.values(), default=0)


def _as_the_gate_counts(ledger: Ledger, fee: Fraction) -> Any:
    """The equity with every trade at the fee limit; object array of int, times 10**8."""
    equity = ledger.equity_e8.copy()
    for fills in ledger.fills:
        more = fills.values_e8 * fee.numerator // fee.denominator - fills.fees_e8
        until = np.searchsorted(fills.records.exchange_ns, ledger.times_ns, side="right")
        equity = equity - np.concatenate(([0], np.cumsum(more)))[until]
    return equity


def _deepest(capital_e8: int, equity_e8: Any, spans: Any, *, from_peak: bool = False) -> int:
    """The furthest that the equity was below its value at the start of a span, or its peak."""
    deepest, span, base = 0, None, capital_e8
    before = capital_e8
    for number, equity in zip(spans.tolist(), equity_e8, strict=True):
        if number != span:
            span, base = number, before
        if from_peak:
            base = max(base, equity)
        deepest = max(deepest, int(base - equity))
        before = equity
    return deepest


def _losses_in_row(holdings: list[Holding]) -> int:
    most = row = 0
    for one in holdings:
        row = row + 1 if one.is_over and one.profit_e8 < 0 else 0
        most = max(most, row)
    return most


def _swing_pct(ledger: Ledger, i: int) -> float:
    """From the least to the greatest middle of any two minutes that follow each other."""
    there = ledger.middles2_ticks[i] > 0
    middles = ledger.middles2_ticks[i][there].astype(np.float64)
    if not len(middles):
        return 0.0
    minutes = ledger.times_ns[there] // (60 * NS_PER_S)
    firsts = np.flatnonzero(np.diff(minutes, prepend=minutes[0] - 1))
    least, most = np.minimum.reduceat(middles, firsts), np.maximum.reduceat(middles, firsts)
    lows = np.minimum(least, np.append(least[1:], least[-1]))
    highs = np.maximum(most, np.append(most[1:], most[-1]))
    return float((highs / lows).max() - 1) * 100
