"""What a run of the loop amounted to: one plain dictionary, and the same for people."""

from decimal import Decimal
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from appliance.abi.control import FILLS_DIGEST, ORDERS_DIGEST
from appliance.abi.counters import FAULT_BASE, REJECT_BASE, Counter
from appliance.abi.histogram_layout import percentiles
from appliance.abi.market import BookReason, BookState, Fault
from appliance.abi.refusal import Reject
from appliance.abi.telemetry import STAGE_MAX_NS, STAGE_N, Stage
from appliance.abi.units import E8, NS_PER_S
from appliance.cold.session import Session

PERCENTS: Final = {"p50": 50.0, "p99": 99.0, "p999": 99.9}

_DECODED: Final = {
    "depth": Counter.DECODED_DEPTH,
    "partial": Counter.DECODED_PARTIAL,
    "ticker": Counter.DECODED_TICKER,
    "trade": Counter.DECODED_TRADE,
    "agg_trade": Counter.DECODED_AGG_TRADE,
    "snapshot": Counter.DECODED_SNAPSHOT,
    "other": Counter.DECODED_OTHER,
    "stranger": Counter.STRANGERS,
}


def as_dict(session: Session) -> dict[str, Any]:
    """The result of a session whose loop has ended; plain values, ready for JSON."""
    counters = session.core.telemetry.counters
    count = {counter: int(counters[counter, 0]) for counter in Counter}
    symbols = session.instruments.symbols
    seconds = session.loop.busy_ns / NS_PER_S
    fresh = count[Counter.FRAMES] - session.desk.sent_back_n  # those were counted twice
    return {
        "frames": fresh,
        "decoded": {name: count[counter] for name, counter in _DECODED.items()},
        "undecided": count[Counter.UNDECIDED],
        "quarantined": count[Counter.QUARANTINED],
        "quarantine": {
            fault.name.lower(): int(counters[FAULT_BASE + fault, 0])
            for fault in Fault
            if counters[FAULT_BASE + fault, 0]
        },
        "gaps": count[Counter.GAPS],
        "resyncs": count[Counter.RESYNCS],
        "book": {symbol: _book(session, i) for i, symbol in enumerate(symbols)},
        "strategy": {"name": session.strategy.name, "params": session.strategy.values},
        "orders": count[Counter.ORDERS_SENT],
        "cancels": count[Counter.CANCELS_SENT],
        "fills": count[Counter.FILLS],
        "digest": {
            "orders": f"{int(session.core.control[ORDERS_DIGEST]):015x}",
            "fills": f"{int(session.core.control[FILLS_DIGEST]):015x}",
        },
        "rejects": {
            reason.name.lower(): int(counters[REJECT_BASE + reason, 0])
            for reason in Reject
            if counters[REJECT_BASE + reason, 0]
        },
        "position": {symbol: _position(session, i) for i, symbol in enumerate(symbols)},
        "pnl": {symbol: _pnl(session, i) for i, symbol in enumerate(symbols)},
        "latency_ns": _latency(session),
        "purity": session.loop.purity.total.as_dict(),
        "start_s": round(session.start_s, 3),
        "start": "warm" if session.warm else "cold",
        "loop_s": round(seconds, 6),
        "frames_per_s": round(fresh / seconds) if seconds else 0,
        "notes": session.notes,
    }


def _latency(session: Session) -> dict[str, dict[str, int]]:
    telemetry = session.core.telemetry
    result = {}
    for stage in Stage:
        words = telemetry.stage_words[stage]
        n = int(words[STAGE_N])
        if n:
            values = percentiles(telemetry.histograms[stage], list(PERCENTS.values()))
            most = int(words[STAGE_MAX_NS])
            row = {name: min(int(v), most) for name, v in zip(PERCENTS, values, strict=True)}
            result[stage.name.lower()] = {"n": n, **row, "max": most}
    return result


def _book(session: Session, i: int) -> dict[str, Any]:
    head = session.core.books.heads[i]
    span_ns = int(head.last_ns) - int(head.first_ns)
    return {
        "state": BookState(int(head.state)).name.lower(),
        "reason": BookReason(int(head.reason)).name.lower(),
        "compared": int(head.compared_n),
        "mismatched": int(head.mismatched_n),
        "crossed": int(head.crossed_n),
        "live_fraction": round(int(head.live_ns) / span_ns, 6) if span_ns > 0 else 0.0,
        "applied": int(head.applied_n),
        "ignored": int(head.ignored_n),
        "gaps": int(head.gaps_n),
        "resyncs": int(head.resyncs_n),
        "snapshots_refused": int(head.snapshots_refused_n),
        "bid_levels": int(head.bid_levels_n),
        "ask_levels": int(head.ask_levels_n),
    }


