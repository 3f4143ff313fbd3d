"""``appliance demo``: venue, trading process, console and record (appliance.cold.demo_sidecar)."""

import json
from pathlib import Path

import pytest

from tests.e2e.conftest import Appliance
from tests.e2e.test_replay import PURE


@pytest.mark.parametrize("market", ["spot", "usdm"])
def test_real_orders_over_real_sockets(
    live_appliance: Appliance, tmp_path: Path, market: str
) -> None:
    path = tmp_path / "report.json"
    done = live_appliance(
        "demo", "--seconds", 4, "--json", "--report", path, "--market", market, "--seed", 5
    )
    assert done.code == 0 and done.err == "", done.err
    assert path.read_text() == done.out
    report = done.report
    assert report["orders"] > 0 and report["fills"] > 0 and report["start"] == "warm"
    assert report["venue"]["agrees"] and report["venue"]["open_orders"] == 0
    assert report["session"]["live_orders"] == 0
    record = report["record"]
    assert (record["orders"], record["fills"]) == (report["orders"], report["fills"])
    assert record["points"] > 100 and Path(record["folder"]) == path.with_suffix(".record")
    assert (record["frames"], record["lost_frames"]) == (report["frames"], 0)
    # Memory of the process grows: the session and the console work beside the loop.
    assert report["purity"] | {"rss_growth_bytes": 0} == PURE


def test_a_recording_for_people(live_appliance: Appliance, session_file: Path) -> None:
    """Played by the venue in recorded time; the report lies in the working directory."""
    done = live_appliance("demo", session_file, "--seconds", 4)
    assert done.code == 0 and done.err == "", done.err
    assert "BTCUSDT" in done.out and "the venue agrees" in done.out and "report:" in done.out
    assert "recorded: " in done.out and "sidecar query --spool lonecore-demo.record" in done.out
    report = json.loads((live_appliance.folder / "lonecore-demo.json").read_text())
    assert report["frames"] > 500 and report["quarantined"] == 0
    recordings = Path(live_appliance.folder / report["record"]["recordings"])
    again = live_appliance.replay(*sorted(recordings.glob("*/*/*.gz")))
    assert again["frames"] == report["frames"] and again["quarantined"] == 0


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
def test_a_wrong_request(live_appliance: Appliance, arguments: list[str], words: list[str]) -> None:
    live_appliance("demo", *arguments).refused(*words)
