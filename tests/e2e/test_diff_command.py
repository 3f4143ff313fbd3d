"""A live session, recorded, and its backtest (appliance.cold.diff_command,
appliance.cold.diff.live_course, appliance.cold.diff.replayed, appliance.cold.diff.answers)."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from appliance.abi.market import Market
from tests.e2e.conftest import Appliance, Done
from tests.e2e.test_recording import recording_sidecar
from tests.live.run_file import run_name, write_run
from tests.live.venue_process import VenueProcess

SECONDS = 8


class Session(NamedTuple):
    appliance: Appliance
    config: Path
    recording: list[Path]
    report: dict[str, Any]

    def diff(self, *more: object, code: int | None = None, config: Path | None = None) -> Done:
        words = ("diff", config or self.config, *self.recording, *more)
        done = self.appliance(*words, timeout_s=280)
        assert done.code == code if code is not None else done.code in (0, 1), done.err[-2000:]
        assert "Traceback" not in done.err
        return done


@pytest.fixture(scope="module")
def session(live_appliance: Appliance, tmp_path_factory: pytest.TempPathFactory) -> Session:
    folder = tmp_path_factory.mktemp("session")
    with VenueProcess(folder, "--market", "usdm", "--seed", "5") as venue:
        name = run_name(venue.ready["port"])
        config = write_run(folder, venue.ready, Market.USDM)
        with recording_sidecar(name, folder / "spool"):
            done = live_appliance("run", config, "--seconds", SECONDS, "--json")
        assert done.code == 0, done.err[-3000:]
    found = sorted((folder / "spool" / "recordings" / name / "usdm").glob("*usdt*.gz"))
    assert len(found) == 2
    return Session(live_appliance, config, found, done.report)


def test_live_decided_what_the_backtest_decides(session: Session) -> None:
    told = session.diff("--json").report
    assert told["live"]["decisions"] > 50 and told["live"]["fills"] > 5
    assert told["live"]["decisions"] == session.report["orders"] + session.report["cancels"]
    assert sum(told["causes"].values()) == told["different"] == len(told["differences"])
    assert told["backtest"]["fills"] == told["live"]["fills"], "it is told live's own"
    # A loop that is behind shows its strategy less than there is, as a busy machine's may be.
    assert told["same"] >= 0.5 * told["live"]["decisions"], told["causes"]
    few = max(2, told["live"]["decisions"] // 20)
    assert told["causes"].get("strategy", 0) <= few, told["differences"][:5]


def test_another_parameter_is_found_out(session: Session) -> None:
    changed = session.config.with_name("changed.toml")
    text = session.config.read_text()
    assert "[strategy]\n" in text
    changed.write_text(text.replace("[strategy]\n", "[strategy]\nparams = {quote_lots = 11}\n"))
    told = session.diff("--json", code=1, config=changed).report
    assert told["same"] < 0.2 * told["live"]["decisions"]
    first = told["differences"][0]
    assert first["cause"] == "strategy" and {first["quantity_lots"]} <= {10, 11}
    shown = session.diff(config=changed, code=1).out
    assert "its source, parameters or limits differ" in shown and " are not" in shown


def test_with_fills_of_the_simulated_venue(session: Session) -> None:
    told = session.diff("--free", "--json").report
    again = session.diff("--free", "--json").report
    assert told == again, "nothing of it is chance"
    assert told["backtest"]["fills"] > 0
    if told["different"]:
        assert {one["by"] for one in told["differences"]} <= {"live", "backtest"}


def test_bad_requests(session: Session, tmp_path: Path) -> None:
    session.diff("--session", "7", code=2).refused("session 7: there are 1")
    session.diff("--within", "x", code=2).refused("--within x: not a number")
    none = tmp_path / "none.journal"
    session.diff("--journal", none, code=2).refused("cannot open the journal", "No such file")
    one = session._replace(recording=session.recording[:1])
    one.diff(code=2).refused("ETHUSDT")
    paper = session.config.with_name("paper.toml")
    lines = [x for x in session.config.read_text().splitlines() if not x.startswith("folder")]
    paper.write_text("\n".join(lines).replace('"live"', '"paper"').replace("testnet = true", ""))
    session.diff(config=paper, code=2).refused("it names no journal.folder: give --journal")
    assert json.loads(session.diff("--json").out)
