"""How a snapshot of the region looks in a terminal. Pure: two snapshots in, one picture out."""

from typing import Any, Final

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.table import Column, Table
from rich.text import Text

from appliance.cold.figures import amount, duration, time_of_day
from appliance.cold.snapshot import rates_per_s

WIDE_COLUMNS: Final = 110  # from here on the tables show their further columns
SPACED_LINES: Final = 32  # from here on there are empty lines between the parts
EVENT_ROWS: Final = 12  # where nothing limits the height
_BETWEEN: Final = 3  # columns between two tables
_UNLIMITED: Final = 10_000
_ROWS_MIN: Final = 3  # of a table that shares the height with others

_GOOD: Final = {"starting", "running", "drained"}
_HEALTH_TEXT: Final = {
    "starting": "starting",
    "running": "running",
    "drained": "all input processed",
    "stale": "NO SIGN OF LIFE from the loop; its process still runs",
    "dead": "THE PROCESS IS GONE without a word; these are its last figures",
    "ended": "ended in order; these are its last figures",
    "failed": "ENDED BY AN ERROR; these are its last figures",
    "replaced": "another run has taken its place",
    "gone": "its region was removed",
}
_STATE_STYLE: Final = {
    "LIVE": "green",
    "SYNCING": "yellow",
    "STALE": "bold red",
    "EMPTY": "dim",
    "ACTIVE": "green",
    "REDUCE_ONLY": "yellow",
    "HALTED": "bold red",
}
# label on the screen: counters that are added up for it
_RATES: Final[dict[str, tuple[str, ...]]] = {
    "frames": ("frames",),
    "depth": ("decoded_depth", "decoded_partial"),
    "tickers": ("decoded_ticker",),
    "trades": ("decoded_trade", "decoded_agg_trade"),
    "intents": ("intents",),
    "refused": ("gate_refused",),
    "orders": ("orders_sent",),
    "cancels": ("cancels_sent",),
    "fills": ("fills",),
}
_BOOK_COLUMNS: Final = (
    *("book", "state", "bid", "ask", "position", "PnL", "open", "fills"),
    *("differ", "levels", "gaps", "resyncs", "average", "unrealised"),
)
_BOOK_COLUMNS_ALWAYS: Final = 8
_EVENT_STYLE: Final = {
    "FILL": "green",
    "REFUSED": "yellow",
    "QUARANTINED": "yellow",
    "BOOK_STATE": "cyan",
    "TRADING_STATE": "magenta",
}