def _decimal(units: int, *grids_e8: int) -> str:
    """Exact decimal text of ticks, lots or tick-lots."""
    value = Decimal(units)
    for grid_e8 in grids_e8:
        value = value * grid_e8 / E8
    return f"{value.normalize():f}" if value else "0"


def _position(session: Session, i: int) -> dict[str, str]:
    record = session.instruments.records[i]
    position = session.core.gate.positions[i]
    lots = int(position.position_lots)
    grids = (int(record.price_grid_e8), int(record.quantity_grid_e8))
    average = Decimal(int(position.cost_tick_lots)) / lots * grids[0] / E8 if lots else Decimal(0)
    return {
        "quantity": _decimal(lots, grids[1]),
        "average_price": f"{average:.12f}".rstrip("0").rstrip(".") if lots else "0",
        "bought": _decimal(int(position.bought_lots), grids[1]),
        "sold": _decimal(int(position.sold_lots), grids[1]),
        "open_orders": str(int(position.open_buy_orders_n + position.open_sell_orders_n)),
    }


def _pnl(session: Session, i: int) -> dict[str, str]:
    record = session.instruments.records[i]
    position = session.core.gate.positions[i]
    grids = (int(record.price_grid_e8), int(record.quantity_grid_e8))
    realised = int(position.realised_tick_lots)
    unrealised = 0
    if position.mark_ticks:
        unrealised = int(position.position_lots) * int(position.mark_ticks)
        unrealised -= int(position.cost_tick_lots)
    return {
        "realised": _decimal(realised, *grids),
        "unrealised": _decimal(unrealised, *grids),
        "total": _decimal(realised + unrealised, *grids),
        "turnover": _decimal(int(position.turnover_tick_lots), *grids),
    }


def show(result: dict[str, Any], console: Console) -> None:
    """The same for people."""
    rate = result["frames_per_s"] / 1e6
    console.print(
        f"[bold]{result['frames']:,}[/] frames in {result['loop_s']:.3f} s of loop"
        f" ({rate:.2f} M/s), ready after {result['start_s']:.1f} s ({result['start']} start)"
    )
    decoded = ", ".join(f"{n:,} {kind}" for kind, n in result["decoded"].items() if n)
    console.print(f"decoded: {decoded or 'nothing'}")
    if result["quarantined"]:
        why = ", ".join(f"{n:,} {fault}" for fault, n in result["quarantine"].items())
        console.print(f"[yellow]quarantined: {result['quarantined']:,} ({why})[/]")
    console.print(_books_table(result))
    console.print(_latency_table(result))
    refused = ", ".join(f"{n:,} {reason}" for reason, n in result["rejects"].items())
    console.print(
        f"{escape(result['strategy']['name'])}: {result['orders']:,} orders,"
        f" {result['cancels']:,} cancels, {result['fills']:,} fills; refused: {refused or 'none'}"
    )
    purity = result["purity"]
    impure = {key: n for key, n in purity.items() if n}
    style = "yellow" if impure else "green"
    told = ", ".join(f"{key} {n:,}" for key, n in (impure or purity).items())
    console.print(f"[{style}]while looping: {told}[/]")
    for note in result["notes"]:
        console.print(f"[dim]{escape(note)}[/]")


def _books_table(result: dict[str, Any]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("symbol", "book", "live", "gaps", "checked", "wrong", "position", "PnL"):
        table.add_column(name, justify="left" if name in ("symbol", "book") else "right")
    for symbol, book in result["book"].items():
        state = book["state"] if book["reason"] == "none" else f"{book['state']} ({book['reason']})"
        table.add_row(
            escape(symbol),
            state,
            f"{100 * book['live_fraction']:.1f} %",
            str(book["gaps"]),
            f"{book['compared']:,}",
            str(book["mismatched"]),
            result["position"][symbol]["quantity"],
            result["pnl"][symbol]["total"],
        )
    return table


def _latency_table(result: dict[str, Any]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("latency, ns")
    for name in ("n", "p50", "p99", "p99.9", "max"):
        table.add_column(name, justify="right")
    for stage, row in result["latency_ns"].items():
        cells = (f"{row[key]:,}" for key in ("n", "p50", "p99", "p999", "max"))
        table.add_row(stage.replace("_", " "), *cells)
    return table
