"""The result of a backtest for people."""

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table


def _ratio(value: float | None) -> str:
    if value is None:
        return "not defined"
    return f"{value:,.3f}" if abs(value) < 1e6 else f"{value:.3g}"


def _percent(value: float | None) -> str:
    return "not defined" if value is None else f"{value:+.3%}"


def _assumed(told: dict[str, Any]) -> str:
    return (
        f"{told['latency']}; queue {told['queue']}, {told['fills']} fills;"
        f" fees {told['maker_fee_pct']:g} % maker, {told['taker_fee_pct']:g} % taker"
    )


def figures(result: dict[str, Any]) -> list[tuple[str, str]]:
    """Names and texts, the most important first."""
    seconds = (result["last_ns"] - result["first_ns"]) / 1e9
    return [
        ("total return", _percent(result["total_return"])),
        ("Sharpe ratio", _ratio(result["sharpe_ratio"])),
        ("max drawdown", _percent(result["max_drawdown"])),
        ("win rate", _percent(result["win_rate"]).lstrip("+")),
        ("Sortino, Calmar", f"{_ratio(result['sortino_ratio'])}, {_ratio(result['calmar_ratio'])}"),
        ("profit, fees paid", f"{result['profit']:,.2f}, {result['fees']:,.2f}"),
        ("orders, cancels", f"{result['orders']:,}, {result['cancels']:,}"),
        ("fills, round trips", f"{result['fills']:,}, {result['round_trips']:,}"),
        ("fill ratio", _percent(result["fill_ratio"]).lstrip("+")),
        ("maker share", _percent(result["maker_share"]).lstrip("+")),
        ("queue wait", _with_unit(result["queue_wait_ms"], "ms")),
        ("turnover", f"{result['turnover']:,.2f}"),
        ("of the market's volume", _percent(result["participation"]).lstrip("+")),
        ("capacity", _with_unit(result["capacity"], "at 1 % of the volume")),
        ("history", f"{seconds:,.1f} s, {result['rows']:,} rows, {result['samples']:,} returns"),
        ("assumed", _assumed(result["assumptions"])),
    ]


def _with_unit(value: float | None, unit: str) -> str:
    return "not defined" if value is None else f"{value:,.3f} {unit}"


def show(result: dict[str, Any], console: Console) -> None:
    """Figures first, then what they rest on."""
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, text in figures(result):
        table.add_row(name, escape(text))
    console.print(table)
    for name, count in result["refusals"].items():
        console.print(f"refused {count:,} times: {name}")
    for note in result["notes"]:
        console.print(f"[dim]{escape(note)}[/]")
    if "report" in result:
        limits = result["limits"] or "none"
        console.print(f"report: {escape(result['report'])}\nlimits: {escape(limits)}")
    if "certificate" in result:
        _show_certificate(result["certificate"], console)


def _show_certificate(told: dict[str, Any], console: Console) -> None:
    if told["file"]:
        console.print(f"[green]certificate: {escape(told['file'])}[/]")
        return
    console.print("[red]not profitable enough[/], or not for certain: no certificate")
    for line in told["refused"]:
        console.print(f"  {escape(line)}")