def render(
    now: dict[str, Any],
    previous: dict[str, Any] | None = None,
    width: int = 80,
    height: int | None = None,
    *,
    note: str = "",
) -> RenderableType:
    """The picture of snapshot ``now``; rates come from what changed since ``previous``.

    ``height``: as many lines at most, the newest events get what the rest leaves; None: all of it.
    ``note``: one more line at the top, in place of what the health says.
    """
    head, latency, rates = _header(now, note), _latency(now), _rates(now, previous)
    top_rows_n = max(latency.row_count, rates.row_count) + 1
    gap: list[RenderableType] = [Text("")] if height is None or height >= SPACED_LINES else []
    # Books first, then refusals and rings, then events: each gets some, the last what is left.
    left = (height or _UNLIMITED) - len(head) - top_rows_n - 3 * len(gap)
    books_n = min(len(now["books"]), max(left - 2 * (_ROWS_MIN + 1) - 1, 2))
    books: list[RenderableType] = [_books(now, width, books_n)]
    if books_n < len(now["books"]):
        books.append(Text(f"  and {len(now['books']) - books_n} more", style="dim"))
    left -= books_n + len(books)
    if width >= WIDE_COLUMNS:
        first = _beside(latency, rates, _rejects(now, top_rows_n - 1))
        rings = _rings(now, left - 1)
        events_n = EVENT_ROWS if height is None else left - 1
        events = _events(now, events_n, width - _natural_width(rings) - _BETWEEN)
        last: list[RenderableType] = [_beside(rings, events)]
    else:
        first = _beside(latency, rates)
        rejects, rings = _rejects(now, max(left // 2 - 1, 1)), _rings(now, max(left // 2 - 1, 1))
        events_n = left - max(rejects.row_count, rings.row_count) - 2
        events = _events(now, EVENT_ROWS if height is None else events_n, width)
        last = [_beside(rejects, rings), *gap, events]
    return Group(*head, *gap, first, *gap, *books, *gap, *last)


def _table(*columns: str, left: int = 1) -> Table:
    """A table without lines; the first ``left`` columns are aligned left, the others right."""
    table = Table(box=None, pad_edge=False, padding=(0, 1), header_style="bold cyan")
    for number, column in enumerate(columns):
        justify = "left" if number < left else "right"
        table.add_column(column, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    return table


def _column_width(column: Column) -> int:
    return max(cell_len(str(cell)) for cell in (column.header, *column.cells)) + 2


def _natural_width(table: Table) -> int:
    return sum(_column_width(column) for column in table.columns)


def _beside(*tables: Table) -> Table:
    grid = Table.grid(padding=(0, _BETWEEN))
    for _ in tables:
        grid.add_column()
    grid.add_row(*tables)
    return grid


def _header(now: dict[str, Any], note: str) -> list[Text]:
    process, state = now["process"], now["trading_state"]
    what = " · ".join(t for t in (now["mode"], now["strategy"]) if t)
    head = Text(no_wrap=True, overflow="ellipsis")
    head.append(f"lonecore {now['name']}", style="bold")
    head.append(f"  {what}  ")
    good = now["health"] in _GOOD
    head.append(state.replace("_", " "), style=_STATE_STYLE.get(state, "") if good else "dim")
    age_ns = now["heartbeat_age_ns"]
    beat = "no heartbeat yet" if age_ns is None else f"heartbeat {duration(age_ns)} ago"
    head.append(f"  pid {now['pid']}  {beat}", style="dim")
    lines = [head]
    second = Text(no_wrap=True, overflow="ellipsis")
    if note or not good:
        text = note or _HEALTH_TEXT[now["health"]]
        second.append(f" {text} ", style="reverse yellow" if note or good else "reverse red")
    else:
        second.append(_HEALTH_TEXT[now["health"]])
    if process["now_ns"]:
        second.append(f"  market time {time_of_day(process['now_ns'])} UTC", style="dim")
    done_n, total_n = process["frames_done_n"], process["frames_total_n"]
    if total_n:
        second.append(f"  {amount(done_n)} of {amount(total_n)} frames {done_n / total_n:.0%}")
    if process["speed_milli"]:
        second.append(f"  speed {process['speed_milli'] / 1000:g}", style="dim")
    lines.append(second)
    return lines


def _latency(now: dict[str, Any]) -> Table:
    table = _table("latency", "n", "p50", "p99", "p99.9", "max")
    for name, s in now["latency_ns"].items():
        label = name.replace("_", "-")
        if s["n"] == 0:
            table.add_row(label, "0", "-", "-", "-", "-", style="dim")
            continue
        figures = (duration(s[key]) for key in ("p50", "p99", "p999", "max"))
        style = "bold" if name == "tick_to_trade" else None
        table.add_row(label, amount(s["n"]), *figures, style=style)
    return table


def _rates(now: dict[str, Any], previous: dict[str, Any] | None) -> Table:
    table = _table("count", "per s", "total")
    rates, totals = rates_per_s(now, previous), now["counters"]
    for label, counters in _RATES.items():
        total = sum(totals.get(c, 0) for c in counters)
        per_s = amount(sum(rates.get(c, 0.0) for c in counters)) if rates else "-"
        table.add_row(label, per_s, amount(total), style="dim" if total == 0 else None)
    return table


def _books(now: dict[str, Any], width: int, books_n: int) -> Table:
    """One line a book; the columns behind the first eight only as far as the width allows."""
    shown = list(now["books"])[:books_n]
    rows = [_book_cells(s, now["books"][s], now["positions"][s]) for s in shown]
    titles = _BOOK_COLUMNS
    widths = [
        max([cell_len(title), *(cell_len(str(row[i])) for row in rows)]) + 2
        for i, title in enumerate(titles)
    ]
    columns_n = _BOOK_COLUMNS_ALWAYS
    while columns_n < len(titles) and sum(widths[: columns_n + 1]) <= width:
        columns_n += 1
    table = _table(*titles[:columns_n], left=2)
    for row in rows:
        table.add_row(*row[:columns_n])
    return table


def _book_cells(symbol: str, book: dict[str, Any], position: dict[str, Any]) -> list[Text | str]:
    price, quantity = (max(int(book[f"{w}_decimals"]), 0) for w in ("price", "quantity"))
    state = Text(book["state"], style=_STATE_STYLE.get(book["state"], ""))
    if book["state"] == "STALE" and book["reason"] != "NONE":
        state.append(f" {book['reason'].lower()}")
    pnl = Text(f"{position['pnl']:+,.2f}" if position["fills"] else "-")
    pnl.stylize("green" if position["pnl"] > 0 else "red" if position["pnl"] < 0 else "dim")
    lots = position["position_lots"]
    return [
        symbol,
        state,
        f"{book['bid']:,.{price}f}" if book["bid"] else "-",
        f"{book['ask']:,.{price}f}" if book["ask"] else "-",
        f"{position['position']:+,.{quantity}f}" if lots else "0",
        pnl,
        str(position["open_orders"]),
        amount(position["fills"]),
        f"{book['mismatched']}/{amount(book['compared'])}",
        f"{amount(book['bid_levels'])}/{amount(book['ask_levels'])}",
        str(book["gaps"]),
        str(book["resyncs"]),
        f"{position['average_price']:,.{price}f}" if lots else "-",
        f"{position['unrealised']:+,.2f}" if lots else "-",
    ]


def _rejects(now: dict[str, Any], rows_n: int | None) -> Table:
    table = _table("refused because", "orders")
    reasons = [(n, reason.replace("_", " ")) for reason, n in now["rejects"].items()]
    reasons += [(n, f"frame: {fault.replace('_', ' ')}") for fault, n in now["quarantined"].items()]
    reasons.sort(key=lambda pair: -pair[0])
    if rows_n is not None and len(reasons) > rows_n:
        others = reasons[rows_n - 1 :]
        reasons = [*reasons[: rows_n - 1], (sum(n for n, _ in others), f"{len(others)} others")]
    for n, reason in reasons:
        table.add_row(reason, amount(n))
    if not reasons:
        table.add_row("nothing so far", "", style="dim")
    return table


def _rings(now: dict[str, Any], rows_n: int | None) -> Table:
    table = _table("ring", "used", "most", "of", "missed")
    uses = now["rings"]
    if rows_n is not None and len(uses) > rows_n:  # those that matter most
        uses = sorted(uses, key=lambda u: (-u["missed"], -u["high_water"] / max(u["capacity"], 1)))
    for use in uses[:rows_n]:
        share = use["high_water"] / use["capacity"] if use["capacity"] else 0.0
        style = "bold red" if use["missed"] else "yellow" if share > 0.5 else None
        figures = (amount(use[key]) for key in ("used", "high_water", "capacity", "missed"))
        table.add_row(use["name"], *figures, style=style)
    if not now["rings"]:
        table.add_row("none", "", "", "", "", style="dim")
    return table


def _events(now: dict[str, Any], rows_n: int, width: int) -> Table:
    """The newest first."""
    rows: list[tuple[Text, Text, Text, Text]] = []
    for event in reversed(now["events"][-rows_n:] if rows_n > 0 else []):
        kind = Text(event["kind"].replace("_", " "), style=_EVENT_STYLE.get(event["kind"], ""))
        when = Text(time_of_day(event["receive_ns"]), style="dim")
        text = Text(_event_text(event))
        rows.append((when, Text(event["symbol"]), kind, text))
    rows = rows or [(Text("none so far", style="dim"), Text(), Text(), Text())]
    table = _table("events", "", "", "", left=4)
    for row in rows:
        table.add_row(*row)
    # Only the text gives way when the terminal is narrow.
    last = table.columns[-1]
    room = max(width - _natural_width(table) + _column_width(last), 1)
    for row in rows:
        if cell_len(str(row[-1])) > room:
            row[-1].truncate(room, overflow="ellipsis")
    return table


def _event_text(event: dict[str, Any]) -> str:
    words = []
    if event["kind"] == "REFUSED":
        told = event["reason"].lower().replace("_", " ")
        words.append(f"{told}: {event['observed']:,}, limit {event['limit']:,}")
    elif event["kind"] in ("BOOK_STATE", "TRADING_STATE"):
        words.append(str(event["observed"]).replace("_", " "))
        if event["reason"] not in ("", "NONE"):
            words.append(event["reason"].lower())
    elif event["reason"]:
        words.append(event["reason"].lower().replace("_", " "))
    if event["quantity_lots"]:
        if "price" in event:
            quantity = f"{event['quantity']:,.{max(event['quantity_decimals'], 0)}f}"
            price = f"{event['price']:,.{max(event['price_decimals'], 0)}f}"
        else:
            quantity, price = f"{event['quantity_lots']} lots", f"{event['price_ticks']} ticks"
        words.append(f"{event['side']} {quantity} @ {price}")
    if event["latency_ns"]:
        words.append(f"in {duration(event['latency_ns'])}")
    return "  ".join(words)
