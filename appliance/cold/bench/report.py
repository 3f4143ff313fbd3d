"""The report of a measurement: one HTML file with percentile curves, time lines and the host.

Made of result.json alone, so that a host need not have what draws it.
"""

import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from appliance.cold.bench.hdr_files import percentile_rows
from appliance.cold.bench.series import dense
from appliance.cold.errors import ApplianceError

_LAYOUT: Final = {"template": "plotly_white", "height": 420}
_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body {{ font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 1200px;
  padding: 0 1rem; color: #1f2328; background: #fff }}
h1 {{ font-size: 1.4rem }} h2 {{ font-size: 1.1rem; margin-top: 2rem }}
table {{ border-collapse: collapse }} td, th {{ padding: .15rem 1.2rem .15rem 0; text-align: left }}
td.n {{ text-align: right; font-variant-numeric: tabular-nums }}
.ok {{ color: #1a7f37 }} .bad {{ color: #cf222e }} .na {{ color: #57606a }}
</style></head><body>
<h1>{title}</h1>
{body}
</body></html>
"""
_CLASSES: Final = {"ok": "ok", "n/a": "na"}


class NoPlotly(ApplianceError):
    """It draws the curves, and comes with lonecore[research]."""


def write_report(path: Path, result: dict[str, Any]) -> None:
    """``result``: as result.json has it. NoPlotly."""
    path.write_text(page(result), encoding="utf-8")


def page(result: dict[str, Any]) -> str:
    """The whole document; of an emulated machine without any figure."""
    facts = result["facts"]
    shown = [(name, str(value)) for name, value in facts.items()]
    body = _table(("what", "found"), shown)
    if facts["emulated"]:
        body += "<h2 class=bad>An emulated machine: no figure of it means anything</h2>"
    else:
        head = ("what", "p50 ns", "p99 ns", "p99.9 ns", "max ns", "how many")
        names = ("p50_ns", "p99_ns", "p999_ns", "max_ns", "n")
        rows = [
            (one["title"], *(f"{one[name]:,}" for name in names))
            for one in result["series"].values()
        ]
        charts = _charts(result["series"])
        body += f"<h2>Figures</h2>{_table(head, rows, numbers=True)}{charts}"
    knobs = [(one["knob"], one["verdict"], one["wanted"], one["found"]) for one in result["host"]]
    body += "<h2>The host</h2>" + _table(("knob", "verdict", "wanted", "found"), knobs)
    return _PAGE.format(title=f"lonecore on {html.escape(facts['host'])}", body=body)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]], *, numbers: bool = False) -> str:
    top = "".join(f"<th>{html.escape(name)}</th>" for name in head)
    body = ""
    for row in rows:
        cells = "".join(f"<td{_class(text, numbers)}>{html.escape(text)}</td>" for text in row)
        body += f"<tr>{cells}</tr>"
    return f"<table><tr>{top}</tr>{body}</table>"


def _class(text: str, numbers: bool) -> str:
    if numbers and text.replace(",", "").isdecimal():
        return " class=n"
    if text in ("wrong", "missing", "unreadable"):
        return " class=bad"
    return f" class={_CLASSES[text]}" if text in _CLASSES else ""


def _charts(series: Mapping[str, dict[str, Any]]) -> str:
    try:
        import plotly.graph_objects as go
    except ImportError:
        raise NoPlotly("a report needs plotly: pip install 'lonecore[research]'") from None
    curves, lines = go.Figure(), go.Figure()
    for name, one in series.items():
        rows = percentile_rows(dense(one["buckets"]))
        shares = [1 / (1 - share) for _, share, _ in rows if share < 1]
        values = [max(value, 1) for value, share, _ in rows if share < 1]
        curves.add_trace(go.Scatter(x=shares, y=values, name=name, mode="lines"))
        rounds = one["by_round"]["p99_ns"]
        lines.add_trace(go.Scatter(y=rounds, name=name, mode="lines+markers"))
    percents = [0, 90, 99, 99.9, 99.99, 99.999, 99.9999]
    curves.update_layout(title="Percentiles, ns", **_LAYOUT)
    curves.update_xaxes(
        type="log",
        tickvals=[100 / (100 - p) for p in percents],
        ticktext=[f"{p} %" for p in percents],
    )
    lines.update_layout(title="p99 of each round, ns", **_LAYOUT)
    for figure in (curves, lines):
        figure.update_yaxes(type="log")
    first: str = curves.to_html(full_html=False, include_plotlyjs=True)
    return first + str(lines.to_html(full_html=False, include_plotlyjs=False))
