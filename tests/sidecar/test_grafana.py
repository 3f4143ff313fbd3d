"""Dashboards and alert rules (sidecar.grafana): what is committed is what the builders make, the
SDK understands all of it, and every query runs on a real influxd and finds something."""

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from appliance.abi.counters import REJECT_BASE, Counter
from appliance.abi.event import EventKind
from appliance.abi.refusal import Reject
from appliance.abi.telemetry import Stage
from appliance.abi.trading_state import TradingState
from sidecar.grafana import alert_rules, build, dashboards, influx_query, panels
from sidecar.line import head, line
from sidecar.sampler import Sampler
from sidecar.sender import Sender
from sidecar.spool import Spool
from sidecar.stream import Position
from sidecar.transport import Target
from tests.sidecar.influxd import Influxd
from tests.sidecar.regions import Run
from tests.sidecar.strict_types import faults

FILES = build.FILES
NAMES = sorted(dashboards.ALL)
S = 10**9


def document(name: str) -> dict[str, Any]:
    return json.loads((FILES / "dashboards" / f"{name}.json").read_text())


def panels_of(name: str) -> list[dict[str, Any]]:
    return document(name)["panels"]


def queries() -> list[tuple[str, str]]:
    """(where it stands, InfluxQL) of each panel, variable and alert."""
    found = []
    for name in NAMES:
        for panel in panels_of(name):
            found += [(f"{name}: {panel['title']}", t["query"]) for t in panel["targets"]]
        variables = document(name)["templating"]["list"]
        found += [(f"{name}: ${one['name']}", one["query"]) for one in variables]
        marks = document(name)["annotations"]["list"]
        found += [(f"{name}: mark {one['name']}", one["target"]["query"]) for one in marks]
    return found + [(f"alert: {rule.title}", rule.query) for rule in alert_rules.RULES]


def expanded(text: str) -> str:
    """As Grafana does before it asks."""
    text = text.replace("$timeFilter", "time > now() - 1h").replace("$__interval", "10s")
    return text.replace("$proc", "(.*)")


def test_what_is_committed_is_what_the_builders_make() -> None:
    """``python -m sidecar.grafana.__main__`` writes it."""
    for path, text in build.files().items():
        assert (FILES / path).read_text() == text, f"{path}: python -m sidecar.grafana"
    committed = {str(p.relative_to(FILES)) for p in FILES.rglob("*.json")}
    assert committed == set(build.files())


@pytest.mark.parametrize("name", NAMES)
def test_the_sdk_knows_every_word_of_it(name: str) -> None:
    """What a round trip loses is misspelt, what has another type is wrong."""
    assert faults(document(name)) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("refresh", 5),
        ("panels.0.gridPos.wdith", 5),
        ("panels.0.gridPos.w", "5"),
        ("panels.0.options.colorMode", 7),
        ("panels.0.options.colrMode", "value"),
        ("panels.8.options.calculate", "yes"),
        ("panels.8.fieldConfig.defaults.unit", 3),
        ("panels.8.fieldConfig.defaults.unti", "ns"),
        ("annotations.list.0.enable", "true"),
        ("annotations.list.0.colour", "red"),
        ("templating.list.0.multi", 1),
        ("templating.list.0.refresh", "sometimes"),
    ],
)
def test_what_is_wrong_is_seen(path: str, value: object) -> None:
    told = document("fast")
    *way, last = path.split(".")
    part: Any = told
    for step in way:
        part = part[int(step)] if isinstance(part, list) else part[step]
    part[last] = value
    assert faults(told) != []


@pytest.mark.parametrize("name", NAMES)
def test_a_dashboard_is_whole(name: str) -> None:
    told = document(name)
    assert told["uid"] == f"lonecore-{name}" and told["title"].endswith("?")
    titles = [panel["title"] for panel in told["panels"]]
    assert len(set(titles)) == len(titles) >= 8
    for panel in told["panels"]:
        assert panel["description"].endswith("."), panel["title"]
        assert panel["datasource"]["uid"] == influx_query.DATA_SOURCE_UID
        assert panel["gridPos"]["w"] in (panels.QUARTER, panels.THIRD, panels.HALF, panels.WHOLE)
    grid = [panel["gridPos"] for panel in told["panels"]]
    assert len({(one["x"], one["y"]) for one in grid}) == len(grid)
    assert all(one["x"] + one["w"] <= panels.WHOLE for one in grid)


def test_queries_keep_to_what_every_server_knows() -> None:
    for where, text in queries():
        assert not re.search(r"\b(INTO|SLIMIT|SOFFSET|INTEGRAL|CARDINALITY)\b", text), where
        assert text.count(" FROM ") == 1 and "(SELECT" not in text, where


