"""When somebody must be woken: rules in the form of Grafana's file provisioning."""

from dataclasses import dataclass
from typing import Any

from sidecar.grafana.influx_query import DATA_SOURCE_UID

FOLDER = "lonecore"
EVERY = "10s"
WINDOW_S = 120


@dataclass(frozen=True)
class Rule:
    """Fires when the last value of ``query`` is ``above`` (or below) the bound for ``for_s``."""

    uid: str
    title: str
    query: str
    above: float | None
    below: float | None
    for_s: int
    what_to_do: str
    no_data: str = "OK"


def _of(measurement: str, what: str, by: str = "proc", where: str = "") -> str:
    condition = "$timeFilter" + (f" AND {where}" if where else "")
    return f"SELECT {what} FROM {measurement} WHERE {condition} GROUP BY {by}"


RULES = (
    Rule(
        "lc-heartbeat",
        "heartbeat lost",
        _of("lc_hb", "last(up)"),
        None,
        1,
        10,
        "The run is down or its loop gives no sign: `appliance status`, then `appliance halt"
        " --cancel-all --venue CONFIG`.",
        "Alerting",
    ),
    Rule(
        "lc-halted",
        "halted",
        _of("lc_state", "last(trading_state)"),
        None,
        1,
        0,
        "Nothing is sent any more: `appliance status` names the cause; a person resumes.",
    ),
    Rule(
        "lc-limit",
        "limit nearly used up",
        _of("lc_gate", "max(util)", 'proc, "gate"'),
        0.9,
        None,
        10,
        "At 1 the gate refuses what adds to it: `appliance limits` shows which.",
    ),
    Rule(
        "lc-stale",
        "stale feed",
        _of("lc_feed", "last(stale_ns)", "proc, symbol"),
        5e9,
        None,
        10,
        "No event of this book for five seconds: orders in it are refused.",
    ),
    Rule(
        "lc-slow",
        "tick to trade over its bound",
        _of("lc_latency", "max(p99)", "proc", "stage = 'tick_to_trade'"),
        100e3,
        None,
        60,
        "p99 over 100 us for a minute: `appliance check-host`, then what else runs on its core.",
    ),
    Rule(
        "lc-spool",
        "record is not shipped",
        _of("lc_side", "last(last_ok_age_s)", "host"),
        120,
        None,
        30,
        "The database has not said yes for two minutes: `sidecar status`.",
    ),
    Rule(
        "lc-clock",
        "clock offset",
        _of("lc_gate", "max(util)", "proc", "\"gate\" = 'clock_offset_max_ms'"),
        0.8,
        None,
        30,
        "The venue's clock and ours are far apart: beyond the limit only reducing orders go out.",
    ),
)


def provisioning() -> dict[str, Any]:
    """The file: one group, each rule a query, its last value and a bound."""
    group = {
        "orgId": 1,
        "name": "lonecore",
        "folder": FOLDER,
        "interval": EVERY,
        "rules": [rule_document(rule) for rule in RULES],
    }
    return {"apiVersion": 1, "groups": [group]}


def rule_document(rule: Rule) -> dict[str, Any]:
    bound = rule.above if rule.above is not None else rule.below
    kind = "gt" if rule.above is not None else "lt"
    return {
        "uid": rule.uid,
        "title": f"lonecore: {rule.title}",
        "condition": "C",
        "data": [
            _step("A", DATA_SOURCE_UID, {"query": rule.query, "rawQuery": True}),
            _step("B", "__expr__", {"type": "reduce", "expression": "A", "reducer": "last"}),
            _step(
                "C",
                "__expr__",
                {
                    "type": "threshold",
                    "expression": "B",
                    "conditions": [{"evaluator": {"type": kind, "params": [bound]}}],
                },
            ),
        ],
        "noDataState": rule.no_data,
        "execErrState": "Error",
        "for": f"{rule.for_s}s",
        "annotations": {"summary": rule.title, "description": rule.what_to_do},
        "labels": {"appliance": "lonecore"},
        "isPaused": False,
    }


def _step(ref_id: str, uid: str, model: dict[str, Any]) -> dict[str, Any]:
    return {
        "refId": ref_id,
        "datasourceUid": uid,
        "relativeTimeRange": {"from": WINDOW_S, "to": 0},
        "model": {"refId": ref_id, **model},
    }
