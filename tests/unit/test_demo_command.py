"""Pieces of ``appliance demo``; the whole of it runs in tests/e2e/test_demo.py."""

import argparse
import os
from decimal import Decimal
from pathlib import Path

import pytest

from appliance.cold import demo_command
from appliance.cold.demo_venue import DemoVenue
from appliance.cold.errors import ApplianceError


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    demo_command.add_parser(parser.add_subparsers())
    return parser.parse_args(["demo", *arguments])


def test_a_newcomer_needs_no_option() -> None:
    args = parsed()
    assert args.file is None and args.strategy == "market_maker"
    assert 1 <= args.seconds <= 60
    assert args.run is demo_command.run


@pytest.mark.parametrize("seconds", ["0", "-1", "3601", "nan", "inf"])
def test_no_such_time(seconds: str) -> None:
    with pytest.raises(ApplianceError, match="--seconds"):
        demo_command.run(parsed(f"--seconds={seconds}"))


def test_a_report_needs_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ApplianceError, match="no such folder"):
        demo_command.run(parsed("--report", str(tmp_path / "no" / "report.json")))


def test_what_the_venue_is_asked_for() -> None:
    options = demo_command._venue_options(parsed("--seed", "7", "--market", "usdm"))
    assert options == ["--market", "usdm", "--seed", "7", "--symbols", "BTCUSDT,ETHUSDT"]
    assert demo_command._venue_options(parsed("day.gz")) == ["--recording", "day.gz", "--repeat"]


def test_both_must_agree_on_everything() -> None:
    ours = {"position": {"BTCUSDT": {"quantity": "0.5"}, "ETHUSDT": {"quantity": "0"}}}
    half = Decimal("0.50")
    assert demo_command._agreement(ours, {"BTCUSDT": half}, 0) == {
        "positions": {"BTCUSDT": "0.5"},
        "open_orders": 0,
        "agrees": True,
    }
    assert not demo_command._agreement(ours, {"BTCUSDT": half}, 1)["agrees"]
    assert not demo_command._agreement(ours, {"BTCUSDT": -half}, 0)["agrees"]
    assert not demo_command._agreement(ours, {}, 0)["agrees"]


def test_a_venue_that_does_not_start_says_why(tmp_path: Path) -> None:
    with (
        pytest.raises(ApplianceError, match=r"the venue: --port 70000: a port is 0 to 65535"),
        DemoVenue(tmp_path, ["--port", "70000"]),
    ):
        pass


def test_ctrl_c_while_the_venue_starts_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: DemoVenue) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(DemoVenue, "_hear", interrupted)
    venue = DemoVenue(tmp_path, ["--market", "spot", "--symbols", "BTCUSDT"])
    with pytest.raises(KeyboardInterrupt), venue:
        pass
    with pytest.raises(ProcessLookupError):
        os.kill(venue._process.pid, 0)


def test_a_proxy_is_not_asked_for_a_venue_on_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with DemoVenue(tmp_path, ["--market", "spot", "--symbols", "BTCUSDT"]) as venue:
        assert venue.truth("spot") == ({}, 0)


def test_a_strategy_that_no_file_can_be(tmp_path: Path) -> None:
    with pytest.raises(ApplianceError, match="--strategy: File name too long"):
        demo_command.run(parsed("--strategy", "x" * 300, "--report", str(tmp_path / "r.json")))


def test_the_venue_ends_with_the_demo(tmp_path: Path) -> None:
    with DemoVenue(tmp_path, ["--market", "spot", "--symbols", "BTCUSDT"]) as venue:
        assert venue.truth("spot") == ({}, 0)
        pid = venue._process.pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
