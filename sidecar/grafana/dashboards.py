"""The four dashboards: is it safe, is it fast, is it trading well, is the machine quiet."""

from grafana_foundation_sdk.builders.dashboard import Dashboard

from appliance.abi.telemetry import STAGE_TABLE, Stage
from appliance.abi.trading_state import TradingState
from sidecar.grafana.influx_query import OF_HOST, asked
from sidecar.grafana.panels import (
    GREEN,
    RED,
    THIRD,
    WHOLE,
    YELLOW,
    dashboard,
    figure,
    heat,
    names,
    series,
)

BEHIND = "/^(backlog|receives_full|conflated|trades_shed|backed_up|market_missed)$/"


def safe() -> Dashboard:
    """Whether it may trade, what stops it, and how near each limit is."""
    states = names(
        (TradingState.HALTED, "HALTED", RED),
        (TradingState.REDUCE_ONLY, "REDUCE ONLY", YELLOW),
        (TradingState.ACTIVE, "ACTIVE", GREEN),
    )
    alive = names((0, "DOWN", RED), (1, "UP", GREEN))
    old = ((None, GREEN), (1e9, YELLOW), (2e9, RED))
    near = ((None, GREEN), (0.8, YELLOW), (1.0, RED))
    up, age = asked("lc_hb", "last(up)"), asked("lc_hb", "last(age_ns)")
    state, nearest = asked("lc_state", "last(trading_state)"), asked("lc_gate", "max(util)")
    made = dashboard("lonecore-safe", "lonecore: is it safe?", "State, limits, refusals, heart.")
    for panel in (
        figure("run", "Its process lives and its loop beats.", up, told=alive),
        figure("state", "What may be sent.", state, told=states),
        figure("heartbeat", "Age of the loop's last.", age, unit="ns", steps=old),
        figure(
            "nearest limit",
            "The most of any that is used.",
            nearest,
            unit="percentunit",
            steps=near,
        ),
    ):
        made = made.with_panel(panel)
    limits = asked("lc_gate", "max(util)", by="gate")
    share = "Share of each that is used; at 1 the gate refuses what adds to it."
    made = made.with_panel(series("limits", share, limits, unit="percentunit"))
    for title, what, query in (
        ("refusals", "Of the gate, by reason.", asked("lc_reject", "sum(delta)", by="reason")),
        ("orders", "What became of them.", asked("lc_orders", "sum(delta)", by="kind")),
        ("restarts", "Runs of this name so far.", asked("lc_hb", "last(restarts)")),
    ):
        made = made.with_panel(series(title, what, query))
    gaps = asked("lc_side", "last(gaps)", of=OF_HOST, by="host")
    lost = "How often something could not be kept or sent, since the sidecar began."
    return made.with_panel(series("gaps in the record", lost, gaps, span=WHOLE))


def fast() -> Dashboard:
    """Percentiles and heat maps of each stage."""
    made = dashboard(
        "lonecore-fast",
        "lonecore: is it fast?",
        "Latency by stage. A percentile over a longer span is the greatest of its intervals'.",
    )
    percentiles = {"p50": "median", "p99": "99 %", "p999": "99.9 %", "max": "most"}
    for field, text in percentiles.items():
        query = asked("lc_latency", f"max({field})", "stage = 'tick_to_trade'")
        what = STAGE_TABLE[Stage.TICK_TO_TRADE]
        made = made.with_panel(figure(f"tick to trade, {text}", what, query, unit="ns"))
    for field in ("p50", "p99", "p999"):
        query = asked("lc_latency", f"max({field})", by="stage")
        panel = series(percentiles[field], "By stage.", query, unit="ns", span=THIRD)
        made = made.with_panel(panel)
    for stage in (Stage.TICK_TO_TRADE, Stage.GATE, Stage.BOOK, Stage.PASS):
        name = stage.name.lower()
        query = asked("lc_hist", 'sum("n")', f"stage = '{name}'", by="le", fill="0")
        made = made.with_panel(heat(name.replace("_", " "), STAGE_TABLE[stage], query))
    behind = asked("lc_counter", "sum(delta)", f"counter =~ {BEHIND}", by="counter")
    made = made.with_panel(series("behind", "What waited, and what was left out.", behind))
    rings = asked("lc_ring", "max(hwm)", by="ring")
    return made.with_panel(series("rings", "The most that each ever held.", rings))


def trading() -> Dashboard:
    """Positions, profit, orders, feeds."""
    made = dashboard("lonecore-trading", "lonecore: is it trading well?", "Positions and feeds.")
    for title, what, measurement, field in (
        ("realised", "Of what was closed, in the quote asset.", "lc_position", "rpnl"),
        ("unrealised", "Of what is held, at the mark.", "lc_position", "upnl"),
        ("position", "In the base asset.", "lc_position", "qty"),
        ("notional", "Of the position, at the mark.", "lc_position", "notional"),
        ("fills", "Since the start.", "lc_position", "fills"),
        ("open orders", "Now.", "lc_position", "open_orders"),
        ("best bid", "Of the book.", "lc_feed", "bid"),
        ("best ask", "Of the book.", "lc_feed", "ask"),
        ("gaps of the feed", "Since the start.", "lc_feed", "gaps"),
    ):
        query = asked(measurement, f"last({field})", by="symbol")
        made = made.with_panel(series(title, what, query))
    stale = asked("lc_feed", "max(stale_ns)", by="symbol")
    made = made.with_panel(series("age of the book", "Since its last event.", stale, unit="ns"))
    events = asked("lc_event", "count(market_ns)", by="kind")
    return made.with_panel(series("events", "What happened, by kind.", events, span=WHOLE))


def machine() -> Dashboard:
    """What disturbs the core, and how the record itself is doing."""
    made = dashboard("lonecore-machine", "lonecore: is the machine quiet?", "Process and record.")
    for title, what, field in (
        ("hiccups, 99.9 %", "Time between two looks of a loop that has nothing to do.", "p999"),
        ("hiccups, most", "The longest that something else had the core.", "max"),
    ):
        query = asked("lc_hiccup", f"max({field})")
        made = made.with_panel(series(title, what, query, unit="ns"))
    for title, what, field in (
        ("lost the core", "Times that the kernel took it away, a second.", "invol_cs"),
        ("gave up the core", "Of its own accord, a second.", "vol_cs"),
        ("page faults", "That needed no disk, a second.", "minflt"),
        ("page faults from disk", "A second.", "majflt"),
    ):
        rate = asked("lc_proc", f"non_negative_derivative(last({field}), 1s)")
        made = made.with_panel(series(title, what, rate))
    memory, threads = asked("lc_proc", "last(rss_bytes)"), asked("lc_proc", "last(threads)")
    made = made.with_panel(series("memory", "That is really there.", memory, unit="bytes"))
    made = made.with_panel(series("threads", "Of the process.", threads))
    for title, what, field, unit in (
        ("record on disk", "All that is kept, sent or not.", "spool_bytes", "bytes"),
        ("since the server's last yes", "Grows while it is away.", "last_ok_age_s", "s"),
        ("retries", "Since the sidecar began.", "retries", "short"),
        ("put aside", "Lines that the server does not take.", "quarantined", "short"),
    ):
        query = asked("lc_side", f"last({field})", of=OF_HOST, by="host")
        made = made.with_panel(series(title, what, query, unit=unit))
    return made


ALL = {"safe": safe, "fast": fast, "trading": trading, "machine": machine}
