"""The report of a backtest: one HTML file that needs nothing else, to be opened or sent.

Drawn by plotly, whose script stands in the file. Long series are thinned out, so that a browser
stays quick; the least and the greatest value of each part are kept, and series.npz has them all.
"""

import html
import itertools
from pathlib import Path
from typing import Any, Final

import numpy as np

from appliance.abi.refusal import Reject
from appliance.abi.units import E8
from appliance.cold.backtest.outcome import Outcome
from appliance.cold.backtest.series import drawdown_of, fills_of, refusals_of
from appliance.cold.backtest.summary import figures
from appliance.cold.errors import ApplianceError

POINTS_MAX: Final = 4000  # of a line
FILLS_MAX: Final = 10_000  # of an instrument, on its price
_HEIGHT_PX: Final = 260  # of a chart
_SPACE_PX: Final = 80  # between two
_LINE: Final = {"color": "#0969da", "width": 1.5}
_LAYOUT: Final = {
    "showlegend": False,
    "template": "plotly_white",
    "margin": {"l": 70, "r": 20, "t": 40, "b": 40},
}
_BUY, _SELL = "#1a7f37", "#cf222e"

_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body {{ font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 1200px;
  padding: 0 1rem; color: #1f2328; background: #fff }}
h1 {{ font-size: 1.4rem }} h2 {{ font-size: 1.1rem; margin-top: 2rem }}
table {{ border-collapse: collapse }} td, th {{ padding: .15rem 1.2rem .15rem 0; text-align: left }}
td.n {{ text-align: right; font-variant-numeric: tabular-nums }}
.note {{ color: #57606a }} .no {{ color: #cf222e }} .columns {{ display: flex; flex-wrap: wrap;
  gap: 3rem }}
</style></head><body>
<h1>{title}</h1>
<div class="columns">{tables}</div>
<h2>Over time (UTC)</h2>
{charts}
<h2>Notes</h2>
<ul class="note">{notes}</ul>
</body></html>
"""


def write_report(path: Path, outcome: Outcome) -> None:
    """ApplianceError: plotly is not installed."""
    path.write_text(page(outcome), encoding="utf-8")


def page(outcome: Outcome) -> str:
    """The whole HTML document."""
    result = outcome.result
    strategy = result["strategy"]
    title = f"{strategy['name']} on {', '.join(outcome.instruments.symbols)}"
    symbols = [
        (symbol, f"{one['profit']:,.2f} · holds {one['position_lots']:,} lots")
        for symbol, one in result["by_symbol"].items()
    ]
    refusals = [(name, f"{count:,}") for name, count in result["refusals"].items()]
    params = [(name, f"{value:g}") for name, value in strategy["params"].items()]
    tables = (
        _table("Figures", figures(result))
        + _table("Profit by symbol", symbols)
        + _table("Refused by the gate", refusals or [("nothing", "")])
        + _table("Parameters", params or [("none", "")])
    )
    notes = "".join(f"<li>{html.escape(note)}</li>" for note in result["notes"])
    return _PAGE.format(
        title=html.escape(title), tables=tables, charts=_charts(outcome), notes=notes
    )


def _table(title: str, rows: list[tuple[str, str]]) -> str:
    body = "".join(
        f"<tr><td>{html.escape(name)}</td><td class=n>{html.escape(text)}</td></tr>"
        for name, text in rows
    )
    return f"<div><h2>{html.escape(title)}</h2><table>{body}</table></div>"


def _charts(outcome: Outcome) -> str:
    try:
        import plotly.graph_objects as go
        from plotly.subplots import make_subplots
    except ImportError:
        raise ApplianceError("a report needs plotly: pip install 'lonecore[research]'") from None
    symbols, ledger = outcome.instruments.symbols, outcome.ledger
    titles = ["Equity", "Drawdown, %", "Refused by the gate"]
    for symbol in symbols:
        titles += [f"{symbol}: price and fills", f"{symbol}: position"]
    figure = make_subplots(
        rows=len(titles),
        cols=1,
        shared_xaxes=True,
        subplot_titles=titles,
        vertical_spacing=_SPACE_PX / (_HEIGHT_PX * len(titles)),
    )
    times = _moments(ledger.times_ns)

    def line(row: int, values: Any, name: str, shape: str = "linear") -> None:
        kept = thinned(values)
        trace = go.Scatter(
            x=times[kept], y=values[kept], name=name, mode="lines", line=_LINE | {"shape": shape}
        )
        figure.add_trace(trace, row=row, col=1)

    line(1, ledger.equity_e8.astype(np.float64) / E8, "equity")
    line(2, drawdown_of(ledger.equity_e8) * 100, "drawdown")
    for trace in _refusal_bars(go, outcome):
        figure.add_trace(trace, row=3, col=1)
    for i, symbol in enumerate(symbols):
        row = 4 + 2 * i
        tick = int(outcome.instruments.records[i].price_grid_e8) / E8
        middle = ledger.middles2_ticks[i].astype(np.float64) * (tick / 2)
        middle[middle == 0] = np.nan
        line(row, middle, f"{symbol} middle")
        for trace in _fill_marks(go, outcome, i, tick):
            figure.add_trace(trace, row=row, col=1)
        lot = int(outcome.instruments.records[i].quantity_grid_e8) / E8
        line(row + 1, ledger.position_lots[i].astype(np.float64) * lot, f"{symbol} position", "hv")
    figure.update_layout(height=_HEIGHT_PX * len(titles), barmode="stack", **_LAYOUT)
    figure.update_xaxes(showticklabels=True, range=[times[0], times[-1]])
    hours = outcome.result["by_hour"]
    bars = go.Figure(go.Bar(x=[name.rstrip("Z") for name in hours], y=list(hours.values())))
    bars.update_layout(height=_HEIGHT_PX, title="Profit by hour", **_LAYOUT)
    bars.update_xaxes(type="category")
    made: str = figure.to_html(full_html=False, include_plotlyjs=True)
    return made + str(bars.to_html(full_html=False, include_plotlyjs=False))


def thinned(values: Any, most: int = POINTS_MAX) -> Any:
    """Indexes of at most about ``most`` values: the least and greatest of equal parts, the ends."""
    n = len(values)
    if n <= most:
        return np.arange(n)
    edges = np.linspace(0, n, most // 2 + 1).astype(int)
    kept = {0, n - 1}
    for first, last in itertools.pairwise(edges):
        part = values[first:last]
        if np.isnan(part).all():
            continue
        kept |= {first + int(np.nanargmin(part)), first + int(np.nanargmax(part))}
    return np.array(sorted(kept))


def _moments(times_ns: Any) -> Any:
    """plotly takes numpy's times, to the nanosecond."""
    return np.asarray(times_ns, np.int64).astype("datetime64[ns]")


def _fill_marks(go: Any, outcome: Outcome, i: int, tick: float) -> list[Any]:
    """Marks on the price, a trace a side; the largest ones, where there are too many."""
    fills = fills_of(outcome)
    mine = np.flatnonzero(fills["instrument"] == i)
    if len(mine) > FILLS_MAX:
        largest = np.argsort(-fills["quantity_lots"][mine], kind="stable")[:FILLS_MAX]
        mine = mine[np.sort(largest)]
    made = []
    for side, name, color, symbol in (
        (1, "buys", _BUY, "triangle-up"),
        (-1, "sells", _SELL, "triangle-down"),
    ):
        own = mine[fills["side"][mine] == side]
        made.append(
            go.Scatter(
                x=_moments(fills["time_ns"][own]),
                y=fills["price_ticks"][own] * tick,
                customdata=fills["quantity_lots"][own],
                hovertemplate="%{y} · %{customdata} lots",
                mode="markers",
                name=name,
                marker={"symbol": symbol, "color": color, "size": 7},
            )
        )
    return made


def _refusal_bars(go: Any, outcome: Outcome) -> list[Any]:
    """How often in each sampling interval, a colour a reason."""
    refusals = refusals_of(outcome)
    made = []
    for reason in np.unique(refusals["reason"]):
        own = refusals["reason"] == reason
        times, counts = refusals["time_ns"][own], refusals["count"][own]
        if len(times) > POINTS_MAX:  # sums of neighbours
            edges = np.linspace(0, len(times), POINTS_MAX, endpoint=False).astype(int)
            times, counts = times[edges], np.add.reduceat(counts, edges)
        name = Reject(int(reason)).name.lower()
        made.append(go.Bar(x=_moments(times), y=counts, name=name))
    return made
