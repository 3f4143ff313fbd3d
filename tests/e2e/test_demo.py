"""``appliance demo``: in real time, so a session of each kind is run once or twice only."""

import json
from pathlib import Path

import pytest

from tests.e2e.conftest import Appliance, Report
from tests.e2e.test_replay import PURE, facts


def demo(appliance: Appliance, report: Path, *arguments: object) -> Report:
    done = appliance("demo", "--seconds", 2, "--json", "--report", report, *arguments)
    assert done.code == 0 and done.err == ""
    assert report.read_text() == done.out
    return done.report


def test_the_same_seed_gives_the_same_session(appliance: Appliance, tmp_path: Path) -> None:
    first, again = (demo(appliance, tmp_path / name, "--seed", 5) for name in ("1", "2"))
    traded = ("frames", "decoded", "orders", "cancels", "fills", "rejects", "position", "pnl")
    assert {key: first[key] for key in traded} == {key: again[key] for key in traded}
    assert first["seed"] == 5 and first["orders"] > 0
    assert first["start"] == "warm"
    # Memory of the process grows: the feeder and the console work beside the loop.
    assert first["purity"] | {"rss_growth_bytes": 0} == PURE
    other = demo(appliance, tmp_path / "3", "--seed", 6, "--market", "usdm")
    assert facts(other)["position"] != first["position"]
    assert other["decoded"]["agg_trade"] > 0


def test_a_recording_for_people(appliance: Appliance, session_file: Path) -> None:
    """Its first two seconds; the report lies in the working directory."""
    done = appliance("demo", session_file, "--seconds", 1.5)
    assert done.code == 0 and done.err == ""
    assert "frames in" in done.out and "BTCUSDT" in done.out and "report:" in done.out
    report = json.loads((appliance.folder / "lonecore-demo.json").read_text())
    assert 2000 < report["frames"] < 5000


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--seconds", "0"], ["--seconds 0", "1 to 3600"]),
        (["--seconds", "nan"], ["--seconds nan"]),
        (["--report", "no/such/folder/report.json"], ["--report", "no such folder"]),
        (["missing.gz"], ["missing.gz", "does not exist"]),
        (["--strategy", "magic"], ["no strategy 'magic'", "market_maker"]),
        (["--params", "magic=1"], ["no parameter 'magic'", "quote_lots"]),
    ],
)
def test_a_wrong_request(appliance: Appliance, arguments: list[str], words: list[str]) -> None:
    appliance("demo", *arguments).refused(*words)
