"""The start of a session in the journal, and a loop that goes on where the journal ended.

Only before the loop starts: until then this thread is the one that writes the journal and the
account's records.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any, Final

import numpy as np

from appliance.abi.journal import (
    CHECKED_WORDS,
    HEAD,
    JOURNAL,
    JOURNAL_POSITION,
    JOURNAL_SYMBOL,
    RECORD_WORDS,
    Journal,
    JournalKind,
)
from appliance.abi.refusal import Reject
from appliance.abi.risk_limits import PPM
from appliance.abi.trading_state import Cause, TradingState
from appliance.cold.errors import ApplianceError
from appliance.cold.instrument_table import Instruments
from appliance.cold.journal_text import time_text
from appliance.cold.ledger import Day, Holding, JournalOrder, Ledger, Symbol
from appliance.hot.core import Core
from appliance.hot.journal import append_row, write_day
from appliance.hot.trading_state import lower

_LOTS: Final = ("position_lots", "bought_lots", "sold_lots", "day_traded_lots")
_VALUES: Final = (
    "cost_tick_lots",
    "realised_tick_lots",
    "cash_tick_lots",
    "turnover_tick_lots",
    "trip_start_tick_lots",
)
POSITION_FIELDS: Final = tuple(
    name for name in (*_LOTS, *_VALUES, "losses_in_row_n") if name != "day_traded_lots"
)


def symbols_of(instruments: Instruments) -> list[Symbol]:
    """What the journal says of each instrument."""
    rows: Any = instruments.records
    return [
        Symbol(name, int(row.market), int(row.price_grid_e8), int(row.quantity_grid_e8))
        for name, row in zip(instruments.symbols, rows, strict=True)
    ]


def on_grid(holding: Holding, symbol: Symbol) -> Holding:
    """The same position in the units of ``symbol``. ApplianceError: it is between two units."""
    before = holding.symbol
    lots = Fraction(before.quantity_grid_e8, symbol.quantity_grid_e8)
    value = lots * Fraction(before.price_grid_e8, symbol.price_grid_e8)
    made = replace(holding, symbol=symbol)
    for names, factor in ((_LOTS, lots), (_VALUES, value)):
        for name in names:
            number = getattr(holding, name) * factor
            if number.denominator != 1:
                raise ApplianceError(
                    f"{symbol.name}: the journal's position is in units of"
                    f" {before.quantity_grid_e8} x {before.price_grid_e8} / 1e16, which the venue's"
                    " no longer divide: it cannot be told exactly"
                )
            setattr(made, name, int(number))
    return made


def carried(ledger: Ledger, symbols: Iterable[Symbol]) -> list[Holding]:
    """A holding for each of ``symbols``, then those that are held and no longer traded."""
    wanted = list(symbols)
    names = {symbol.name for symbol in wanted}
    kept = [
        on_grid(ledger.holdings[symbol.name], symbol)
        if symbol.name in ledger.holdings
        else Holding(symbol)
        for symbol in wanted
    ]
    return kept + [
        holding
        for name, holding in ledger.holdings.items()
        if name not in names and holding.position_lots
    ]


def carried_day(ledger: Ledger, now_ns: int) -> Day:
    """The day as a process that starts now goes on with it: one that is over counts no more."""
    day = replace(ledger.day)
    if now_ns >= day.venue_ends_ns:
        day.venue_orders_n = day.venue_ends_ns = 0
    if now_ns >= day.ends_ns:
        return Day(
            venue_ends_ns=day.venue_ends_ns,
            venue_orders_n=day.venue_orders_n,
            profit_peak_e8=day.profit_peak_e8,
        )
    return day


def begin_session(
    core: Core,
    ledger: Ledger,
    instruments: Instruments,
    epoch: int,
    pid: int,
    now_ns: int,
    *,
    live: bool,
) -> list[str]:
    """Write SESSION to DAY and give the loop what ``ledger`` says; what the user should hear."""
    holdings = carried(ledger, symbols_of(instruments))
    _restore(core, holdings[: len(instruments.symbols)], ledger, now_ns)
    words = core.gateway.journal
    put(
        words,
        now_ns,
        JournalKind.SESSION,
        -1,
        epoch=epoch,
        venue_id=pid,
        observed=int(live),
        quantity_lots=ledger.checked_ms,
        tag=ledger.venue,
        limit=len(instruments.symbols),
    )
    places = {}
    for i, holding in enumerate(holdings):
        places[holding.symbol.name] = i
        write_symbol(words, now_ns, i, holding.symbol)
        kept = {name: getattr(holding, name) for name in (*POSITION_FIELDS, "day_traded_lots")}
        if any(kept.values()):
            put(words, now_ns, JournalKind.POSITION, i, JOURNAL_POSITION, **kept)
    for order in ledger.orders.values():
        write_order_of(words, now_ns, places[order.symbol.name], order)
    write_day(words.words, core.gate.account, now_ns)
    notes = _latch(core, ledger)
    untraded = holdings[len(instruments.symbols) :]
    return notes + [
        f"the journal holds a position of {h.position_lots} lots in {h.symbol.name}, which this run"
        " does not trade: it counts for no limit"
        for h in untraded
    ]


def _latch(core: Core, ledger: Ledger) -> list[str]:
    """What a limit or a person took away stays taken."""
    latch = ledger.latch
    if latch.state >= TradingState.ACTIVE:
        return []
    lower(
        core.gate.account,
        latch.state,
        latch.cause,
        latch.reason,
        latch.observed,
        latch.limit,
        latch.time_ns,
    )
    why = latch.cause.name
    if latch.cause == Cause.LIMIT:
        why = f"{Reject(latch.reason).name}, {latch.observed} with a limit of {latch.limit}"
    since = f"{latch.state.name} since {time_text(latch.time_ns)} ({why})"
    return [f"{since}, and still: `appliance resume` when you have looked into it"]


def write_symbol(journal: Journal, now_ns: int, i: int, symbol: Symbol) -> None:
    """What index ``i`` means."""
    text = np.frombuffer(symbol.name.encode().ljust(32, b"\0"), np.uint8)
    fields: Mapping[str, Any] = {
        "market": symbol.market,
        "price_grid_e8": symbol.price_grid_e8,
        "quantity_grid_e8": symbol.quantity_grid_e8,
        "symbol": text,
    }
    put(journal, now_ns, JournalKind.SYMBOL, i, JOURNAL_SYMBOL, **fields)


def write_order_of(journal: Journal, now_ns: int, i: int, order: JournalOrder) -> None:
    """An order of an earlier session whose end is not known yet."""
    put(
        journal,
        now_ns,
        JournalKind.INTENT,
        i,
        side=order.side,
        order_key=order.key,
        epoch=order.epoch,
        price_ticks=order.price_ticks,
        quantity_lots=order.quantity_lots,
        filled_lots=order.filled_lots,
        filled_tick_lots=order.filled_tick_lots,
        venue_id=order.venue_id,
        limit=order.time_in_force,
    )


def put(
    journal: Journal, now_ns: int, kind: JournalKind, i: int, layout: Any = JOURNAL, **fields: Any
) -> Any:
    """Write one record; what was written, as JOURNAL. ApplianceError: the journal is full."""
    record = np.zeros(1, layout)
    record["time_ns"], record["kind"], record["instrument"] = now_ns, kind, i
    for name, value in fields.items():
        record[name] = value
    row = record.view(np.int64).reshape(RECORD_WORDS)[:CHECKED_WORDS].copy()
    if append_row(journal.words, row) == 0:
        raise ApplianceError("the journal is full: what waits for the archive leaves no room")
    record["sequence"] = journal.words[HEAD]
    return record.view(JOURNAL)[0]


def _restore(core: Core, holdings: list[Holding], ledger: Ledger, now_ns: int) -> None:
    """Positions, sums and the day's figures, as they were."""
    gate = core.gate
    account = gate.account[0]
    day = carried_day(ledger, now_ns)
    for i, holding in enumerate(holdings):
        position, value = gate.positions[i], gate.valuations[i]
        for name in POSITION_FIELDS:
            setattr(position, name, getattr(holding, name))
        value.day_traded_lots = holding.day_traded_lots
        _value_at_cost(gate, i)
    account.day_ends_ns, account.venue_day_ends_ns = day.ends_ns, day.venue_ends_ns
    account.venue_day_orders_n = day.venue_orders_n
    account.day_messages_n, account.day_fills_n = -day.messages_n, -day.fills_n
    account.day_turnover_e8, account.day_profit_e8 = day.turnover_e8, day.profit_e8
    account.profit_peak_e8 = day.profit_peak_e8
    if ledger.profit_known:
        # What the last record said; how it is divided shows with the first prices.
        more_e8 = ledger.profit_e8 - int(account.profit_e8)
        held = [i for i, holding in enumerate(holdings) if holding.position_lots]
        if held:
            gate.valuations[held[0]].profit_e8 += more_e8
            account.profit_e8 += more_e8


def _value_at_cost(gate: Any, i: int) -> None:
    """The sums as they are without a price: what is held is worth what was paid."""
    position, value, account = gate.positions[i], gate.valuations[i], gate.account[0]
    multiple, divisor = int(value.value_multiple), max(1, int(value.value_divisor))
    turnover = int(position.turnover_tick_lots)
    fees = turnover * int(gate.limits[i].fee_ppm) // PPM + 1 if turnover else 0
    cash = int(position.cash_tick_lots) - fees
    value.turnover_e8 = -(-turnover * multiple // divisor)
    value.cash_e8 = cash * multiple // divisor
    value.profit_e8 = (cash + int(position.cost_tick_lots)) * multiple // divisor
    value.unvalued = int(position.position_lots != 0)
    account.turnover_e8 += value.turnover_e8
    account.cash_e8 += value.cash_e8
    account.profit_e8 += value.profit_e8
    account.unvalued_n += value.unvalued