def test_rules_say_what_to_do() -> None:
    (group,) = alert_rules.provisioning()["groups"]
    assert len({rule["uid"] for rule in group["rules"]}) == len(alert_rules.RULES) == 7
    for rule in group["rules"]:
        assert [step["refId"] for step in rule["data"]] == ["A", "B", "C"]
        assert rule["annotations"]["description"].endswith(".")
        (condition,) = rule["data"][2]["model"]["conditions"]
        assert condition["evaluator"]["params"][0] > 0


def begun(folder: Path) -> Run:
    """The run that the rest is about; it was another one before."""
    run = Run(folder, "live", symbols=("BTCUSDT",))
    run.region.set_process(trading_state=TradingState.ACTIVE)
    run.region.set_limits([("gross_max", 1, 2), ("clock_offset_max_ms", 1, 9)])
    status = run.region.telemetry.status[0]
    status.bid_ticks, status.ask_ticks, status.mark_ticks, status.position_lots = 5, 6, 5, 7
    for state in (TradingState.REDUCE_ONLY, TradingState.HALTED):
        run.event(0, time.time_ns(), EventKind.TRADING_STATE, observed=state)
    return run


@pytest.fixture(scope="module")
def filled(influxd_binary: Path, tmp_path_factory: pytest.TempPathFactory):
    """A database with a bit of everything in it, by the sidecar's own way."""
    folder = tmp_path_factory.mktemp("grafana")
    server = Influxd(influxd_binary, folder)
    run = Run(folder, "live", symbols=("BTCUSDT",), strategy="older")
    spool = Spool(folder / "spool", 1 << 30)
    sender = Sender(spool, Target(server.url, "lonecore", api="v1").transport(), 1)
    sampler = Sampler(spool, sender, directory=folder)
    sampler.step(time.time_ns() - 30 * S)
    run.end()
    run = begun(folder)
    for n in range(3):
        for counter in (Counter.ORDERS_SENT, Counter.BACKLOG, Counter.CONFLATED):
            run.count(counter, 1)
        run.region.telemetry.counters[REJECT_BASE + Reject.POSITION, 0] += 1
        for stage in Stage:
            run.stage(stage, 100 * (n + 1), 5)
        run.event(n, time.time_ns(), EventKind.FILL)
        run.beat(time.time_ns())
        spool.note_damage(next(iter(spool.streams)), Position(1, n), 5)
        sampler.step(time.time_ns() - (20 - 10 * n) * S)
        while sender.step():
            pass
    assert sender.is_done() and sender.sent.quarantined_n == 0
    yield server
    sampler.close()
    spool.close()
    run.end()
    server.stop()


@pytest.mark.parametrize(("where", "text"), queries(), ids=[where for where, _ in queries()])
def test_each_query_finds_something(filled: Influxd, where: str, text: str) -> None:
    rows = filled.query(expanded(text))
    assert rows, f"{where}: {expanded(text)}"


def test_a_heat_map_has_numbers_for_names_and_counts_that_add_up(filled: Influxd) -> None:
    panel = next(p for p in panels_of("fast") if p["title"] == "gate")
    (target,) = panel["targets"]
    assert target["alias"] == "$tag_le" and panel["options"]["calculate"] is False
    rows = filled.query(expanded(target["query"]))
    assert all(float(row["le"]) > 0 for row in rows)
    assert sum(row["sum"] or 0 for row in rows) == 15


def test_a_deploy_says_from_what_to_what(filled: Influxd) -> None:
    (deploy,) = filled.query("SELECT text FROM lc_mark WHERE kind = 'deploy'")
    (_, second) = filled.query("SELECT text FROM lc_mark WHERE kind = 'start'")
    before, _, build = deploy["text"].partition(" -> ")
    assert before.endswith(" older") and build.endswith(" s") and second["text"] == build
    assert deploy["time"] == second["time"]


def test_influxd_knows_what_a_line_says(filled: Influxd) -> None:
    """The server as the oracle of the line protocol."""
    hard = {"a": 'q"u', "b": "x y,z=1", "c": "é中"}
    fields = {"i": -(2**63) + 1, "f": 0.1, "whole": 3.0, "t": True, "s": 'say "so", a=b'}
    made = line(head("lc_hard", hard), fields, 1_700_000_000_000_000_001)
    answer = Target(filled.url, "lonecore", api="v1").transport().write(made)
    assert answer.said == ""
    (row,) = filled.query("SELECT * FROM lc_hard")
    tags = {"a": "q_u", "b": hard["b"], "c": hard["c"]}
    assert row == {"time": 1_700_000_000_000_000_001, **fields, **tags}
